"""Weights are read from safetensors alone: a pickle may run code when it is opened."""

from transformers.utils.hub import has_file

WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "adapter_model.safetensors")
PICKLES = (
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "adapter_model.bin",
    "tf_model.h5",
    "flax_model.msgpack",
)


class UnsafeWeightsError(OSError):
    """A model that comes as a pickle only."""


def require_safetensors(name_or_path: str, *, revision: str = "main") -> None:
    """Refuse a model that has weights in no form that is safe to read.

    Args:
        name_or_path: a folder or a Hub id; one that does not exist is left to what loads it.
        revision: branch, tag or commit of the Hub model.

    Raises:
        UnsafeWeightsError: pickles are all it has.
    """
    if any(_has(name_or_path, name, revision) for name in WEIGHTS):
        return
    if found := next((name for name in PICKLES if _has(name_or_path, name, revision)), None):
        raise UnsafeWeightsError(
            f"{name_or_path}: expected model.safetensors, found {found}, which may run code when it is read; convert "
            "it where you trust it (`save_pretrained` writes safetensors), or name a --model_revision that has them"
        )


def _has(name_or_path: str, name: str, revision: str) -> bool:
    try:
        return has_file(name_or_path, name, revision=revision)  # asks the Hub, or the cache where it is offline
    except (OSError, ValueError):  # no such model: what loads it says so
        return False
