"""The splits of a run: files and data sets to read, what is held out of them, and the inputs made from them."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from datasets import Dataset

from ..data.errors import ArgumentError
from ..data.folds import FOLD, assign_folds, hold_out_fold
from ..encoding.encoded_dataset import encode_dataset
from ..options.mlm_arguments import CorpusArguments
from ..options.shared_arguments import DataArguments
from ..running.atomic_files import write_json
from ..running.output_folder import HELD_OUT
from ..running.processes import once

logger = logging.getLogger(__name__)

SPLITS = ("train", "validation", "test")


def read_training(
    data: DataArguments, *, load: Callable[[str, str | None], dict], read: Callable[[str], Dataset]
) -> dict[str, Dataset]:
    """The splits of `--dataset_name`, with `train` from the training file; read first, as it determines the labels.

    Args:
        data: the names of files and data sets.
        load: returns the splits of a Hub data set or a saved one, given its name and configuration.
        read: returns the rows of a file.

    Raises:
        ArgumentError: neither a file nor a data set is named.
    """
    dataset = once(load, data.dataset_name, data.dataset_config_name) if data.dataset_name else {}
    if data.train_file:
        dataset["train"] = once(read, data.train_file)
    if not any(getattr(data, f"{split}_file") or split in dataset for split in SPLITS):
        raise ArgumentError("nothing to do: give --train_file, --validation_file, --test_file or --dataset_name")
    return dataset


def add_evaluation(
    dataset: Mapping[str, Dataset],
    data: DataArguments,
    *,
    read: Callable[[str, str], Dataset],
    hold_out: Callable[..., tuple[Dataset, Dataset]],
    seed: int,
    folder: Path,
    test_share: float = 0.0,
    aside: Callable[[dict[str, Dataset]], None] = lambda splits: None,
) -> dict[str, Dataset]:
    """Add validation and test data from files, or hold them out of the training data and write down their ids.

    Args:
        dataset: see `read_training`.
        data: the names of files, and how many rows of each split are used.
        read: returns the rows of a file, given its path and the name of the split.
        hold_out: splits off a share of the rows, see `data.splits`.
        seed: for holding out.
        folder: of the run.
        test_share: share of the training data held out as test data if there is none.
        aside: for a run of one of `--folds`, takes the validation and test data, which it does not use.

    Returns:
        The splits that exist, in the order of `SPLITS`. For a run of one of `--folds`, the rows of the others, and as
        validation data those of the fold; for a run of all of them, no validation data but what is given, and the
        number of each row's fold.
    """
    dataset = dict(dataset)
    for split in SPLITS[1:]:
        if path := getattr(data, f"{split}_file"):
            dataset[split] = once(read, path, split)
    shares = {"test": test_share, "validation": 0 if data.folds else data.validation_share}
    for split, share in shares.items():
        if "train" in dataset and split not in dataset and share:
            dataset["train"], dataset[split] = hold_out(dataset["train"], validation_share=share, seed=seed)
            once(write_json, folder / f"{split}_ids.json", dataset[split]["id"][:])
    if data.fold:
        aside({split: dataset.pop(split) for split in SPLITS[1:] if split in dataset})
    dataset = limit_rows({split: dataset[split] for split in SPLITS if split in dataset}, data)
    return take_fold(dataset, data, seed=seed, folder=folder)


def take_fold(
    dataset: Mapping[str, Dataset], data: DataArguments, *, seed: int, folder: Path | None
) -> dict[str, Dataset]:
    """Cut the training rows of `--folds`, for a run of one of them and for that of all of them alike.

    A run of one has the training rows of the others, and those of the fold as validation data, whose ids are written
    to its folder; that of all has the number of each row's fold.
    """
    if not data.folds:
        return dict(dataset)
    if not data.fold:
        fold_of = once(assign_folds, dataset["train"], data.folds, seed=seed)
        return dict(dataset) | {"train": dataset["train"].add_column(FOLD, fold_of)}
    train, validation = once(hold_out_fold, dataset["train"], data.folds, data.fold, seed=seed)
    once(write_json, folder / HELD_OUT, validation["id"][:])
    others = {split: rows for split, rows in dataset.items() if split not in SPLITS}
    return {"train": train, "validation": validation, **others}


def limit_rows(dataset: Mapping[str, Dataset], data: DataArguments | CorpusArguments) -> dict[str, Dataset]:
    """The first rows of each split, as many as `--max_train_samples` and `--max_eval_samples` allow."""
    limited = {}
    for split, rows in dataset.items():
        most = data.max_train_samples if split == "train" else data.max_eval_samples
        limited[split] = rows.select(range(min(most or len(rows), len(rows))))
    return limited


def encode_splits(
    dataset: Mapping[str, Dataset], encoder: Callable, *, describe: Callable[[Dataset, Dataset], str]
) -> dict[str, Dataset]:
    """The inputs of each split; `describe` turns inputs and rows into a log line about what was cut."""
    encoded = {}
    for split, rows in dataset.items():
        encoded[split] = once(encode_dataset, rows, encoder, by_length=split != "train")
        logger.info("%s: %s", split, describe(encoded[split], rows))
    return encoded
