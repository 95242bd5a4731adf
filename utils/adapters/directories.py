"""Directories that hold an adapter instead of a complete model: save it, load it on its base, merge it into that."""

import copy
import itertools
from collections.abc import Mapping
from pathlib import Path

import torch
from peft import PeftConfig, get_peft_model_state_dict, set_peft_model_state_dict
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForMaskedLM, PreTrainedConfig, PreTrainedModel
from transformers.utils import ADAPTER_SAFE_WEIGHTS_NAME, cached_file

from ..modeling.encoders import drop_pooler
from ..modeling.pretrained_weights import load_weights
from .methods import digest_weights, fingerprint, inner_encoder, install, list_parts, prefix_of
from .peft_methods import BottleneckConfig
from .virtual_tokens import DEFAULT, VirtualTokensConfig
from .virtual_tokens import NAME as VIRTUAL_TOKENS

PEFT_PREFIX = "base_model.model."  # of every name in peft's files


class AdapterError(ValueError):
    """A directory whose adapter cannot be used."""


def save_adapter(model: PreTrainedModel, folder: str | Path, state: Mapping[str, Tensor] | None = None) -> int:
    """Write the trained weights in peft's format, and the model's configuration; return the weights' size in bytes.

    For peft's own methods, peft can load it too: `PeftModel.from_pretrained(model_with_its_head, folder)`.

    Args:
        model: with an adapter.
        folder: an existing folder.
        state: the model's weights, if each process holds only a part of them.
    """
    method, parts = model.adapter
    whole = tuple(f"{part}." for part in parts)
    state = model.state_dict() if state is None else state
    weights = {name: value for name, value in state.items() if name.startswith(whole)}
    weights |= adapter_weights(model, method, state)
    folder = Path(folder)
    save_file(
        {PEFT_PREFIX + name: value.cpu().contiguous().clone() for name, value in weights.items()},
        folder / ADAPTER_SAFE_WEIGHTS_NAME,
        metadata={"format": "pt"},
    )
    if hasattr(method, "modules_to_save"):
        method.modules_to_save = [part.rpartition(".")[2] for part in parts] or None
    learning, method.inference_mode = method.inference_mode, True
    method.save_pretrained(folder)
    method.inference_mode = learning
    model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(folder)
    return (folder / ADAPTER_SAFE_WEIGHTS_NAME).stat().st_size


