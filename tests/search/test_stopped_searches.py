"""Searches that are stopped, killed or run twice at once: nothing is lost, nothing is done twice."""

import csv
import os
import random
import signal
import sys

import psutil
import pytest

import search
from utils.search import script_process

WRITING = {"os.rename", "os.mkdir", "os.remove", "subprocess.Popen", "time.sleep"}


def table_of(folder):
    with open(folder / "trials.csv", encoding="utf-8") as file:
        return [{name: cell for name, cell in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def starts_in(journal):
    return [each["run"] for each in journal if "seed" in each]


@pytest.mark.parametrize("sent", ["SIGINT", "SIGTERM"])
def test_stopped_search_ends_its_runs_and_goes_on(sent, bench, fork):
    bench.write({"strike": sent, "num_train_epochs": 3})
    words = bench.words(trials=2, final_seeds=0, journal=sent == "SIGTERM")
    assert fork(lambda: search.main(words))() == 128 + signal.Signals[sent]
    config = (bench.out / "trials" / "0000" / "config.yaml").absolute()
    assert script_process.end_leftovers("fake_run.py", config) == 0
    search.main(words)
    assert [row["state"] for row in table_of(bench.out)] == ["complete"] * 2
    assert starts_in(bench.journal()) == ["0000", "0000", "0001"]
    epochs = [each["epoch"] for each in bench.journal() if each["run"] == "0000" and "epoch" in each]
    assert epochs == [1, 2, 3]  # continued from its checkpoint


def test_run_that_outlives_a_killed_search_is_ended_and_continued(bench, fork):
    bench.write({"strike": "SIGKILL", "num_train_epochs": 2})
    words = bench.words(trials=1, final_seeds=0)
    assert fork(lambda: search.main(words))() == -signal.SIGKILL
    alive = [
        each for each in psutil.process_iter(["cmdline"]) if str(bench.out) in " ".join(each.info["cmdline"] or [])
    ]
    assert len(alive) == 1
    search.main(words)
    assert not alive[0].is_running() or alive[0].status() == psutil.STATUS_ZOMBIE
    assert [each.get("resumed") for each in bench.journal() if "seed" in each] == [False, True]


def test_stopped_last_run_goes_on(bench, fork):
    bench.write({"strike": "final SIGTERM", "num_train_epochs": 3})
    words = bench.words(trials=1, final_seeds=1)
    assert fork(lambda: search.main(words))() == 143
    search.main(words)
    assert starts_in(bench.journal()) == ["0000", "seed-43", "seed-43"]
    assert [each["epoch"] for each in bench.journal() if each["run"] == "seed-43" and "epoch" in each] == [1, 2, 3]


def kill_at(number):
    """Have this process killed when it has written, started or waited so many times."""
    seen = [0]

    def look(event, arguments):
        if event in WRITING:
            seen[0] += 1
            if seen[0] == number:
                os.kill(os.getpid(), signal.SIGKILL)

    return lambda: sys.addaudithook(look)


def assert_killed_search_ends_like_another(bench, fork, kills):
    bench.write({"num_train_epochs": 2}, {"x": {"uniform": [0, 1]}, "head": ["a", "b"]})
    whole, broken = (
        bench.words(trials=4, final_seeds=1, output_dir=name, journal=False) for name in ("whole", "broken")
    )
    numbers = search.main(whole)
    before = len(starts_in(bench.journal()))
    draw, killed = random.Random(0), 0
    for _ in range(kills):
        status = fork(lambda: search.main(broken), before=kill_at(draw.randint(3, 30)))()
        assert status in (0, -signal.SIGKILL)
        killed += status != 0
    assert killed >= kills / 2
    assert search.main(broken) == numbers
    assert table_of(bench.folder / "broken") == table_of(bench.folder / "whole")
    assert len(starts_in(bench.journal())) - before <= before + killed


def test_killed_search_ends_like_one_that_was_not(bench, fork):
    assert_killed_search_ends_like_another(bench, fork, kills=2)


@pytest.mark.slow
def test_search_that_is_killed_ten_times_ends_like_one_that_was_not(bench, fork):
    assert_killed_search_ends_like_another(bench, fork, kills=10)


@pytest.mark.parametrize("storage", ["sqlite:///{}/shared.db", "{}/shared.journal"])
def test_two_searches_share_a_storage_and_its_trials(storage, bench, fork):
    place = ["--storage", storage.format(bench.folder)]
    words = [bench.words(*place, trials=5, final_seeds=2, output_dir=name, journal=False) for name in ("one", "two")]
    waits = [fork(lambda own=own: search.main(own)) for own in words]
    assert [wait() for wait in waits] == [0, 0]
    one, two = (table_of(bench.folder / name) for name in ("one", "two"))
    assert one == two and len(one) == 5
    runs = starts_in(bench.journal())
    assert len(runs) == len(set(runs)) and sum(run.startswith("seed-") for run in runs) == 2
