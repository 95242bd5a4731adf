"""Trials that several searches share: claimed once, taken over, given up."""

import optuna
import pytest
from optuna.trial import TrialState

from utils.search import shared_study


@pytest.fixture
def storage(tmp_path):
    return shared_study.open_storage(str(tmp_path / "journal"))


def join(storage, folder, **changes):
    folder.mkdir(exist_ok=True)
    study = shared_study.SharedStudy(storage, "s", lower_is_better=False, folder=folder, seed=0)
    study.me |= changes
    return study


def test_no_more_trials_are_claimed_than_there_should_be(storage, tmp_path):
    one, two = join(storage, tmp_path / "one"), join(storage, tmp_path / "two")
    claimed = [one.claim(3), two.claim(3), one.claim(3)]
    assert [each.number for each in claimed] == [0, 1, 2]
    assert one.claim(3) is None and two.claim(3) is None
    assert one.waits() and not one.is_full(4)


def test_surplus_trial_of_two_that_were_claimed_at_once_does_not_count(storage, tmp_path, monkeypatch):
    one, two = join(storage, tmp_path / "one"), join(storage, tmp_path / "two")
    count, seen = two._count, []

    def look(trials):  # as if the other had claimed its trial right after this one has counted
        if not seen:
            seen.append(one.claim(1))
            return 0
        return count(trials)

    monkeypatch.setattr(two, "_count", look)
    assert two.claim(1) is None
    assert [each.number for each in one.trials] == [0] and len(one.study.trials) == 2


@pytest.mark.parametrize(
    ("changes", "taken"), [({"pid": 2**22 + 1}, True), ({"host": "other", "pid": 2**22 + 1}, False), ({}, False)]
)
def test_trial_of_a_dead_process_on_this_machine_is_taken_over(changes, taken, storage, tmp_path):
    number = join(storage, tmp_path / "one", **changes).claim(1).number
    left = join(storage, tmp_path / "one").claim(1)
    assert (left is not None and left.number == number) == taken
    assert join(storage, tmp_path / "two").claim(1) is None  # another folder


def test_trial_of_a_machine_that_has_gone_is_given_up(storage, tmp_path, monkeypatch):
    gone = join(storage, tmp_path / "one", host="gone").claim(1)
    here = join(storage, tmp_path / "two")
    clock = [0.0]
    monkeypatch.setattr(shared_study.time, "monotonic", lambda: clock[0])
    assert here.waits() and here.claim(1) is None
    clock[0] += shared_study.LOST - 1
    assert here.waits() and here.claim(1) is None
    gone.set_user_attr("beat", 7)  # alive
    clock[0] += 2
    assert here.waits() and here.claim(1) is None
    clock[0] += shared_study.LOST + 1
    here.waits()
    again = here.claim(1)
    assert again.number == 1 and [each.number for each in here.trials] == [1]
    assert here.tell(again, TrialState.COMPLETE, 0.5) and not here.tell(gone, TrialState.COMPLETE, 0.9)
    assert here.best_of(here.trials).value == 0.5


def test_running_trials_show_that_they_are_alive(storage, tmp_path, monkeypatch):
    study = join(storage, tmp_path / "one")
    trial = study.claim(1)
    first = study.find(0).user_attrs["beat"]
    study.beat([trial])
    assert study.find(0).user_attrs["beat"] == first
    study._beaten -= shared_study.BEAT + 1
    study.beat([trial])
    assert study.find(0).user_attrs["beat"] > first


def test_failed_trials_count_only_where_they_should(storage, tmp_path):
    study = join(storage, tmp_path / "one")
    study.tell(study.claim(1), TrialState.FAIL)
    assert study.claim(1) is None and study.is_full(1)
    study.failed_count = False
    assert study.claim(1).number == 1


def test_loss_of_the_storage_is_an_error_of_one_line():
    cause = OSError("no route to postgresql://me:secret@host/name\nmore")
    error = optuna.exceptions.StorageInternalError("some trouble")
    error.__cause__ = cause
    with pytest.raises(shared_study.TrainingError, match=r"no route to postgresql://me:\*\*\*@host/name; the same"):
        with shared_study.reached():
            raise error
