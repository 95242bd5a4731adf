"""From a trainer's outputs to the answers for the splits of a run."""

import weakref
from types import SimpleNamespace

import numpy as np
import pytest
from datasets import Dataset
from transformers import AutoTokenizer
from transformers.trainer_utils import PredictionOutput

from utils.data.tag_schemes import tag_names
from utils.encoding.encoded_dataset import encode_dataset
from utils.encoding.entity_windows import TagEncoder
from utils.tasks import entity_tasks
from utils.tasks.answers import answer_splits
from utils.tasks.entity_tasks import TaggedEntities


class Outputs:
    """Stands for a trainer that has outputs ready."""

    def __init__(self, make):
        self.make, self.compute_metrics, self.seen = make, None, []

    def predict(self, encoded, metric_key_prefix):
        arrays = self.make(encoded)
        self.seen += map(weakref.ref, arrays)
        given = SimpleNamespace(predictions=arrays, label_ids=None)
        scores = self.compute_metrics(given) if self.compute_metrics else {}
        scores = {f"{metric_key_prefix}_{name}": value for name, value in scores.items()}
        return PredictionOutput(arrays if len(arrays) > 1 else arrays[0], None, scores)


@pytest.fixture
def tagged(tiny_encoder):
    """Rows, windows, the trainer that finds the gold, and the task."""
    rows = {"id": ["0", "1"], "text": ["张伟在北京", "李娜"]}
    rows["entities"] = [[{"start": 0, "end": 2, "label": "name"}], []]
    dataset, labels = Dataset.from_dict(rows), tag_names(["name"], scheme="bio")
    ids = {label: i for i, label in enumerate(labels)}
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    encoded = encode_dataset(
        dataset, TagEncoder(tokenizer, 14, 4, ids, scheme="bio", ignore_cut=False), by_length=False
    )

    def make(windows):
        tags = np.full((len(windows), 14), -100)
        for i, row in enumerate(windows["labels"]):
            tags[i, : len(row)] = row
        return tags, np.ones((*tags.shape, 3))

    splits = {"validation": dataset}, {"validation": encoded}
    task = TaggedEntities(*splits, id2label=dict(enumerate(labels)), scheme="bio", types=["name"])
    return splits, Outputs(make), task


def test_outputs_of_a_tagger_are_gone_before_errors_are_counted(tagged, monkeypatch):
    splits, trainer, task = tagged
    alive, report = [], entity_tasks.error_report.report_entities

    def watch(*given, **options):
        alive.extend(one() is not None for one in trainer.seen)
        return report(*given, **options)

    monkeypatch.setattr(entity_tasks.error_report, "report_entities", watch)
    found = answer_splits(trainer, *splits, task)
    assert alive == [False, False]
    assert found.results["eval_f1"] == 1.0 and found.errors["validation"]["wrong"] == 0
