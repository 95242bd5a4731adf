"""Training rows in batches of similar length, in random order.

`Trainer`'s own grouping sorts blocks of some 50 batches by length and keeps them sorted. If length depends on the
label, as in news titles, 50 steps then drift from one kind of text to another, and training can collapse.
"""

from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import Sampler

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

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed + 1_000_003 * self.epoch)
        return iter(group_by_length(self.lengths, batch_size=self.batch_size, generator=generator))
