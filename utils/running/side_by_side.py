"""Runs of one script side by side, each in a process of its own with its share of the machine."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ..data.errors import ArgumentError, TrainingError
from .machine_parts import share_environments

logger = logging.getLogger(__name__)

PAUSE = 0.2  # seconds between two looks
SHOWN = 5  # last lines of the log of a run that failed


def run_side_by_side(script: str, argv: Sequence[str] | None, own: Sequence[Sequence[str]], *, jobs: int) -> None:
    """Run a script several times, with what each has of its own behind the common command line.

    Each run logs to `log.txt` in its `--output_dir`. Cores are shared out; of several accelerators each job has one.

    Args:
        script: its path.
        argv: the common command line, that of this process if None.
        own: words of each run; the one after `--output_dir` is its folder.
        jobs: how many run at the same time.

    Raises:
        ArgumentError: this is one of several processes already.
        TrainingError: runs failed; the message shows the end of the first one's log. The others are finished.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ArgumentError(
            f"--jobs {jobs}: expected one process, found several; leave it out, each fold uses them all"
        )
    waiting, running, failed = list(own), {}, []
    free, shares = list(range(jobs)), share_environments(jobs)
    try:
        while waiting or running:
            while waiting and free:
                place, words = free.pop(0), waiting.pop(0)
                folder = Path(words[words.index("--output_dir") + 1])
                folder.mkdir(parents=True, exist_ok=True)
                command = [sys.executable, script, *(sys.argv[1:] if argv is None else argv), *words]
                with (folder / "log.txt").open("a", encoding="utf-8") as log:
                    process = subprocess.Popen(
                        command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=os.environ | shares[place]
                    )
                logger.info("%s: started, %s", folder, folder / "log.txt")
                running[process] = place, folder
            for process in [each for each in running if each.poll() is not None]:
                place, folder = running.pop(process)
                free.append(place)
                logger.info("%s: %s", folder, "finished" if process.returncode == 0 else "failed")
                if process.returncode:
                    failed.append(folder)
            time.sleep(PAUSE)
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()
    if failed:
        lines = (failed[0] / "log.txt").read_text(encoding="utf-8", errors="replace").splitlines()[-SHOWN:]
        raise TrainingError(
            f"{len(failed)} of {len(own)} runs failed; {failed[0] / 'log.txt'} ends with:\n" + "\n".join(lines)
        )
