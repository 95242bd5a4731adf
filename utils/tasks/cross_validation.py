"""Cross-validation: a model for each fold of the training data, what each says about the rows it has not seen, and an
ensemble of all of them.

Each fold is a whole run in `OUT/fold-N`. `OUT/folds.json` says which rows each holds out, and with which options they
are trained: runs that are finished are not repeated, a stopped one goes on. `OUT/out_of_fold.jsonl` has every training
row with what the model of its fold predicts, and `OUT/ensemble.json` makes the folder an ensemble, see
`prediction.ensemble_files`.
"""

import inspect
import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset

from ..data.errors import ArgumentError
from ..data.folds import FOLD
from ..prediction.ensemble_files import NAME
from ..running import finished_runs
from ..running.atomic_files import write_json
from ..running.output_folder import FOLDS, HELD_OUT
from ..running.processes import once
from ..running.seed_runs import spread_scores
from ..running.side_by_side import run_side_by_side
from ..scoring.example_counts import digest_rows
from ..scoring.score_names import OUT_OF_FOLD, plain_name
from ..training.batch_size import Batches
from .answers import Answers, SplitAnswers
from .run_folder import Run

logger = logging.getLogger(__name__)

CHUNK = 4096  # rows that a model reads at a time
FREE = {  # options that may differ when a cross-validation goes on
    *(
        "output_dir",
        "overwrite_output_dir",
        "resume_from_checkpoint",
        "keep_checkpoints",
        "jobs",
        "fold",
        "logging_dir",
    ),
    *("validation_file", "test_file", "max_eval_samples", "report_to", "run_name", "teacher_cache"),
}


def cross_validate(main: Callable, argv: Sequence[str] | None, run: Run, dataset: Mapping[str, Dataset], crossing):
    """Train a model for each fold, and let them predict what they have not seen.

    Args:
        main: of the script: command line -> results.
        argv: its command line, that of the process if None.
        run: of the whole; each fold is a run of its own.
        dataset: rows by split; all of the training data with the fold of each, see `split_data.take_fold`, and perhaps
            validation and test data.
        crossing: what the task does, see `crossed_tasks`.

    Returns:
        The results: `out_of_fold_...`, scores of the training rows; `fold_...`, means over the runs of the folds,
        with `_std` and `_runs`; `eval_...` and `test_...`, of the ensemble.

    Raises:
        ArgumentError: the folder holds folds that were trained with other options or on other rows.
    """
    options, folder = run.options, run.output_dir
    fold_of = dataset["train"][FOLD][:]
    dataset = dict(dataset) | {"train": dataset["train"].remove_columns(FOLD)}
    once(_write_folds, folder, run, dataset["train"], fold_of)
    folders = [folder / f"fold-{fold}" for fold in range(1, options.folds + 1)]
    left = [(fold, path) for fold, path in enumerate(folders, start=1) if not (path / "run.json").is_file()]
    for path in folders:
        once(_check_fold, path, folder)
    if len(left) < len(folders):
        logger.info("%d of %d folds are finished", len(folders) - len(left), len(folders))
    # Without the optimizer's state a fold that was stopped cannot go on; it starts over.
    again = ["--overwrite_output_dir"] if run.training.save_only_model else ["--resume_from_checkpoint", "last"]
    common = [*again, "--jobs", "1"]
    words = [["--fold", str(fold), "--output_dir", str(path), *common] for fold, path in left]
    if options.jobs > 1:
        once(run_side_by_side, inspect.getfile(main), argv, words, jobs=options.jobs)
    else:
        for (fold, _), own in zip(left, words, strict=True):
            logger.info("---- fold %d of %d", fold, options.folds)
            main([*(sys.argv[1:] if argv is None else argv), *own])
    for path in folders:
        once(_check_fold, path, folder)
    return once(_join, run, dataset, np.array(fold_of), folders, crossing)


