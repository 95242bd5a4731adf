"""Training few weights in place of all: low-rank adapters and biases, while the rest of an encoder stays."""

import logging

from torch import nn

logger = logging.getLogger(__name__)

KINDS = ("none", "lora", "bitfit")
# What the families call the layers that make queries and values of attention, alone or together.
QUERY_VALUE = {"query", "value", "q_lin", "v_lin", "q_proj", "v_proj", "query_proj", "value_proj", "Wqkv"}


def add_adapter(model: nn.Module, kind: str, *, rank: int = 8) -> None:
    """Leave a model's encoder as it is in training, but for an adapter; what is not pre-trained learns all the same.

    Args:
        model: one of our heads; its `HEAD_MODULES` name what is not pre-trained. Changed in place.
        kind: `lora` adds a product of two narrow matrices to queries and values (Hu et al., 2022, section 4.2), scaled
            by 2; `bitfit` trains the biases (Ben Zaken et al., 2022); `none` trains everything.
        rank: width of the matrices.

    Raises:
        ValueError: the encoder has no layers of the known names.
    """
    if kind == "none":
        return
    encoder = getattr(model, model.base_model_prefix)
    encoder.requires_grad_(False)
    if kind == "lora":
        from peft import LoraConfig, inject_adapter_in_model  # takes seconds

        names = {name for name, module in encoder.named_modules() if isinstance(module, nn.Linear)}
        targets = sorted(name for name in names if name.rpartition(".")[2] in QUERY_VALUE)
        if not targets:
            raise ValueError(f"{encoder.config.model_type}: expected layers named {', '.join(sorted(QUERY_VALUE))}")
        inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=targets), encoder)
    else:
        for name, parameter in encoder.named_parameters():
            parameter.requires_grad_(name.rpartition(".")[2] == "bias")
    for name in model.HEAD_MODULES:
        if (module := getattr(model, name)) is not None:
            module.requires_grad_(True)
    learning = sum(each.numel() for each in model.parameters() if each.requires_grad)
    total = sum(each.numel() for each in model.parameters())
    logger.info("%s of %s weights learn (%.2f %%)", f"{learning:,}", f"{total:,}", 100 * learning / total)


def merge_adapter(model: nn.Module) -> nn.Module:
    """Take adapters into the weights that they were added to, so that the model is built as before; in place."""
    for name, module in list(model.named_modules()):
        if hasattr(module, "get_base_layer"):
            module.merge(safe_merge=True)
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, module.get_base_layer())
    return model
