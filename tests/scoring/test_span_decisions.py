"""Tests of utils/scoring/span_decisions.py."""

import numpy as np
import pytest
from datasets import Dataset
from transformers import EvalPrediction

from utils.data.span_questions import list_questions
from utils.scoring.entity_evaluator import score_entities
from utils.scoring.metrics import EntityF1
from utils.scoring.span_decisions import SpanEvaluator, SpanLogits, choose_entities, tune_entity_threshold

LABELS = ["place", "O", "name"]


def gold(*spans):
    return [{"start": start, "end": end, "label": label} for start, end, label in spans]


def draw_case(seed, texts=20):
    """Random logits that know a little about the gold."""
    draw = np.random.default_rng(seed)
    spans, entities, logits = [], [], []
    for _ in range(texts):
        each = [(start, start + size) for start in range(6) for size in (1, 2, 3)]
        chosen = [(0, 2, "name"), (4, 5, "place")][: int(draw.integers(3))]
        rows = draw.normal(size=(len(each), 3)) * 2
        for start, end, label in chosen:
            rows[each.index((start, end)), LABELS.index(label)] += 3
        spans.append(each)
        entities.append(gold(*chosen))
        logits.append(rows)
    return SpanLogits(spans, np.concatenate(logits)), entities


def f1_of(asked, entities, threshold):
    found = choose_entities(asked, labels=LABELS, threshold=threshold)
    predictions = [gold(*(one[:3] for one in each)) for each in found]
    return EntityF1(keep_in_memory=True).compute(predictions=predictions, references=entities)["f1"]


def test_best_type_against_no_entity_decides():
    asked = SpanLogits([[(0, 1), (1, 2)], [], [(0, 3)]], np.array([[2.0, 1.5, 1.0], [0.0, 2.0, 1.0], [7.0, 7.0, 8.5]]))
    found = choose_entities(asked, labels=LABELS, threshold=0.0)
    assert [[one[:3] for one in each] for each in found] == [[(0, 1, "place")], [], [(0, 3, "name")]]
    assert found[0][0].score == pytest.approx(np.exp(2) / np.exp([2.0, 1.5, 1.0]).sum())
    assert choose_entities(asked, labels=LABELS, threshold=0.5) == [[], [], found[2]]
    assert choose_entities(asked, labels=LABELS, threshold=1.5) == [[], [], []]
    assert len(choose_entities(asked, labels=LABELS, threshold=-2.0)[0]) == 2


def test_of_overlapping_spans_the_best_total_is_taken():
    asked = SpanLogits([[(0, 2), (0, 4), (2, 4)]], np.array([[2.0, 0, 0], [3.0, 0, 0], [0, 0, 2.0]]))
    assert [one[:2] for one in choose_entities(asked, labels=LABELS, threshold=0.0)[0]] == [(0, 2), (2, 4)]
    # Two thresholds are subtracted from two spans, and one from one.
    assert [one[:2] for one in choose_entities(asked, labels=LABELS, threshold=1.5)[0]] == [(0, 4)]


@pytest.mark.parametrize("seed", range(4))
def test_tuned_threshold_has_the_f1_of_the_best_of_all(seed):
    asked, entities = draw_case(seed)
    tuned = tune_entity_threshold(asked, entities, labels=LABELS)
    odds = np.sort(asked.logits[:, [0, 2]].max(1) - asked.logits[:, 1])
    every = [f1_of(asked, entities, threshold) for threshold in (odds[1:] + odds[:-1]) / 2]
    assert f1_of(asked, entities, tuned) == pytest.approx(max(every), abs=1e-12)
    assert f1_of(asked, entities, tuned) > f1_of(asked, entities, 0.0)


def test_threshold_is_0_where_nothing_can_be_tuned():
    assert tune_entity_threshold(SpanLogits([], np.zeros((0, 3))), [], labels=LABELS) == 0.0
    asked, entities = draw_case(0)
    assert tune_entity_threshold(asked, [[] for _ in entities], labels=LABELS) == 0.0


def test_scores_of_a_split_are_those_of_its_entities_whatever_the_order_of_its_questions():
    asked, entities = draw_case(5)
    dataset = Dataset.from_dict({"id": [*map(str, range(20))], "text": ["abcdefghi"] * 20, "entities": entities})
    spans = iter(asked.spans)
    questions = list_questions(dataset, lambda text: next(spans))
    order = np.random.default_rng(0).permutation(len(questions))
    encoded = Dataset.from_dict({"index": order})
    evaluator = SpanEvaluator(dataset, questions, encoded, labels=LABELS, threshold=0.5)
    scores = evaluator(EvalPrediction(predictions=asked.logits[order].astype(np.float32), label_ids=None))
    wanted = score_entities(choose_entities(asked, labels=LABELS, threshold=0.5), dataset)
    assert evaluator.table == wanted.pop("table")
    assert scores == wanted and 0 < scores["f1"] < scores["lenient_f1"] + 1
    assert evaluator.sort(asked.logits[order]).logits.tolist() == asked.logits.tolist()
