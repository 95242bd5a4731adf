"""What a model for answers learns from a teacher: where the answer begins and ends, by characters of the passage."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from scipy.special import softmax
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from .lessons import Lessons


class AnswerLessons(Lessons):
    """KL divergence of the distributions over starts and over ends, mean of both.

    A token of the student gets the sum of its characters. What the teacher gives to no answer, and to places that are
    not in a window, is of the window's first position, as it is of the labels.
    """

    def targets(self, rows: Sequence[dict], outputs: Sequence, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """`targets` (batch, 2, length): probabilities of the positions as start and as end."""
        targets = np.zeros((len(rows), 2, batch["input_ids"].shape[1]), dtype=np.float32)
        for i, (row, flat) in enumerate(zip(rows, outputs, strict=True)):
            chances = softmax(flat.reshape(2, -1).astype(np.float64) / self.temperature, axis=-1)
            before = np.concatenate([np.zeros((2, 1)), np.cumsum(chances, axis=-1)], axis=-1)
            starts, ends = np.asarray(row["starts"]), np.asarray(row["ends"])
            shown = np.flatnonzero(starts < ends)
            starts, ends, places = starts[shown], ends[shown], shown + row["first"]
            # Place p has number p + 1; an answer that ends before p has its last character at p - 1.
            for side, shift in enumerate((1, 2)):
                targets[i, side, places] = before[side, ends + shift] - before[side, starts + shift]
            targets[i, :, 0] = (1 - targets[i, :, 1:].sum(-1)).clip(0)
        return {"targets": torch.from_numpy(targets)}

    def hide(self, inputs: dict[str, Tensor], unlabeled: Tensor) -> dict[str, Tensor]:
        """They stay: `join` leaves them out."""
        return inputs

    def join(self, loss, outputs, inputs, taught, *, model, share=1.0):
        """See `Lessons.join`; the model's own loss cannot leave rows out, so that of the labels is computed here."""
        labelled = ~taught["unlabeled"]
        sides = zip(_scores(outputs), (inputs["start_positions"], inputs["end_positions"]), strict=True)
        each = sum(cross_entropy(scores, places, reduction="none") for scores, places in sides) / 2  # (batch,)
        return super().join((each * labelled).mean(), outputs, inputs, taught, model=model, share=share)

    def soft(self, outputs, inputs, taught, weights: Tensor, model: nn.Module) -> Tensor:
        """Mean over windows of KL(teacher, student), of starts and ends."""
        each = torch.zeros_like(weights)
        for scores, target in zip(_scores(outputs), taught["targets"].unbind(1), strict=True):
            crossed = -(target * (scores / self.temperature).log_softmax(-1)).sum(-1)
            each = each + (crossed + torch.special.xlogy(target, target).sum(-1)) / 2  # (batch,)
        return (weights * each).mean()


def _scores(outputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """(batch, length) scores of the positions as start and as end."""
    return outputs["start_logits"].float(), outputs["end_logits"].float()
