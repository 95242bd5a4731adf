"""Runs that are told to stop: a checkpoint, a line that says how to go on, exit status 130 or 143; the same end."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file
from transformers import TrainerCallback

from tests.training.training_steps import assert_equal, weights_of
from utils.options.arguments import run_script
from utils.options.shared_arguments import TrickArguments
from utils.running import stop_signals
from utils.running.run_setup import last_whole_checkpoint

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120


class Told(TrainerCallback):
    """Sends this process a signal at a step, before or behind it, or while it evaluates."""

    def __init__(self, received, *, step, event="on_step_begin", times=1):
        self.received, self.step, self.times, self.sent = received, step, times, 0
        setattr(self, event, self.send)

    def send(self, args, state, control, **kwargs):
        if state.global_step >= self.step and self.sent < self.times:
            self.sent += 1
            os.kill(os.getpid(), self.received)


def train_until_told(trainer):
    """Run a trainer as `run_script` does; the exit status."""
    with pytest.raises(SystemExit) as ended:
        run_script(trainer.train)
    return ended.value.code


@pytest.fixture
def start(make_classifier):
    """Build a trainer of 9 steps, 3 an epoch, that evaluates and saves where it is told to."""

    def build(callback=None, tricks=None, **options):
        evaluating = {"eval_strategy": "epoch", "save_strategy": "epoch", "load_best_model_at_end": True}
        evaluating |= {"metric_for_best_model": "loss", "greater_is_better": False, "num_train_epochs": 3}
        trainer = make_classifier(multi_label=False, dropout=0.1, tricks=tricks, **(evaluating | options))
        if callback is not None:
            trainer.add_callback(callback)
        return trainer

    return build


@pytest.mark.parametrize(
    "received, status, event, step, saved",
    [
        (signal.SIGINT, 130, "on_step_begin", 4, 5),
        (signal.SIGTERM, 143, "on_step_begin", 5, 6),  # the last step of an epoch
        (signal.SIGTERM, 143, "on_prediction_step", 6, 6),
        (signal.SIGTERM, 143, "on_step_begin", 8, 9),  # the last of all
    ],
)
def test_run_that_is_told_to_stop_goes_on_to_the_same_weights(
    start, tmp_path, capfd, received, status, event, step, saved
):
    whole = start()
    whole.train()
    logged = [entry for entry in whole.state.log_history if "eval_loss" in entry]
    (tmp_path / "run").rename(tmp_path / "whole")
    assert train_until_told(start(Told(received, step=step, event=event))) == status
    error = capfd.readouterr().err
    assert f"stopped by {received.name} after step {saved} of 9" in error
    assert "--resume_from_checkpoint last" in error and "Traceback" not in error
    checkpoint = last_whole_checkpoint(tmp_path / "run")
    assert checkpoint.endswith(f"checkpoint-{saved}")
    again = start()
    again.train(resume_from_checkpoint=checkpoint)
    assert_equal(weights_of(again.model), weights_of(whole.model))
    found = [entry for entry in again.state.log_history if "eval_loss" in entry]
    assert [(each["epoch"], each["eval_loss"]) for each in found] == [
        (each["epoch"], each["eval_loss"]) for each in logged
    ]


@pytest.mark.parametrize("event, step", [("on_step_begin", 5), ("on_prediction_step", 6), ("on_step_begin", 8)])
def test_stop_is_saved_although_only_the_best_epochs_are(start, tmp_path, capfd, event, step):
    trainer = start(Told(signal.SIGTERM, step=step, event=event), save_strategy="best", learning_rate=0.0)
    assert train_until_told(trainer) == 143
    saved = step + (event == "on_step_begin")
    assert f"stopped by SIGTERM after step {saved} of 9, with a checkpoint" in capfd.readouterr().err
    assert last_whole_checkpoint(tmp_path / "run").endswith(f"checkpoint-{saved}")
    assert (tmp_path / "run" / "checkpoint-3").is_dir()  # the best


@pytest.mark.parametrize("every", [1, 4])
def test_signal_in_an_evaluation_stops_behind_the_same_step(start, tmp_path, capfd, every):
    options = {"eval_strategy": "steps", "eval_steps": every, "save_strategy": "no", "load_best_model_at_end": False}
    assert train_until_told(start(Told(signal.SIGINT, step=4, event="on_prediction_step"), **options)) == 130
    assert "stopped by SIGINT after step 4 of 9" in capfd.readouterr().err
    assert last_whole_checkpoint(tmp_path / "run").endswith("checkpoint-4")


def test_second_signal_stops_at_once(start, tmp_path, capfd):
    options = {"eval_strategy": "steps", "eval_steps": 4, "load_best_model_at_end": False}
    trainer = start(Told(signal.SIGINT, step=4, event="on_prediction_step", times=2), **options)
    assert train_until_told(trainer) == 130
    assert capfd.readouterr().err.endswith("stopped by SIGINT\n")
    assert last_whole_checkpoint(tmp_path / "run").endswith("checkpoint-3")


def test_nothing_is_left_to_do_behind_the_last_step(start, tmp_path):
    options = {"max_steps": 5, "save_strategy": "steps", "save_steps": 5, "eval_strategy": "steps", "eval_steps": 5}
    whole = start(**options)
    whole.train()
    again = start(**options)
    again.train(resume_from_checkpoint=str(tmp_path / "run" / "checkpoint-5"))
    assert again.state.global_step == 5
    assert_equal(weights_of(again.model), weights_of(whole.model))


def test_run_that_stopped_early_goes_on_to_nothing_and_patience_is_remembered(start, tmp_path):
    options = {"tricks": TrickArguments(early_stopping_patience=2), "num_train_epochs": 6, "save_total_limit": 10}
    options |= {"learning_rate": 0.0}  # no epoch is better than the first
    whole = start(**options)
    whole.train()
    assert whole.state.global_step == 9
    for checkpoint in (6, 9):
        again = start(**options)
        again.train(resume_from_checkpoint=str(tmp_path / "run" / f"checkpoint-{checkpoint}"))
        assert again.state.global_step == 9


def test_outside_of_training_a_program_stops_at_once(capfd):
    with pytest.raises(SystemExit) as ended:
        run_script(lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert ended.value.code == 143 and capfd.readouterr().err == "stopped by SIGTERM\n"
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL  # a further one, too
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_handlers_of_the_caller_come_back():
    before = [signal.getsignal(each) for each in stop_signals.SIGNALS]
    with stop_signals.watched():
        assert signal.getsignal(signal.SIGTERM) != before[1]
        assert stop_signals.received() == 0
    assert [signal.getsignal(each) for each in stop_signals.SIGNALS] == before


def test_signal_that_a_launcher_passes_on_counts_once():
    signals = stop_signals.StopSignals({"WORLD_SIZE": "2"})
    signals.waiting = True
    signals.handle(signal.SIGINT, None)
    signals.handle(signal.SIGINT, None)
    signals.since -= stop_signals.ECHO
    before = [signal.getsignal(each) for each in stop_signals.SIGNALS]
    try:
        with pytest.raises(stop_signals.Stopped):
            signals.handle(signal.SIGINT, None)
    finally:
        for each, handler in zip(stop_signals.SIGNALS, before, strict=True):
            signal.signal(each, handler)


def test_worker_of_a_data_loader_dies_of_sigterm_and_leaves_sigint_to_its_master():
    def fork(received):
        with stop_signals.watched(), stop_signals.deferred():
            child = os.fork()
            if not child:
                os.kill(os.getpid(), received)
                os._exit(7)
            return os.waitpid(child, 0)[1]

    assert os.WTERMSIG(fork(signal.SIGTERM)) == signal.SIGTERM
    assert os.WEXITSTATUS(fork(signal.SIGINT)) == 7


def test_script_stops_as_a_program_and_goes_on(tiny_encoder, ner_files, tmp_path):
    run = tmp_path / "run"
    command = [sys.executable, "run_ner.py", "--model_name_or_path", tiny_encoder, "--output_dir", str(run)]
    command += ["--train_file", ner_files[0], "--validation_file", ner_files[1], "--per_device_train_batch_size", "2"]
    command += ["--num_train_epochs", "400", "--logging_steps", "1", "--save_strategy", "no", "--eval_strategy", "no"]
    with open(tmp_path / "log", "w") as log:
        started = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    deadline = time.monotonic() + SECONDS
    while "step 3 of" not in (tmp_path / "log").read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    started.send_signal(signal.SIGTERM)
    assert started.wait(timeout=SECONDS) == 143
    lines = (tmp_path / "log").read_text().splitlines()
    assert lines[-1].startswith("stopped by SIGTERM after step") and "--resume_from_checkpoint last" in lines[-1]
    checkpoint = Path(last_whole_checkpoint(run))
    assert load_file(checkpoint / "model.safetensors")
    assert json.loads((checkpoint / "trainer_state.json").read_text())["global_step"] >= 3
    assert not list(run.glob(".unfinished-*"))
