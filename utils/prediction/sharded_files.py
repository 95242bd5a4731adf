"""A corpus in many files: found, divided among processes, and for each an output that is there when it is done."""

import glob
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from ..data.errors import SHOWN, DataError

RECORD = "predict.json"  # what the outputs of a folder were made with


def find_shards(pattern: str) -> list[str]:
    """The files that a pattern, a folder or a name stands for, sorted by name.

    Raises:
        DataError: there are none, or two of them would write the same output.
    """
    paths = sorted(glob.glob(f"{pattern}/*" if Path(pattern).is_dir() else pattern, recursive=True))
    paths = [path for path in paths if Path(path).is_file() and not Path(path).name.startswith(".")]
    if not paths:
        raise DataError(f"{pattern}: expected files, found none; check the pattern, and put it in quotes")
    seen: dict[str, str] = {}
    for path in paths:
        if (other := seen.setdefault(shard_name(path), path)) != path:
            raise DataError(f"{other} and {path}: expected names that differ before the suffix; rename one of them")
    return paths


def shard_name(path: str) -> str:
    """The file's name without folder and suffixes: what its output is called."""
    return Path(path.removesuffix(".gz")).stem


class ShardedFiles:
    """The outputs of many files in one folder.

    Args:
        shards: all input files, in the same order in every process.
        output_dir: folder of the outputs; made if it is not there.
        suffix: of the outputs, with its dot.

    Example:
        >>> files = ShardedFiles(["in/a.parquet", "in/b.jsonl"], "/tmp/out", suffix=".jsonl")
        >>> str(files.output_of("in/a.parquet"))
        '/tmp/out/a.jsonl'
    """

    def __init__(self, shards: Sequence[str], output_dir: str | Path, *, suffix: str):
        self.shards, self.folder, self.suffix = list(shards), Path(output_dir), suffix
        self.folder.mkdir(parents=True, exist_ok=True)

    def output_of(self, shard: str) -> Path:
        """Where the predictions of an input file go."""
        return self.folder / f"{shard_name(shard)}{self.suffix}"

    def left(self, *, index: int, processes: int) -> list[str]:
        """The files of one process whose outputs are not there yet.

        All files are divided, not those that are left: a process that starts later sees others done.
        """
        # The rule of datasets.distributed.split_dataset_by_node for shards; itself it fails where some get none.
        return [path for path in self.shards[index::processes] if not self.output_of(path).exists()]

    def write_each(
        self,
        shards: Sequence[str],
        write: Callable[[str, TextIO], int],
        *,
        open_file: Callable,
        tell: Callable[[str], None],
    ) -> list[str]:
        """Write outputs; a file that cannot be read is left out, the others are worth having.

        Args:
            shards: the input files, see `left`.
            write: writes the predictions of one and gives the number of its rows.
            open_file: opens an output, such that it is there whole or not at all.
            tell: takes a line for people about each that is done.

        Returns:
            For each file that was left out what is wrong with it.
        """
        failures = []
        for shard in shards:
            started = time.monotonic()
            try:
                with open_file(self.output_of(shard)) as output:
                    count = write(shard, output)
            except (DataError, OSError) as error:
                failures.append(str(error))
                continue
            seconds = time.monotonic() - started
            tell(f"{shard}: {count:,} texts, {count / seconds:,.0f} a second")
        return failures

    def finish(self, failures: Sequence[str]) -> None:
        """Complain when all is written.

        Raises:
            DataError: files were left out; the message says why, of each.
        """
        if failures:
            done = sum(self.output_of(shard).exists() for shard in self.shards)
            head = f"{len(failures)} of {len(self.shards)} files were left out, {done} are done"
            raise DataError("\n".join([f"{head}; mend them and start again:", *failures[:SHOWN]]))

    def remove_unfinished(self) -> None:
        """Remove what a killed run left half-written; nobody may be writing."""
        for path in self.folder.glob(".unfinished-*"):
            path.unlink(missing_ok=True)

    def check_record(self, record: dict) -> None:
        """Refuse a folder whose outputs were made otherwise.

        Args:
            record: model and options of this run.

        Raises:
            DataError: the folder holds another record, or outputs and none.
        """
        path = self.folder / RECORD
        if not path.exists():
            done = sum(self.output_of(shard).exists() for shard in self.shards)
            if done:
                raise DataError(f"{path}: expected the record of {done} outputs beside it, found none; move them away")
            return
        earlier = json.loads(path.read_text(encoding="utf-8"))
        for name, value in record.items():
            if earlier.get(name) != value:
                raise DataError(
                    f"{path}: the folder holds predictions with {name} {earlier.get(name)!r}, not {value!r}; choose "
                    "another --output_dir"
                )
