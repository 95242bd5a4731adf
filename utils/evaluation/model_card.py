"""The README.md of a trained model."""

from collections.abc import Sequence

import yaml

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
    head, encoder = arguments["head"], arguments["model_name_or_path"]
    answer = "logits.argmax(-1)" if stock else "spans" if spans else "tags"
    meaning = "first token, last token, type" if spans else "ids of tags, by token"
    return model_card(
        record,
        task="token-classification",
        tags=["named-entity-recognition", arguments["head"]],
        metrics=("f1", "precision", "recall"),
        summary=f"Finds {', '.join(types)} in text. `{head}` head on `{encoder}`.",
        promise="which gives exact character spans for texts of any length",
        loading=load_code("AutoModel" if spans else "AutoModelForTokenClassification", stock=stock)
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
    stock = arguments["pooling"] == "cls" and arguments["layers"] == "last"
    shown = ", ".join(labels[:20]) + (f" and {len(labels) - 20} more" if len(labels) > 20 else "")
    scores = ", ".join(f"{name} {value:.4f}" for name, value in report["scores"].items())
    return model_card(
        record,
        task="text-classification",
        tags=["text-classification", f"pooling-{arguments['pooling']}"],
        metrics=("accuracy", "f1", "macro_f1", "mcc"),
        summary=f"Tells {shown} apart. Pooling `{arguments['pooling']}` on `{arguments['model_name_or_path']}`.",
        promise="which prepares texts as in training and applies the stored temperature and thresholds",
        loading=load_code("AutoModelForSequenceClassification", stock=stock)
        + """
    logits = model(**tokenizer(text, return_tensors="pt")).logits  # model.config.decision: how they become labels""",
        scores="Validation data; epoch, temperature and thresholds were chosen on it.\n\n"
        + f"{scores}\n\n{table_rows('class', report['table'])}",
        limits=UNTESTED.format("classes"),
    )


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
        scores = f"{split.capitalize()} data.\n\n{shown}\n\n{rows}"
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
        f"Tuned from `{arguments['model_name_or_path']}`.",
        promise=promise,
        loading=load_code("AutoModelForSequenceClassification", stock=False)
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
    origin = arguments["model_name_or_path"]
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
        loading=load_code("AutoModelForMaskedLM", stock=True)
        + """
    logits = model(**tokenizer(text, return_tensors="pt")).logits  # (1, length, vocabulary)""",
        scores=scores,
        limits="One run with one seed. It has learnt whatever its texts say, right or wrong, and was not tested "
        "for bias.",
    )


def model_card(
    record: dict,
    *,
    task: str,
    tags: Sequence[str],
    metrics: Sequence[str],
    summary: str,
    promise: str | None,
    loading: str,
    scores: str,
    limits: str,
) -> str:
    """A model card in the form that the Hub reads.

    Args:
        record: what `describe_run` gives.
        task: the Hub's name of the task.
        tags: further tags.
        metrics: names of the results that go into the front matter.
        summary: what the model does, a sentence or two.
        promise: what predict.py does for it, as a relative clause; None for a model that it does not serve.
        loading: code that applies it with transformers alone, see `load_code`.
        scores: text and table of its scores.
        limits: what was not tested.
    """
    arguments, results = record["arguments"], record["results"]
    values = [
        {"type": name, "name": f"{split} {name}", "value": round(results[f"{key}_{name}"], 4)}
        for split, key in (("validation", "eval"), ("test", "test"))
        for name in metrics
        if f"{key}_{name}" in results
    ]
    read = arguments["train_file"] if isinstance(arguments["train_file"], list) else [arguments["train_file"]]
    trained_on = arguments["dataset_name"] or ", ".join(path.rstrip("/").rpartition("/")[2] for path in read)
    dataset = {"name": trained_on, "type": "custom"}
    result = {"task": {"type": task}, "dataset": dataset, "metrics": values}
    front = {
        "library_name": "transformers",
        "pipeline_tag": task,
        "tags": list(tags),
        **({"base_model": arguments["model_name_or_path"]} if arguments["model_name_or_path"] else {}),
        "model-index": [{"name": arguments["output_dir"].rstrip("/").rpartition("/")[2], "results": [result]}],
    }
    data = "\n".join(f"- `{path.rpartition('/')[2]}`, sha256 `{digest}`" for path, digest in record["data"].items())
    serving = f"""With [Weitiao](#command)'s `predict.py`, {promise}:

    python predict.py {arguments["output_dir"]} --interactive

"""
    return f"""---
{yaml.safe_dump(front, allow_unicode=True, sort_keys=False)}---

# {front["model-index"][0]["name"]}

{summary}

## Use

{serving if promise else ""}With transformers alone:

{loading}

## Scores

{scores}

## Training

{data or "- " + str(arguments["dataset_name"])}
- seed {record["seed"]}, {arguments["num_train_epochs"]} epochs, learning rate {arguments["learning_rate"]}, batch
  {arguments["per_device_train_batch_size"]} x {arguments["gradient_accumulation_steps"]}
- {", ".join(f"{name} {number}" for name, number in record["versions"].items())}
- {record["hardware"]["processor"]}, {record["wall_time_seconds"]} s

### Command

    {" ".join(record["argv"])}

`run.json` has every argument.

## Limits

{limits}
"""


def load_code(auto: str, *, stock: bool) -> str:
    """Lines of Python that load a model of this Auto class; one that is not stock brings code along."""
    trust = "" if stock else ", trust_remote_code=True"
    return f"""    from transformers import {auto}, AutoTokenizer
    tokenizer = AutoTokenizer.from_pretrained(path{trust})
    model = {auto}.from_pretrained(path{trust}).eval()"""


def table_rows(what: str, table: dict[str, dict]) -> str:
    """A per-class table in Markdown."""
    lines = [f"| {what} | precision | recall | F1 | support |", "|---|---|---|---|---|"]
    lines += [
        f"| {name} | {row['precision']:.4f} | {row['recall']:.4f} | {row['f1']:.4f} | {row['support']} |"
        for name, row in table.items()
    ]
    return "\n".join(lines)
