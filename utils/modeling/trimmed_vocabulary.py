"""Models with fewer rows of embeddings: on texts whose pieces are kept, outputs are equal bit for bit."""

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import nn
from transformers import PreTrainedModel


def trim_vocabulary(model: PreTrainedModel, kept: Sequence[int]) -> PreTrainedModel:
    """A copy of a model that has embeddings, and outputs, for these pieces only.

    Args:
        model: with one table of embeddings; output layers may be tied to it or not.
        kept: ids of the pieces, ascending; their places are the new ids.

    Returns:
        A model of the same class, in eval mode.

    Raises:
        ValueError: ids are beyond the embeddings, or another weight has as many rows as there are pieces, so that it
            is unknown whether it belongs to them.
    """
    rows = model.get_input_embeddings().weight.shape[0]
    if kept[-1] >= rows:
        raise ValueError(f"expected pieces below {rows}, as there are embeddings for, found {kept[-1]}")
    trimmed = copy.deepcopy(model).eval()
    outputs = trimmed.get_output_embeddings()
    tables = {id(each.weight) for each in (trimmed.get_input_embeddings(), outputs) if each is not None}
    index = torch.tensor(kept)
    for name, weight in [*trimmed.named_parameters(), *trimmed.named_buffers()]:  # tied ones once
        if weight.shape[:1] != (rows,):
            continue
        if id(weight) not in tables and weight.dim() > 1:
            raise ValueError(f"expected one weight of {rows} rows, found {name}, too; it may belong to the vocabulary")
        weight.data = weight.data[index]
    new = {id: place for place, id in enumerate(kept)}
    for module in trimmed.modules():
        if isinstance(module, nn.Embedding) and module.num_embeddings == rows:
            module.num_embeddings, module.padding_idx = len(kept), new.get(module.padding_idx)
        elif isinstance(module, nn.Linear) and module.out_features == rows:
            module.out_features = len(kept)
    trimmed.config.vocab_size = len(kept)
    for config in (trimmed.config, getattr(trimmed, "generation_config", None)):
        if config is not None:
            _renumber(config, new)
    return trimmed


def _renumber(config: object, new: Mapping[int, int]) -> None:
    """Give the new ids of the special tokens that a configuration names; None for one that is not kept."""
    for name, value in list(vars(config).items()):
        if name.endswith("_token_id") and isinstance(value, int):
            setattr(config, name, new.get(value))
        elif name.endswith("_token_id") and isinstance(value, list):
            setattr(config, name, [new[id] for id in value if id in new])
