"""A table's runs in one small file for report.py, to be kept with the code when their folders are gone.

For each run: command, settings, scores and their history, table of classes, counts of each example, versions,
hardware, date. No weights, no texts, no local folders. Each run is one line, so that a new run changes only one line.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..data.errors import DataError
from ..data.private_words import hide_folders, hide_texts
from .run_groups import Run, is_setting

TOLD = ("versions", "hardware", "git_commit", "started", "wall_time_seconds")  # copied from run.json
DIGITS = 6  # decimals of scores


@dataclass(frozen=True)
class KeptRun(Run):
    """A run whose folder is gone; `folder` has the name of its cell.

    Attributes:
        line: what the file holds of it.
    """

    line: dict = field(default_factory=dict)
    counts: dict = field(default_factory=dict)
    history: list = field(default_factory=list)
    tables: dict = field(default_factory=dict)


def cell_of(run: Run) -> str:
    """The name of a run in a table: the last two parts of its folder, `ROW/seed-SEED`."""
    return "/".join(run.folder.resolve().parts[-2:])


def read_kept(path: str | Path) -> list[Run]:
    """The runs of a file.

    Raises:
        DataError: the file was not written by `report.py --keep`.
    """
    kept = _read(path)
    try:
        return [_run_of(line, kept["examples"]) for line in kept["runs"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: expected a file written by report.py --keep, found {_told(error)}") from error


def with_runs(path: str | Path, runs: Iterable[Run]) -> tuple[str, int]:
    """The content of a file of kept runs after runs are added, which replace those of the same cells.

    Args:
        path: the file; it need not exist yet.
        runs: from folders, or from other files of kept runs.

    Returns:
        The text, and the number of runs in it.
    """
    kept = _read(path) if Path(path).exists() else {"examples": {}, "runs": []}
    lines = {line["cell"]: line for line in kept["runs"]}
    examples = dict(kept["examples"])
    for run in runs:
        line, ids = _line_of(run)
        lines[line["cell"]] = line
        examples |= ids
    used = {split["ids"] for line in lines.values() for split in line["counts"].values()}
    parts = [
        ",\n".join(f"{_json(digest)}: {_json(examples[digest])}" for digest in sorted(used)),
        ",\n".join(_json(lines[cell]) for cell in sorted(lines)),
    ]
    return '{{"examples": {{\n{}\n}}, "runs": [\n{}\n]}}\n'.format(*parts), len(lines)


def _line_of(run: Run) -> tuple[dict, dict[str, list[str]]]:
    """What is kept of a run, and the ids of its examples by digest, since many runs share them."""
    if isinstance(run, KeptRun):
        return run.line, {run.line["counts"][split]["ids"]: found["ids"] for split, found in run.counts.items()}
    record = json.loads((run.folder / "run.json").read_text(encoding="utf-8"))
    counts, examples = {}, {}
    for split, found in run.counts.items():
        digest = hashlib.sha256(_json(found["ids"]).encode()).hexdigest()[:16]
        examples[digest] = found["ids"]
        counts[split] = found | {"ids": digest}
    settings = {
        name: Path(value).name if name.endswith("_file") and isinstance(value, str) else value
        for name, value in run.arguments.items()
        if is_setting(name) or name == "seed"
    }
    line = {
        "cell": cell_of(run),
        "script": run.script,
        "command": [Path(record["argv"][0]).name, *hide_texts(record["argv"][1:])],
        "data": {Path(name).name: digest for name, digest in record.get("data", {}).items()},
        **{name: record[name] for name in TOLD if name in record},
        "results": run.results,
        "history": [entry for entry in run.history if any(name.startswith("eval_") for name in entry)],
        "tables": run.tables,
        "arguments": settings,
        "counts": counts,
    }
    return hide_folders(_rounded(line)), examples


def _run_of(line: dict, examples: dict[str, Sequence[str]]) -> KeptRun:
    counts = {split: found | {"ids": examples[found["ids"]]} for split, found in line["counts"].items()}
    parts = {name: line[name] for name in ("script", "arguments", "results", "history", "tables")}
    parts["files"] = line.get("data", {})
    return KeptRun(folder=Path("kept", line["cell"]), counts=counts, line=line, **parts)


def _read(path: str | Path) -> dict:
    try:
        kept = json.loads(Path(path).read_text(encoding="utf-8"))
        if not (isinstance(kept, dict) and kept.keys() == {"examples", "runs"}):
            raise ValueError("other JSON")
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: expected a file written by report.py --keep, found {_told(error)}") from error
    return kept


def _rounded(value):
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return round(value, DIGITS) if isinstance(value, float) and abs(value) > 10.0**-DIGITS else value


def _json(value) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "), default=str)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
