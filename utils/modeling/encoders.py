"""Which families of models can be used under a head: encoders in which each token sees the whole text."""

import inspect

import torch
from torch import nn
from transformers import (
    MODEL_FOR_TEXT_ENCODING_MAPPING,
    AutoModel,
    AutoModelForTextEncoding,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.integrations import is_deepspeed_zero3_enabled

# Families whose output layer as a masked-language model consists of the modules after the encoder, applied in order.
HEAD_IN_ORDER = {"albert", "bert", "camembert", "electra", "ernie", "modernbert", "roberta", "xlm-roberta"}

# Families whose positions begin after the padding id, so that fewer tokens fit than there are positions.
OFFSET_POSITIONS = frozenset(
    {
        "camembert",
        "data2vec-text",
        "ibert",
        "layoutlmv3",
        "lilt",
        "longformer",
        "luke",
        "markuplm",
        "mpnet",
        "roberta",
        "roberta-prelayernorm",
        "xlm-roberta",
        "xlm-roberta-xl",
        "xmod",
    }
)


class FamilyError(OSError, ValueError):
    """A family of models that cannot be used under a head."""


def encoder_class(config: PreTrainedConfig) -> type:
    """`AutoModel`, or for T5 and its relatives the class of the encoder alone."""
    reading = MODEL_FOR_TEXT_ENCODING_MAPPING.get(type(config), None)
    return AutoModelForTextEncoding if reading and reading.__name__.endswith("EncoderModel") else AutoModel


def drop_pooler(encoder: PreTrainedModel) -> None:
    """Remove the pooler, which most heads do not use: under DDP its parameters would wait for gradients."""
    if isinstance(getattr(encoder, "pooler", None), nn.Module):
        encoder.pooler = nn.Identity()  # None would work for most, but not for SqueezeBERT and LayoutLM


def split_names(model: PreTrainedModel) -> tuple[str, set[str]]:
    """The prefix of the encoder's parameter names in a model, and the first parts of the names after it."""
    base = getattr(model, model.base_model_prefix, None) if model.base_model_prefix else None
    if isinstance(base, nn.Module):
        return f"{model.base_model_prefix}.", {name.partition(".")[0] for name in base.state_dict()}
    parts = {name.partition(".")[0] for name in model.state_dict()}
    if "For" in type(model).__name__:  # a head at the same level as the encoder's parts, such as T5's for answers
        with torch.device("meta"):
            parts &= {name.partition(".")[0] for name in AutoModel.from_config(model.config).state_dict()}
    return "", parts


def head_names(model: PreTrainedModel) -> list[str]:
    """Names of the parameters of a model's head."""
    inside, parts = split_names(model)
    names = [name for name, _ in model.named_parameters()]
    if inside:
        return [name for name in names if not name.startswith(inside)]
    return [name for name in names if name.partition(".")[0] not in parts]


@torch.no_grad()
def check_family(model: PreTrainedModel, name_or_path: str, *, all_layers: bool = False) -> None:
    """Check that an encoder gives one state per token of a text, which also depends on the tokens after it.

    Args:
        model: in eval mode, with or without a head.
        name_or_path: its origin, for the error.
        all_layers: whether the states of all its layers will be mixed.

    Raises:
        FamilyError: it does not.
    """
    config, encoder = model.config, model.base_model
    if "For" in type(model).__name__ and encoder_class(config) is AutoModelForTextEncoding:
        return  # these run T5's decoder themselves
    if is_deepspeed_zero3_enabled() or any(weight.is_meta for weight in model.parameters()):
        return  # this process holds only a part of the weights
    ids = torch.arange(5, 13)[None].repeat(2, 1) % (getattr(config, "vocab_size", None) or 99)
    ids[1, 1] = 4
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    problem, states = None, None
    if "attention_mask" not in inspect.signature(encoder.forward).parameters:
        problem = "cannot tell padding from text"
    elif encoder is model and getattr(config, "is_encoder_decoder", False):
        problem = "is an encoder with a decoder"
    else:
        try:
            with torch.random.fork_rng(devices=[]):
                found = encoder(**inputs, output_hidden_states=all_layers)
            states = found.last_hidden_state
            if encoder is model and states.shape[:2] != ids.shape:
                problem = f"gives {list(states.shape)} for two texts of eight tokens"
            elif encoder is model and states.shape[-1] != getattr(config, "hidden_size", None):
                problem = f"gives states of width {states.shape[-1]}, which is not its configured hidden_size"
            elif torch.equal(states[0, 0], states[1, 0]):
                problem = "reads from left to right: a token does not see the next one"
            elif all_layers and {each.shape for each in found.hidden_states} != {states.shape}:
                problem = "has layers of several lengths, which cannot be mixed"
            elif all_layers and len(found.hidden_states) != config.num_hidden_layers + 1:
                problem = f"gives {len(found.hidden_states)} layers where {config.num_hidden_layers + 1} are expected"
        except Exception as error:  # other inputs that a family may require are not a closed list
            problem = f"needs more than text: {' '.join(str(error).split())[:200]}"
    if problem:
        raise FamilyError(
            f"{name_or_path}: expected a text encoder like BERT, found {config.model_type}, which {problem}; use "
            "another encoder"
        )
