"""Trainable vectors that an encoder reads with each text: prompt tuning, P-tuning and prefix tuning, on any family.

peft puts such vectors before the text, which shifts every label, the [CLS] token and all positions. It does not
support heads of other classes, or encoders whose embeddings are narrower than their layers. Here the text keeps its
positions, and the encoder's output at the vectors is cut off: whatever follows sees only the text.
"""

import contextlib
import inspect
from dataclasses import dataclass

import torch
from peft import PeftConfig, mapping
from torch import Tensor, nn
from transformers import PreTrainedModel

from ..modeling.encoders import OFFSET_POSITIONS
from ..modeling.soft_prompts import SoftPrompts, find_layers

NAME = "virtual_tokens"  # of the module inside an encoder
DEFAULT = "default"  # what peft calls the adapter that is trained


@dataclass
class VirtualTokensConfig(PeftConfig):
    """How many vectors there are, and how they are made."""

    count: int = 20
    encoder: str = "none"  # or `mlp`, see `SoftPrompts`
    deep: bool = False  # each layer has vectors of its own

    def __post_init__(self):
        self.peft_type = "VIRTUAL_TOKENS"


mapping.PEFT_TYPE_TO_CONFIG_MAPPING["VIRTUAL_TOKENS"] = VirtualTokensConfig


class VirtualTokens(nn.Module):
    """The vectors of an encoder, which start as the embeddings of random words.

    Args:
        config: how many there are, and how they are made.
        encoder: without a head. This module, and hooks that use it, are added to it.
    """

    def __init__(self, config: VirtualTokensConfig, encoder: PreTrainedModel):
        super().__init__()
        table = encoder.get_input_embeddings().weight.detach()
        layers, width = encoder.config.num_hidden_layers - 1, encoder.config.hidden_size
        deep = {"layers": layers, "hidden_size": width} if config.deep else {}
        prompts = SoftPrompts(config.count, table.shape[1], encoder=config.encoder, **deep)
        with torch.no_grad():
            prompts.weight.copy_(table[torch.randint(len(table), (config.count,))])
            if prompts.deep is not None:
                prompts.deep.normal_(std=getattr(encoder.config, "initializer_range", 0.02))
        self.prompts = nn.ModuleDict({DEFAULT: prompts.to(table.device)})
        # After the text if the encoder pools its first token; otherwise before it, so that distances do not depend on
        # the padding after it.
        self._behind = hasattr(encoder, "pooler")
        self._taken = set(inspect.signature(encoder.forward).parameters)
        self._running = contextlib.ExitStack()
        encoder.add_module(NAME, self)
        encoder.register_forward_pre_hook(self._append, with_kwargs=True)
        encoder.register_forward_hook(self._cut, with_kwargs=True, always_call=True)

    def _append(self, encoder, args, kwargs):
        """Put the vectors before or after the text, whose positions do not change."""
        given = dict(zip(inspect.signature(encoder.forward).parameters, args, strict=False)) | kwargs
        prompts = self.prompts[DEFAULT]
        ids, embeds = given.pop("input_ids", None), given.get("inputs_embeds")
        if embeds is None:
            embeds = encoder.get_input_embeddings()(ids)
        (batch, length), count = embeds.shape[:2], len(prompts.weight)
        own = prompts().to(embeds.dtype).expand(batch, -1, -1)
        given["inputs_embeds"] = self._join(embeds, own)
        if (seen := given.get("attention_mask")) is not None:
            given["attention_mask"] = self._widen(seen, count)
        if (kinds := given.get("token_type_ids")) is not None:
            given["token_type_ids"] = self._join(kinds, kinds.new_zeros(batch, count))
        if "position_ids" in self._taken:
            places = given.get("position_ids")
            if places is None:
                places = _positions(encoder.config, ids, embeds)
            first = _first_position(encoder.config)
            extra = torch.arange(first, first + count, device=places.device).expand(batch, -1)
            given["position_ids"] = self._join(places.expand(batch, -1), extra)
        if prompts.deep is not None:
            nowhere = torch.full((batch, length), -1, device=embeds.device)
            numbers = self._join(nowhere, torch.arange(count, device=embeds.device).expand(batch, -1))
            layers = find_layers(encoder, encoder.config.num_hidden_layers)
            self._running.enter_context(prompts.in_layers(layers, numbers >= 0, numbers.clamp(min=0)))
        return (), given

    def _cut(self, encoder, args, kwargs, output):
        """Keep only the text's part of the encoder's output."""
        self._running.close()
        if output is None:
            return None
        count = len(self.prompts[DEFAULT].weight)
        text = slice(None, -count) if self._behind else slice(count, None)
        for name in ("last_hidden_state", "hidden_states"):
            value = output.get(name)
            if isinstance(value, Tensor):
                output[name] = value[:, text]
            elif value is not None:
                output[name] = tuple(each[:, text] for each in value)
        return output

    def _join(self, text: Tensor, vectors: Tensor, dim: int = 1) -> Tensor:
        return torch.cat([text, vectors] if self._behind else [vectors, text], dim=dim)

    def _widen(self, seen: Tensor, count: int) -> Tensor:
        """(batch, length) or (batch, ..., length, length) mask with `count` more places: seen by all, seeing all.

        A mask of the second form is bool, or floating and added to the scores.
        """
        if seen.dim() == 2:
            return self._join(seen, seen.new_ones(seen.shape[0], count))
        visible = 0 if seen.is_floating_point() else 1
        seen = self._join(seen, seen.new_full((*seen.shape[:-1], count), visible), dim=-1)
        return self._join(seen, seen.new_full((*seen.shape[:-2], count, seen.shape[-1]), visible), dim=-2)


def _first_position(config) -> int:
    return (config.pad_token_id or 0) + 1 if config.model_type in OFFSET_POSITIONS else 0


def _positions(config, ids: Tensor | None, embeds: Tensor) -> Tensor:
    """(batch or 1, length) positions that the encoder would assign to the text."""
    if config.model_type in OFFSET_POSITIONS and ids is not None:
        text = (ids != config.pad_token_id).long()
        return text.cumsum(1) * text + config.pad_token_id
    first = _first_position(config)
    return torch.arange(first, first + embeds.shape[1], device=embeds.device)[None]
