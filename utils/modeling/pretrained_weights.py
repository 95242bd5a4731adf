"""Load weights that fit their model, or raise an error: no parameter is silently left random."""

import logging
import re
from collections import Counter
from collections.abc import Collection, Mapping
from functools import partial

import torch
import transformers
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel

from .encoders import FamilyError, check_family, encoder_class, split_names

logger = logging.getLogger(__name__)

MARKS = ("input_length", "window_length")  # fields of a configuration that our scripts wrote
SHOWN = 3  # names of tensors in an error


class WeightsError(OSError):
    """A checkpoint whose weights do not fit the model that its configuration describes."""


def load_weights(
    kind: type,
    name_or_path: str,
    *,
    whole: bool = False,
    all_layers: bool = False,
    loading: Mapping | None = None,
) -> tuple[PreTrainedModel, set[str]]:
    """Load a model, and refuse weights that do not fit it.

    In a model that will be trained, the head of its task and the pooler may be new, and heads of other tasks may be
    left over. A prefix that a wrapper put before all names, such as `module.`, is removed, with a log line. From a
    checkpoint with one of our heads, the encoder is loaded.

    Args:
        kind: an `AutoModel...`, or the class of a model.
        name_or_path: on disk or on the Hub.
        whole: the model has been trained already, so that nothing may be missing.
        all_layers: the states of all layers will be mixed.
        loading: keyword arguments for `from_pretrained` (config, revision, dtype, ...); float32 if there is no dtype.

    Returns:
        The model in eval mode, and the names of its randomly initialised parameters.

    Raises:
        WeightsError: tensors are missing, left over or have another shape; the first of them are named.
        FamilyError: the model does not read texts, or only from left to right; see `check_family`.
    """
    options = {"dtype": torch.float32, **(loading or {}), "output_loading_info": True, "ignore_mismatched_sizes": True}
    prefixes = []
    if not hasattr(kind, "HEAD_MODULES") and (inner := read_inner_config(name_or_path, loading=loading)) is not None:
        options.setdefault("config", inner)
        prefixes.append("encoder.")  # prefix of the encoder in all our heads
    while True:
        if prefixes:
            options["key_mapping"] = {rf"^{re.escape(prefix)}": "" for prefix in prefixes}
        try:
            model, report = kind.from_pretrained(name_or_path, **options)
        except ValueError as error:
            if "Unrecognized configuration class" not in str(error):
                raise
            found = read_config(name_or_path, loading=loading).model_type
            ours = {"Token": "--head crf or span", "Sequence": "--pooling mean"}
            other = next((f"try {head}" for part, head in ours.items() if part in kind.__name__), None)
            raise FamilyError(
                f"{name_or_path}: expected a family that transformers has as {kind.__name__}, found {found}; "
                f"{other or 'use another encoder'}"
            ) from None
        wrapper = _find_wrapper(model, report, whole=whole) if len(prefixes) < 2 else None
        if not wrapper:
            break
        logger.info("%s: all names of weights begin with %s, which is removed", name_or_path, wrapper)
        prefixes.append(wrapper)
    inside, own = split_names(model)
    may_be_new = partial(_may_be_new, inside=inside, own=own, whole=whole)
    shapes = {
        name: f"{name} {list(found)} instead of {list(wanted)}" for name, found, wanted in report["mismatched_keys"]
    }
    wrong = {
        "missing": [name for name in report["missing_keys"] if not may_be_new(name)],
        "left over": [name for name in report["unexpected_keys"] if _is_part(name, model, own)],
        "of another shape": [text for name, text in shapes.items() if not may_be_new(name)],
    }
    if any(wrong.values()):
        raise WeightsError(_describe(name_or_path, model, wrong, whole=whole))
    if not whole:
        check_family(model, name_or_path, all_layers=all_layers)
    began_at_random = set(report["missing_keys"]) | shapes.keys()
    return model, {name for name, _ in model.named_parameters() if name in began_at_random}


def load_encoder(
    name_or_path: str, *, all_layers: bool = False, loading: Mapping | None = None
) -> tuple[PreTrainedModel, set[str]]:
    """An encoder without a head; see `load_weights`."""
    config = read_config(name_or_path, loading=loading)
    fields = config.to_dict().keys() - {"dtype"}  # these are in the configuration already
    loading = {key: value for key, value in (loading or {}).items() if key not in fields} | {"config": config}
    return load_weights(encoder_class(config), name_or_path, all_layers=all_layers, loading=loading)


