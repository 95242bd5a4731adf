"""Stock masked-language models whose output layer runs only on the masked tokens."""

import difflib
from types import MethodType

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import (
    CONFIG_MAPPING,
    AutoConfig,
    AutoModelForMaskedLM,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.modeling_outputs import MaskedLMOutput

from .encoders import HEAD_IN_ORDER


def predict_hidden_only(model: PreTrainedModel) -> PreTrainedModel:
    """Let a model compute logits only where labels are not -100; the loss is the same.

    The output layer over the whole vocabulary takes a third or more of a small model's time, and 85 % of its results
    are not used. Families that are not in `HEAD_IN_ORDER` compute all logits and keep the needed ones. The class, the
    parameters and saved files do not change.

    Args:
        model: changed in place. Its `forward` then takes `labels` (batch, length), and returns `logits` (masked
            tokens, vocabulary), row by row, and `loss`: the mean over them, in float32, or their sum divided by
            `num_items_in_batch` if that is given; and `with_states`, which makes it return `hidden_states`, the last
            ones alone, (batch, length, width).
    """
    model.forward = MethodType(_forward_hidden, model)
    return model


def _forward_hidden(
    self,
    input_ids: Tensor,
    attention_mask: Tensor | None = None,
    labels: Tensor | None = None,
    num_items_in_batch: Tensor | int | None = None,
    with_states: bool = False,
    **options,
) -> MaskedLMOutput:
    places = labels != -100  # (batch, length)
    inputs = {"input_ids": input_ids, "attention_mask": attention_mask, **options}
    if self.config.model_type in HEAD_IN_ORDER:
        states = self.base_model(**inputs).last_hidden_state
        logits = states[places]  # (masked tokens, width)
        for part in self.children():
            if part is not self.base_model:
                logits = part(logits)
    else:
        outputs = type(self).forward(self, **inputs, output_hidden_states=with_states or None)
        logits, states = outputs.logits[places], outputs.hidden_states[-1] if with_states else None
    total = cross_entropy(logits.float(), labels[places], reduction="sum")
    count = places.sum() if num_items_in_batch is None else num_items_in_batch
    loss = total / torch.as_tensor(count).clamp(min=1)
    return MaskedLMOutput(loss=loss, logits=logits, hidden_states=(states,) if with_states else None)


def new_masked_lm(config: PreTrainedConfig) -> PreTrainedModel:
    """A masked-language model of a family that has one, with random weights in float32.

    Raises:
        ValueError: fields of the configuration contradict each other.
    """
    try:
        return AutoModelForMaskedLM.from_config(config, dtype=torch.float32)
    except (KeyError, TypeError) as error:  # such as an unknown activation
        raise ValueError(f"{config.model_type}: expected a configuration of a model, found: {error}") from error


def new_config(fields: dict, *, tokenizer: PreTrainedTokenizerBase) -> PreTrainedConfig:
    """A model configuration from the fields of a file.

    Args:
        fields: `model_type`, and what differs from the family's defaults.
        tokenizer: settles `vocab_size` and the ids of special tokens.

    Raises:
        ValueError: there is no family of that name, or it lacks one of the fields.
    """
    fields = dict(fields)
    kind = fields.pop("model_type", None)
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING:
        raise ValueError(f"model_type: expected a family that transformers knows, such as bert, found {kind}")
    plain = AutoConfig.for_model(kind)
    if unknown := [name for name in fields if not hasattr(plain, name)]:
        near = difflib.get_close_matches(unknown[0], plain.to_dict(), n=1)
        raise ValueError(f"{unknown[0]}: no field of {kind}" + (f"; did you mean {near[0]}?" if near else ""))
    settled = {"vocab_size": len(tokenizer)}
    for name in ("pad_token_id", "cls_token_id", "sep_token_id", "bos_token_id", "eos_token_id"):
        if hasattr(plain, name) and getattr(tokenizer, name) is not None:
            settled[name] = getattr(tokenizer, name)
    try:
        return AutoConfig.for_model(kind, **(fields | settled))
    except Exception as error:  # the errors of a family's own checks are not a closed list
        raise ValueError(f"{kind}: expected valid fields, found: {' '.join(str(error).split())}") from error


def set_dropout(config: PreTrainedConfig, share: float | None) -> dict[str, float]:
    """Set the dropout of all layers of an encoder.

    Args:
        config: changed in place.
        share: 0-1; None leaves it as it is.

    Returns:
        The changed fields with their previous values, for `config.update`.
    """
    names = [] if share is None else [name for name, value in config.to_dict().items() if _is_dropout(name, value)]
    before = {name: getattr(config, name) for name in names}
    config.update(dict.fromkeys(names, share))
    return before


def _is_dropout(name: str, value: object) -> bool:
    return "dropout" in name and "classifier" not in name and isinstance(value, int | float)
