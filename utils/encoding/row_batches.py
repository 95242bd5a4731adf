"""Rows of a data set, read in batches: few at a time are Python objects, which take ten times the memory."""

from collections.abc import Iterator

from datasets import Dataset

BATCH = 1000


def iterate_rows(dataset: Dataset, *columns: str) -> Iterator[tuple]:
    """Yield the values of some columns, row by row."""
    for batch in dataset.select_columns(list(columns)).iter(BATCH):
        yield from zip(*(batch[column] for column in columns), strict=True)


def iterate_column(dataset: Dataset, column: str) -> Iterator:
    """Yield the values of one column."""
    for batch in dataset.select_columns([column]).iter(BATCH):
        yield from batch[column]
