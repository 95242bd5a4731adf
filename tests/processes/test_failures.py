"""A run of several processes that cannot go on says why once, and ends as a whole."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.processes.launching import ACCELERATE, ROOT, environment, torchrun
from utils.running.processes import processes_asked, refuse_copies

pytestmark = pytest.mark.long

SECONDS = 300  # from start to end, imports included, on a busy machine; a collective waits for half an hour


def flags_of(still_models, samples, folder, **flags):
    values = {"model_name_or_path": still_models / "encoder", "head": "crf", "output_dir": folder}
    values |= {"train_file": samples / "ner-all.json", "validation_file": samples / "ner-13.json", "max_steps": 5}
    return [str(word) for name, value in (values | flags).items() for word in (f"--{name}", value)]


def test_bad_data_is_said_once_by_the_process_that_reads_it(still_models, samples, tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_text((samples / "ner-13.json").read_text(encoding="utf-8") + "{no json\n", encoding="utf-8")
    flags = flags_of(still_models, samples, tmp_path / "run", validation_file=bad)
    started = time.monotonic()
    done = torchrun("run_ner.py", *flags)
    assert time.monotonic() - started < SECONDS and done.returncode != 0
    assert done.stderr.count(f"error: {bad}") == 1 and ":14: expected a JSON object" in done.stderr
    assert list((tmp_path / "run").iterdir()) == []


@pytest.mark.slow
def test_failure_of_one_process_in_training_ends_all_with_its_message(still_models, samples, tmp_path):
    started = time.monotonic()
    program = Path(__file__).with_name("fail_in_training.py")
    done = torchrun(program, *flags_of(still_models, samples, tmp_path / "run"))
    assert time.monotonic() - started < SECONDS and done.returncode != 0
    assert "error: the disk of the second process is gone" in done.stderr
    assert not (tmp_path / "run" / "run.json").exists()


def test_accelerate_that_starts_one_process_for_two_is_refused_before_anything_is_written(tmp_path):
    command = [*ACCELERATE, "--cpu", "--num_processes", "2", "run_ner.py", "--model_name_or_path", "nowhere"]
    command += ["--train_file", "README.md", "--output_dir", tmp_path / "run"]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, encoding="utf-8", timeout=300)
    assert done.returncode != 0 and not (tmp_path / "run").exists()
    assert "error: accelerate launch asks for 2 processes" in done.stderr
    assert "torchrun --nproc_per_node 2" in done.stderr and "accelerate launch --multi_gpu" in done.stderr


@pytest.mark.parametrize("name", ["WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"])
def test_copies_of_a_run_are_refused(name):
    with pytest.raises(ValueError, match=f"^{name} asks for 4 processes.*torchrun --nproc_per_node 4"):
        refuse_copies(1, environment={name: "4"}, parent=[])
    refuse_copies(4, environment={name: "4"}, parent=[])
    refuse_copies(1, environment={name: "1"}, parent=[])
    refuse_copies(1, environment={}, parent=["bash"])


def test_number_of_processes_is_read_from_the_launcher(tmp_path):
    config = tmp_path / "two.yaml"
    config.write_text("distributed_type: MULTI_CPU\nnum_processes: 2\n", encoding="utf-8")
    python = [sys.executable, "/usr/bin/accelerate", "launch"]
    for options, count in (
        (["--cpu", "--num_processes", "2", "run_ner.py"], 2),
        (["--num_processes=3", "run_ner.py"], 3),
        (["--config_file", str(config), "run_ner.py"], 2),
        (["--config_file", str(config), "--num_processes", "1", "run_ner.py"], 1),
        (["run_ner.py"], 0),
    ):
        assert processes_asked([*python, *options, ""]) == count
    assert processes_asked(["bash", "-c", "run_ner.py --num_processes 2"]) == 0
    with pytest.raises(ValueError, match=r"^accelerate launch asks for 2 processes"):
        refuse_copies(1, environment={}, parent=[*python, "--num_processes", "2", "run_ner.py"])
