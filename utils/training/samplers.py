"""Training rows in batches of similar length, in random order; those of rare classes more often, if asked for.

`Trainer`'s own grouping sorts blocks of some 50 batches by length and keeps them sorted. If length depends on the
label, as in news titles, 50 steps then drift from one kind of text to another, and training can collapse.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import torch
from datasets import Dataset
from torch.utils.data import Sampler

GROUP = 32  # rows drawn by class of similar length that follow each other
POOL = 16  # batches that are sorted together: enough to save nearly all padding


def group_by_length(lengths: Sequence[int], *, batch_size: int, generator: torch.Generator) -> list[int]:
    """Order indices so that each batch holds similar lengths, with the batches themselves in random order.

    Args:
        lengths: of each row.
        batch_size: rows per batch.
        generator: source of randomness.

    Returns:
        Every index once; the longest row and its batch first, so that memory runs out early if it does; an incomplete
        batch at the end.
    """
    order = torch.randperm(len(lengths), generator=generator).tolist()
    if order:
        order.insert(0, order.pop(order.index(max(order, key=lengths.__getitem__))))
    full = len(order) // batch_size * batch_size
    grouped, size = [], POOL * batch_size
    for start in range(0, full, size):
        grouped += sorted(order[start : min(start + size, full)], key=lengths.__getitem__, reverse=True)
    batches = [grouped[start : start + batch_size] for start in range(0, full, batch_size)]
    # The first batch holds the longest row.
    shuffled = [0, *(1 + torch.randperm(max(len(batches) - 1, 0), generator=generator)).tolist()]
    return [index for k in shuffled[: len(batches)] for index in batches[k]] + order[full:]


class LengthSampler(Sampler):
    """Every row once per epoch, see `group_by_length`.

    Args:
        lengths: of each row, in sub-tokens.
        batch_size: rows of a step, over all devices and accumulated batches.
        seed: the same seed gives the same order in every process, and a different one in each epoch.
    """

    def __init__(self, lengths: Sequence[int], *, batch_size: int, seed: int):
        self.lengths, self.batch_size, self.seed, self.epoch = list(lengths), batch_size, seed, 0

    def __len__(self) -> int:
        return len(self.lengths)

    def set_epoch(self, epoch: int) -> None:
        """Called at the start of each epoch, so that a resumed run sees the same rows as an uninterrupted one."""
        self.epoch = epoch

    def draw(self, generator: torch.Generator) -> Sequence[int]:
        """The rows of an epoch."""
        return range(len(self))

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed + 1_000_003 * self.epoch)
        drawn = self.draw(generator)
        lengths = [self.lengths[row] for row in drawn]
        return (drawn[k] for k in group_by_length(lengths, batch_size=self.batch_size, generator=generator))


class ClassSampler(LengthSampler):
    """Draws with replacement, as many rows per epoch as there are; the larger its class, the less a row weighs.

    Args:
        encoded: rows with `labels` (class ids) and `length` (sub-tokens); rows of similar length share a batch.
        power: the weight of a row in a class of n rows is n ** -power: 1 draws all classes equally often, 0.5 in
            proportion to the square root of their sizes, 0 as often as they occur.
        seed: the same seed draws the same rows in every process, and different ones in each epoch.
    """

    def __init__(self, encoded: Dataset, *, power: float, seed: int):
        super().__init__(encoded["length"][:], batch_size=GROUP, seed=seed)
        label_ids = encoded["labels"][:]
        counts = Counter(label_ids)
        self.weights = torch.tensor([counts[label] ** -power for label in label_ids], dtype=torch.float64)

    @classmethod
    def choose(cls, kind: str, encoded: Dataset, *, seed: int) -> "ClassSampler | None":
        """The sampler for `--class_sampling`; None for `none`, which leaves the choice to the trainer."""
        power = {"none": 0.0, "square_root": 0.5, "balanced": 1.0}[kind]
        return cls(encoded, power=power, seed=seed) if power else None

    def draw(self, generator: torch.Generator) -> list[int]:
        return torch.multinomial(self.weights, len(self), replacement=True, generator=generator).tolist()
