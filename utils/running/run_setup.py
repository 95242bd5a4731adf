"""What surrounds a run: logging, checkpoints to resume from, and the record it leaves."""

import contextlib
import hashlib
import json
import logging
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import datasets
import huggingface_hub
import torch
import transformers
from safetensors import SafetensorError, safe_open

from ..data.errors import printable

logger = logging.getLogger(__name__)

COMMON_ENGLISH = {"a", "and", "in", "is", "of", "that", "the", "to"}
PACKAGES = ("torch", "transformers", "datasets", "evaluate", "accelerate", "seqeval", "scikit-learn", "numpy")


class _Printable(logging.Formatter):
    """Escapes control characters, so that labels and texts of the data cannot control a terminal."""

    def format(self, record):
        return printable(super().format(record))


def set_up_logging(*, main_process: bool) -> None:
    """Log to standard error, from the main process only; of libraries, only warnings and errors."""
    logging.basicConfig(level=logging.INFO if main_process else logging.ERROR, force=True)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_Printable("%(message)s"))
    logging.getLogger("datasets").setLevel(logging.WARNING)
    for noisy in ("httpx", "httpx2", "urllib3", "fsspec", "accelerate", "filelock"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    transformers.utils.logging.set_verbosity_error()  # it would warn about new heads, which are intended
    transformers.utils.logging.disable_progress_bar()  # of loading and saving; the trainer's is kept
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
        huggingface_hub.utils.disable_progress_bars()


def last_whole_checkpoint(output_dir: str | Path) -> str | None:
    """The latest complete checkpoint; incomplete ones are skipped with a warning.

    `Trainer` writes `trainer_state.json` last, so a checkpoint with a readable one is complete.
    """
    numbered = {}
    for path in Path(output_dir).glob("checkpoint-*"):
        if (found := re.fullmatch(r"checkpoint-(\d+)", path.name)) and path.is_dir():
            numbered[int(found[1])] = path
    for step in sorted(numbered, reverse=True):
        if is_whole(numbered[step]):
            return str(numbered[step])
        logger.warning("%s: incomplete checkpoint, skipped", numbered[step])
    return None


def is_whole(checkpoint: str | Path) -> bool:
    """Whether a checkpoint's weights (all shards) and trainer state can be read, and its schedule exists.

    `--save_only_model` saves neither optimizer nor schedule: a run resumed from there would train differently.
    """
    checkpoint = Path(checkpoint)
    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
        weights = sorted(path.name for path in checkpoint.glob("*.safetensors"))
        for index in checkpoint.glob("*.safetensors.index.json"):
            weights += json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        for name in set(weights):
            with safe_open(checkpoint / name, framework="pt"):
                pass
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        logger.debug("%s: %s", checkpoint, error)
        return False
    return bool(weights) and (checkpoint / "scheduler.pt").is_file()


def wants_to_resume(asked: str | bool | None) -> bool:
    """Whether `--resume_from_checkpoint` is given, and not as `false`."""
    return bool(asked) and str(asked).lower() != "false"


def checkpoints_to_try(asked: str | None, output_dir: str | Path) -> Iterator[str | None]:
    """Where to start from: first `--resume_from_checkpoint`, then, at each restart, the last complete checkpoint."""
    yield checkpoint_to_resume(asked, output_dir)
    while True:
        yield last_whole_checkpoint(output_dir)


def checkpoint_to_resume(asked: str | None, output_dir: str | Path) -> str | None:
    """Resolve `--resume_from_checkpoint`: a folder, or `last` (also `true`) for the latest complete checkpoint.

    Raises:
        FileNotFoundError: the folder is not a complete checkpoint.
    """
    if not wants_to_resume(asked):
        return None
    if str(asked).lower() in ("last", "true"):
        found = last_whole_checkpoint(output_dir)
        logger.info(f"resuming from {found}" if found else "no checkpoint yet, starting from the beginning")
        return found
    if not is_whole(asked):
        raise FileNotFoundError(f"--resume_from_checkpoint {asked}: expected a complete checkpoint; try `last`")
    return str(asked)


def record_run(arguments: Iterable, *, files: Iterable[str | Path | None], started: float, results: dict) -> dict:
    """The content of `run.json`: how to repeat this run, and where it ran.

    Args:
        arguments: the resolved argument dataclasses, with `seed` among their fields.
        files: data files, to be hashed; None is skipped.
        started: `time.time()` at its start.
        results: final scores.
    """
    resolved = {}
    for one in arguments:
        values = one.to_dict() if hasattr(one, "to_dict") else asdict(one)
        resolved |= {name: value for name, value in values.items() if not name.endswith("_token")}
    paths = list(_list_files(path for path in files if path))
    return {
        "argv": redact(sys.argv),
        "arguments": resolved,
        "results": results,
        "seed": resolved["seed"],
        "data": {str(path): sha256(path) for path in paths},
        "language": resolved.get("hub_language") or guess_file_language(paths),
        "versions": {name: version(name) for name in PACKAGES} | {"python": platform.python_version()},
        "git_commit": COMMIT,
        "hardware": hardware(),
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "wall_time_seconds": round(time.time() - started, 1),
    }


def _list_files(paths: Iterable[str | Path]) -> Iterator[str]:
    """The paths that are files; for brat's .txt and .ann files, or folders of them, both files of each pair."""
    for path in map(Path, paths):
        if path.is_dir():
            yield from (str(each) for each in sorted(path.glob("*")) if each.with_suffix(".ann").is_file())
        elif path.is_file():
            yield str(path)
            other = path.with_suffix({".txt": ".ann", ".ann": ".txt"}.get(path.suffix, path.suffix))
            if other != path and other.is_file():
                yield str(other)


def guess_file_language(paths: Iterable[str | Path]) -> str | None:
    """`zh` or `en` by the letters and words at the beginning of the first file; None for anything else."""
    for path in paths:
        with open(path, "rb") as file:
            text = file.read(1 << 16).decode("utf-8", errors="ignore")
        chinese = len(re.findall(r"[\u4e00-\u9fff]", text))
        other = len(re.findall(r"[\u3040-\u30ff\uac00-\ud7af]", text))
        words = re.findall(r"[a-z]+", text.lower())
        if chinese > 0.2 * (chinese + sum(map(len, words))) and other < 0.02 * chinese:
            return "zh"
        if len(words) > 50 and sum(word in COMMON_ENGLISH for word in words) > 0.08 * len(words):
            return "en"
        return None
    return None


def redact(words: Iterable[str]) -> list[str]:
    """Command-line words with the values of token flags replaced by `***`."""
    result, hide = [], False
    for word in words:
        name, equals, _ = word.partition("=")
        secret = name.startswith("-") and "token" in name
        result.append("***" if hide else f"{name}=***" if secret and equals else word)
        hide = secret and not equals
    return result


def sha256(path: str | Path) -> str:
    """Hex digest of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_commit() -> str | None:
    """The commit of this repository, followed by `+changes` if files differ; None outside a checkout."""
    root = Path(__file__).resolve().parents[2]
    try:
        command = ["git", "-C", str(root), "describe", "--always", "--abbrev=40", "--dirty=+changes", "--exclude=*"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


COMMIT = git_commit()  # of the running code: read at import, since hours later another may be checked out


def hardware() -> dict:
    """Processor, cores and accelerators."""
    found = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    with contextlib.suppress(OSError):
        model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
        found["processor"] = model[1] if model else found["processor"]
    if torch.cuda.is_available():
        found["gpus"] = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return found
