"""Fast gradient method: also train on word embeddings that are moved to increase the loss."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass
class FastGradient:
    """Fast gradient method (Miyato et al., 2017): also train on embeddings moved along their gradient."""

    epsilon: float  # Euclidean norm of the move

    @contextlib.contextmanager
    def moved(self, weight: nn.Parameter, gradient: Tensor) -> Iterator[None]:
        """Move `weight` along `gradient` inside the block."""
        norm = gradient.norm()
        if not torch.isfinite(norm) or norm == 0:
            yield
            return
        before = weight.detach().clone()
        with torch.no_grad():
            weight.add_(gradient, alpha=self.epsilon / norm.item())
        try:
            yield
        finally:
            with torch.no_grad():
                weight.copy_(before)
