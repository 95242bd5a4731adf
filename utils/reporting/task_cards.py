"""Model cards of taggers, classifiers, regressions, cloze classifiers and masked-language models."""

from collections.abc import Sequence

from ..data.private_words import hide_folders
from .model_card import load_code, model_card, pipeline_code, plain_markdown, table_rows

UNTESTED = "One run with one seed. Texts unlike the training data, and {} that it does not have, were not tested."


def ner_card(record: dict, *, types: Sequence[str], table: dict[str, dict]) -> str:
    """Model card of an entity tagger.

    Args:
        record: what `describe_run` gives.
        types: entity types, sorted.
        table: per-class table of the validation set, see `EntityF1`.
    """
    arguments = record["arguments"]
    stock = arguments["head"] == "softmax" and arguments["layers"] == "last" and not arguments["lstm_hidden"]
    spans = arguments["head"] == "span"
    head, encoder = arguments["head"], hide_folders(arguments["model_name_or_path"])
    answer = "logits.argmax(-1)" if stock else "spans" if spans else "tags"
    meaning = "first token, last token, type" if spans else "ids of tags, by token"
    pipe = pipeline_code(record, None, "[{entity_group, score, word, start, end}, ...]: characters, end exclusive")
    if stock:  # the stock pipeline reads B- and I- alone, and decides each token for itself
        simple = 'aggregation_strategy="simple"'
        plain = arguments["scheme"] == "bio" and not arguments["constrained_decoding"]
        told = "[{entity_group, score, start, end, ...}, ...]; cuts texts that are too long for the encoder"
        pipe = pipeline_code(record, "token-classification", told, simple) if plain else ""
    return model_card(
        record,
        task="token-classification",
        tags=["named-entity-recognition", arguments["head"]],
        metrics=("f1", "precision", "recall"),
        summary=f"Finds {', '.join(map(plain_markdown, types))} in text. `{head}` head on `{encoder}`.",
        promise="which gives exact character spans for texts of any length",
        loading=pipe
        + load_code(record, "AutoModel" if spans else "AutoModelForTokenClassification", stock=stock)
        + f"""
    found = model(**tokenizer(text, return_tensors="pt")).{answer}  # {meaning}""",
        scores="Strict: start, end and type must be right. Validation data, the epoch chosen on it.\n\n"
        + table_rows("type", table),
        limits=UNTESTED.format("types"),
    )


def class_card(record: dict, *, report: dict) -> str:
    """Model card of a text classifier.

    Args:
        record: what `describe_run` gives.
        report: of the validation set, see `ClassEvaluator.report`.
    """
    arguments, labels = record["arguments"], report["labels"]
    encoder = hide_folders(arguments["model_name_or_path"])
    stock = arguments["pooling"] == "cls" and arguments["layers"] == "last"
    shown = ", ".join(map(plain_markdown, labels[:20])) + (f" and {len(labels) - 20} more" if len(labels) > 20 else "")
    told = "[{label, score}]" + ("; without the temperature of config.json" if stock else "; calibrated")
    told += '; pairs as {"text": ..., "text_pair": ...}'
    scores = ", ".join(f"{name} {value:.4f}" for name, value in report["scores"].items())
    return model_card(
        record,
        task="text-classification",
        tags=["text-classification", f"pooling-{arguments['pooling']}"],
        metrics=("accuracy", "f1", "macro_f1", "mcc"),
        summary=f"Tells {shown} apart. Pooling `{arguments['pooling']}` on `{encoder}`.",
        promise="which prepares texts as in training and applies the stored temperature and thresholds",
        loading=pipeline_code(record, "text-classification" if stock else None, told)
        + load_code(record, "AutoModelForSequenceClassification", stock=stock)
        + """
    logits = model(**tokenizer(text, return_tensors="pt")).logits  # model.config.decision: how they become labels""",
        scores="Validation data; epoch, temperature and thresholds were chosen on it.\n\n"
        + f"{scores}\n\n{_about(report)}{table_rows('class', report['table'])}",
        limits=UNTESTED.format("classes"),
    )