def _join(run: Run, dataset: Mapping[str, Dataset], fold_of: np.ndarray, folders: Sequence[Path], crossing) -> dict:
    """Read all rows with all models, one after the other; fit, score, and write the files of the ensemble."""
    train = dataset["train"]
    others = {split: rows for split, rows in dataset.items() if split != "train"}
    unseen: list = [None] * len(train)
    outputs: dict[str, list] = {split: [] for split in others}
    batch_size = Batches.of(run.training).evaluation
    for fold, path in enumerate(folders, start=1):
        finder = crossing.load(str(path), bf16=run.training.bf16, batch_size=batch_size)
        rows = np.flatnonzero(fold_of == fold)
        for row, said in zip(rows, _read(crossing, finder, train.select(rows)), strict=True):
            unseen[row] = said
        for split, each in others.items():
            outputs[split].append(list(_read(crossing, finder, each)))
        del finder
    found = SplitAnswers()
    answers = crossing.answer(OUT_OF_FOLD, train, [unseen], train=None)
    lines = list(_with_gold(answers, crossing.gold(train, unseen), fold_of))
    found.add(OUT_OF_FOLD, answers._replace(submission=None))
    for split, rows in others.items():
        found.add(split, crossing.answer(split, rows, outputs[split], train=train))
    members = [path.name for path in folders]
    ensemble = {"kind": crossing.kind, "members": members, "decision": crossing.decision()}
    if not others:
        found.files = {}
    found.files |= {"out_of_fold.jsonl": "".join(lines), NAME: ensemble}
    results = found.results | _spread(folders)
    run.leave(results, learnt=False, found=found, trained=run.output_dir)
    return results


def _read(crossing, finder, rows: Dataset) -> Iterator:
    for start in range(0, len(rows), CHUNK):
        yield from crossing.read(finder, rows.select(range(start, min(start + CHUNK, len(rows)))))


def _with_gold(answers: Answers, gold: Sequence, fold_of: Sequence[int]) -> Iterator[str]:
    """The lines of `out_of_fold.jsonl`: those of predictions, with `fold` and what is right, `gold`."""
    lines = answers.lines.removesuffix("\n").split("\n") if isinstance(answers.lines, str) else answers.lines
    for line, fold, right in zip(lines, fold_of, gold, strict=True):
        yield json.dumps(json.loads(line) | {"fold": int(fold), "gold": right}, ensure_ascii=False) + "\n"


def _spread(folders: Sequence[Path]) -> dict[str, Any]:
    """Mean, standard deviation and values of the scores of the folds' runs."""
    runs = [json.loads((path / "all_results.json").read_text(encoding="utf-8")) for path in folders]
    costs = ("runtime", "_per_second")
    names = [name for name in runs[0] if name.startswith("eval_") and not name.endswith(costs)]
    names = [name for name in names if all(name in run for run in runs)]  # some are undefined in a fold
    shared = [{f"fold_{plain_name(name)}": run[name] for name in names} for run in runs]
    values = {f"{name}_runs": [run[name] for run in shared] for name in shared[0]}
    spread = spread_scores(shared)
    for name in values:
        plain = name.removesuffix("_runs")
        logger.info("%-28s %.4f ± %.4f", plain, spread[plain], spread[f"{plain}_std"])
    return spread | values


def _write_folds(folder: Path, run: Run, rows: Dataset, fold_of: Sequence[int]) -> None:
    """Write `folds.json`, unless it is there and says the same.

    Raises:
        ArgumentError: it says that the folds were trained with other options or rows.
    """
    ids = rows["id"][:]
    held_out = [[one for one, fold in zip(ids, fold_of, strict=True) if fold == k] for k in range(1, max(fold_of) + 1)]
    options = {name: value for name, value in run.options.told().items() if name not in FREE}
    own = json.loads(json.dumps({"rows": digest_rows(rows), "options": options, "ids": held_out}, default=str))
    path = folder / FOLDS
    if path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
        if before == own:
            return
        _refuse(folder, _differing(own["options"], before["options"]))
    write_json(path, own)


def _check_fold(path: Path, folder: Path) -> None:
    """Refuse a finished fold that was trained with other options, or on rows that it is asked about as unseen.

    Raises:
        ArgumentError: it was.
    """
    if not (path / "run.json").is_file():
        return
    wanted = json.loads((folder / FOLDS).read_text(encoding="utf-8"))
    record = json.loads((path / "run.json").read_text(encoding="utf-8"))
    told = {name: value for name, value in (record.get("options") or {}).items() if name not in FREE}
    names = _differing(wanted["options"], told) if told else []  # runs of earlier versions do not tell
    held_out = path / HELD_OUT
    ids = json.loads(held_out.read_text(encoding="utf-8")) if held_out.is_file() else None
    if names or ids not in (None, wanted["ids"][int(path.name.removeprefix("fold-")) - 1]):
        _refuse(path, names)


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    free = FREE | finished_runs.FREE
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name) and name not in free)


def _refuse(folder: Path, names: Sequence[str]) -> None:
    what = ", ".join(f"--{name}" for name in names) or "other training data"
    raise ArgumentError(
        f"{folder}: was trained with other options ({what}); choose another --output_dir, or start over with "
        "--overwrite_output_dir"
    )
