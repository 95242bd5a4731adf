"""Parquet files, read as a whole or as a stream, which may be larger than memory."""

from collections.abc import Callable, Iterator, Sequence
from os import PathLike
from typing import BinaryIO

import pyarrow.parquet
from datasets import Dataset

from ..data.errors import DataError
from .raw_files import read_bytes

ROWS = 1024  # rows that are decoded at a time


def read_parquet(path: str | PathLike) -> Dataset:
    """Read a parquet file, gzipped or not.

    Raises:
        DataError: as in `raw_files.read_bytes`, or it is not a complete parquet file.
    """
    raw = read_bytes(path)
    try:
        table = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(raw)).read()
        table.validate(full=True)
        return Dataset(table)
    except Exception as error:  # damaged bytes may raise anything
        raise _broken(path, error) from error


def stream_parquet(file: BinaryIO, path: str, *, choose: Callable[[list[str]], Sequence[str]]) -> Iterator[dict]:
    """Yield the rows of a parquet file, as dicts of the columns that `choose` takes of all their names.

    Raises:
        DataError: it is not a complete parquet file, or `choose` raises it.
    """
    try:
        parquet = pyarrow.parquet.ParquetFile(file)
        wanted = list(choose(list(parquet.schema_arrow.names)))
        for batch in parquet.iter_batches(batch_size=ROWS, columns=wanted):
            yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _broken(path, error) from error


def count_parquet(path: str) -> int | None:
    """The number of rows, from the metadata of a parquet file; None if it cannot be read."""
    try:
        return pyarrow.parquet.read_metadata(path).num_rows
    except (pyarrow.ArrowException, OSError):
        return None


def _broken(path: str | PathLike, error: Exception) -> DataError:
    reason = str(error).split("\n")[0]
    return DataError(f"{path}: expected a parquet file, found: {reason}; write or copy it again")
