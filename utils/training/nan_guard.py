"""Losses and gradients that are NaN or infinite: the step is not taken, and its rows are named."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ..data.errors import TrainingError
from ..running.processes import end_quietly, gather, highest

logger = logging.getLogger(__name__)

ROW_IDS = "row_ids"  # of a batch, in addition to its tensors
IN_A_ROW = 20  # steps; after this many it is not the rows: the weights are NaN, or every step ruins them
SHOWN = 128  # ids in a message
ADVICE = "Expected a number. Check these rows; lower --learning_rate, raise --warmup_steps, or use --precision fp32"


@dataclass
class NamedRows:
    """A collator that adds the ids of a batch's rows under `ROW_IDS`, if rows have an `id`."""

    collator: Callable[[list[dict]], dict]

    def __call__(self, rows: list[dict]) -> dict:
        batch = dict(self.collator(rows))
        if "id" in rows[0]:
            batch[ROW_IDS] = [str(row["id"]) for row in rows]
        return batch


@dataclass
class NanGuard:
    """Checks the losses and the gradient of every step before it is taken; all processes decide alike.

    In a step that is skipped, weights and optimizer stay as they are; the learning-rate schedule advances.
    """

    skip: bool  # skip such a step instead of stopping
    in_a_row: int = IN_A_ROW  # this many skipped steps in a row stop training anyway
    skipped_in_a_row: int = 0
    seen: list[tuple[Tensor, Callable]] = field(default_factory=list)  # of the step under way

    def see(self, loss: Tensor, name_rows: Callable[[], list[str]]) -> None:
        """Record a batch of the step: its loss, and how to name its rows if needed."""
        self.seen.append((loss.detach(), name_rows))

    def judge(self, norm: Tensor | float | None, *, step: int, scaled: bool, first: bool) -> dict | None:
        """Decide about the step.

        Args:
            norm: of the gradient, over all processes; None where it is not known.
            step: number of the step, from 1 on.
            scaled: whether a gradient scaler skips steps whose gradients overflow, so that an overflow is no error.
            first: whether this process reports for all.

        Returns:
            The entry in the run's history for a step that must be skipped; None for one that may be taken.

        Raises:
            TrainingError: the step must be skipped, but `skip` is off, or too many in a row were skipped.
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
        what = f"the loss is {batches[0][1]}" if batches[0][0] else "the loss is finite, but its gradient is not"
        rows = [row for _, _, names in batches for row in names]
        self.skipped_in_a_row += 1
        place = f"step {step}: {what}; {_describe(rows)}"
        if self.skip and self.skipped_in_a_row < self.in_a_row:
            logger.warning("%s; step skipped", place)
            return {"skipped": what, "skipped_step": step, "rows": rows}  # not a score of a step or an epoch
        if not first:
            end_quietly()
        if self.skip:
            raise TrainingError(
                f"{place}. This happened in {self.in_a_row} steps in a row: the weights are NaN, or the steps are too "
                f"large. {ADVICE}"
            )
        raise TrainingError(f"{place}. {ADVICE}, or skip such steps with --on_nan skip")


def drop_gradients(model: nn.Module) -> None:
    """Make the optimizer's next step do nothing: weights, moments and their counts stay as they are."""
    for parameter in model.parameters():
        parameter.grad = None


def _describe(rows: Sequence[str]) -> str:
    shown = ", ".join(json.dumps(row, ensure_ascii=False) for row in rows[:SHOWN])
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return f"its rows ({len(rows)}, by id or beginning): {shown}{more}"
