"""The README.md of a trained model."""

import html
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import yaml

from ..data.errors import printable
from ..data.private_words import hide_folders, hide_texts

NEWLINES = "\n\n"
MERGED = ("lora", "bitfit", "layernorm", "ia3")  # adapters that are changes of weights
EXAMPLES = {"zh": "张伟在北京大学教书。", "en": "Ann Lee teaches at Oxford."}


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
        loading: code that applies it with transformers alone, see `pipeline_code` and `load_code`.
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
    published = [name for name in [arguments["dataset_name"]] if name and not Path(name).exists()]
    dataset = {"name": trained_on, "type": published[0] if published else "custom"}
    result = {"task": {"type": task}, "dataset": dataset, "metrics": values}
    base = arguments["model_name_or_path"]
    chosen = {
        "language": record.get("language"),
        "license": arguments.get("hub_license"),
        "datasets": published,
        "base_model": None if not base or Path(base).exists() else base,  # the Hub would look for a folder's name
    }
    front = {
        **{name: value for name, value in chosen.items() if value},
        "library_name": "peft" if _adapter_use(record) else "transformers",
        "pipeline_tag": task,
        "tags": list(tags),
        "model-index": [{"name": _shown_path(record).rstrip("/").rpartition("/")[2], "results": [result]}],
    }
    data = "\n".join(f"- `{path.rpartition('/')[2]}`, sha256 `{digest}`" for path, digest in record["data"].items())
    serving = f"""With [Weitiao](#command)'s `predict.py`, {promise}:

    python predict.py {_shown_path(record)} --interactive

"""
    return f"""---
{yaml.safe_dump(front, allow_unicode=True, sort_keys=False)}---

# {front["model-index"][0]["name"]}

{summary}

## Use

{serving if promise else ""}{_adapter_use(record) or "With transformers alone:" + NEWLINES + loading}

## Scores

{scores}

## Training

{data or "- " + str(arguments["dataset_name"])}
- from `{hide_folders(base) or "nothing"}`; seed {record["seed"]}, {arguments["num_train_epochs"]} epochs,
  learning rate {arguments["learning_rate"]}, batch {arguments["per_device_train_batch_size"]} x \
{arguments["gradient_accumulation_steps"]}
- {", ".join(f"{name} {number}" for name, number in record["versions"].items())}
- {record["hardware"]["processor"]}, {record["wall_time_seconds"]} s

### Command

    {shlex.join(["python", *hide_folders(hide_texts(record["argv"]))])}

`run.json` has every argument.

## Limits

{limits}
"""


def load_code(record: dict, auto: str, *, stock: bool) -> str:
    """Lines of Python that load a model of this Auto class; one that is not stock brings code along.

    Args:
        record: what `describe_run` gives.
        auto: name of the Auto class.
        stock: whether transformers has the model's class.
    """
    trust = "" if stock else ", trust_remote_code=True"
    return f"""    from transformers import {auto}, AutoTokenizer
    path = "{_shown_path(record)}"
    tokenizer = AutoTokenizer.from_pretrained(path{trust})
    model = {auto}.from_pretrained(path{trust}).eval()
    text = "{_example(record)}\""""


def pipeline_code(record: dict, task: str | None, told: str, option: str = "", *, blank: bool = False) -> str:
    """Lines of Python that apply a model's pipeline, with an empty line behind.

    Args:
        record: what `describe_run` gives.
        task: of a stock pipeline; None for the one that the model brings along.
        told: what it gives.
        option: of the pipeline, as it is written.
        blank: the example has a place to be filled in.
    """
    words = [f'"{task}"'] if task else []
    words += ["model=path", *([option] if option else []), *([] if task else ["trust_remote_code=True"])]
    text = _example(record)
    text = f'f"{text[:-1]}{{apply.tokenizer.mask_token}}{text[-1]}"' if blank else f'"{text}"'
    return f"""    from transformers import pipeline
    path = "{_shown_path(record)}"
    apply = pipeline({", ".join(words)})
    apply({text})  # {told}

"""


def _adapter_use(record: dict) -> str:
    """How an adapter is used; empty for whole models."""
    arguments = record["arguments"]
    kind = arguments.get("adapter", "none")
    if kind == "none":
        return ""
    base = hide_folders(arguments["model_name_or_path"])
    text = f"This is an adapter (`{kind}`) with its head; `{base}` has the encoder."
    if kind in MERGED:
        text += f""" A whole model, which transformers loads alone:

    python predict.py {_shown_path(record)} --merge whole"""
    return text


def _shown_path(record: dict) -> str:
    arguments = record["arguments"]
    return arguments.get("hub_model_id") or hide_folders(arguments["output_dir"])


def _example(record: dict) -> str:
    return EXAMPLES.get(record.get("language"), EXAMPLES["en"])


def plain_markdown(text: str) -> str:
    """A label as it is read: no markup, no HTML, no further cell or line.

    Example:
        >>> plain_markdown("<b>a|b</b>")
        '&lt;b&gt;a\\\\|b&lt;/b&gt;'
    """
    line = " ".join(printable(text).split())
    return re.sub(r"([\\|`*\[\]])", r"\\\1", html.escape(line, quote=False))


def table_rows(what: str, table: dict[str, dict]) -> str:
    """A per-class table in Markdown."""
    lines = [f"| {what} | precision | recall | F1 | support |", "|---|---|---|---|---|"]
    lines += [
        f"| {name} | {row['precision']:.4f} | {row['recall']:.4f} | {row['f1']:.4f} | {row['support']} |"
        for name, row in ((plain_markdown(each), row) for each, row in table.items())
    ]
    return "\n".join(lines)
