"""Reuse a trained head: its weights for a label are matched by the label's name, not by its position."""

import logging
from collections.abc import Mapping, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

from .encoders import head_names
from .pretrained_weights import load_weights

logger = logging.getLogger(__name__)

SHOWN = 8  # labels in a message
DROPOUT_FIELDS = ("classifier_dropout", "classifier_dropout_prob", "seq_classif_dropout")  # of stock configurations


def load_with_head(
    kind: type,
    name_or_path: str,
    *,
    config: PreTrainedConfig,
    loading: Mapping | None = None,
    dropout: float | None = None,
) -> PreTrainedModel:
    """A stock model with a new head, into which a trained head of the same kind is copied by the names of labels.

    Args:
        kind: an `AutoModelFor...`.
        name_or_path: an encoder, or a trained model of any task.
        config: the encoder's configuration with the labels, see `PreTrainedConfig.id2label`.
        loading: keyword arguments for `from_pretrained`.
        dropout: before the head, 0-1, also set in `config`; None leaves it to the configuration.

    Raises:
        WeightsError: the encoder's weights do not fit, see `load_weights`.
    """
    if dropout is not None:
        known = [name for name in DROPOUT_FIELDS if hasattr(config, name)]
        config.update(dict.fromkeys(known or ["cls_dropout"], dropout))  # DeBERTa's, which it need not have yet
    model, began_at_random = load_weights(kind, name_or_path, loading={**(loading or {}), "config": config})
    if not began_at_random.issuperset(head_names(model)):  # the head was read by position
        fresh = type(model)(config).state_dict()
        with torch.no_grad():
            for name in head_names(model):
                model.state_dict()[name].copy_(fresh[name])
    keep_known_rows(model, name_or_path, loading=loading)
    if dropout is not None:
        # Families without a field for it, such as RoFormer, use that of their layers.
        for name, module in model.named_modules():
            if isinstance(module, nn.Dropout) and not name.startswith((model.base_model_prefix, "pooler")):
                module.p = dropout
    return model


def keep_known_rows(model: PreTrainedModel, name_or_path: str, *, loading: Mapping | None = None) -> None:
    """Copy a trained head's weights for the labels that the model has too, and log known, new and lost labels.

    Args:
        model: with a new head; changed in place.
        name_or_path: the checkpoint that the model was built on; nothing is copied from one of another class.
        loading: keyword arguments for `from_pretrained`.
    """
    loading = {key: value for key, value in (loading or {}).items() if key != "config"}
    origin = {key: value for key, value in loading.items() if key in ("revision", "token", "cache_dir")}
    fields, _ = PreTrainedConfig.get_config_dict(name_or_path, **origin)
    before = ", ".join(fields.get("architectures") or [])
    if before != type(model).__name__:
        if before.endswith(("Classification", "Answering", "Tagger", "Classifier")):
            logger.info("%s: keeps the encoder of a %s, with a new head", name_or_path, before)
        return
    old, _ = load_weights(type(model), name_or_path, whole=True, loading=loading)
    places = {label: int(i) for i, label in old.config.id2label.items()}
    labels = [model.config.id2label[i] for i in range(model.config.num_labels)]
    pairs = [(i, places[label]) for i, label in enumerate(labels) if label in places]
    units, state, kept = _units_of_labels(model), old.state_dict(), []
    with torch.no_grad():
        for name in head_names(model):
            here, there = model.state_dict()[name], state.get(name)
            if there is not None and _is_alike(here, there, units[name]):
                rows = [_rows(here, units[name], [i for i, _ in pairs], len(labels))]
                rows.append(_rows(there, units[name], [j for _, j in pairs], len(places)))
                here[rows[0]] = there[rows[1]].to(here.dtype)
                kept.append(name)
    if not kept:
        logger.info("%s: its head has another shape, so a new one is trained", name_or_path)
    elif len(pairs) < max(len(labels), len(places)):
        known = [label for label in labels if label in places]
        new, lost = [label for label in labels if label not in places], [each for each in places if each not in labels]
        shown = _list(known), _list(new), _list(lost)
        logger.info("%s: its head is kept by label name; known: %s; new: %s; gone: %s", name_or_path, *shown)


def _units_of_labels(model: PreTrainedModel) -> dict[str, tuple[int, ...]]:
    """For each dimension of each weight, how many units it has per label; 0 if it does not depend on labels."""
    shapes = []
    for count in (3, 5):
        config = deepcopy(model.config)
        config.num_labels = count
        with torch.device("meta"):
            shapes.append({name: weight.shape for name, weight in type(model)(config).named_parameters()})
    return {
        name: tuple((more - few) // 2 for few, more in zip(shape, shapes[1][name], strict=True))
        for name, shape in shapes[0].items()
    }


def _is_alike(here: Tensor, there: Tensor, units: Sequence[int]) -> bool:
    """Whether the shapes of two weights differ at most in the number of labels."""
    return here.dim() == there.dim() and all(
        unit or one == other for unit, one, other in zip(units, here.shape, there.shape, strict=True)
    )


def _rows(weight: Tensor, units: Sequence[int], places: Sequence[int], count: int) -> tuple[Tensor, ...]:
    """An index of the rows of the labels at `places`, out of `count`, and of everything in other dimensions."""
    index = []
    for size, unit in zip(weight.shape, units, strict=True):
        # There is a block of all labels for each unit: a span head has scores of first tokens, then of last ones.
        rows = [block * count + place for block in range(unit) for place in places] if unit else range(size)
        index.append(torch.tensor(list(rows), dtype=torch.int64))
    return torch.meshgrid(*index, indexing="ij")


def _list(labels: Sequence[str]) -> str:
    return (", ".join(labels[:SHOWN]) + (", ..." if len(labels) > SHOWN else "")) or "none"
