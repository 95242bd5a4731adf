"""A run of a trial: stopped early, given up, scored."""

import signal
import sys
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from utils.search import shared_study, trial_runs
from utils.search.machine_shares import LocalShare
from utils.search.script_process import ScriptProcess

FAKE = str(Path(__file__).with_name("fake_run.py"))


@pytest.fixture
def study(tmp_path):
    pruner = optuna.pruners.MedianPruner(n_warmup_steps=2)
    storage = shared_study.open_storage(str(tmp_path / "journal"))
    study = shared_study.SharedStudy(storage, "s", lower_is_better=False, folder=tmp_path, seed=0, pruner=pruner)
    for _ in range(5):
        scores = {epoch: 0.8 for epoch in range(1, 10)}
        study.study.add_trial(optuna.create_trial(value=0.8, intermediate_values=scores))
    return study


def begin(study, tmp_path, **flags):
    trial = study.claim(9)
    flags = {
        "train_file": str(tmp_path / "train.tsv"),
        "output_dir": str(tmp_path / "run"),
        "num_train_epochs": 9,
        **flags,
    }
    process = ScriptProcess.start([sys.executable, FAKE], flags, tmp_path / "run", share=LocalShare({}))
    return trial_runs.TrialRun(trial, process, tmp_path / "run", ["f1"], known={}, pruned=True)


def wait(run):
    while not (outcome := run.look()):
        pass
    return outcome


def test_trial_that_falls_behind_is_stopped_and_its_process_ends(study, tmp_path):
    (tmp_path / "hold").touch()  # after each epoch: it goes on only if nobody stops it
    run = begin(study, tmp_path, hold=str(tmp_path / "hold"))
    while not run._seen:
        assert run.look() is None
    assert run.process.status is None  # in the first epoch none is stopped
    (tmp_path / "run" / "checkpoint-1").rename(tmp_path / "run" / "checkpoint-2")
    state = tmp_path / "run" / "checkpoint-2" / "trainer_state.json"
    state.write_text('{"log_history": [{"eval_f1": 0.1}, {"eval_f1": 0.2}], "global_step": 2, "max_steps": 9}')
    outcome = wait(run)
    assert outcome.state == TrialState.PRUNED and run.process.status == -signal.SIGTERM
    assert outcome.facts["reason"] == "stopped after epoch 2 with f1 0.2000, worse than the median"
    assert study.tell(run.trial, outcome.state, outcome.value, **outcome.facts)
    assert study.find(5).state == TrialState.PRUNED and study.find(5).intermediate_values == {1: 0.45, 2: 0.2}


def test_trial_is_judged_epoch_by_epoch_even_if_it_has_ended(study, tmp_path):
    run = begin(study, tmp_path)
    run.process.process.wait()
    outcome = wait(run)
    assert outcome.state == TrialState.PRUNED and outcome.facts["epochs"] == 2


def test_trial_that_others_have_given_up_is_ended(study, tmp_path):
    (tmp_path / "hold").touch()
    run = begin(study, tmp_path, hold=str(tmp_path / "hold"))
    study.leave_out(run.trial.number, "its machine has gone")
    with pytest.raises(optuna.exceptions.UpdateFinishedTrialError):
        wait(run)
    assert run.give_up().state == TrialState.FAIL and run.process.status == -signal.SIGTERM
    assert not study.tell(run.trial, TrialState.FAIL) and len(study.trials) == 5
