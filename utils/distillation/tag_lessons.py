"""What a tagger learns from a teacher: the probabilities of each character, whatever tokens and tags the two have."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from scipy.special import entr, softmax
from torch import Tensor, nn

from ..scoring.joint_decisions import character_columns
from .crf_marginals import differentiable_marginals
from .lessons import Lessons

NEVER = -1e4  # logarithm of the probability of what no tag says
LEAST = 1e-8  # added to a student's probability before its logarithm is taken


class TagLessons(Lessons):
    """KL divergence of the posterior of each character, mean over characters.

    A student cannot say that an entity begins inside one of its tokens; what the teacher gives to that counts as being
    a later character of the entity.

    A softmax student says what its tokens are; that of a CRF comes from its forward-backward (posterior distillation:
    Wang et al., 2020, "Structure-Level Knowledge Distillation For Multilingual Sequence Labeling", section 3.2).

    Args:
        label2id: the student's tags.
        types: entity types, in the order of the teacher's outputs.
        **lesson: see `Lessons`.
    """

    def __init__(self, *lesson, label2id: Mapping[str, int], types: Sequence[str], **settings):
        super().__init__(*lesson, **settings)
        columns = character_columns({i: name for name, i in label2id.items()}, types)
        self.first, self.later = (torch.from_numpy(each).float() for each in columns)  # (tags, classes) each
        self.classes = self.first.shape[1]

    def targets(self, rows: Sequence[dict], outputs: Sequence, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """For each token the teacher's distributions of its first character, and the sum of those of its later ones.

        Returns:
            `targets` (batch, length, 2, classes); `negentropy` (batch, length), the sum over the token's characters;
            `counts` (batch, length), how many characters the teacher has read.
        """
        shape = batch["input_ids"].shape
        targets = np.zeros((*shape, 2, self.classes), dtype=np.float32)
        negentropy, counts = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
        for i, (row, flat) in enumerate(zip(rows, outputs, strict=True)):
            places = np.flatnonzero(row["token_mask"])
            starts, ends = np.asarray(row["starts"])[places], np.asarray(row["ends"])[places]
            logs = flat.reshape(-1, self.classes)
            begun, inside = self._add_up(logs, inside=False), self._add_up(logs, inside=True)
            first, later = begun[starts + 1] - begun[starts], inside[ends] - inside[starts + 1]
            targets[i, places, 0], targets[i, places, 1] = first[:, :-2], later[:, :-2]
            negentropy[i, places], counts[i, places] = (first + later)[:, -2:].T
        told = {"targets": targets, "negentropy": negentropy, "counts": counts}
        return {name: torch.from_numpy(value) for name, value in told.items()}

    def _add_up(self, logs: np.ndarray, *, inside: bool) -> np.ndarray:
        """(characters + 1, classes + 2): sums over all characters before a place: of their probabilities, of p log p,
        and of 1 for each; `inside`: as the later characters of a token."""
        seen = ~np.isnan(logs[:, 0])
        chances = softmax(np.where(seen[:, None], logs.astype(np.float64), 0) / self.temperature, axis=-1)
        if inside:
            chances[:, 2::2] += chances[:, 1::2]
            chances[:, 1::2] = 0
        each = np.concatenate([chances, -entr(chances).sum(-1, keepdims=True), np.ones((len(logs), 1))], axis=1)
        return np.concatenate([np.zeros((1, each.shape[1])), np.cumsum(each * seen[:, None], axis=0)])

    def hide(self, inputs: dict[str, Tensor], unlabeled: Tensor) -> dict[str, Tensor]:
        """The tags of their tokens become -100."""
        return inputs | {"labels": inputs["labels"].masked_fill(unlabeled[:, None], -100)}

    def soft(self, outputs, inputs, taught, weights: Tensor, model: nn.Module) -> Tensor:
        """Mean over characters of KL(teacher, student)."""
        logits = outputs["logits"].float()
        if (crf := getattr(model, "crf", None)) is not None:
            chances = differentiable_marginals(crf, logits, inputs["token_mask"])
        else:
            chances = logits.softmax(-1)  # (batch, length, tags)
        crossed = torch.zeros_like(taught["counts"])
        for side, columns in enumerate((self.first, self.later)):
            columns = columns.to(chances)
            student = (chances @ columns + LEAST).log()  # (batch, length, classes)
            student = student.masked_fill(columns.sum(0) == 0, NEVER)
            if self.temperature != 1:
                student = (student / self.temperature).log_softmax(-1)
            crossed = crossed - (taught["targets"][:, :, side] * student).sum(-1)
        each = crossed + taught["negentropy"]  # (batch, length)
        return (weights[:, None] * each).sum() / taught["counts"].sum().clamp(min=1)
