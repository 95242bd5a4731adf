"""Model cards of each task: the values of a card; its text is in the template of the same name.

Each is made of the `record` of a run, see `run_setup.record_run`.
"""

from collections.abc import Sequence

from ..scoring.decisions import Rule
from ..scoring.score_names import scores_of, shown_in
from .model_card import model_card


def ner_card(record: dict, *, types: Sequence[str], table: dict[str, dict]) -> str:
    """Model card of an entity tagger.

    Args:
        types: entity types, sorted.
        table: per-class table of the validation set, see `EntityF1`.
    """
    arguments = record["arguments"]
    stock = arguments["head"] == "softmax" and arguments["layers"] == "last" and not arguments["lstm_hidden"]
    spans = arguments["head"] == "span"
    return model_card(
        "ner_card",
        record,
        task="token-classification",
        tags=["named-entity-recognition", arguments["head"]],
        metrics=("f1", "precision", "recall"),
        auto="AutoModel" if spans else "AutoModelForTokenClassification",
        stock=stock,
        # The stock pipeline reads only B- and I- tags, and decides each token by itself.
        piped=not stock or (arguments["scheme"] == "bio" and not arguments["constrained_decoding"]),
        types=types,
        rows=table,
    )


def text_card(record: dict, *, rule: Rule, report: dict) -> str:
    """Model card of a model for whole texts.

    Args:
        rule: how its outputs become what it predicts.
        report: report of the validation set, with its `scores`, see `ClassEvaluator.report`.
    """
    arguments = record["arguments"]
    windows = arguments.get("long_texts") == "windows"
    return model_card(
        f"{rule.scored}_card",
        record,
        task="text-classification",
        tags=["text-classification", *rule.tags, f"pooling-{arguments['pooling']}"],
        metrics=[name for name in scores_of(rule.scored) if name in shown_in("card")],
        auto="AutoModelForSequenceClassification",
        stock=arguments["pooling"] == "cls" and arguments["layers"] == "last" and not windows,
        windows=windows,
        report=report,
    )


def cloze_card(record: dict, *, report: dict, spans: bool) -> str:
    """Model card of a cloze classifier.

    Args:
        report: report of each labelled split; may be empty after few-shot training.
        spans: whether it is asked about spans, to find entities.
    """
    task = "token-classification" if spans else "text-classification"
    return model_card(
        "cloze_card",
        record,
        task=task,
        tags=[task, "prompt", "cloze"],
        metrics=("f1", "precision", "recall") if spans else ("accuracy", "f1", "macro_f1", "mcc"),
        auto="AutoModelForSequenceClassification",
        stock=False,
        piped=not spans,
        report=report,
        spans=spans,
    )


def masked_card(record: dict) -> str:
    """Model card of a masked-language model."""
    results, names = record["results"], ("loss", "perplexity", "accuracy")
    return model_card(
        "masked_card",
        record,
        task="fill-mask",
        tags=["fill-mask", "masked-lm", f"masking-{record['arguments']['masking']}"],
        metrics=names,
        auto="AutoModelForMaskedLM",
        stock=True,
        scores={name: results[f"eval_{name}"] for name in names} if "eval_loss" in results else {},
    )


def answer_card(record: dict, *, language: str) -> str:
    """Model card of a model for answers in passages; `language`, `zh` or `en`, chooses the measure."""
    shown = ("exact_match", "f1", "average", "threshold")
    scores = {name: value for name, value in record["results"].items() if name.startswith("eval_")}
    return model_card(
        "answer_card",
        record,
        task="question-answering",
        tags=["question-answering", "extractive-question-answering", language],
        metrics=("f1", "exact_match"),
        auto="AutoModelForQuestionAnswering",
        stock=True,
        piped=False,
        language=language,
        scores={name.removeprefix("eval_"): value for name, value in scores.items() if name.endswith(shown)},
    )
