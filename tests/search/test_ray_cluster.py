"""Trials on a Ray cluster of two machines, of which one is lost."""

import importlib.util
import json
import threading
import time

import pytest

import search
from utils.data.errors import ArgumentError

HAS_RAY = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not HAS_RAY, reason="ray is missing: pip install -r requirements-ray.txt")


@needs_ray
@pytest.mark.slow
def test_trials_of_a_lost_machine_are_run_again_on_another(cluster, bench):
    hold = bench.folder / "hold"
    hold.touch()
    bench.write(base={"hold": str(hold), "num_train_epochs": 3})
    lost = []

    def lose():
        while len({each["run"] for each in bench.journal() if each.get("epoch") == 1}) < 2:
            time.sleep(0.1)
        cluster.remove_node(cluster.machines[0], allow_graceful=False)
        lost.append(True)
        time.sleep(2)
        hold.unlink()

    thread = threading.Thread(target=lose, daemon=True)
    thread.start()
    numbers = search.main(bench.words("--ray_address", cluster.address, "--jobs", "2", trials=4))
    thread.join()
    assert lost and numbers
    trials = json.loads((bench.out / "search.json").read_text(encoding="utf-8"))["trials"]
    assert [each["state"] for each in trials] == ["complete"] * 4
    for each in trials:
        assert each["score"] == pytest.approx(0.4 * each["settings"]["x"] + 0.3 - 0.05 / 3)
    begun = [each["run"] for each in bench.journal() if "resumed" in each]
    assert sum(each["resumed"] for each in bench.journal() if "resumed" in each) == 1
    assert sorted(set(begun)) == sorted({f"{number:04d}" for number in range(4)} | {"seed-43"})
    logs = [path.read_text(encoding="utf-8") for path in (bench.out / "trials").glob("*/log.txt")]
    assert sum("--resume_from_checkpoint last" in log for log in logs) == 1


@needs_ray
def test_address_without_a_cluster_is_one_line(bench):
    with pytest.raises(ArgumentError, match=r"--ray_address 127.0.0.1:9: expected the address of a Ray cluster"):
        search.main(bench.words("--ray_address", "127.0.0.1:9"))


def test_missing_ray_is_said_with_the_command(bench, monkeypatch):
    monkeypatch.setattr(search, "find_spec", lambda name: None)
    with pytest.raises(ArgumentError, match=r"ray is missing: pip install -r requirements-ray\.txt"):
        search.main(bench.words("--ray_address", "auto"))
