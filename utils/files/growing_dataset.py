"""A data set in memory that grows row by row."""

from collections.abc import Mapping

import pyarrow as pa
from datasets import Dataset, Features

CHUNK = 10_000  # rows that become columns at a time; as Python objects they would take ten times the memory


class GrowingDataset:
    """A data set in memory to which rows are added; `features` are the types of its columns.

    Example:
        >>> from datasets import Value
        >>> rows = GrowingDataset(Features({"id": Value("string")}))
        >>> rows.add({"id": "0"})
        >>> rows.whole()["id"][:]
        ['0']
    """

    def __init__(self, features: Features):
        self.features = features
        self.chunks: list[pa.Table] = []  # tables, since a `Dataset` for each would scatter small objects over memory
        self.waiting: list[Mapping[str, object]] = []

    def __len__(self) -> int:
        return len(self.waiting) + sum(map(len, self.chunks))

    def add(self, row: Mapping[str, object]) -> None:
        """Append a row with a value for each column; other values are ignored."""
        self.waiting.append(row)
        if len(self.waiting) == CHUNK:
            self._pack()

    def whole(self) -> Dataset:
        """All rows as a data set."""
        if self.waiting or not self.chunks:
            self._pack()
        return Dataset(pa.concat_tables(self.chunks))

    def _pack(self) -> None:
        self.chunks.append(pa.Table.from_pylist(self.waiting, schema=self.features.arrow_schema))
        self.waiting.clear()
