"""Rows of a data set a batch at a time: only some of them are Python objects, which take ten times the room."""

from collections.abc import Iterator, Mapping

from datasets import Dataset, Features, concatenate_datasets

BATCH = 1000  # rows that are Python objects at a time
CHUNK = 10_000  # rows that become columns at a time


def iterate_rows(dataset: Dataset, *columns: str) -> Iterator[tuple]:
    """Yield the values of some columns, row by row."""
    for batch in dataset.select_columns(list(columns)).iter(BATCH):
        yield from zip(*(batch[column] for column in columns), strict=True)


def iterate_column(dataset: Dataset, column: str) -> Iterator:
    """Yield the values of one column."""
    for batch in dataset.select_columns([column]).iter(BATCH):
        yield from batch[column]


class GrowingDataset:
    """A data set in memory to which rows are added.

    Args:
        features: of its columns.

    Example:
        >>> rows = GrowingDataset(Features({"id": Value("string")}))
        >>> rows.add({"id": "0"})
        >>> rows.whole()["id"][:]
        ['0']
    """

    def __init__(self, features: Features):
        self.features = features
        self.chunks: list[Dataset] = []
        self.columns: Mapping[str, list] = {name: [] for name in features}
        self.waiting = 0

    def __len__(self) -> int:
        return self.waiting + sum(map(len, self.chunks))

    def add(self, row: Mapping[str, object]) -> None:
        """Append a row with a value for each column."""
        for name, values in self.columns.items():
            values.append(row[name])
        self.waiting += 1
        if self.waiting == CHUNK:
            self._pack()

    def whole(self) -> Dataset:
        """All rows."""
        if self.waiting or not self.chunks:
            self._pack()
        return concatenate_datasets(self.chunks)

    def _pack(self) -> None:
        self.chunks.append(Dataset.from_dict(self.columns, features=self.features))
        self.columns, self.waiting = {name: [] for name in self.features}, 0
