"""Learning rates by part of the model: encoder layers, head, CRF."""

import re

from torch import nn


def parameter_groups(
    model: nn.Module,
    *,
    learning_rate: float,
    weight_decay: float,
    encoder_prefix: str,
    rates: dict[str, float],
    head_learning_rate: float | None = None,
    layer_decay: float = 1.0,
) -> list[dict]:
    """Optimizer groups with a learning rate and a weight decay each.

    Args:
        model: the model to train; frozen parameters are left out.
        learning_rate: of the encoder's top layer, and of everything that no other argument covers.
        weight_decay: of weight matrices; biases, norms and vectors get none.
        encoder_prefix: name of the encoder inside the model (`base_model_prefix`); the rest is the head.
        rates: learning rate of head modules by name, such as `{"crf": 0.01}`; a missing module is an error.
        head_learning_rate: of the rest of the head; the encoder's if None.
        layer_decay: factor on the learning rate for each layer below the top, and once more for the embeddings
            (Howard and Ruder, 2018, section 3.2).

    Raises:
        ValueError: a module of `rates` has no parameters in the model.
    """
    depth = 1 + max((_layer(name) for name, _ in model.named_parameters()), default=-1)
    groups: dict[tuple[float, float], list] = {}
    unused = set(rates)
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        module, _, rest = name.partition(".")
        if module in rates:
            rate = rates[module]
            unused.discard(module)
        elif module != encoder_prefix:
            rate = learning_rate if head_learning_rate is None else head_learning_rate
        else:
            # 4 layers, decay 0.9: top layer 1, lowest layer 0.9^3, embeddings 0.9^4
            below = depth if "embed" in rest else depth - 1 - _layer(name) if _layer(name) >= 0 else 0
            rate = learning_rate * layer_decay**below
        decay = weight_decay if parameter.dim() > 1 and module not in rates else 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    if unused:
        raise ValueError(f"a learning rate is given for {sorted(unused)}, but the model has no such part")
    return [{"params": params, "lr": rate, "weight_decay": decay} for (rate, decay), params in groups.items()]


def _layer(name: str) -> int:
    """Number of the encoder layer that a parameter belongs to, -1 for none."""
    found = re.search(r"\.layers?\.(\d+)\.|_layers\.(\d+)\.", name)
    return int(found[1] or found[2]) if found else -1
