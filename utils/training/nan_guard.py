"""Losses and gradients that are no numbers: the step is not taken, and the rows that it would learn from are named."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ..data.errors import TrainingError
from ..running.processes import end_quietly, gather, highest

logger = logging.getLogger(__name__)

ROW_IDS = "row_ids"  # of a batch, beside its tensors
IN_A_ROW = 20  # steps; then it is not the rows: the weights themselves are no numbers, or every step ruins them
SHOWN = 128  # ids in a message
ADVICE = "Expected a number. Look at these rows; lower --learning_rate, raise --warmup_steps, or take --precision fp32"


@dataclass
class NamedRows:
    """A collator that also tells which rows a batch holds, under `ROW_IDS`; where rows have no `id`, it does not."""

    collator: Callable[[list[dict]], dict]

    def __call__(self, rows: list[dict]) -> dict:
        batch = dict(self.collator(rows))
        if "id" in rows[0]:
            batch[ROW_IDS] = [str(row["id"]) for row in rows]
        return batch


@dataclass
class NanGuard:
    """Looks at the losses and the gradient of every step before it is taken; all processes decide alike.

    Args:
        skip: leave such a step out, instead of stopping at it. The weights and the optimizer stay as they are; the
            schedule of the learning rate goes on.
        in_a_row: so many steps left out one after the other stop training all the same.
    """

    skip: bool
    in_a_row: int = IN_A_ROW
    skipped_in_a_row: int = 0
    seen: list[tuple[Tensor, Callable]] = field(default_factory=list)  # of the step under way

    def see(self, loss: Tensor, name_rows: Callable[[], list[str]]) -> None:
        """Take note of a batch of the step: its loss, and how to tell its rows, should that be needed."""
        self.seen.append((loss.detach(), name_rows))

    def judge(self, norm: Tensor | float | None, *, step: int, scaled: bool, first: bool) -> dict | None:
        """Decide about the step.

        Args:
            norm: of the gradient, over all processes; None where it is not known.
            step: number of the step, from 1 on.
            scaled: a scaler leaves out steps whose gradients overflow, so that these are no fault.
            first: whether this process speaks for all.

        Returns:
            What the history of the run says about a step that must be left out; None for one that may be taken.

        Raises:
            TrainingError: it must be left out, and that was not asked for.
        """
        losses = [bool(torch.isfinite(loss).all()) for loss, _ in self.seen]
        overflow = not scaled and norm is not None and not bool(torch.isfinite(torch.as_tensor(norm)))
        seen, self.seen = self.seen, []
        device = seen[0][0].device if seen else "cpu"
        if not highest(int(overflow or not all(losses)), device=device):
            self.skipped_in_a_row = 0
            return None
        guilty = [not fine for fine in losses]
        mine = [
            (bad, float(loss.float().mean()), name_rows()) for bad, (loss, name_rows) in zip(guilty, seen, strict=True)
        ]
        batches = [batch for each in gather(mine) for batch in each]  # of all processes
        batches = [batch for batch in batches if batch[0]] or batches
        what = f"the loss is {batches[0][1]}" if batches[0][0] else "the loss is a number, but its gradient is not"
        rows = [row for _, _, names in batches for row in names]
        self.skipped_in_a_row += 1
        place = f"step {step}: {what}; {_describe(rows)}"
        if self.skip and self.skipped_in_a_row < self.in_a_row:
            logger.warning("%s; left out", place)
            return {"skipped": what, "skipped_step": step, "rows": rows}  # no score of a step or an epoch
        if not first:
            end_quietly()
        if self.skip:
            raise TrainingError(
                f"{place}. So were {self.in_a_row} steps one after the other: the weights are no numbers any more, or "
                f"the steps are too large. {ADVICE}"
            )
        raise TrainingError(f"{place}. {ADVICE}, or go on without such steps: --on_nan skip")


def drop_gradients(model: nn.Module) -> None:
    """Leave an optimizer nothing to do in its next step: weights, moments and their counts stay as they are."""
    for parameter in model.parameters():
        parameter.grad = None


def _describe(rows: Sequence[str]) -> str:
    shown = ", ".join(json.dumps(row, ensure_ascii=False) for row in rows[:SHOWN])
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return f"its rows ({len(rows)}, by id or beginning): {shown}{more}"
