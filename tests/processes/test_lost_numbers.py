"""Losses that are no numbers: every script names the rows and stops; processes decide alike."""

import json
import time
from pathlib import Path

import pytest

from tests.processes.jobs import HEADS, SUFFIX
from tests.processes.launching import torchrun
from tests.processes.run_jobs import SCRIPTS
from tests.processes.test_failures import SECONDS, flags_of
from utils.data.errors import TrainingError

pytestmark = pytest.mark.long


@pytest.mark.parametrize("head", HEADS)
def test_every_head_stops_where_the_learning_rate_ruins_it_and_names_rows(head, still_models, samples, tmp_path):
    script, model, kind, flags = HEADS[head]
    words = f"--model_name_or_path {still_models / model} --output_dir {tmp_path / 'run'} {flags} --precision fp32 "
    words += f"--train_file {samples}/{kind}-all.{SUFFIX[kind]} --validation_file {samples}/{kind}-13.{SUFFIX[kind]} "
    words += "--per_device_train_batch_size 8 --learning_rate 1e36 --warmup_steps 0 --max_steps 9 --max_grad_norm 0 "
    words += "--save_strategy no --eval_strategy no"
    with pytest.raises(
        TrainingError, match=r"^step [2-9]: the loss is .* its rows \(8, by id or beginning\): \""
    ) as e:
        SCRIPTS[script](words.split())
    if kind == "mlm":
        assert '"[CLS] ' in str(e.value)  # sequences have no ids
    assert "--on_nan skip" in str(e.value)


@pytest.mark.slow
def test_processes_stop_together_and_the_first_names_the_rows_of_the_other(still_models, samples, tmp_path):
    started = time.monotonic()
    done = torchrun(Path(__file__).with_name("lose_numbers.py"), *flags_of(still_models, samples, tmp_path / "run"))
    assert time.monotonic() - started < SECONDS and done.returncode != 0
    assert done.stderr.count("error: step 3: the loss is nan; its rows (32, by id or beginning)") == 1, done.stderr


@pytest.mark.slow
def test_processes_skip_a_step_together(still_models, samples, tmp_path):
    flags = flags_of(still_models, samples, tmp_path / "run", on_nan="skip")
    done = torchrun(Path(__file__).with_name("lose_numbers.py"), *flags)
    assert done.returncode == 0, done.stderr[-4000:]
    results = json.loads((tmp_path / "run" / "all_results.json").read_text(encoding="utf-8"))
    state = json.loads((tmp_path / "run" / "trainer_state.json").read_text(encoding="utf-8"))
    assert results["train_skipped_steps"] == 1 and state["global_step"] == 5
    assert [entry["skipped_step"] for entry in state["log_history"] if "skipped" in entry] == [3]
