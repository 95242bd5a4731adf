"""Splits that were encoded by length are scored in their own order, before and after tuning."""

import json

import numpy as np
import pytest
from datasets import Dataset
from scipy.special import expit, softmax
from sklearn.metrics import brier_score_loss, cohen_kappa_score
from transformers import AutoTokenizer, EvalPrediction

from utils.encoding.encoded_dataset import encode_dataset
from utils.encoding.text_inputs import TextEncoder
from utils.reporting.class_report import describe_coverage, describe_scores
from utils.scoring import score_names
from utils.scoring.calibration import calibration_error, reliability, risk_coverage, tune_rule
from utils.scoring.class_evaluator import ClassEvaluator
from utils.scoring.class_metrics import ClassScores, LabelScores, RankingScores
from utils.scoring.decisions import DecisionRule

LABELS = ["a", "b", "c"]
TEXTS = 60


@pytest.fixture(scope="module")
def splits(tiny_encoder):
    """Whether multi-label -> a split that is encoded by length: row i has i % 7 characters."""
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    texts = {"text": ["在" * (i % 7) for i in range(TEXTS)]}
    several = [[label for k, label in enumerate(LABELS) if i >> k & 1] for i in range(TEXTS)]
    rows = {False: texts | {"label": [LABELS[i % 3] for i in range(TEXTS)]}, True: texts | {"labels": several}}
    label2id = {label: i for i, label in enumerate(LABELS)}
    encoder = TextEncoder(tokenizer, 16, False, label2id)
    return {kind: encode_dataset(Dataset.from_dict(each), encoder, by_length=True) for kind, each in rows.items()}


@pytest.fixture(scope="module")
def logits():
    """Logits in the order of the split, right more often than not."""
    draw = np.random.default_rng(0)
    one = np.eye(3)[np.arange(TEXTS) % 3]
    several = np.array([[i >> k & 1 for k in range(3)] for i in range(TEXTS)])
    noise = draw.normal(size=(TEXTS, 3))
    return {False: 2 * one + noise, True: 3 * several - 1.5 + noise}


def rule_of(multi_label):
    return DecisionRule(LABELS, multi_label)


def as_gathered(logits, encoded):
    """What a trainer gives for them: in the order in which the inputs lie."""
    assert encoded["index"][:] != list(range(TEXTS))
    return logits[encoded["index"][:]].astype(np.float32)


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize(
    "given, function",
    [("decisions", "sklearn.metrics:cohen_kappa_score"), ("probabilities", "sklearn.metrics:brier_score_loss")],
)
def test_score_of_a_library_needs_no_more_than_its_lines_in_the_tables(
    splits, logits, monkeypatch, multi_label, given, function
):
    """A run computes it, may choose its best epoch by it, and shows it."""
    monkeypatch.setitem(score_names.SCORES, "new", score_names.Score(of="classes", shown="report card"))
    monkeypatch.setitem(score_names.LIBRARY_SCORES[given], "new", function)
    evaluator = ClassEvaluator(splits[multi_label], rule_of(multi_label))
    report = evaluator.report(logits[multi_label], rule_of(multi_label))
    probabilities = rule_of(multi_label).probabilities(logits[multi_label])
    targets = evaluator.targets if multi_label else np.eye(3)[evaluator.targets]
    if given == "probabilities":
        expected = np.mean([brier_score_loss(targets[:, i], probabilities[:, i]) for i in range(3)])
    else:
        decided = rule_of(multi_label).decide(probabilities).astype(int)
        expected = cohen_kappa_score(evaluator.targets.ravel(), decided.ravel())
    assert report["scores"]["new"] == pytest.approx(expected) != 0
    assert "new" in evaluator.scores
    assert ["new", f"{expected:.4f}"] in [
        line.split() for line in describe_scores("validation", report, labels=LABELS).split("\n")
    ]


def test_function_that_does_not_fit_is_an_error_and_no_score_of_zero(splits, logits, monkeypatch):
    """Of more than two classes it asks how to average."""
    monkeypatch.setitem(score_names.LIBRARY_SCORES["decisions"], "f1", "sklearn.metrics:f1_score")
    with pytest.raises(ValueError, match="multiclass"):
        ClassEvaluator(splits[False], rule_of(False)).report(logits[False], rule_of(False))


