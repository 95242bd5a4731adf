"""The README.md of a trained model."""

from collections.abc import Sequence

import yaml


def ner_card(record: dict, *, types: Sequence[str], table: dict[str, dict]) -> str:
    """Model card of an entity tagger.

    Args:
        record: what `describe_run` gives.
        types: entity types, sorted.
        table: per-class table of the validation set, see `EntityF1`.
    """
    arguments, results = record["arguments"], record["results"]
    metrics = [
        {"type": name, "name": f"{split} {name}", "value": round(results[f"{key}_{name}"], 4)}
        for split, key in (("validation", "eval"), ("test", "test"))
        for name in ("f1", "precision", "recall")
        if f"{key}_{name}" in results
    ]
    dataset = {"name": arguments["dataset_name"] or arguments["train_file"].rpartition("/")[2], "type": "custom"}
    result = {"task": {"type": "token-classification"}, "dataset": dataset, "metrics": metrics}
    front = {
        "library_name": "transformers",
        "pipeline_tag": "token-classification",
        "tags": ["named-entity-recognition", arguments["head"]],
        "base_model": arguments["model_name_or_path"],
        "model-index": [{"name": arguments["output_dir"].rstrip("/").rpartition("/")[2], "results": [result]}],
    }
    rows = "\n".join(
        f"| {name} | {row['precision']:.4f} | {row['recall']:.4f} | {row['f1']:.4f} | {row['support']} |"
        for name, row in table.items()
    )
    data = "\n".join(f"- `{path.rpartition('/')[2]}`, sha256 `{digest}`" for path, digest in record["data"].items())
    return f"""---
{yaml.safe_dump(front, allow_unicode=True, sort_keys=False)}---

# {front["model-index"][0]["name"]}

Finds {", ".join(types)} in text. `{arguments["head"]}` head on `{arguments["model_name_or_path"]}`.

## Use

With [Weitiao](#command)'s `predict.py`, which gives exact character spans for texts of any length:

    python predict.py {arguments["output_dir"]} --text "..."

With transformers alone:

{_loading(arguments)}

## Scores

Strict: start, end and type must be right. Validation data, the epoch chosen on it.

| type | precision | recall | F1 | support |
|---|---|---|---|---|
{rows}

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

One run with one seed. Texts unlike the training data, and types that it does not have, were not tested.
"""


def _loading(arguments: dict) -> str:
    """Code that loads the model, right for its head."""
    stock = arguments["head"] == "softmax" and arguments["layers"] == "last" and not arguments["lstm_hidden"]
    auto = "AutoModel" if arguments["head"] == "span" else "AutoModelForTokenClassification"
    trust = "" if stock else ", trust_remote_code=True"
    answer = "logits.argmax(-1)" if stock else "spans" if arguments["head"] == "span" else "tags"
    meaning = "first token, last token, type" if arguments["head"] == "span" else "ids of tags, by token"
    return f"""    from transformers import {auto}, AutoTokenizer
    tokenizer = AutoTokenizer.from_pretrained(path{trust})
    model = {auto}.from_pretrained(path{trust}).eval()
    found = model(**tokenizer(text, return_tensors="pt")).{answer}  # {meaning}"""
