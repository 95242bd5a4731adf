"""Muon for matrices and AdamW for the rest, as one optimizer."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


class MuonAdamW(torch.optim.Optimizer):
    """Muon (Jordan et al., 2024; Liu et al., 2025, for the learning rate in AdamW's units) and AdamW.

    Args:
        matrices: groups for Muon, each with `params` of two dimensions, `lr` and `weight_decay`.
        others: groups for AdamW.
        **adam: `betas` and `eps` of AdamW.
    """

    def __init__(self, matrices: Sequence[dict], others: Sequence[dict], **adam):
        self.parts = [
            torch.optim.Muon(matrices, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(others, **adam),
        ]
        super().__init__([group for part in self.parts for group in part.param_groups], {})
        self._share()

    def _share(self) -> None:
        """One state and one list of groups for all parts: an ordinary optimizer to schedulers and checkpoints."""
        first = 0
        for part in self.parts:
            last = first + len(part.param_groups)
            part.param_groups, part.state = self.param_groups[first:last], self.state
            first = last

    def load_state_dict(self, state_dict: dict) -> None:
        """Take over the state that `state_dict` gave."""
        super().load_state_dict(state_dict)
        self._share()

    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Do one step of both."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.parts:
            part.step()
        return loss


def split_matrices(model: nn.Module, groups: Sequence[dict], *, learning_rate: float) -> tuple[list[dict], list[dict]]:
    """Take the weights of linear layers out of optimizer groups, for Muon.

    Args:
        model: an output layer over the vocabulary stays with the embeddings, whose weights it may share.
        groups: see `parameter_groups`.
        learning_rate: of what is taken out; `match_rms_adamw` scales it like one of AdamW.

    Returns:
        The groups for Muon, and the others.
    """
    last = getattr(model, "get_output_embeddings", lambda: None)()
    tables = [module.weight for module in model.modules() if isinstance(module, nn.Embedding)]
    tables += [] if last is None else [last.weight]
    kept = {id(table) for table in tables}
    linear = {id(each.weight) for each in model.modules() if isinstance(each, nn.Linear)} - kept
    matrices, others = [], []
    for group in groups:
        inside = [parameter for parameter in group["params"] if id(parameter) in linear]
        outside = [parameter for parameter in group["params"] if id(parameter) not in linear]
        matrices += [group | {"params": inside, "lr": learning_rate}] if inside else []
        others += [group | {"params": outside}] if outside else []
    return matrices, others
