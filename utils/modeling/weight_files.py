"""Whether a model is there, with weights in safetensors: they alone are read, as a pickle may run code when opened."""

from pathlib import Path

from transformers import PreTrainedConfig
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
    """A model whose weights exist only as pickles."""


def require_model(name_or_path: str, *, revision: str = "main", expected: str = "a trained output directory") -> dict:
    """The fields of a model's configuration.

    Args:
        name_or_path: a folder or a Hub id.
        revision: branch, tag or commit of the Hub model.
        expected: what it should be, in an error.

    Raises:
        FileNotFoundError: there is no such model.
    """
    path = Path(name_or_path)
    if not path.is_dir() and (path.is_file() or name_or_path.count("/") > 1 or name_or_path[:1] in "./~"):
        raise FileNotFoundError(f"{name_or_path}: expected {expected} or a Hub id, found no such folder")
    try:
        return PreTrainedConfig.get_config_dict(name_or_path, revision=revision)[0]
    except OSError as error:
        told = str(error).splitlines()[0]
        reason = "a folder without config.json" if path.is_dir() else f"no such folder; the Hub: {told}"
        raise FileNotFoundError(f"{name_or_path}: expected {expected} or a Hub id, found {reason}") from error


def require_safetensors(name_or_path: str, *, revision: str = "main") -> None:
    """Refuse a model whose weights exist in no format that is safe to read.

    Args:
        name_or_path: a folder or a Hub id; a missing one is not reported here, but by the code that loads it.
        revision: branch, tag or commit of the Hub model.

    Raises:
        UnsafeWeightsError: it has only pickles.
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
        return has_file(name_or_path, name, revision=revision)  # asks the Hub, or the cache if offline
    except (OSError, ValueError):  # no such model: the code that loads it reports that
        return False
