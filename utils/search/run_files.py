"""What a search reads in the folder of a run: scores of its epochs, scores at its end, the end of its log."""

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..data.errors import printable
from ..running.finished_runs import remove_checkpoints
from ..running.model_files import BESIDE_WEIGHTS, WEIGHTS

CONFIG, LOG = "config.yaml", "log.txt"
LINES = 20  # of the end of a log
_MODEL = re.compile(rf"{BESIDE_WEIGHTS}|README\.md|[a-z_]+\.py|\.unfinished-.*")  # beside its weights


class Epochs(NamedTuple):
    """The evaluations of a run so far.

    Attributes:
        scores: one for each, in order.
        last: whether the last of them was the last of the run.
    """

    scores: list[float]
    last: bool


def read_epochs(folder: Path, names: Sequence[str]) -> Epochs:
    """The scores of a run's evaluations, from its newest checkpoint or, once it has ended, from its folder.

    Args:
        folder: `--output_dir` of the run.
        names: of the score, without `eval_`; the first one that the run has counts.
    """
    checkpoints = {int(path.name.partition("-")[2]): path for path in folder.glob("checkpoint-*")}
    places = [folder, *(checkpoints[step] for step in sorted(checkpoints, reverse=True))]
    for place in places:
        state = _read_json(place / "trainer_state.json")
        if not state:
            continue
        scores = []
        for entry in state.get("log_history", []):
            if "train_runtime" in entry:
                break  # what follows is the evaluation of the best state
            if (score := pick_score(entry, names)) is not None:
                scores.append(score)
        return Epochs(scores, last=state.get("global_step", 0) >= state.get("max_steps", math.inf))
    return Epochs([], last=False)


def read_results(folder: Path) -> dict[str, float] | None:
    """The scores of a finished run; None if it has not finished. `run.json` is written last."""
    return _read_json(folder / "all_results.json") if (folder / "run.json").is_file() else None


def pick_score(results: dict[str, Any], names: Sequence[str]) -> float | None:
    """The score on validation data under the first of these names that is there."""
    return next((results[f"eval_{name}"] for name in names if f"eval_{name}" in results), None)


def read_log_end(folder: Path) -> list[str]:
    """The last lines of a run's log that say something."""
    try:
        with open(folder / LOG, "rb") as file:
            file.seek(0, 2)
            file.seek(max(file.tell() - 16_384, 0))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    return [printable(line.rstrip()) for line in text.splitlines() if line.strip()][-LINES:]


def remove_model(folder: Path) -> None:
    """Remove a trial's checkpoints, weights, and what lies beside weights; log, scores and records stay."""
    remove_checkpoints(folder)
    for path in list(folder.iterdir()) if folder.is_dir() else []:
        if path.is_file() and (WEIGHTS.fullmatch(path.name) or _MODEL.fullmatch(path.name)):
            path.unlink(missing_ok=True)


def _read_json(path: Path) -> dict | None:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not written yet, or just being removed
        return None
