"""Losses for stock token and text classifiers; our own heads carry theirs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy


@dataclass
class ClassLoss:
    """Cross-entropy over classes, optionally weighted, smoothed or focal; a `compute_loss_func` for `Trainer`.

    Args:
        class_weights: weight of each class, in the order of the ids; None for equal ones.
        label_smoothing: share of the target spread over all classes, 0-1.
        focal_gamma: how far examples that are already right are played down (Lin et al., 2017); 0 for plain
            cross-entropy.

    The mean is over `num_items_in_batch` labels, or over those of the batch that are not -100.
    """

    class_weights: Sequence[float] | None = None
    label_smoothing: float = 0.0
    focal_gamma: float = 0.0

    def __call__(self, outputs, labels: Tensor, num_items_in_batch: Tensor | int | None = None) -> Tensor:
        logits, labels = outputs["logits"].flatten(0, -2).float(), labels.flatten()
        weight = None if self.class_weights is None else torch.tensor(self.class_weights, device=logits.device)
        loss = cross_entropy(logits, labels, weight=weight, label_smoothing=self.label_smoothing, reduction="none")
        if self.focal_gamma:
            likely = cross_entropy(logits, labels, reduction="none").neg().exp()  # probability of the right class
            loss = (1 - likely).clamp(min=1e-6) ** self.focal_gamma * loss  # 0 has no finite slope if gamma < 1
        total = (labels != -100).sum().clamp(min=1) if num_items_in_batch is None else num_items_in_batch
        return loss.sum() / total


def balanced_weights(labels: Iterable[int], num_classes: int, *, most: float = 10.0) -> list[float]:
    """Class weights that even out frequencies: total / (classes * count), as scikit-learn's `balanced`, cut to
    1/most..most.

    Args:
        labels: class ids; -100 is not counted.
        num_classes: number of classes; one that never occurs weighs `most`.
    """
    counts = Counter(label for label in labels if label != -100)
    total = sum(counts.values())
    return [
        min(most, max(1 / most, total / (num_classes * counts[i]))) if counts[i] else most for i in range(num_classes)
    ]
