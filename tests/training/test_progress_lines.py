"""Lines of a log: scores in their order, and how long the rest of a run takes."""

from types import SimpleNamespace

import pytest

from utils.data.durations import describe_duration
from utils.training import progress_lines
from utils.training.progress_lines import ProgressLines


@pytest.fixture
def lines(monkeypatch):
    """Lines of a run that began at step 40 of 100, after 30 s."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(progress_lines.time, "monotonic", lambda: clock.now)
    found = ProgressLines(best="f1", time_left=True)
    found.on_train_begin(None, SimpleNamespace(global_step=40, max_steps=100), None)
    clock.now += 30
    return found


def at(step):
    return SimpleNamespace(global_step=step, max_steps=100)


def test_line_of_an_epoch_ends_with_the_time_left_by_the_steps_of_this_start(lines):
    logs = {"epoch": 2.0, "eval_loss": 0.5, "eval_f1": 0.25, "eval_precision": 0.2}
    assert lines.describe(logs, at(50)) == "epoch 2  f1 0.2500  precision 0.2000  loss 0.5000  2 min 30 s left"


def test_line_of_steps_has_the_time_left(lines):
    assert lines.describe({"loss": 1.5, "learning_rate": 1e-3}, at(60)) == (
        "step 60 of 100  loss 1.5000  learning rate 1.00e-03  1 min 0 s left"
    )


@pytest.mark.parametrize("step", [40, 100])
def test_nothing_is_left_after_the_last_step_and_nothing_is_known_before_the_first(lines, step):
    assert lines.describe({"loss": 1.5}, at(step)) == f"step {step} of 100  loss 1.5000"


def test_lines_beside_a_progress_bar_leave_the_time_to_it():
    assert ProgressLines(best="f1").describe({"loss": 1.5}, at(60)) == "step 60 of 100  loss 1.5000"


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "0 s"), (59.4, "59 s"), (75, "1 min 15 s"), (7380, "2 h 3 min")])
def test_durations(seconds, said):
    assert describe_duration(seconds) == said