def adapter_weights(model: PreTrainedModel, method: PeftConfig, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The adapter's own weights out of a model's state; their names lack that of the adapter."""
    encoder = inner_encoder(model)
    inside = prefix_of(encoder, model)
    if isinstance(method, VirtualTokensConfig):
        own = f"{inside}{VIRTUAL_TOKENS}.prompts.{DEFAULT}."
        begin = f"{inside}{VIRTUAL_TOKENS}."
        return {begin + key.removeprefix(own): value for key, value in state.items() if key.startswith(own)}
    parts = {key.removeprefix(inside): value for key, value in state.items() if key.startswith(inside)}
    found = get_peft_model_state_dict(encoder, state_dict=parts, adapter_name=DEFAULT)
    return {inside + key: value for key, value in found.items()}


class BaseModels:
    """Pre-trained models that adapters were trained on; each is read once, and shared in memory."""

    def __init__(self):
        self._read: dict[tuple[str, ...], tuple[PreTrainedModel, dict[str, str]]] = {}

    def take(self, kind: type, name: str, revision: str) -> tuple[PreTrainedModel, dict[str, str]]:
        """A copy of a model that shares its weights in memory but can be modified, and digests of the weights.

        Args:
            kind: an encoder's class, or `AutoModelForMaskedLM`.
            name, revision: a folder, or a repository on the Hub.

        Raises:
            OSError: the model does not exist.
        """
        key = kind.__name__, name, revision
        if key not in self._read:
            model, _ = load_weights(kind, name, loading={"revision": revision})
            self._read[key] = model, digest_weights(inner_encoder(model))
        model, digests = self._read[key]
        tensors = itertools.chain(model.parameters(), model.buffers())
        return copy.deepcopy(model, memo={id(each): each for each in tensors}), digests


def load_adapter(
    model_class: type[PreTrainedModel],
    config: PreTrainedConfig,
    name_or_path: str,
    *,
    revision: str = "main",
    bases: BaseModels | None = None,
) -> PreTrainedModel:
    """Load an adapter on its base, without running code of either.

    Args:
        model_class: one of our heads, or an `AutoModelFor...`.
        config: the directory's configuration.
        name_or_path, revision: the directory, or a repository on the Hub.
        bases: shared with other adapters, so that each base is read once; None to read it for this adapter alone.

    Raises:
        OSError: the base does not exist.
        AdapterError: the weights of the base differ from those that the adapter was trained on, or the files do not
            fit each other.
    """
    method = PeftConfig.from_pretrained(name_or_path, revision=revision)
    weights = load_file(cached_file(name_or_path, ADAPTER_SAFE_WEIGHTS_NAME, revision=revision))
    weights = {key.removeprefix(PEFT_PREFIX): value for key, value in weights.items()}
    if model_class is AutoModelForMaskedLM:  # pre-trained as a whole
        model, kind = None, AutoModelForMaskedLM
    else:
        model = model_class.from_config(config) if hasattr(model_class, "from_config") else model_class(config)
        part = getattr(model, model.base_model_prefix)
        kind = type(part) if part.base_model is part else AutoModelForMaskedLM
    name = method.base_model_name_or_path
    try:
        base, digests = (BaseModels() if bases is None else bases).take(kind, name, method.revision or "main")
    except OSError as error:
        reason = str(error).splitlines()[0]
        raise OSError(f"{name_or_path}: holds an adapter for {name}, which cannot be loaded: {reason}") from error
    if model is None:
        model = base
        model.config.adapter_base = config.adapter_base
    else:
        if isinstance(getattr(part, "pooler", None), torch.nn.Identity):
            drop_pooler(base)
        setattr(model, model.base_model_prefix, base)
    if hasattr(method, "modules_to_save"):
        method.modules_to_save = None  # they are set below; peft would wrap them, and merging would lose them
    encoder = inner_encoder(model)
    inside = prefix_of(encoder, model)
    kept = [key.removeprefix(inside) for key in weights if key.startswith(inside)]
    for part in {name.partition(".")[0] for name in kept} & {"pooler"}:  # each adapter has a pooler of its own
        setattr(encoder, part, copy.deepcopy(getattr(encoder, part)))
    names = {} if model is base else model.state_dict()
    if fingerprint(digests, without=kept) != config.adapter_base["sha256"]:
        raise AdapterError(
            f"{name_or_path}: expected {name} as it was when the adapter was trained, found different weights"
        )
    install(encoder, method)
    own = adapter_weights(model, method, model.state_dict())
    outside = {name for name in names if not name.startswith(f"{model.base_model_prefix}.")}
    lacking, unknown = (set(own) | outside) - set(weights), set(weights) - set(own) - set(names)
    if lacking or unknown:
        raise AdapterError(
            f"{name_or_path}: expected {ADAPTER_SAFE_WEIGHTS_NAME} to fit the model of its config.json, found "
            f"{sorted(lacking)[:3]} missing and {sorted(unknown)[:3]} unknown"
        )
    trained = {name.removeprefix(inside): weights.pop(name) for name in own}
    if isinstance(method, VirtualTokensConfig):
        trained = {name.removeprefix(f"{VIRTUAL_TOKENS}."): value for name, value in trained.items()}
        getattr(encoder, VIRTUAL_TOKENS).prompts[DEFAULT].load_state_dict(trained)
    else:
        set_peft_model_state_dict(encoder, trained, adapter_name=DEFAULT)
    with torch.no_grad():
        for name, value in weights.items():
            names[name].copy_(value)
    model.adapter = method, list_parts(weights, inside=inside)
    return model.eval()


def merge_adapter(model: PreTrainedModel) -> PreTrainedModel:
    """Merge an adapter into the weights that it was added to, in place; the model then has its original structure.

    Raises:
        AdapterError: the method does not change weights.
    """
    if isinstance(model.adapter[0], VirtualTokensConfig | BottleneckConfig):
        raise AdapterError(
            "expected an adapter that changes weights, to merge it, found new vectors or layers; use it as it is"
        )
    for name, module in list(model.named_modules()):
        if isinstance(module, BaseTunerLayer):
            module.merge(safe_merge=True)
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, module.get_base_layer())
    del inner_encoder(model).peft_config
    del model.config.adapter_base
    model.adapter = None
    return model
