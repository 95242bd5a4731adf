"""What a run shows to people: the pages that it writes, and the summary that it prints at its end."""

import shlex
from pathlib import Path

from transformers import TrainerState

from ..data.durations import describe_duration
from ..data.private_words import hide_folders
from ..scoring.score_names import SPLITS, shown_in
from .curves import draw_curves, has_lines, read_curves
from .report_page import report_page

MOST = 4  # scores of a split
FACTS = ("head", "pooling", "adapter", "template", "seed")  # arguments that the page names


def pages(record: dict, errors: dict[str, dict], state: TrainerState | None) -> dict[str, object]:
    """The files by name: `error_report.html` and `.json` if a split was scored, `curves.png` if there is a curve.

    Args:
        record: the record of the run, see `run_setup.record_run`.
        errors: the errors of each labelled split, see `error_report`.
        state: the trainer's state; None if nothing was trained.
    """
    curves, files = _curves(record, state), {}
    if errors:
        arguments = record["arguments"]
        facts = {"run": Path(arguments["output_dir"]).name, "script": Path(record["argv"][0]).name}
        facts["model"] = hide_folders(arguments["model_name_or_path"])
        for name in FACTS:
            if (value := arguments.get(name)) not in (None, "none", []):
                facts[name] = " | ".join(value) if isinstance(value, list) else value
        facts["started"] = record["started"].replace("T", " ").replace("Z", " UTC")
        report = {"run": facts, "splits": errors, "curves": curves}
        files = {"error_report.json": report, "error_report.html": report_page(report)}
    return files | ({"curves.png": draw_curves(curves)} if any(map(has_lines, curves["charts"])) else {})


def summarize_run(
    record: dict,
    errors: dict[str, dict],
    state: TrainerState | None,
    *,
    trained: str | Path | None = None,
    command: str | None = None,
) -> str:
    """The summary of a run: what was trained, the best epoch, scores, where it is saved, what to do next.

    Args:
        record, errors, state: see `pages`.
        trained: the directory for predict.py.
        command: the next command, if it is not predict.py.
    """
    arguments, results = record["arguments"], record["results"]
    model = arguments.get("model_name_or_path") or arguments.get("train_from_config")
    kind = [f"{name} {arguments[name]}" for name in ("head", "pooling", "adapter") if arguments.get(name)]
    lines = [("model", ", ".join([str(model), *(each for each in kind if not each.endswith(" none"))]))]
    if state is not None and state.log_history and "train_runtime" in results:
        epochs = f"{results.get('epoch', state.epoch or 0):.4g}"
        length = f"{state.global_step:,} steps, {epochs} epoch{'s' * (epochs != '1')}"
        lines.append(("trained", f"{length}, {describe_duration(results['train_runtime'])}"))
        curves = _curves(record, state)
        if curves["best"] is not None:
            metric = arguments["metric_for_best_model"].removeprefix("eval_")
            lines.append(("best", f"{curves['unit']} {curves['best']:g}, by {metric}"))
        elif not arguments.get("load_best_model_at_end", True):
            lines.append(("kept", "the last state, as no best one was to be loaded"))
    best = (arguments.get("metric_for_best_model") or "f1").removeprefix("eval_")
    names = shown_in("summary")
    for beginning, split in SPLITS.items():
        first = "accuracy" if _may_give_none(errors.get(split, {})) else best
        found = [name for name in dict.fromkeys([first, best, *names]) if f"{beginning}_{name}" in results][:MOST]
        if found:
            scores = "".join(f"{name} {results[f'{beginning}_{name}']:.4f}   " for name in found)
            rest = _describe_wrong(errors[split]) if split in errors else ""
            lines.append((split, f"{scores}{rest}".rstrip()))
    output_dir = Path(arguments["output_dir"])
    lines.append(("saved in", str(output_dir)))
    if arguments.get("test_file"):
        lines.append(("predictions", str(output_dir / "predictions.jsonl")))
    if errors:
        lines.append(("errors", str(output_dir / "error_report.html")))
    if trained is not None:
        command = command or f"python predict.py {shlex.quote(str(trained))} --interactive"
    if command:
        lines.append(("next", command))
    return "\n".join(f"{name:<12}{text}" for name, text in lines)


def _curves(record: dict, state: TrainerState | None) -> dict:
    metric = (record["arguments"].get("metric_for_best_model") or "loss").removeprefix("eval_")
    history, best = (state.log_history, state.best_global_step) if state else ([], None)
    if not record["arguments"].get("load_best_model_at_end", True):
        best = None  # the last state was kept
    return read_curves(history, metric=metric, best_step=best)


def _describe_wrong(errors: dict) -> str:
    """How many examples have an error; of a model that may give no answer, how many it answers, and how many right."""
    total = f"{errors['examples']:,}"
    if "mean_error" in errors:
        return f"on {total} texts"
    if not _may_give_none(errors):
        examples = "questions" if errors["kind"] == "answers" else "texts"
        return f"{errors['wrong']:,} of {total} {examples} have an error"
    wrong = errors["errors"]["texts"].get("wrong class", 0)
    right = errors["examples"] - errors["wrong"]
    return f"{right + wrong:,} of {total} answered, {right:,} of them right"


def _may_give_none(errors: dict) -> bool:
    """Whether the errors of a split are those of a model that may say that it does not know."""
    return "texts" in errors.get("errors", {})
