"""Packed sequences of a corpus that is too large for memory and disk cache: tokenised during training."""

import itertools
import random
from collections.abc import Callable, Iterable, Iterator

import torch
from torch.utils.data import IterableDataset

from .packing import DOCUMENTS, SequencePacker


class SequenceStream(IterableDataset):
    """Rows of a packer without end, round after round through the documents; every sequence is full.

    What is left of a batch of documents goes into the next one's first sequence. Rows have the columns of the packer
    and `round`, the number of times that all documents have been read before, so that each round can be masked anew.

    Args:
        read: returns the documents, from the first one on.
        packer: makes sequences of them.
        seed: seed of the order.
        buffer: sequences that are held and drawn from at random; an even mix of the corpus needs shuffled files.
    """

    def __init__(self, read: Callable[[], Iterable[str]], packer: SequencePacker, *, seed: int, buffer: int = 4096):
        super().__init__()
        self.read, self.packer, self.seed, self.buffer = read, packer, seed, buffer

    def __iter__(self) -> Iterator[dict]:
        draw = random.Random(self.seed)
        held: list[dict] = []
        for row in self._sequences():
            if len(held) < self.buffer:
                held.append(row)
                continue
            place = draw.randrange(self.buffer)
            yield held[place]
            held[place] = row

    def _sequences(self) -> Iterator[dict]:
        worker = torch.utils.data.get_worker_info()
        first, step = (worker.id, worker.num_workers) if worker else (0, 1)
        rest = self.packer.join([])
        for number in itertools.count():
            documents = itertools.islice(self.read(), first, None, step)
            while texts := list(itertools.islice(documents, DOCUMENTS)):
                rows, rest = self.packer.cut(rest + self.packer.join(texts))
                for row in rows:
                    yield row | {"round": number}
