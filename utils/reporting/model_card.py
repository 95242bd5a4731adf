"""The README.md of a trained model: metadata for the Hub, then the text of `templates/model_card.md.jinja`."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from ..data.private_words import hide_folders, hide_texts
from ..scoring.score_names import SPLITS
from .example_inputs import EXAMPLES
from .jinja_templates import CARDS

MERGED = ("lora", "bitfit", "layernorm", "ia3")  # adapters that can be merged into the weights


def model_card(
    name: str,
    record: dict,
    *,
    task: str,
    tags: Sequence[str],
    metrics: Sequence[str],
    auto: str,
    stock: bool,
    piped: bool = True,
    example: str = "entities",
    **shown: Any,
) -> str:
    """A model card in the form that the Hub reads.

    Args:
        name: name of its template, which says what the model does, how it was scored and what was not tested.
        record: the record of the run, see `record_run`.
        task: the Hub's name of the task.
        tags: further tags.
        metrics: names of the scores that go into the front matter.
        auto: name of the Auto class that loads it.
        stock: whether transformers has the model's class; other models bring their code along.
        piped: whether a pipeline gives what the model was trained for.
        example: what the sentence of the examples is for, see `EXAMPLES`.
        shown: further values for the template.
    """
    arguments = record["arguments"]
    adapter, base = arguments.get("adapter", "none"), arguments["model_name_or_path"]
    path = arguments.get("hub_model_id") or hide_folders(arguments["output_dir"])
    title = path.rstrip("/").rpartition("/")[2]
    published = [each for each in [arguments["dataset_name"]] if each and not Path(each).exists()]
    results = _results(record, task, metrics, dataset_type=published[0] if published else "custom")
    front = ModelCardData(
        language=record.get("language") or None,
        license=arguments.get("hub_license") or None,
        datasets=published or None,
        base_model=None if not base or Path(base).exists() else base,  # the Hub would look for a folder's name
        library_name="transformers" if adapter == "none" else "peft",
        pipeline_tag=task,
        tags=list(tags),
        model_name=title if results else None,
        eval_results=results or None,
    )
    return CARDS.get_template(f"{name}.md.jinja").render(
        front=front.to_yaml(),
        title=title,
        path=path,
        record=record,
        arguments=arguments,
        encoder=hide_folders(base),
        command=shlex.join(["python", *hide_folders(hide_texts(record["argv"]))]),
        example=EXAMPLES[example]["zh" if record.get("language") == "zh" else "en"][0],
        adapter=adapter,
        mergeable=adapter in MERGED,
        task=task,
        auto=auto,
        stock=stock,
        piped=piped,
        **shown,
    )


def _results(record: dict, task: str, metrics: Sequence[str], *, dataset_type: str) -> list[EvalResult]:
    """Scores of validation and test, as far as the run has them."""
    arguments, results = record["arguments"], record["results"]
    read = arguments["train_file"] if isinstance(arguments["train_file"], list) else [arguments["train_file"]]
    trained_on = arguments["dataset_name"] or ", ".join(path.rstrip("/").rpartition("/")[2] for path in read)
    return [
        EvalResult(
            task_type=task,
            dataset_type=dataset_type,
            dataset_name=trained_on,
            metric_type=name,
            metric_name=f"{split} {name}",
            metric_value=round(results[f"{key}_{name}"], 4),
        )
        for key, split in SPLITS.items()
        for name in metrics
        if f"{key}_{name}" in results
    ]