@pytest.mark.parametrize("multi_label", [False, True])
def test_logits_and_targets_come_back_in_the_order_of_the_split(splits, logits, multi_label):
    evaluator = ClassEvaluator(splits[multi_label], rule_of(multi_label))
    found = evaluator.logits(as_gathered(logits[multi_label], splits[multi_label]))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, logits[multi_label], rtol=1e-6)
    if multi_label:
        assert evaluator.targets.tolist() == [[i >> k & 1 for k in range(3)] for i in range(TEXTS)]
    else:
        assert evaluator.targets.tolist() == [i % 3 for i in range(TEXTS)]


def test_logits_are_the_first_of_several_outputs(splits, logits):
    evaluator = ClassEvaluator(splits[False], rule_of(False))
    gathered = as_gathered(logits[False], splits[False])
    assert np.array_equal(evaluator.logits((gathered, None)), evaluator.logits(gathered))


@pytest.mark.parametrize("multi_label", [False, True])
def test_scores_while_training_are_those_of_the_rule_it_was_given(splits, logits, multi_label):
    evaluator = ClassEvaluator(splits[multi_label], rule_of(multi_label))
    gathered = as_gathered(logits[multi_label], splits[multi_label])
    found = evaluator(EvalPrediction(predictions=gathered, label_ids=None))
    expected, _ = evaluator.score(logits[multi_label], rule_of(multi_label))
    assert found == pytest.approx(expected)
    assert {type(value) for value in found.values()} == {float}
    assert found["accuracy"] > 0.5


def test_scores_of_classes_are_those_of_the_metric(splits, logits):
    scores, details = ClassEvaluator(splits[False], rule_of(False)).score(logits[False], rule_of(False))
    probabilities, targets = softmax(logits[False], axis=-1), [i % 3 for i in range(TEXTS)]
    decided = probabilities.argmax(-1)
    expected = ClassScores(keep_in_memory=True).compute(
        predictions=decided.tolist(), references=targets, labels=LABELS, probabilities=probabilities
    )
    assert (details["table"], details["confusion"]) == (expected.pop("table"), expected.pop("confusion"))
    assert details["reliability"] == reliability(probabilities.max(-1), decided == targets)
    assert scores == expected | {"ece": calibration_error(details["reliability"])}


def test_scores_of_several_labels_are_those_of_the_metric(splits, logits):
    rule = DecisionRule(LABELS, True, temperature=2.0, thresholds=[0.3, 0.5, 0.7])
    evaluator = ClassEvaluator(splits[True], rule_of(True))
    scores, details = evaluator.score(logits[True], rule)
    probabilities = expit(logits[True] / 2)
    decided = (probabilities >= [0.3, 0.5, 0.7]).astype(int)
    expected = LabelScores(keep_in_memory=True).compute(
        predictions=decided.tolist(), references=evaluator.targets.tolist(), labels=LABELS, probabilities=probabilities
    )
    assert details["table"] == expected.pop("table")
    assert details["reliability"] == reliability(probabilities.ravel(), evaluator.targets.ravel())
    assert scores == expected | {"ece": calibration_error(details["reliability"])}
    assert "confusion" not in details


def test_ranks_are_scored_where_they_are_asked_for(splits, logits):
    evaluator = ClassEvaluator(splits[False], rule_of(False), ranking=True)
    scores, _ = evaluator.score(logits[False], rule_of(False))
    ranking = RankingScores(keep_in_memory=True)
    expected = ranking.compute(predictions=logits[False].tolist(), references=evaluator.targets.tolist())
    assert {name: scores[name] for name in ("hits@3", "mrr")} == pytest.approx(expected)


@pytest.mark.parametrize("multi_label", [False, True])
def test_report_shows_scores_before_and_after_tuning(splits, logits, multi_label):
    evaluator = ClassEvaluator(splits[multi_label], rule_of(multi_label))
    options = {"metric": "f1"} if multi_label else {}
    rule = tune_rule(rule_of(multi_label), 5 * logits[multi_label], evaluator.targets, temperature=True, **options)
    report = evaluator.report(5 * logits[multi_label], rule)
    before, _ = evaluator.score(5 * logits[multi_label], rule_of(multi_label))
    after, details = evaluator.score(5 * logits[multi_label], rule)
    assert report["untuned"]["scores"] == before
    assert report["scores"] == after
    assert {name: report[name] for name in details} == details
    assert after["ece"] != before["ece"]
    assert (report["labels"], report["decision"]) == (LABELS, rule.to_config())
    assert "coverage" not in report
    json.dumps(report)


