"""Dropout that does not spend a fifth of a training step on a CPU drawing random floats."""

import torch
from torch import Tensor, nn


def drop(states: Tensor, p: float) -> Tensor:
    """Set a share of the units to zero, and scale the others by the inverse of the share kept; see `FastDropout`."""
    dropped = round(256 * p)
    if not dropped:
        return states
    if dropped >= 256:
        return torch.zeros_like(states)
    draws = torch.randint(-(2**63), 2**63 - 1, ((states.numel() + 7) // 8,), device=states.device)
    kept = draws.view(torch.uint8)[: states.numel()].view(states.shape) >= dropped
    return states * kept.to(states.dtype).mul_(256 / (256 - dropped))


class FastDropout(nn.Module):
    """Dropout from random bytes: each draw of the generator makes eight decisions, in `nn.Dropout` one.

    Args:
        p: share of the units that are dropped, 0-1; rounded to the nearest 1/256, and the kept units are scaled by
            exactly the inverse of the share kept.
    """

    def __init__(self, p: float):
        super().__init__()
        self.p = p

    def forward(self, states: Tensor) -> Tensor:
        return drop(states, self.p) if self.training else states

    def extra_repr(self) -> str:
        return f"p={self.p}"


def use_fast_dropout(model: nn.Module) -> int:
    """Replace every `nn.Dropout`, and return how many; weights, their names and saved files do not change."""
    replaced = 0
    for module in list(model.modules()):
        for name, child in module.named_children():
            if type(child) is nn.Dropout:
                setattr(module, name, FastDropout(child.p).train(child.training))
                replaced += 1
    return replaced
