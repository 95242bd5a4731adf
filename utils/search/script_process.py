"""A script in a process of its own, with its configuration and its log in its folder."""

import contextlib
import ctypes
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from ..data.errors import ArgumentError
from ..running.atomic_files import write_config
from .run_files import CONFIG, LOG, read_log_end, read_results

PATIENCE = 60.0  # seconds in which a run that is told to stop may save a checkpoint


class ScriptProcess:
    """A run of a script that was started, see `start`.

    Attributes:
        folder: `--output_dir` of the run.
    """

    def __init__(self, process, folder: Path):
        self.process, self.folder = process, folder

    @classmethod
    def start(
        cls,
        command: Sequence[str],
        flags: Mapping[str, Any],
        folder: Path,
        *,
        share,
        comment: str = "",
    ) -> "ScriptProcess | None":
        """Start a script, or continue a run of it that was stopped; a process that is left of it is ended before.

        Args:
            command: the words before the configuration file; the last one is the script.
            flags: option -> value of the run.
            folder: `--output_dir` of the run; if it is there already, the run is continued.
            share: part of this machine, or of a cluster, that the run gets: `LocalShare`, `ClusterShare`.
            comment: for the configuration file.

        Returns:
            The run; None if it has finished already.

        Raises:
            ArgumentError: the folder holds a run with other options.
        """
        folder = folder.absolute()
        config, mark = folder / CONFIG, f"options {_digest(flags)}"
        continued = folder.is_dir()
        if config.is_file() and f"# {mark}\n" not in config.read_text(encoding="utf-8"):
            raise ArgumentError(
                f"{folder}: expected a run of this search, found one of another; use another --output_dir"
            )
        if continued and read_results(folder) is not None:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        end_leftovers(Path(command[-1]).name, config)
        write_config(config, flags, comment=f"{comment}\n{mark}")
        words = [*command, str(config)]
        only_model = str(flags.get("save_only_model") or "false").lower() != "false"  # without the optimizer's state
        again = [*words, *(["--overwrite_output_dir"] if only_model else ["--resume_from_checkpoint", "last"])]
        return cls(share.open(again if continued else words, again, folder / LOG), folder)

    @property
    def status(self) -> int | None:
        """The exit status; None while the script runs."""
        return self.process.poll()

    @property
    def told_to_stop(self) -> bool:
        """Whether the script has ended because of SIGINT or SIGTERM."""
        return any(self.status in (-each, 128 + each) for each in (signal.SIGINT, signal.SIGTERM))

    def send(self, signal_number: int) -> None:
        """Send a signal to the script and to all processes that it has started."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_to_all(signal_number)

    def explain_end(self) -> str:
        """Why the script failed: the last error in its log, or the signal that ended it."""
        lines = read_log_end(self.folder)
        if self.status is not None and self.status < 0:
            name = signal.Signals(-self.status).name
            return f"ended by {name}" + (", as when memory runs out" if name == "SIGKILL" else "")
        errors = [line for line in lines if line.startswith("error: ")]
        return (errors or lines or [f"exit status {self.status}"])[-1]


class LocalProcess(subprocess.Popen):
    """A process on this machine, in a session of its own."""

    def send_to_all(self, signal_number: int) -> None:
        """Send a signal to it and to all processes that it has started."""
        os.killpg(self.pid, signal_number)


def open_process(
    words: Sequence[str], log: Path, environment: Mapping[str, str], *, tied: bool = False
) -> LocalProcess:
    """Start a command whose output is appended to a file.

    Args:
        words: the command.
        log: the file.
        environment: variables that are set in addition to those of this process.
        tied: the command is ended when this process is (Linux).
    """
    with open(log, "ab") as file:
        file.write(f"$ {' '.join(words)}\n".encode())
        file.flush()
        apart = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": subprocess.STDOUT}
        own = {"env": os.environ | environment, "start_new_session": True}
        return LocalProcess(words, **apart, **own, preexec_fn=_tie if tied else None)


def _tie() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def _digest(flags: Mapping[str, Any]) -> str:
    """What tells runs with different options apart, wherever their folders are."""
    kept = {name: value for name, value in flags.items() if name != "output_dir"}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()[:16]


def end_processes(processes: Iterable[ScriptProcess], *, patience: float = PATIENCE) -> None:
    """Tell scripts to stop, let them save a checkpoint, and kill what is left after `patience` seconds."""
    running = [each for each in processes if each.status is None]
    for each in running:
        each.send(signal.SIGTERM)
    for each in running:
        try:
            each.process.wait(patience)
        except subprocess.TimeoutExpired:
            each.send(signal.SIGKILL)
            each.process.wait()


def end_leftovers(script: str, config: Path, *, patience: float = PATIENCE) -> int:
    """End processes that still run a script with this configuration, as a search leaves them that was killed.

    Returns:
        How many there were.
    """
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            if str(config) in words and any(Path(word).name == script for word in words):
                found.append(process)
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    for process in psutil.wait_procs(found, timeout=patience)[1]:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(found, timeout=patience)
    return len(found)
