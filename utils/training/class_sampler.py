"""Drawing training rows so that rare classes are seen more often."""

from collections import Counter
from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices


class ClassSampler(Sampler):
    """As many rows an epoch as there are, with replacement, the weight of a row falling with the size of its class.

    Args:
        label_ids: class of each row.
        lengths: of each row, in sub-tokens; rows of like length are put into one batch.
        batch_size: rows that are fed together, over all processes and accumulated steps.
        power: a row of a class of n rows weighs n ** -power: 1 draws all classes equally often, 0.5 in proportion to
            the square root of their sizes, 0 as often as they occur.
        seed: the same seed draws the same rows in every process, and others in each epoch.
    """

    def __init__(self, label_ids: Sequence[int], lengths: Sequence[int], *, batch_size: int, power: float, seed: int):
        counts = Counter(label_ids)
        self.weights = torch.tensor([counts[label] ** -power for label in label_ids], dtype=torch.float64)
        self.lengths, self.batch_size, self.seed, self.epoch = list(lengths), batch_size, seed, 0

    def __len__(self) -> int:
        return len(self.weights)

    def set_epoch(self, epoch: int) -> None:
        """Called at the start of each epoch, so that a resumed run draws what the uninterrupted one would have."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed + 1_000_003 * self.epoch)
        drawn = torch.multinomial(self.weights, len(self), replacement=True, generator=generator).tolist()
        lengths = [self.lengths[i] for i in drawn]
        return (drawn[k] for k in get_length_grouped_indices(lengths, self.batch_size, generator=generator))
