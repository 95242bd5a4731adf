"""What a classifier learns from a teacher: the probabilities of one class, of each of several labels, or scores."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, kl_div

from .lessons import Lessons


class ClassLessons(Lessons):
    """KL divergence of the tempered distributions over classes (Hinton et al., 2015, section 2).

    Example:
        >>> lessons = ClassLessons([np.log([0.9, 0.1])], 1, weight=0.5, temperature=1.0)
        >>> lessons.targets([{}], lessons.outputs, {})["targets"].exp()
        tensor([[0.9000, 0.1000]])
    """

    def targets(self, rows: Sequence[dict], outputs: Sequence, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """`targets` (batch, labels): logarithms of probabilities, log-odds, or scores."""
        return {"targets": torch.from_numpy(np.stack(outputs).astype(np.float32))}  # (batch, labels)

    def hide(self, inputs: dict[str, Tensor], unlabeled: Tensor) -> dict[str, Tensor]:
        """Their label becomes -100."""
        return inputs | {"labels": inputs["labels"].masked_fill(unlabeled, -100)}

    def soft(self, outputs, inputs, taught, weights: Tensor, model: nn.Module) -> Tensor:
        """Mean over texts of KL(teacher, student)."""
        student = (outputs["logits"].float() / self.temperature).log_softmax(-1)
        teacher = (taught["targets"] / self.temperature).log_softmax(-1)
        each = kl_div(student, teacher, log_target=True, reduction="none").sum(-1)  # (batch,)
        return (weights * each).mean()


class LabelLessons(ClassLessons):
    """Divergence of the tempered yes/no decision about each label, mean over the labels."""

    def hide(self, inputs: dict[str, Tensor], unlabeled: Tensor) -> dict[str, Tensor]:
        """Their labels become NaN."""
        return inputs | {"labels": inputs["labels"].masked_fill(unlabeled[:, None], torch.nan)}

    def soft(self, outputs, inputs, taught, weights: Tensor, model: nn.Module) -> Tensor:
        """Mean over texts and labels of KL(teacher, student)."""
        each = decision_divergence(
            outputs["logits"].float() / self.temperature, taught["targets"] / self.temperature
        )  # (batch, labels)
        return (weights * each.mean(-1)).mean()


class ScoreLessons(ClassLessons):
    """Squared difference from the teacher's scores."""

    def hide(self, inputs: dict[str, Tensor], unlabeled: Tensor) -> dict[str, Tensor]:
        """Their score becomes NaN."""
        return inputs | {"labels": inputs["labels"].float().masked_fill(unlabeled, torch.nan)}

    def soft(self, outputs, inputs, taught, weights: Tensor, model: nn.Module) -> Tensor:
        """Mean over texts, in the squared unit of the scores."""
        each = (outputs["logits"].float().flatten() - taught["targets"].flatten()) ** 2  # (batch,)
        return (weights * each).mean()


def decision_divergence(student: Tensor, teacher: Tensor) -> Tensor:
    """KL divergence of yes/no decisions, each by itself, from their log-odds; same shape."""
    chances = teacher.sigmoid()
    crossed = binary_cross_entropy_with_logits(student, chances, reduction="none")
    return crossed - binary_cross_entropy_with_logits(teacher, chances, reduction="none")
