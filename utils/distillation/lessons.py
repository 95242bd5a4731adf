"""What a student learns from a teacher beside its labels, batch by batch; one class for each form of task.

The loss of a labelled text is `weight` times the teacher's part and the rest times that of its labels; a text without
labels has the teacher's part alone.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

import torch
from datasets import Dataset, concatenate_datasets
from torch import Tensor, nn

from .output_cache import Outputs

ROW = "lesson"  # column of the inputs: the row of the teacher's outputs
TAUGHT = "taught_"  # names of a batch's tensors begin so
UNLABELED = "taught_unlabeled"


class Lessons(ABC):
    """The teacher's part of the loss.

    Args:
        outputs: of the teacher, for the labelled rows and then for those without labels.
        labelled: how many rows have labels.
        weight: of the teacher in the loss of a labelled text, 0-1.
        temperature: of both distributions (Hinton et al., 2015, section 2); the loss is multiplied by its square, so
            that gradients stay as large as they are.
    """

    def __init__(self, outputs: Outputs, labelled: int, *, weight: float, temperature: float):
        self.outputs, self.labelled, self.weight, self.temperature = outputs, labelled, weight, temperature

    def number(self, encoded: Dataset, *, unlabeled: bool) -> Dataset:
        """Inputs with the column `ROW`."""
        place = "text_index" if "text_index" in encoded.column_names else "index"
        first = self.labelled if unlabeled else 0
        return encoded.add_column(ROW, [first + row for row in encoded[place][:]])

    def join_rows(self, labelled: Dataset, unlabeled: Dataset | None) -> Dataset:
        """All inputs of the training data, each with the row of the teacher's outputs."""
        rows = self.number(labelled, unlabeled=False)
        if unlabeled is None or not len(unlabeled):
            return rows
        return concatenate_datasets([rows, self.number(unlabeled, unlabeled=True).cast(rows.features)])

    def collate(self, collator: Callable[[list[dict]], dict]) -> "TaughtCollator":
        """A collator whose batches also have what the teacher says about their rows."""
        return TaughtCollator(collator, self)

    def add(self, rows: Sequence[dict], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The teacher's part of a batch."""
        told = self.targets(rows, [self.outputs[row[ROW]] for row in rows], batch)
        told = {TAUGHT + name: value for name, value in told.items()}
        return told | {UNLABELED: torch.tensor([row[ROW] >= self.labelled for row in rows])}

    @abstractmethod
    def targets(self, rows: Sequence[dict], outputs: Sequence, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the teacher says about the rows of a batch, as tensors whose first dimension is the batch."""

    def divide(self, inputs: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """A batch as the model takes it, without the labels of rows that have none; and the teacher's part of it."""
        taught = {name.removeprefix(TAUGHT): value for name, value in inputs.items() if name.startswith(TAUGHT)}
        plain = {name: value for name, value in inputs.items() if not name.startswith(TAUGHT)}
        return self.hide(plain, taught["unlabeled"]), taught

    @abstractmethod
    def hide(self, inputs: dict[str, Tensor], unlabeled: Tensor) -> dict[str, Tensor]:
        """Take the labels of some rows, (batch,) bool, out of a batch, so that they do not count in the loss."""

    def join(
        self,
        loss: Tensor,
        outputs: Mapping[str, Tensor],
        inputs: Mapping[str, Tensor],
        taught: Mapping[str, Tensor],
        *,
        model: nn.Module,
        share: Tensor | float = 1.0,
    ) -> Tensor:
        """The whole loss of a batch.

        Args:
            loss: of the labels, the mean over all rows, in which those without labels have 0.
            outputs: of the model.
            inputs, taught: see `divide`.
            model: whose outputs they are.
            share: of the batch in the step over which the loss is averaged.
        """
        weights = torch.where(taught["unlabeled"], 1.0, self.weight)  # (batch,)
        return (1 - self.weight) * loss + share * self.temperature**2 * self.soft(
            outputs, inputs, taught, weights, model
        )

    @abstractmethod
    def soft(self, outputs, inputs, taught, weights: Tensor, model: nn.Module) -> Tensor:
        """The mean divergence of the student from the teacher; `weights`: (batch,) of the rows."""


class TaughtCollator:
    """A collator whose batches also have what a teacher says about their rows."""

    def __init__(self, collator: Callable[[list[dict]], dict], lessons: Lessons):
        self.collator, self.lessons = collator, lessons

    def __call__(self, rows: list[dict]) -> dict:
        batch = dict(self.collator(rows))
        return batch | self.lessons.add(rows, batch)