def load_as_saved(
    name_or_path: str, config: PreTrainedConfig, *, revision: str = "main"
) -> tuple[PreTrainedModel, set[str]]:
    """An encoder, or a stock model, in the class that its configuration names; see `load_weights`."""
    names = [name for name in getattr(config, "architectures", None) or () if hasattr(transformers, name)]
    kind = getattr(transformers, names[0]) if names else AutoModel
    return load_weights(kind, name_or_path, loading={"revision": revision})


def read_config(name_or_path: str, *, loading: Mapping | None = None) -> PreTrainedConfig:
    """An encoder's configuration, without the fields that an earlier run of our scripts has added for its task."""
    if (inner := read_inner_config(name_or_path, loading=loading)) is not None:
        return inner
    config = AutoConfig.from_pretrained(name_or_path, **(loading or {}))
    if any(hasattr(config, mark) for mark in MARKS):
        declared = type(config)().to_dict()
        for name in [name for name in vars(config) if name not in declared and not name.startswith("_")]:
            delattr(config, name)
        config.problem_type = None
    return config


def read_inner_config(name_or_path: str, *, loading: Mapping | None = None) -> PreTrainedConfig | None:
    """The encoder's configuration inside that of one of our heads; None for any other model."""
    origin = {key: value for key, value in (loading or {}).items() if key in ("revision", "token", "cache_dir")}
    fields = PreTrainedConfig.get_config_dict(name_or_path, **origin)[0].get("encoder_config")
    return AutoConfig.for_model(**fields) if fields else None


def _may_be_new(name: str, inside: str, own: Collection[str], *, whole: bool) -> bool:
    """Whether a tensor that the checkpoint lacks may be randomly initialised: a head, or a pooler."""
    if name.endswith("position_ids"):  # a range from 0, which only older versions saved
        return True
    of_encoder = name.startswith(inside) if inside else name.partition(".")[0] in own
    return not whole and (not of_encoder or "pooler" in name.split("."))


def _is_part(name: str, model: PreTrainedModel, own: Collection[str]) -> bool:
    """Whether a tensor that the model lacks belongs to its encoder, or to our head on it."""
    parts = name.split(".")
    buffers = {each.rpartition(".")[2] for each, _ in model.named_buffers()}  # computed, but older versions saved them
    if "pooler" in parts or parts[-1] in buffers - {"weight", "bias"}:
        return False
    begins = f"{model.base_model_prefix}."
    return name.startswith(begins) or parts[0] in own | set(getattr(model, "HEAD_MODULES", ()))


def _find_wrapper(model: PreTrainedModel, report: Mapping, *, whole: bool) -> str | None:
    """The prefix to remove from the names of a checkpoint so that most missing tensors are found, if there is one."""
    inside, own = split_names(model)
    lacking = {name for name in report["missing_keys"] if not _may_be_new(name, inside, own, whole=whole)}
    wanted = lacking | {name.removeprefix(inside) for name in lacking}
    wanted |= {f"{model.base_model_prefix}.{name}" for name in lacking}
    found = Counter()
    for name in report["unexpected_keys"]:
        dots = [place + 1 for place, letter in enumerate(name) if letter == "."]
        found.update(name[:dot] for dot in dots if name[dot:] in wanted)
    best = max(found, key=lambda prefix: (found[prefix], -len(prefix)), default=None)
    return best if best and 2 * found[best] >= len(lacking) else None


def _describe(name_or_path: str, model: PreTrainedModel, wrong: Mapping[str, list[str]], *, whole: bool) -> str:
    total, layers = len(model.state_dict()), getattr(model.config, "num_hidden_layers", None)
    shown = []
    for what, names in wrong.items():
        if names:
            more = ", ..." if len(names) > SHOWN else ""
            of = f" of {total}" if what == "missing" else ""
            shown.append(f"{len(names)}{of} {what} ({', '.join(sorted(names)[:SHOWN])}{more})")
    built = type(model).__name__ + (f" of {layers} layers" if layers else "")
    repair = "use the config.json that was saved with these weights, or the weights that it was saved with"
    if whole:
        repair = "copy the complete directory again from where it was trained, or train it again"
    return f"{name_or_path}: expected the weights of its config.json, a {built}, found {', '.join(shown)}; {repair}"