def score_card(record: dict, *, report: dict) -> str:
    """Model card of a regression.

    Args:
        record: what `describe_run` gives.
        report: of the validation set, with its `scores`.
    """
    arguments = record["arguments"]
    encoder = hide_folders(arguments["model_name_or_path"])
    stock = arguments["pooling"] == "cls" and arguments["layers"] == "last"
    told = '[{label, score}]: the score is the number; pairs as {"text": ..., "text_pair": ...}'
    return model_card(
        record,
        task="text-classification",
        tags=["text-classification", "regression", f"pooling-{arguments['pooling']}"],
        metrics=("pearson", "spearman", "mae", "mse"),
        summary=f"Tells a score of each text or pair (regression). Pooling `{arguments['pooling']}` on `{encoder}`.",
        promise="which prepares texts as in training",
        loading=pipeline_code(record, "text-classification" if stock else None, told)
        + load_code(record, "AutoModelForSequenceClassification", stock=stock)
        + """
    score = model(**tokenizer(text, return_tensors="pt")).logits[0, 0]""",
        scores="Validation data; the epoch was chosen on it.\n\n"
        + ", ".join(f"{name} {value:.4f}" for name, value in report["scores"].items()),
        limits=UNTESTED.format("scores"),
    )


def _about(report: dict) -> str:
    """Whose scores they are, of two classes."""
    about = report.get("about")
    return f"{plain_markdown(about[:1].upper() + about[1:])}.\n\n" if about else ""


def cloze_card(record: dict, *, report: dict, spans: bool) -> str:
    """Model card of a cloze classifier.

    Args:
        record: what `describe_run` gives.
        report: of each labelled split, see `prompt_tasks.Answers`; may be empty after few-shot training.
        spans: whether it is asked about spans, which may be entities.
    """
    arguments = record["arguments"]
    scores = "Not scored: neither validation nor test data was given."
    if report:
        split, found = next(iter(report.items()))
        shown = ", ".join(f"{name} {value:.4f}" for name, value in found["scores"].items())
        rows = table_rows("type" if spans else "class", found["table"])
        scores = f"{split.capitalize()} data.\n\n{shown}\n\n{_about(found)}{rows}"
    task, what = ("token-classification", "types") if spans else ("text-classification", "classes")
    promise = "which writes texts into the template as in training and applies the stored temperature"
    if spans:
        promise = "which asks about the candidate spans of texts and applies the stored threshold"
    return model_card(
        record,
        task=task,
        tags=[task, "prompt", "cloze"],
        metrics=("f1", "precision", "recall") if spans else ("accuracy", "f1", "macro_f1", "mcc"),
        summary=f"Fills the blank of `{arguments['template'][0]}` with words that stand for {what}. "
        f"Tuned from `{hide_folders(arguments['model_name_or_path'])}`.",
        promise=promise,
        loading=("" if spans else pipeline_code(record, None, "[{label, score}], by the template; calibrated"))
        + load_code(record, "AutoModelForSequenceClassification", stock=False)
        + """
    # inputs: the template with a mask for each token of the label words, see model.config.template and .words""",
        scores=scores,
        limits=UNTESTED.format(what),
    )


def masked_card(record: dict) -> str:
    """Model card of a masked-language model.

    Args:
        record: what `describe_run` gives.
    """
    arguments, results = record["arguments"], record["results"]
    hidden = {"token": "single tokens", "whole_word": "whole words", "ngram": "runs of 1 to 4 words"}
    origin = hide_folders(arguments["model_name_or_path"])
    begun = f"Trained on from `{origin}`" if origin else "Trained from nothing"
    scores = "Not scored: there was no validation data."
    if "eval_loss" in results:
        shown = ", ".join(f"{name} {results[f'eval_{name}']:.4f}" for name in ("loss", "perplexity", "accuracy"))
        scores = f"Hidden tokens of the validation data, on which the checkpoint was chosen: {shown}."
    return model_card(
        record,
        task="fill-mask",
        tags=["fill-mask", "masked-lm", f"masking-{arguments['masking']}"],
        metrics=("loss", "perplexity", "accuracy"),
        summary=f"Guesses hidden words. {begun}, on sequences of {arguments['max_length']} sub-tokens with "
        f"{arguments['mlm_probability']:.0%} hidden, {hidden[arguments['masking']]}.",
        promise=None,
        loading=pipeline_code(record, "fill-mask", "words for the blank, with their probabilities", blank=True)
        + load_code(record, "AutoModelForMaskedLM", stock=True)
        + """
    logits = model(**tokenizer(text, return_tensors="pt")).logits  # (1, length, vocabulary)""",
        scores=scores,
        limits="One run with one seed. It has learnt whatever its texts say, right or wrong, and was not tested "
        "for bias.",
    )
