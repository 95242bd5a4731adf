"""A trained directory, or a model on the Hub, is loaded: weights, adapter and tokenizer, none of its code."""

from typing import TYPE_CHECKING

import torch
from transformers import AutoConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils.peft_utils import find_adapter_config_file

from ..data.errors import DataError
from ..encoding.tokenizer_files import open_tokenizer
from ..modeling.pretrained_weights import load_weights, read_config

if TYPE_CHECKING:
    from ..adapters.directories import BaseModels


def load_model(
    model_class: type[PreTrainedModel],
    name_or_path: str,
    *,
    revision: str = "main",
    bases: "BaseModels | None" = None,
) -> PreTrainedModel:
    """A trained model, or the base of a trained adapter with the adapter in it; no code of its directory is run.

    Args:
        model_class: one of our heads, or an `AutoModelFor...`.
        name_or_path, revision: where it is.
        bases: see `adapters.directories.BaseModels`.

    Raises:
        OSError: a file is missing.
        WeightsError: weights are missing, or do not fit the configuration.
        DataError: an adapter does not fit its base.
    """
    if find_adapter_config_file(name_or_path, revision=revision) is None:
        return load_weights(model_class, name_or_path, whole=True, loading={"revision": revision, "dtype": "auto"})[0]
    from ..adapters.directories import AdapterError, load_adapter  # peft takes seconds

    config_class = getattr(model_class, "config_class", None) or AutoConfig
    config = config_class.from_pretrained(name_or_path, revision=revision)
    try:
        return load_adapter(model_class, config, name_or_path, revision=revision, bases=bases)
    except AdapterError as error:
        raise DataError(str(error)) from error


def load_own_tokenizer(name_or_path: str, *, revision: str = "main") -> PreTrainedTokenizerBase:
    """The tokenizer in a model's directory; no code of the directory is run.

    Raises:
        OSError: it does not fit the model, see `open_tokenizer`.
    """
    loading = {"revision": revision, "trust_remote_code": False}
    config = read_config(name_or_path, loading=loading)
    return open_tokenizer(name_or_path, config, saved_again=False, **loading)


def choose_device(device: str | None) -> str:
    """The given device, else the first accelerator, else the CPU."""
    if device:
        return device
    return torch.accelerator.current_accelerator().type if torch.accelerator.is_available() else "cpu"
