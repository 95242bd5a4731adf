"""From a trainer's outputs to the answers for the splits of a run."""

import json
import math
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
from utils.scoring.decisions import DecisionRule
from utils.tasks import entity_tasks
from utils.tasks.answers import answer_splits
from utils.tasks.entity_tasks import TaggedEntities
from utils.tasks.text_tasks import QuestionClasses, TextClasses


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


@pytest.mark.parametrize("kind", ["classes", "labels", "questions"])
@pytest.mark.parametrize("broken", [slice(2, 3), slice(None)], ids=["one", "all"])
def test_run_whose_outputs_are_nan_keeps_its_results(kind, broken, caplog):
    labels, count = ["a", "b", "c"], 12
    logits = np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)
    logits[broken] = math.nan
    rows = {"id": list(map(str, range(count))), "text": ["好" * i for i in range(count)]}
    inputs = {"index": list(range(count)), "labels": [i % 3 for i in range(count)]}
    if kind == "labels":
        rows["labels"] = [[label for k, label in enumerate(labels) if i >> k & 1] for i in range(count)]
        inputs["labels"] = [[float(i >> k & 1) for k in range(3)] for i in range(count)]
    else:
        rows["label"] = [labels[i % 3] for i in range(count)]
    dataset, encoded = Dataset.from_dict(rows), {"validation": Dataset.from_dict(inputs)}
    rule = DecisionRule(labels, kind == "labels")
    if kind == "questions":
        task = QuestionClasses(encoded, rule, tune=True, accuracy=0.9, top_k=2)
    else:
        tuning = {"metric": "f1", "per_label": True} if kind == "labels" else {}
        task = TextClasses(encoded, rule, tune=True, temperature=True, tuning=tuning, separator=None)
    found = answer_splits(Outputs(lambda _: (logits,)), {"validation": dataset}, encoded, task)
    assert task.decision()["decision"]["temperature"] == 1.0
    assert 0 <= found.results["eval_accuracy"] < 1
    assert all(math.isfinite(score) for score in found.results.values())
    assert [json.loads(line)["id"] for line in found.files["predictions.jsonl"]] == rows["id"]
    json.dumps([found.reports, found.errors, found.counts], allow_nan=False)
    assert "no temperature is fitted" in caplog.text and "texts are NaN: no class is probable" in caplog.text
