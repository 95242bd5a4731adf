"""Runs that are finished: their checkpoints go, and a command that is given again finds nothing left to do."""

import json
import logging
import re
import shutil
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

from ..data.errors import ArgumentError
from .atomic_files import write_json
from .run_setup import last_whole_checkpoint

logger = logging.getLogger(__name__)

_CHECKPOINT = re.compile(r"checkpoint-\d+")
FREE = {  # options that may differ when a finished run is called again, as they change nothing that it leaves
    *("output_dir", "overwrite_output_dir", "resume_from_checkpoint", "keep_checkpoints", "save_total_limit"),
    *("jobs", "logging_dir", "logging_steps", "disable_tqdm", "report_to", "run_name", "teacher_cache", "splits"),
}
LATER = FREE | {  # options that may change when a run goes on: how long, how often, how fast, and on which files
    *("num_train_epochs", "max_steps", "early_stopping_patience", "per_device_eval_batch_size", "max_eval_samples"),
    *("eval_strategy", "eval_steps", "save_strategy", "save_steps", "logging_strategy", "dataloader_num_workers"),
    *("precision", "bf16", "fp16", "tf32", "use_cpu", "attention", "torch_compile", "gradient_checkpointing"),
    *("train_file", "validation_file", "test_file", "cache_dir", "num_proc", "push_to_hub", "hub_model_id"),
}
OPTIONS = "training_options.json"  # of a run that is not finished, beside its checkpoints


class Finished(SystemExit):
    """Ends a script with status 0, as its run was finished before.

    Attributes:
        results: the scores of the run.
    """

    def __init__(self, results: Mapping[str, Any]):
        super().__init__(0)
        self.results = dict(results)


def tell_options(told: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a run as `run.json` holds them: those of our own, and those of the trainer that were given."""
    kept = {name: value for name, value in told.items() if name not in FREE and not name.endswith("_token")}
    return json.loads(json.dumps(kept, default=str))


def note_options(folder: Path, told: Mapping[str, Any]) -> None:
    """Write the options of a run that begins to train, or goes on, so that it does not go on with others."""
    write_json(folder / OPTIONS, tell_options(told))


def find_finished(folder: Path, told: Mapping[str, Any], given: Set[str]) -> dict[str, Any] | None:
    """The scores of the finished run in a folder; None if it holds none, or one that can go on with these options.

    Args:
        folder: of the run that is to be continued.
        told: its options now.
        given: those of them that the command line or a configuration file sets.

    Raises:
        ArgumentError: the run was finished with other options, and without checkpoints it cannot go on with these; or
            its checkpoints hold what these options would change, such as the optimizer's rates.
    """
    finished = (folder / "run.json").is_file()
    if not finished and not (folder / OPTIONS).is_file():
        return None
    record = json.loads((folder / ("run.json" if finished else OPTIONS)).read_text(encoding="utf-8"))
    before = record.get("options") if finished else record
    now, names = tell_options(told), []
    if before is not None:  # runs of earlier versions do not tell
        names = [name for name in now if now[name] != before.get(name) and (name in given or name in before)]
        names += [name for name in before if name not in now]
    if (names or before is None or not finished) and last_whole_checkpoint(folder):
        if fixed := sorted(set(names) - LATER):
            raise ArgumentError(
                f"{folder}: the run began with other options ({', '.join(f'--{name}' for name in fixed)}), and what "
                "they say is in its checkpoints; leave them as they were, or start over with --overwrite_output_dir, "
                f"or train the model of {folder} further with --model_name_or_path and another --output_dir"
            )
        return None
    if not finished:
        return None
    if names:
        raise ArgumentError(
            f"{folder}: the run is finished, with other options ({', '.join(f'--{name}' for name in sorted(names))}), "
            f"and its checkpoints are gone; train its model further with --model_name_or_path {folder} and another "
            "--output_dir, or start over with --overwrite_output_dir; --keep_checkpoints keeps them next time"
        )
    for path in folder.glob(".unfinished-*"):  # it was killed while its checkpoints were removed
        shutil.rmtree(path, ignore_errors=True)
    logger.info("%s: the run is finished, nothing is left to do", folder)
    return json.loads((folder / "all_results.json").read_text(encoding="utf-8"))


def remove_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of a run that has ended, and what was not completed."""
    found = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    for path in found:
        if _CHECKPOINT.fullmatch(path.name):  # if killed midway, what is left is no checkpoint
            path = path.rename(path.with_name(f".unfinished-{path.name}"))
        if path.name.startswith(".unfinished-"):
            shutil.rmtree(path, ignore_errors=True)
