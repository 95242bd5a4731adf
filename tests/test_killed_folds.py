"""A cross-validation that is killed again and again ends as an uninterrupted one does, byte for byte."""

import json
import random
import signal

import pytest
from transformers import BertModel

from tests.sample_encoders import write_encoder
from tests.test_killed_runs import MOMENTS, start

KILLS = 10
SAME = ("ensemble.json", "out_of_fold.jsonl", "predictions.jsonl", "folds.json", "example_counts.json")


def files_of(folder):
    models = {path.parent.name: path.read_bytes() for path in sorted(folder.glob("fold-*/model.safetensors"))}
    return models | {name: (folder / name).read_bytes() for name in SAME}


@pytest.mark.slow
@pytest.mark.parametrize("script", ["run_ner.py", "run_classification.py"])
def test_folds_killed_ten_times_end_as_uninterrupted_ones(script, tiny_encoder, tmp_path):
    encoder = write_encoder(tiny_encoder, tmp_path / "encoder", BertModel)
    folds = ["--folds", "3", "--max_train_samples", "300"]
    status, said, error = start(script, encoder, tmp_path / "whole", *folds)
    assert status == 0, error
    counts, whole, draw = json.loads(said[-1]), files_of(tmp_path / "whole"), random.Random(script)
    broken, killed = tmp_path / "broken", 0
    for _ in range(KILLS):
        moment = draw.choice(MOMENTS)
        number = draw.randint(1, max(1, counts[moment] // 4))
        status, _, error = start(
            script, encoder, broken, *folds, event=moment, number=number, delay=draw.choice([0, 1, 5, 30])
        )
        assert status in (0, -signal.SIGKILL), error
        killed += status != 0
        if status == 0:
            break
    assert killed >= 4
    if status:
        status, _, error = start(script, encoder, broken, *folds)
        assert status == 0, error
    assert files_of(broken) == whole
