"""What training costs: trainable weights and memory."""

import sys

import torch
from torch import nn

MEGABYTE = 1 << 20


def training_costs(model: nn.Module) -> dict[str, float]:
    """The costs of training a model, with its adapters, for `all_results.json`.

    Returns:
        `trainable_weights`, their `trainable_share` of all weights (0-1), and `peak_memory_mb`: the peak of the
        accelerator if there is one, otherwise of this process with all its libraries.

    Example:
        >>> model = nn.Linear(3, 1)
        >>> _ = model.bias.requires_grad_(False)
        >>> costs = training_costs(model)
        >>> costs["trainable_weights"], costs["trainable_share"], costs["peak_memory_mb"] > 1
        (3, 0.75, True)
    """
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    learning, whole = sum(size for size, learns in sizes if learns), sum(size for size, _ in sizes)
    costs = {"trainable_weights": learning, "trainable_share": learning / max(whole, 1)}
    if torch.cuda.is_available():
        return costs | {"peak_memory_mb": torch.cuda.max_memory_allocated() / MEGABYTE}
    try:
        import resource  # Unix
    except ImportError:
        return costs
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return costs | {"peak_memory_mb": peak / (MEGABYTE if sys.platform == "darwin" else 1024)}
