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
        """Give both parts one state and one list of groups, so that schedulers and checkpoints see one optimizer."""
        first = 0
        for part in self.parts:
            last = first + len(part.param_groups)
            part.param_groups, part.state = self.param_groups[first:last], self.state
            first = last

    def load_state_dict(self, state_dict: dict) -> None:
        """Restore a state, for both parts."""
        super().load_state_dict(state_dict)
        self._share()

    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Take one step with both optimizers; return the closure's loss, if there is a closure."""
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
        model: its output layer over the vocabulary stays with the embeddings, whose weights it may share.
        groups: see `parameter_groups`.
        learning_rate: for Muon; `match_rms_adamw` scales it like one of AdamW.

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
