"""Encoders with some of their layers, a start for a smaller one."""

import copy
from collections.abc import Sequence

from torch import nn
from transformers import PreTrainedModel


def keep_layers(model: PreTrainedModel, layers: Sequence[int]) -> PreTrainedModel:
    """A copy of a model whose encoder has these layers only, one after the other.

    Args:
        model: an encoder with a list of layers, or an output layer on one.
        layers: their places, from 0, ascending.

    Returns:
        A model of the same class, in eval mode.

    Raises:
        ValueError: there are no such layers, or all places share one.
    """
    count = model.config.num_hidden_layers
    if not layers or list(layers) != sorted(set(layers)) or layers[0] < 0 or layers[-1] >= count:
        found = " ".join(map(str, layers)) or "none"
        raise ValueError(f"expected layers from 0 to {count - 1}, each once and in order, found {found}")
    smaller = copy.deepcopy(model).eval()
    lists = [
        (parent, name, child)
        for parent in smaller.base_model.modules()
        for name, child in parent.named_children()
        if isinstance(child, nn.ModuleList) and len(child) == count
    ]
    if not lists:
        raise ValueError(f"expected a list of {count} layers, found none in the family {model.config.model_type}")
    for parent, name, child in lists:  # some families have several, of attention and of what follows it
        setattr(parent, name, nn.ModuleList(child[place] for place in layers))
    smaller.config.num_hidden_layers = len(layers)
    kinds = getattr(smaller.config, "layer_types", None)
    if kinds is not None:
        smaller.config.layer_types = [kinds[place] for place in layers]
    return smaller
