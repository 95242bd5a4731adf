"""A corpus in many files, divided among processes; the output of each file appears when it is complete."""

import glob
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from ..data.errors import SHOWN, DataError

RECORD = "predict.json"  # what the outputs of a folder were made with


def find_shards(pattern: str) -> list[str]:
    """The files that match a pattern, a folder or a name, sorted by name; an .ann of brat belongs to its text.

    Raises:
        DataError: there are none, or two of them would write the same output.
    """
    paths = sorted(glob.glob(f"{pattern}/*" if Path(pattern).is_dir() else pattern, recursive=True))
    paths = [path for path in paths if Path(path).is_file() and not Path(path).name.startswith(".")]
    paths = [path for path in paths if not (path.endswith(".ann") and f"{path[:-4]}.txt" in paths)]
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
        output_dir: folder of the outputs; created if it does not exist.
        suffix: suffix of the outputs, with its dot.

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

        All files are divided, not only those that remain: a process that starts later already finds some outputs.
        """
        # As datasets.distributed.split_dataset_by_node divides shards, which fails where a process gets none.
        return [path for path in self.shards[index::processes] if not self.output_of(path).exists()]

    def write_each(
        self,
        shards: Sequence[str],
        write: Callable[[str, TextIO], int],
        *,
        open_file: Callable,
        tell: Callable[[str], None],
    ) -> list[str]:
        """Write the outputs; a file that cannot be read is skipped.

        Args:
            shards: the input files, see `left`.
            write: writes the predictions for one file and returns the number of its rows.
            open_file: opens an output that appears complete or not at all.
            tell: receives a line for people about each finished file.

        Returns:
            What is wrong with each file that was skipped.
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
            tell(f"{shard}: {count:,} texts, {count / seconds:,.0f} per second")
        return failures

    def finish(self, failures: Sequence[str]) -> None:
        """Report failures when all is written.

        Raises:
            DataError: files were skipped; the message has the reason for each.
        """
        if failures:
            done = sum(self.output_of(shard).exists() for shard in self.shards)
            head = f"{len(failures)} of {len(self.shards)} files were skipped, {done} are done"
            raise DataError("\n".join([f"{head}; repair them and start again:", *failures[:SHOWN]]))

    def remove_unfinished(self) -> None:
        """Remove the unfinished files of a killed run; no process may be writing."""
        for path in self.folder.glob(".unfinished-*"):
            path.unlink(missing_ok=True)

    def check_record(self, record: dict) -> None:
        """Refuse a folder whose outputs were made with another model or other options.

        Args:
            record: model and options of this run.

        Raises:
            DataError: the folder has another record, or outputs without a record.
        """
        path = self.folder / RECORD
        if not path.exists():
            done = sum(self.output_of(shard).exists() for shard in self.shards)
            if done:
                raise DataError(f"{path}: expected the record of {done} outputs here, found none; move them elsewhere")
            return
        earlier = json.loads(path.read_text(encoding="utf-8"))
        for name, value in record.items():
            if earlier.get(name) != value:
                raise DataError(
                    f"{path}: the folder holds predictions with {name} {earlier.get(name)!r}, not {value!r}; choose "
                    "another --output_dir"
                )
