"""Data sets that are loaded, not parsed: saved to disk, folders of data files, names on the Hub."""

import os

import datasets
from datasets import Dataset, DatasetDict

from ..data.errors import DataError


def load_splits(name_or_path: str, config_name: str | None = None) -> dict[str, Dataset]:
    """Load the splits of a data set, by name.

    Args:
        name_or_path: a `save_to_disk` directory (a single data set becomes the split "train"), a folder of data files,
            or a name on the Hub.
        config_name: which of a data set's configurations.

    Raises:
        DataError: it cannot be loaded, and the message says what to do.
    """
    if os.path.isfile(name_or_path):
        raise DataError(
            f"{name_or_path}: expected a directory or a name on the Hub, found a file; give it as the train file"
        )
    try:
        if any(os.path.isfile(os.path.join(name_or_path, name)) for name in ("state.json", "dataset_dict.json")):
            loaded = datasets.load_from_disk(name_or_path)
        else:
            loaded = datasets.load_dataset(name_or_path, config_name)
    except Exception as error:  # loading may raise anything: the network, the Hub, the builder, Arrow
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        offline = datasets.config.HF_HUB_OFFLINE or datasets.config.HF_DATASETS_OFFLINE
        raise DataError(
            f"{name_or_path}: expected a data set on disk or on the Hub, found: {reason}; "
            + (
                "this run is offline: load it once with a network connection, or "
                if offline
                else "check the name and the network connection, or "
            )
            + "download it, save it with save_to_disk() and give that directory"
        ) from error
    return dict(loaded) if isinstance(loaded, DatasetDict) else {"train": loaded}
