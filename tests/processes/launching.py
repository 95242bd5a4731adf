"""Programs in several processes, as users start them."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TORCHRUN = (sys.executable, "-m", "torch.distributed.run")
ACCELERATE = (sys.executable, "-m", "accelerate.commands.launch")


def environment(**more: str) -> dict[str, str]:
    """Of a process: a thread for each, this repository to import from, and no GPU, so that they talk through gloo."""
    own = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    return os.environ | own | more


def torchrun(*words: object, processes: int = 2, timeout: float = 300) -> subprocess.CompletedProcess:
    """Run a program with its words in so many processes of this machine, to its end."""
    command = [*TORCHRUN, "--standalone", "--nproc_per_node", str(processes), *map(str, words)]
    return subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, encoding="utf-8", timeout=timeout)
