"""Which GPUs and how many threads each of several runs gets."""

import copy
import os

import pytest

from utils.running import machine_parts
from utils.running.machine_parts import share_environments
from utils.running.side_by_side import run_side_by_side
from utils.search.machine_shares import share_machine


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
    shares = share_environments(jobs, {"CUDA_VISIBLE_DEVICES": visible})
    assert [each.get("CUDA_VISIBLE_DEVICES") for each in shares] == gpus


def test_cores_are_dealt_out_and_what_the_user_has_set_stays(monkeypatch):
    monkeypatch.setattr(machine_parts, "_count_cores", lambda: 8)
    none = {"CUDA_VISIBLE_DEVICES": ""}
    assert share_environments(3, none) == [{"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"}] * 3
    assert share_environments(99, none)[0]["OMP_NUM_THREADS"] == "1"
    assert share_environments(3, none | {"OMP_NUM_THREADS": "4"})[0] == {"OMP_WAIT_POLICY": "PASSIVE"}
    assert share_environments(1, none) == [{}]
    assert [each.environment for each in share_machine(3, none)] == share_environments(3, none)


def test_folds_side_by_side_keep_to_the_gpus_that_the_user_names(tmp_path, monkeypatch):
    script = tmp_path / "script.py"
    script.write_text(
        "import os, pathlib, sys\npathlib.Path(sys.argv[-1], 'gpu').write_text(os.environ['CUDA_VISIBLE_DEVICES'])\n"
    )
    monkeypatch.setattr(os, "environ", copy.deepcopy(os.environ))  # as `datasets` does where it maps in processes
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    folders = [tmp_path / "a", tmp_path / "b"]
    run_side_by_side(str(script), [], [["--output_dir", str(folder)] for folder in folders], jobs=2)
    assert sorted((folder / "gpu").read_text() for folder in folders) == ["2", "3"]
