"""Processes that a launcher is told to stop: one checkpoint of all, each ends with the status of the signal."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.processes.launching import ROOT, TORCHRUN, environment, torchrun
from tests.processes.test_failures import SECONDS, flags_of
from utils.running.run_setup import last_whole_checkpoint

pytestmark = pytest.mark.long


@pytest.mark.slow
@pytest.mark.parametrize("received, status", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_processes_save_one_checkpoint_and_go_on_together(still_models, samples, tmp_path, received, status):
    flags = flags_of(still_models, samples, tmp_path / "run", max_steps=2000, logging_steps=1)
    program = Path(__file__).with_name("note_status.py")
    command = [*TORCHRUN, "--standalone", "--nproc_per_node", "2", str(program), str(tmp_path), *flags]
    with open(tmp_path / "log", "w") as log:
        started = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=log, stderr=log)
    deadline = time.monotonic() + SECONDS
    while "step 3 of" not in (tmp_path / "log").read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    children = list_children(started.pid)
    started.send_signal(received)
    assert started.wait(timeout=SECONDS) != 0
    assert [(tmp_path / f"status-{rank}").read_text() for rank in (0, 1)] == [str(status)] * 2
    text = (tmp_path / "log").read_text()
    assert len(children) == 2 and not any(Path(f"/proc/{child}").exists() for child in children)
    assert text.count(f"stopped by {received.name} after step") == 1, text
    assert text.count(f"{received.name}: stopping with a checkpoint") in (1, 2)
    checkpoint = Path(last_whole_checkpoint(tmp_path / "run"))
    step = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))["global_step"]
    flags = flags_of(still_models, samples, tmp_path / "run", max_steps=step + 2, resume_from_checkpoint="last")
    done = torchrun("run_ner.py", *flags)
    assert done.returncode == 0 and f"resuming from {checkpoint}" in done.stderr, done.stderr[-4000:]


def list_children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
