"""The models of a server, by name, in each of its processes."""

import ctypes
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from ..data.errors import ArgumentError
from ..prediction.prediction_tasks import Task, load_task
from .service import Served

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1  # of mallopt
_held: list[FileLock] = []  # released when the process ends


def name_models(given: Sequence[str]) -> dict[str, str]:
    """Directories by name: `NAME=DIR`, or the last part of the directory.

    Raises:
        ArgumentError: two have the same name.
    """
    named: dict[str, str] = {}
    for one in given:
        name, sign, folder = one.partition("=")
        if not sign:
            name, folder = Path(one).name or "model", one
        if name in named:
            raise ArgumentError(f"expected a name for each model, found {name} twice; give NAME=DIR")
        named[name] = folder
    return named


def load_models(
    named: Mapping[str, str | Sequence[str]], *, options: Mapping[str, Any], together: bool, **loading
) -> dict[str, Served]:
    """Load the models.

    Args:
        named: name -> a directory, or several that answer together, or adapters.
        options: `top_k` and `threshold`; None where they are not given.
        together: several directories are an ensemble.
        **loading: see `load_task`.
    """
    found = {}
    for name, given in named.items():
        folders = [given] if isinstance(given, str) else list(given)
        task = load_task(folders, output_format="jsonl", options=dict(options), together=together, **loading)
        found[name] = Served(task, describe(task))
    return found


def describe(task: Task) -> dict[str, Any]:
    """What a model answers: its kind, its labels, whether it takes two texts."""
    if task.kind == "several":
        return {"kind": task.kind, "models": {name: describe(one) for name, one in task.tasks.items()}}
    told = {"kind": task.kind, "two_texts": task.pair}
    if task.kind == "answers":
        return told
    finder = task.finder
    return told | {"labels": list(finder.types if task.kind == "entities" else finder.rule.labels)}


def return_freed_memory() -> bool:
    """Have the C library of Linux give freed blocks of 1 MB or more back to the system at once.

    It else raises this limit to the largest block that was ever freed, 32 MB at most, and keeps what is smaller: under
    batches of ever other shapes a server grew from 0.6 to 1.4 GB within 20,000 requests, and stays at 0.6 so.

    Returns:
        Whether that could be set; other C libraries have no such limit.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    return all(library.mallopt(which, 2**20) for which in (MMAP_THRESHOLD, TRIM_THRESHOLD))


def share_machine(workers: int, folder: str | Path) -> str | None:
    """Give this process its share of the processors and, if there are any, one of the accelerators.

    Args:
        workers: how many processes share the machine.
        folder: of locks, for all of them; a process keeps its lock until it ends, however it ends.

    Returns:
        The device; None to let the model choose.
    """
    if workers == 1:
        return None
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // workers))
    count = torch.accelerator.device_count() if torch.accelerator.is_available() else 0
    for number in range(workers) if count else ():
        lock = FileLock(Path(folder) / f"worker-{number}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        _held.append(lock)
        return f"{torch.accelerator.current_accelerator().type}:{number % count}"
    return None
