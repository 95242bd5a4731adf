"""What the benchmarks share: running a script of the repository, mean ± std over seeds, and records."""

import json
import platform
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def run_script(script: str, *given) -> None:
    """Run a script of the repository; if it fails, print its error and exit."""
    command = [sys.executable, str(ROOT / script), *map(str, given)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)


def spread(values: Sequence[float]) -> str:
    """Mean ± sample standard deviation, times 100.

    Example:
        >>> spread([0.5, 0.7])
        '60.00 ± 14.14'
    """
    mean = f"{100 * statistics.mean(values):.2f}"
    return mean + (f" ± {100 * statistics.stdev(values):.2f}" if len(values) > 1 else "")


def write_rows(rows: Iterable[dict[str, Any]], path: Path) -> Path:
    """Write rows as json lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def write_record(path: Path | None, rows: Sequence[dict[str, Any]]) -> None:
    """Write the measurements as JSON, with command, date, versions and machine; do nothing without a path."""
    if path is None:
        return
    from utils.running.run_setup import PACKAGES, git_commit, hardware

    versions = {name: metadata.version(name) for name in PACKAGES} | {"python": platform.python_version()}
    command = shlex.join(["python", str(Path(sys.argv[0]).resolve().relative_to(ROOT)), *sys.argv[1:]])
    record = {"command": command, "date": time.strftime("%Y-%m-%d"), "git_commit": git_commit(), "versions": versions}
    record |= {"hardware": hardware(), "rows": rows}
    path.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """The content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))
