"""Rows of a parquet file, read as a stream; the file may be larger than memory."""

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

import pyarrow.parquet

from ..data.errors import DataError

ROWS = 1024  # rows that are decoded at a time


def stream_parquet(file: BinaryIO, path: str, *, choose: Callable[[list[str]], Sequence[str]]) -> Iterator[dict]:
    """Yield the rows of a parquet file, as dicts of some of its columns.

    Args:
        file: the open file.
        path: its name, for errors.
        choose: takes the names of all columns, returns those to read.

    Raises:
        DataError: it is not a complete parquet file, or `choose` raises it.
    """
    try:
        parquet = pyarrow.parquet.ParquetFile(file)
        wanted = list(choose(list(parquet.schema_arrow.names)))
        for batch in parquet.iter_batches(batch_size=ROWS, columns=wanted):
            yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = str(error).split("\n")[0]
        raise DataError(f"{path}: expected a parquet file, found: {reason}; write or copy it again") from error


def count_parquet(path: str) -> int | None:
    """The number of rows, from the metadata of a parquet file; None if it cannot be read."""
    try:
        return pyarrow.parquet.read_metadata(path).num_rows
    except (pyarrow.ArrowException, OSError):
        return None
