"""The splits of a run: files and data sets that are named, what is held out of them, and the inputs made of them."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from datasets import Dataset

from ..data.errors import ArgumentError
from ..encoding.encoded_dataset import encode_dataset
from ..options.shared_arguments import DataArguments
from ..running.atomic_files import write_json
from ..running.processes import once

logger = logging.getLogger(__name__)

SPLITS = ("train", "validation", "test")


def read_training(
    data: DataArguments, *, load: Callable[[str, str | None], dict], read: Callable[[str], Dataset]
) -> dict[str, Dataset]:
    """The data set that is named, with the training file in its place; labels of the others depend on it.

    Args:
        data: what is named.
        load: gives the splits of a Hub data set, or of a saved one, and its configuration.
        read: gives the rows of a file.

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
) -> dict[str, Dataset]:
    """Add validation and test data: of files, or held out of the training data, whose ids are then written down.

    Args:
        dataset: see `read_training`.
        data: what is named, and how many rows of each split are used.
        read: gives the rows of a file, by its path and the name of the split.
        hold_out: cuts a share off, see `data.splits`.
        seed: of the cut.
        folder: of the run.
        test_share: of the training data, where no test file is named.

    Returns:
        The splits that there are, in the order of `SPLITS`.
    """
    dataset = dict(dataset)
    for split in SPLITS[1:]:
        if path := getattr(data, f"{split}_file"):
            dataset[split] = once(read, path, split)
    for split, share in {"test": test_share, "validation": data.validation_share}.items():
        if "train" in dataset and split not in dataset and share:
            dataset["train"], dataset[split] = hold_out(dataset["train"], validation_share=share, seed=seed)
            once(write_json, folder / f"{split}_ids.json", dataset[split]["id"][:])
    return limit_rows({split: dataset[split] for split in SPLITS if split in dataset}, data)


def limit_rows(dataset: Mapping[str, Dataset], data: DataArguments) -> dict[str, Dataset]:
    """The first rows of each split, as many as `--max_train_samples` and `--max_eval_samples` say."""
    limited = {}
    for split, rows in dataset.items():
        most = data.max_train_samples if split == "train" else data.max_eval_samples
        limited[split] = rows.select(range(min(most or len(rows), len(rows))))
    return limited


def encode_splits(
    dataset: Mapping[str, Dataset], encoder: Callable, *, describe: Callable[[Dataset, Dataset], str]
) -> dict[str, Dataset]:
    """Inputs of each split; `describe` tells of them, and of their rows, what was cut: a line for the log."""
    encoded = {}
    for split, rows in dataset.items():
        encoded[split] = once(encode_dataset, rows, encoder, by_length=split != "train")
        logger.info("%s: %s", split, describe(encoded[split], rows))
    return encoded