def test_report_of_answers_has_their_risk_and_coverage(splits, logits):
    evaluator = ClassEvaluator(splits[False], rule_of(False), ranking=True)
    rule = DecisionRule(LABELS, temperature=1.5, abstain_below=0.6)
    report = evaluator.report(logits[False], rule)
    probabilities = softmax(logits[False] / 1.5, axis=-1)
    hits = probabilities.argmax(-1) == evaluator.targets
    assert report["coverage"] == risk_coverage(probabilities.max(-1), hits)
    assert report["scores"]["accuracy"] == pytest.approx(hits.mean())  # answers that are not given are scored, too
    json.dumps(report)


def test_confidence_of_a_class_that_a_threshold_chose_is_its_own():
    encoded = Dataset.from_dict({"index": [0, 1], "labels": [1, 0]})
    rule = DecisionRule(["no", "yes"], positive=1, thresholds=[0.2])
    evaluator = ClassEvaluator(encoded, rule)
    confidences, hits = evaluator.confidence(np.array([[0.7, 0.3], [0.9, 0.1]]), rule)
    assert (confidences.tolist(), hits.tolist()) == ([0.3, 0.9], [True, True])


def test_scores_of_two_classes_are_those_of_the_positive_one():
    encoded = Dataset.from_dict({"index": [0, 1, 2, 3], "labels": [0, 0, 0, 1]})
    logits = np.array([[2.0, 0.0], [2.0, 0.0], [0.0, 2.0], [0.0, 2.0]])
    found = {}
    for positive in (0, 1):
        rule = DecisionRule(["no", "yes"], positive=positive)
        found[positive], _ = ClassEvaluator(encoded, rule).score(logits, rule)
        assert ClassEvaluator(encoded, rule).report(logits, rule)["untuned"]["scores"] == found[positive]
    assert (found[0]["precision"], found[0]["recall"]) == (1.0, pytest.approx(2 / 3))
    assert (found[1]["precision"], found[1]["recall"]) == (0.5, 1.0)


def test_split_without_labels_has_logits_in_order_and_no_targets(splits, logits):
    encoded = splits[False].remove_columns("labels")
    evaluator = ClassEvaluator(encoded, rule_of(False))
    assert evaluator.targets is None
    np.testing.assert_allclose(evaluator.logits(as_gathered(logits[False], encoded)), logits[False], rtol=1e-6)


# For people


def test_report_for_people_shows_both_scores_where_tuning_changed_them(splits, logits):
    evaluator = ClassEvaluator(splits[False], rule_of(False))
    report = evaluator.report(logits[False], DecisionRule(LABELS, temperature=3.0))
    lines = describe_scores("validation", report, labels=LABELS).splitlines()
    assert lines[0] == "validation, untuned and tuned:"
    (ece,) = (line.split() for line in lines if line.split()[:1] == ["ece"])
    assert ece[1:] == [f"{scores['ece']:.4f}" for scores in (report["untuned"]["scores"], report["scores"])]
    plain = describe_scores("test", evaluator.report(logits[False], rule_of(False)), labels=LABELS).splitlines()
    assert plain[0] == "test, scores:"
    (ece,) = (line.split() for line in plain if line.split()[:1] == ["ece"])
    assert len(ece) == 2


def test_report_for_people_names_the_most_frequent_confusion_first(splits, logits):
    report = ClassEvaluator(splits[False], rule_of(False)).report(logits[False], rule_of(False))
    report["confusion"] = [[9, 0, 4], [1, 8, 0], [0, 0, 7]]
    text = describe_scores("test", report, labels=LABELS)
    assert [line.split() for line in text.splitlines()[-2:]] == [["4", "a", "->", "c"], ["1", "b", "->", "a"]]


def test_coverage_for_people_is_a_line_a_row():
    rows = [{"coverage": 0.95, "threshold": 0.25, "accuracy": 0.875, "answered": 8}]
    assert describe_coverage(rows).splitlines()[1:] == ["     95%      0.250    0.8750"]
