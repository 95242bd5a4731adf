"""The folder that a run writes to, and what happens to files of an earlier run in it."""

import logging
import re
import shutil
from pathlib import Path

from transformers import TrainingArguments

from ..data.errors import ArgumentError
from .model_files import BESIDE_WEIGHTS, WEIGHTS
from .run_setup import wants_to_resume

logger = logging.getLogger(__name__)

_LEFT = re.compile(  # by a run, in addition to its weights: nothing else is removed
    rf"{BESIDE_WEIGHTS}|README\.md|run\.json|training_options\.json|all_results\.json|report\.json|example_counts\.json"
    r"|trainer_state\.json|training_args\.bin"
    r"|error_report\.(html|json)|curves\.png|predictions\.jsonl|submission\.csv|ensemble\.json|folds\.json|out_of_fold\.jsonl|suspects\.(html|jsonl|csv|tsv)"
    r"|(train|validation|test|fold)_ids\.json|pseudo_labels\.(csv|tsv|jsonl)"
)
FOLDS = "folds.json"  # in the folder of a cross-validation, which holds a run for each fold
HELD_OUT = "fold_ids.json"  # in that of a fold, the ids of its rows
_FOLD = re.compile(r"fold-\d+")
_CHECKPOINT = re.compile(r"checkpoint-\d+")
_MODELING = Path(__file__).resolve().parents[1] / "modeling"  # its files travel with a model


def open_output_dir(training: TrainingArguments, *, model: str | None, overwrite: bool) -> Path:
    """Create the folder of `--output_dir`, in the first process before the others; see `prepare_output_dir`."""
    with training.main_process_first(desc="prepare the output folder"):
        resume = training.resume_from_checkpoint
        return prepare_output_dir(training.output_dir, resume=resume, overwrite=overwrite, model=model)


def prepare_output_dir(
    output_dir: str | Path, *, resume: str | bool | None, overwrite: bool, model: str | None = None
) -> Path:
    """Create the output folder, or raise an error that says why it cannot be used.

    Args:
        output_dir: folder of the run.
        resume: value of `--resume_from_checkpoint`: whether the run continues from a checkpoint in the folder.
        overwrite: remove what an earlier run left, so that it is not mistaken for part of this one.
        model: the model that the run starts from; if it is a folder, it is neither written to nor removed.

    Raises:
        ArgumentError: no folder is named, or the model is inside it.
        FileExistsError: it holds an earlier run, and neither `resume` nor `overwrite` is set.
    """
    if not output_dir:
        raise ArgumentError("--output_dir: expected a folder for the run's model and results, found none")
    folder, resume = Path(output_dir), wants_to_resume(resume)
    if not resume and model and Path(model).is_dir() and Path(model).resolve().is_relative_to(folder.resolve()):
        raise ArgumentError(
            f"--output_dir {folder}: holds the model that the run starts from ({model}), which would be overwritten; "
            "choose another folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    earlier = [path for path in sorted(folder.iterdir()) if path.name == "run.json" or _is_trained(path)]
    if overwrite and not resume and (earlier or any(map(_is_fold, folder.iterdir()))):
        remove_run(folder)
    elif earlier and not resume:
        raise FileExistsError(
            f"{folder}: holds an earlier run ({earlier[0].name}); continue it with --resume_from_checkpoint last, "
            "start over with --overwrite_output_dir, or choose another --output_dir"
        )
    for path in folder.glob(".unfinished-*"):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    return folder


def remove_run(folder: Path) -> None:
    """Remove everything that a run leaves in its folder, `run.json` last, and nothing else."""
    modeling = {path.name for path in _MODELING.glob("*.py")}
    names = {path.name for path in folder.iterdir() if path.name in modeling or _LEFT.fullmatch(path.name)}
    left = [path for path in folder.iterdir() if path.name in names or _is_trained(path) or _is_fold(path)]
    for path in sorted(left, key=lambda path: path.name == "run.json"):  # if killed midway, it is still a run
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if kept := sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")):
        logger.info("%s: removed the earlier run; kept what no run has left: %s", folder, ", ".join(kept[:5]))


def _is_fold(path: Path) -> bool:
    """Whether a run of one of --folds made a folder, by itself or for one of all."""
    marked = (path.parent / FOLDS).is_file() or (path / HELD_OUT).is_file()
    return bool(_FOLD.fullmatch(path.name)) and marked


def _is_trained(path: Path) -> bool:
    return bool(WEIGHTS.fullmatch(path.name)) or (path.is_dir() and bool(_CHECKPOINT.fullmatch(path.name)))
