"""benchmarks/gpu.sh on a CPU, with a tiny shape: what it times computes the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHAPE = ["--layers", "2", "--hidden", "64", "--vocabulary", "300", "--batch", "4"]
TINY = [*SHAPE, "--seconds", "0.1", "--device", "cpu", "--skip_compiled"]


def test_every_way_of_computing_is_timed_and_has_the_same_loss(tmp_path):
    command = ["bash", str(ROOT / "benchmarks" / "gpu.sh"), *TINY, "--output_file", str(tmp_path / "gpu.json")]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=os.environ | {"PYTHON": sys.executable}
    )
    assert done.returncode == 0, done.stderr
    *ways, loss, decoding = json.loads((tmp_path / "gpu.json").read_text())["rows"]
    assert [each["what"] for each in ways] == [
        f"{padding}, {order}" for padding in ("padded", "unpadded") for order in ("random batches", "similar lengths")
    ]
    assert all(0 <= each["loss_difference"] < 1e-4 for each in ways)
    assert all(each["epoch_seconds"] > 0 for each in ways)
    assert loss["pytorch_crf_ms"] > 0 < decoding["ms"]
    assert all(each["what"] in done.stdout for each in (*ways, loss, decoding))
