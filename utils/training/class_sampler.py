"""A sampler that draws training rows of rare classes more often."""

from collections import Counter
from collections.abc import Iterator

import torch
from datasets import Dataset
from torch.utils.data import Sampler

from .length_sampler import group_by_length

GROUP = 32  # rows of similar length that follow each other


class ClassSampler(Sampler):
    """Draws with replacement, as many rows per epoch as there are; the larger its class, the less a row weighs.

    Args:
        encoded: rows with `labels` (class ids) and `length` (sub-tokens); rows of similar length share a batch.
        power: the weight of a row in a class of n rows is n ** -power: 1 draws all classes equally often, 0.5 in
            proportion to the square root of their sizes, 0 as often as they occur.
        seed: the same seed draws the same rows in every process, and different ones in each epoch.
    """

    def __init__(self, encoded: Dataset, *, power: float, seed: int):
        label_ids, self.lengths = encoded["labels"][:], encoded["length"][:]
        counts = Counter(label_ids)
        self.weights = torch.tensor([counts[label] ** -power for label in label_ids], dtype=torch.float64)
        self.seed, self.epoch = seed, 0

    @classmethod
    def choose(cls, kind: str, encoded: Dataset, *, seed: int) -> "ClassSampler | None":
        """The sampler for `--class_sampling`; None for `none`, which leaves the choice to the trainer."""
        power = {"none": 0.0, "square_root": 0.5, "balanced": 1.0}[kind]
        return cls(encoded, power=power, seed=seed) if power else None

    def __len__(self) -> int:
        return len(self.weights)

    def set_epoch(self, epoch: int) -> None:
        """Called at the start of each epoch, so that a resumed run draws the same rows as an uninterrupted one."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed + 1_000_003 * self.epoch)
        drawn = torch.multinomial(self.weights, len(self), replacement=True, generator=generator).tolist()
        lengths = [self.lengths[i] for i in drawn]
        return (drawn[k] for k in group_by_length(lengths, batch_size=GROUP, generator=generator))
