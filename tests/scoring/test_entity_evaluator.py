"""Windows in any order become the entities of texts, however many texts are looked at together."""

import random

import numpy as np
import pytest
from datasets import Dataset
from transformers import AutoTokenizer, EvalPrediction

from utils.data.tag_schemes import tag_names
from utils.encoding.encoded_dataset import encode_dataset
from utils.encoding.entity_windows import SpanEncoder, TagEncoder
from utils.scoring import entity_evaluator
from utils.scoring.entity_evaluator import EntityEvaluator

TYPES = ["city", "name"]


def as_dicts(entities):
    return [{"start": one.start, "end": one.end, "label": one.label} for one in entities]


@pytest.fixture
def rows():
    """Texts of one window and of several, with entities or none."""
    draw = random.Random(0)
    columns = {"id": [], "text": [], "entities": []}
    for i in range(11):
        length = draw.choice([3, 9, 30])
        starts = range(0, length - 2, 3) if i % 3 else []
        columns["id"].append(str(i))
        columns["text"].append("".join(draw.choice("北京上海张伟") for _ in range(length)))
        columns["entities"].append([{"start": s, "end": s + 2, "label": draw.choice(TYPES)} for s in starts])
    return Dataset.from_dict(columns)


def tags(rows, tokenizer):
    """An encoder of tags, the evaluator's options, and the gold as outputs of a model."""
    labels = tag_names(TYPES, scheme="bio")
    ids = {label: i for i, label in enumerate(labels)}
    encoder = TagEncoder(tokenizer, 14, 4, ids, scheme="bio", ignore_cut=False)
    encoded = encode_dataset(rows, encoder, by_length=True)
    found = np.full((len(encoded), 14), -100)
    for i, row in enumerate(encoded["labels"]):
        found[i, : len(row)] = row
    options = {"id2label": dict(enumerate(labels)), "scheme": "bio"}
    return encoded, options, (found, np.ones((*found.shape, 3)))


def spans(rows, tokenizer):
    encoded = encode_dataset(rows, SpanEncoder(tokenizer, 14, 4, {"city": 0, "name": 1}), by_length=True)
    found = np.full((len(encoded), 8, 3), -1)
    for i, row in enumerate(encoded["labels"]):
        whole = [one for one in row if one[2] >= 0]
        found[i, : len(whole)] = np.reshape(whole, (-1, 3))
    return encoded, {"id2label": dict(enumerate(TYPES)), "scheme": None}, (found, np.ones(found.shape[:2]))


@pytest.mark.parametrize("portion", [1, 2, 1000])
@pytest.mark.parametrize("kind", [tags, spans])
def test_gold_comes_back_whatever_the_portion(rows, tiny_encoder, monkeypatch, kind, portion):
    monkeypatch.setattr(entity_evaluator, "BATCH", portion)
    encoded, options, outputs = kind(rows, AutoTokenizer.from_pretrained(tiny_encoder))
    assert len(encoded) > len(rows) and encoded["text_index"][:] != sorted(encoded["text_index"])
    evaluator = EntityEvaluator(rows, encoded, **options)
    found = evaluator.entities(outputs)
    assert [as_dicts(each) for each in found] == rows["entities"][:] == [as_dicts(found[i]) for i in range(len(rows))]
    scores = evaluator(EvalPrediction(outputs, None))
    assert scores["f1"] == scores["lenient_f1"] == 1
    assert evaluator.table["micro avg"]["support"] == sum(map(len, rows["entities"]))
    outputs[0][encoded["text_index"][:].index(1)] = -100 if kind is spans else 0  # one window's entities are missed
    assert 0 < evaluator(EvalPrediction(outputs, None))["f1"] < 1


def test_found_entities_are_those_of_a_text_from_either_end(rows, tiny_encoder):
    encoded, options, outputs = tags(rows, AutoTokenizer.from_pretrained(tiny_encoder))
    found = EntityEvaluator(rows, encoded, **options).entities(outputs)
    assert len(found) == len(rows) and found[-1] == found[len(rows) - 1] and found[0] == []
    with pytest.raises(IndexError):
        found[len(rows)]


def test_no_text_has_no_score(rows, tiny_encoder):
    encoded, options, outputs = tags(rows, AutoTokenizer.from_pretrained(tiny_encoder))
    nothing = EntityEvaluator(rows.select([]), encoded.select([]), **options)
    assert nothing(EvalPrediction(tuple(each[:0] for each in outputs), None))["f1"] == 0
