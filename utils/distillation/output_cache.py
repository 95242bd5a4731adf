"""What a teacher said about each text: a file of numbers that is mapped into memory, found again by content.

A folder holds `outputs.bin`, the numbers of one text after the other, and `index.bin`, for each text the digest of its
content and the place of its numbers. Numbers are on the disk before their place is written, so a killed run loses no
more than the texts that were being read.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from filelock import FileLock

NUMBERS, INDEX = "outputs.bin", "index.bin"
PLACE = np.dtype([("digest", "S16"), ("offset", "<u8"), ("size", "<u8")])  # bytes
CHUNK = 512  # texts that are read at a time


class OutputCache:
    """The outputs of one teacher; processes take turns in adding to it.

    Args:
        folder: is made if it is not there.
        dtype: of the numbers.
    """

    def __init__(self, folder: Path, dtype: np.dtype):
        self.folder, self.dtype = folder, np.dtype(dtype)
        folder.mkdir(parents=True, exist_ok=True)

    def fill(
        self,
        texts: Sequence[tuple[str, ...]],
        read: Callable[[Sequence[tuple[str, ...]]], Iterable[np.ndarray]],
        *,
        told: Callable[[int], None] = lambda count: None,
    ) -> int:
        """Read the texts that are not there yet, each once.

        Args:
            texts: each one text or two.
            read: some of them -> what the teacher says about each.
            told: is called with the number of texts that were read, as soon as they are kept.

        Returns:
            How many were read.
        """
        with FileLock(self.folder / ".lock"):
            known = set(self._mend()["digest"].tolist())
            left = {digest: text for text in texts if (digest := digest_of(text)) not in known}
            for keys in _parts(list(left)):
                self._add(keys, list(read([left[key] for key in keys])))
                told(len(keys))
        return len(left)

    def find(self, texts: Sequence[tuple[str, ...]]) -> "Outputs":
        """The outputs for texts that are there, in order."""
        places = _read_places(self.folder / INDEX)
        number = {digest: i for i, digest in enumerate(places["digest"].tolist())}
        rows = np.array([number[digest_of(text)] for text in texts], dtype=np.int64)
        return Outputs(self.folder / NUMBERS, self.dtype, places["offset"][rows], places["size"][rows])

    def _mend(self) -> np.ndarray:
        """The places of whole outputs; what a killed process left behind them is cut off."""
        numbers, index = self.folder / NUMBERS, self.folder / INDEX
        for path in (numbers, index):
            path.touch()
        places = _read_places(index)
        whole = places["offset"] + places["size"] <= numbers.stat().st_size
        places = places[: int(whole.argmin()) if not whole.all() else len(places)]
        os.truncate(index, len(places) * PLACE.itemsize)
        os.truncate(numbers, int(places["offset"][-1] + places["size"][-1]) if len(places) else 0)
        return places

    def _add(self, digests: Sequence[bytes], outputs: Sequence[np.ndarray]) -> None:
        parts = [np.ascontiguousarray(each, dtype=self.dtype).tobytes() for each in outputs]
        with open(self.folder / NUMBERS, "ab") as file:
            start = file.tell()
            file.write(b"".join(parts))
            file.flush()
            os.fsync(file.fileno())
        sizes = np.array([len(part) for part in parts], dtype=np.uint64)
        places = np.zeros(len(parts), dtype=PLACE)
        places["digest"], places["size"] = digests, sizes
        places["offset"] = start + np.concatenate([[0], np.cumsum(sizes)[:-1]])
        with open(self.folder / INDEX, "ab") as file:
            file.write(places.tobytes())


class Outputs(Sequence[np.ndarray]):
    """The outputs for the rows of a data set, read from the disk when they are asked for: one flat array a row."""

    def __init__(self, path: Path, dtype: np.dtype, offsets: np.ndarray, sizes: np.ndarray):
        self.path, self.dtype, self.offsets, self.sizes = path, dtype, offsets, sizes
        self._mapped = None

    def __len__(self) -> int:
        return len(self.offsets)

    def __getitem__(self, row: int) -> np.ndarray:
        if self._mapped is None:
            empty = not self.path.stat().st_size  # which cannot be mapped
            self._mapped = np.zeros(0, np.uint8) if empty else np.memmap(self.path, dtype=np.uint8, mode="r")
        start = int(self.offsets[row])
        return np.frombuffer(self._mapped[start : start + int(self.sizes[row])].tobytes(), dtype=self.dtype)

    def __getstate__(self) -> dict:
        return self.__dict__ | {"_mapped": None}  # another process maps the file by itself


def digest_of(text: tuple[str, ...]) -> bytes:
    """16 bytes that stand for the content of one text or two; never with a zero at the end, which numpy would drop."""
    content = json.dumps(text, ensure_ascii=True).encode()
    digest = hashlib.blake2b(content, digest_size=16).digest()
    return digest[:-1] + bytes([digest[-1] | 1])


def _read_places(path: Path) -> np.ndarray:
    content = path.read_bytes()
    return np.frombuffer(content[: len(content) // PLACE.itemsize * PLACE.itemsize], dtype=PLACE)


def _parts(keys: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(keys), CHUNK):
        yield keys[start : start + CHUNK]
