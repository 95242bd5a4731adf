"""Which GPUs and how many threads each of several runs gets."""

import pytest

from utils.search import machine_shares


@pytest.mark.parametrize(
    ("jobs", "visible", "gpus"),
    [
        (1, "0,1", [None]),
        (2, "0,1,2,3", ["0,2", "1,3"]),
        (2, "5,7", ["5", "7"]),
        (3, "5,7", ["5", "7", "5"]),
        (2, "", [None, None]),
        (2, "-1", [None, None]),
        (2, "GPU-a, GPU-b", ["GPU-a", "GPU-b"]),
    ],
)
def test_gpus_are_dealt_out(jobs, visible, gpus):
    shares = machine_shares.share_machine(jobs, {"CUDA_VISIBLE_DEVICES": visible})
    assert [each.environment.get("CUDA_VISIBLE_DEVICES") for each in shares] == gpus


def test_cores_are_dealt_out_and_what_the_user_has_set_stays(monkeypatch):
    monkeypatch.setattr(machine_shares, "_count_cores", lambda: 8)
    none = {"CUDA_VISIBLE_DEVICES": ""}

    def shared(jobs, environment):
        return [each.environment for each in machine_shares.share_machine(jobs, environment)]

    assert shared(3, none) == [{"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"}] * 3
    assert shared(99, none)[0]["OMP_NUM_THREADS"] == "1"
    assert shared(3, none | {"OMP_NUM_THREADS": "4"})[0] == {"OMP_WAIT_POLICY": "PASSIVE"}
    assert shared(1, none) == [{}]
