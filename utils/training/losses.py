"""Losses for stock token and text classifiers; our own heads have their own.

Each has the `divergence` of two dropout passes that suits it, see `RegularizedDropout`.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, huber_loss, mse_loss

from .regularized_dropout import class_divergence, label_divergence


@dataclass
class ClassLoss:
    """Cross-entropy over classes, optionally weighted, smoothed or focal; a `compute_loss_func` for `Trainer`.

    The mean is over `num_items_in_batch` labels, or over those of the batch that are not -100.
    """

    class_weights: Sequence[float] | None = None  # in the order of the ids; None for equal ones
    label_smoothing: float = 0.0  # share of the target spread over all classes, 0-1
    focal_gamma: float = 0.0  # how strongly examples that are already right are down-weighted (Lin et al., 2017)
    # Added to the logits of each class in training only; a share of its log frequency makes prediction choose rare
    # classes more often (logit adjustment, Menon et al., 2021, equation 10).
    adjustment: Sequence[float] | None = None

    divergence = staticmethod(class_divergence)

    @classmethod
    def fit(
        cls, labels: Sequence[int], num_classes: int, *, balanced: bool = False, adjustment: float = 0.0, **shape
    ) -> "ClassLoss":
        """The loss for training labels, with `balanced` class weights and this share of the log frequencies."""
        weights = balanced_weights(labels, num_classes) if balanced else None
        moved = [adjustment * each for each in log_frequencies(labels, num_classes)] if adjustment else None
        return cls(weights, adjustment=moved, **shape)

    def __call__(self, outputs, labels: Tensor, num_items_in_batch: Tensor | int | None = None) -> Tensor:
        logits, labels = outputs["logits"].flatten(0, -2).float(), labels.flatten()
        if self.adjustment is not None:
            logits = logits + torch.tensor(self.adjustment, device=logits.device)
        weight = None if self.class_weights is None else torch.tensor(self.class_weights, device=logits.device)
        loss = cross_entropy(logits, labels, weight=weight, label_smoothing=self.label_smoothing, reduction="none")
        if self.focal_gamma:
            likely = cross_entropy(logits, labels, reduction="none").neg().exp()  # probability of the right class
            loss = (1 - likely).clamp(min=1e-6) ** self.focal_gamma * loss  # 0 has no finite slope if gamma < 1
        total = (labels != -100).sum().clamp(min=1) if num_items_in_batch is None else num_items_in_batch
        return loss.sum() / total


@dataclass
class ScoreLoss:
    """Squared error, or Huber's loss, of one output per text; a `compute_loss_func` for `Trainer`.

    The mean is over texts, or over `num_items_in_batch` of them; a text without a label, NaN, has loss 0.
    """

    huber: bool = False  # an error above 1 counts linearly, not by its square (Huber, 1964): outliers matter less

    @staticmethod
    def divergence(one: Tensor, other: Tensor, labels: Tensor) -> Tensor:
        """Squared difference of scores, mean over texts: (batch, 1) outputs."""
        return ((one.float() - other.float()) ** 2).mean()

    def __call__(self, outputs, labels: Tensor, num_items_in_batch: Tensor | int | None = None) -> Tensor:
        told, labels = outputs["logits"].float().flatten(), labels.float().flatten()  # (batch,)
        measure = huber_loss if self.huber else mse_loss
        loss = measure(told, torch.where(labels.isnan(), told, labels), reduction="sum")
        return loss / (len(labels) if num_items_in_batch is None else num_items_in_batch)


@dataclass
class ClozeLoss:
    """The loss of a cloze classifier's classes, plus a share of its loss at predicting other masked words.

    An auxiliary loss as in PET (Schick and Schütze, 2021, section 3.2).
    """

    answer: ClassLoss
    mlm_weight: float  # of the other loss

    def __call__(self, outputs, labels: Tensor, num_items_in_batch: Tensor | int | None = None) -> Tensor:
        loss = self.answer(outputs, labels, num_items_in_batch)
        if outputs.get("mlm_loss") is None:
            return loss
        share = 1.0 if num_items_in_batch is None else len(labels) / num_items_in_batch  # of an accumulated step
        return loss + self.mlm_weight * share * outputs["mlm_loss"]


@dataclass
class LabelLoss:
    """Binary cross-entropy for each label of a multi-label text; a `compute_loss_func` for `Trainer`.

    The mean is over texts and labels, or over `num_items_in_batch` of them; an unknown label, NaN, has loss 0.
    """

    positive_weights: Sequence[float] | None = None  # of the texts that have a label, by id; None for equal ones
    label_smoothing: float = 0.0  # how far targets are moved towards 1/2, 0-1
    focal_gamma: float = 0.0  # as in `ClassLoss`

    divergence = staticmethod(label_divergence)

    @classmethod
    def fit(cls, labels: Sequence[Sequence[float]], *, balanced: bool = False, **shape) -> "LabelLoss":
        """The loss for training labels, which are rows of 0 and 1, with `balanced` weights of the positives."""
        return cls(positive_weights(labels) if balanced else None, **shape)

    def __call__(self, outputs, labels: Tensor, num_items_in_batch: Tensor | int | None = None) -> Tensor:
        logits, known = outputs["logits"].float(), ~labels.isnan()  # (batch, num_labels)
        labels, weight = labels.float().nan_to_num(), None
        if self.positive_weights is not None:
            weight = torch.tensor(self.positive_weights, device=logits.device)
        targets = labels + self.label_smoothing * (0.5 - labels)
        loss = binary_cross_entropy_with_logits(logits, targets, pos_weight=weight, reduction="none")
        if self.focal_gamma:
            likely = binary_cross_entropy_with_logits(logits, labels, reduction="none").neg().exp()
            loss = (1 - likely).clamp(min=1e-6) ** self.focal_gamma * loss
        return (loss * known).sum() / (labels.numel() if num_items_in_batch is None else num_items_in_batch)


def balanced_weights(labels: Iterable[int], num_classes: int, *, most: float = 10.0) -> list[float]:
    """Class weights that even out frequencies: total / (classes * count) as in scikit-learn's `balanced`, clipped to
    1/most..most.

    Args:
        labels: class ids; -100 is not counted.
        num_classes: number of classes; one that never occurs has the weight `most`.
    """
    counts = Counter(label for label in labels if label != -100)
    total = sum(counts.values())
    return [
        min(most, max(1 / most, total / (num_classes * counts[i]))) if counts[i] else most for i in range(num_classes)
    ]


def log_frequencies(labels: Sequence[int], num_classes: int) -> list[float]:
    """Log of each class's share of the rows; a class that never occurs counts as half a row."""
    counts = Counter(labels)
    return [math.log((counts[i] or 0.5) / len(labels)) for i in range(num_classes)]


def positive_weights(labels: Sequence[Sequence[float]], *, most: float = 10.0) -> list[float]:
    """For each label, rows without it / rows with it, clipped to 1/most..most: what balances `LabelLoss`."""
    positive = [sum(column) for column in zip(*labels, strict=True)]
    return [min(most, max(1 / most, (len(labels) - count) / count)) if count else most for count in positive]
