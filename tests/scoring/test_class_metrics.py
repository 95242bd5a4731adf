"""Scores of classes against scikit-learn's own functions, and ranks against counting."""

import json
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    classification_report,
    confusion_matrix,
    f1_score,
    matthews_corrcoef,
    precision_score,
    recall_score,
    roc_auc_score,
)

from utils.scoring.class_metrics import ClassScores, LabelScores, RankingScores, confused_pairs, shorten_table

LABELS = ["news", "sport", "money", "never"]  # no test draws the last one
AVERAGES = ["micro", "macro", "weighted"]
SCORES = {"precision": precision_score, "recall": recall_score, "f1": f1_score}
IDS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=12)
ROWS = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.tuples(*[st.lists(st.integers(0, 1), min_size=width, max_size=width)] * 2), min_size=1, max_size=8
    )
)


def class_scores(predictions, references, labels=LABELS, **options):
    return ClassScores(keep_in_memory=True).compute(
        predictions=list(predictions), references=list(references), labels=labels, **options
    )


def label_scores(predictions, references, **options):
    labels = LABELS[: len(predictions[0])]
    return LabelScores(keep_in_memory=True).compute(
        predictions=predictions, references=references, labels=labels, **options
    )


def sides(pairs):
    """Predictions and references, as lists."""
    return tuple(map(list, zip(*pairs, strict=True)))


def quietly(score, *args, **options):
    """A score of scikit-learn without its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(score(*args, **options))


# One class a text


@given(IDS)
@settings(deadline=None, max_examples=40)
def test_averages_of_classes_are_those_of_scikit_learn(pairs):
    predictions, references = sides(pairs)
    scores = class_scores(predictions, references)
    for average in AVERAGES:
        for name, score in SCORES.items():
            expected = score(references, predictions, average=average, zero_division=0)
            assert scores["table"][f"{average} avg"][name] == pytest.approx(expected)
    assert [scores[name] for name in SCORES] == [scores["table"]["macro avg"][name] for name in SCORES]
    assert scores["macro_f1"] == scores["table"]["macro avg"]["f1"]
    assert scores["weighted_f1"] == scores["table"]["weighted avg"]["f1"]
    assert scores["accuracy"] == pytest.approx(accuracy_score(references, predictions))
    assert scores["mcc"] == pytest.approx(quietly(matthews_corrcoef, references, predictions), abs=1e-12)


@given(IDS)
@settings(deadline=None, max_examples=40)
def test_rows_of_the_table_and_confusions_are_those_of_scikit_learn(pairs):
    predictions, references = sides(pairs)
    scores = class_scores(predictions, references)
    report = classification_report(
        references, predictions, labels=range(4), target_names=LABELS, output_dict=True, zero_division=0
    )
    for label in LABELS:
        expected = report[label]
        found = scores["table"][label]
        assert found == {
            name: pytest.approx(expected[old])
            for name, old in [
                ("precision", "precision"),
                ("recall", "recall"),
                ("f1", "f1-score"),
                ("support", "support"),
            ]
        }
    assert scores["table"]["macro avg"]["support"] == len(pairs)
    assert scores["confusion"] == confusion_matrix(references, predictions, labels=range(4)).tolist()


@pytest.mark.parametrize("positive", [0, 1])
@given(pairs=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=12))
@settings(deadline=None, max_examples=40)
def test_scores_of_the_positive_class_are_those_of_scikit_learn(positive, pairs):
    predictions, references = sides(pairs)
    scores = class_scores(predictions, references, labels=["no", "yes"], positive=positive)
    for name, score in SCORES.items():
        expected = quietly(score, references, predictions, pos_label=positive, average="binary", zero_division=0)
        assert scores[name] == pytest.approx(expected)


def test_class_that_never_occurs_is_in_the_table_and_not_in_the_averages():
    scores = class_scores([0, 1, 1], [0, 1, 0])
    assert scores["table"]["never"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
    assert scores["macro_f1"] == pytest.approx((2 / 3 + 2 / 3) / 2)


def test_class_that_is_only_predicted_is_in_the_averages():
    assert class_scores([0, 3], [0, 0])["macro_f1"] == pytest.approx((2 / 3 + 0) / 2)


def draw_probabilities(seed, texts, classes):
    draw = np.random.default_rng(seed)
    probabilities = draw.dirichlet(np.ones(classes), size=texts).round(1)  # with ties
    return probabilities, [int(each) for each in draw.integers(0, classes, texts)]


@pytest.mark.parametrize("positive", [0, 1])
def test_area_and_average_precision_of_two_classes_are_those_of_the_positive_one(positive):
    probabilities, references = draw_probabilities(0, 30, 2)
    scores = class_scores(
        probabilities.argmax(-1).tolist(),
        references,
        labels=["no", "yes"],
        positive=positive,
        probabilities=probabilities,
    )
    targets = np.array(references) == positive
    assert scores["auroc"] == pytest.approx(roc_auc_score(targets, probabilities[:, positive]))
    assert scores["ap"] == pytest.approx(average_precision_score(targets, probabilities[:, positive]))


def test_area_and_average_precision_of_many_classes_are_means_of_one_against_the_rest():
    probabilities, references = draw_probabilities(1, 40, 3)
    probabilities = np.pad(probabilities, ((0, 0), (0, 1)))  # and the class that never occurs
    scores = class_scores(probabilities.argmax(-1).tolist(), references, probabilities=probabilities)
    targets = np.array(references)[:, None] == np.arange(3)
    assert scores["auroc"] == pytest.approx(roc_auc_score(targets, probabilities[:, :3], average="macro"))
    assert scores["ap"] == pytest.approx(average_precision_score(targets, probabilities[:, :3], average="macro"))


@pytest.mark.parametrize("references", [[0, 0], [1, 1]])
def test_area_is_left_out_where_one_side_is_missing(references):
    scores = class_scores([0, 1], references, labels=["no", "yes"], positive=1, probabilities=np.eye(2))
    assert not {"auroc", "ap"} & scores.keys()


def test_area_is_left_out_without_probabilities():
    assert not {"auroc", "ap"} & class_scores([0, 1], [1, 0]).keys()


# Several labels a text


@given(ROWS)
@settings(deadline=None, max_examples=60)
def test_scores_of_several_labels_are_those_of_scikit_learn(pairs):
    predictions, references = sides(pairs)
    scores = label_scores(predictions, references)
    predicted, expected = np.array(predictions), np.array(references)
    occurring = [i for i in range(predicted.shape[1]) if predicted[:, i].any() or expected[:, i].any()]
    for i in range(predicted.shape[1]):
        row = scores["table"][LABELS[i]]
        for name, score in SCORES.items():
            assert row[name] == pytest.approx(score(expected[:, i], predicted[:, i], zero_division=0))
        assert row["support"] == expected[:, i].sum()
    for average in AVERAGES:
        for name, score in SCORES.items():
            value = 0.0
            if len(occurring) > 1:
                both = expected[:, occurring], predicted[:, occurring]
                value = score(*both, average=average, zero_division=0)
            elif occurring:
                value = scores["table"][LABELS[occurring[0]]][name]
            assert scores["table"][f"{average} avg"][name] == pytest.approx(value)
    assert [scores[name] for name in SCORES] == [scores["table"]["micro avg"][name] for name in SCORES]
    assert scores["accuracy"] == pytest.approx(np.mean([a == b for a, b in pairs]))
    assert scores["mcc"] == pytest.approx(quietly(matthews_corrcoef, expected.ravel(), predicted.ravel()), abs=1e-12)


def test_texts_without_any_label_count_when_nothing_is_predicted():
    scores = label_scores([[0, 0], [1, 0]], [[0, 0], [1, 0]])
    assert (scores["accuracy"], scores["f1"], scores["macro_f1"]) == (1.0, 1.0, 1.0)


def test_a_single_label_is_scored_as_a_label_and_not_as_two_classes():
    scores = label_scores([[1], [0], [1]], [[1], [1], [0]])
    assert scores["table"][LABELS[0]] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2}
    assert scores["f1"] == scores["macro_f1"] == scores["weighted_f1"] == 0.5


def test_area_and_average_precision_of_labels_are_means_over_those_that_occur_and_do_not_always():
    draw = np.random.default_rng(0)
    probabilities = draw.random((30, 4)).round(1)
    references = draw.integers(0, 2, (30, 4))
    references[:, 2], references[:, 3] = 0, 1
    scores = label_scores((probabilities > 0.5).astype(int).tolist(), references.tolist(), probabilities=probabilities)
    assert scores["auroc"] == pytest.approx(roc_auc_score(references[:, :2], probabilities[:, :2], average="macro"))
    expected = average_precision_score(references[:, :2], probabilities[:, :2], average="macro")
    assert scores["ap"] == pytest.approx(expected)


# All


EDGES = {
    "all right": ([1, 1], [1, 1]),
    "all of one class": ([0, 0], [1, 1]),
    "one prediction": ([1, 1], [0, 1]),
    "one text": ([2], [2]),
}


@pytest.mark.parametrize("name", EDGES)
def test_scores_that_are_not_defined_are_zero_without_a_warning(name, recwarn):
    predictions, references = EDGES[name]
    assert class_scores(predictions, references)["mcc"] == 0.0
    rows = [[[int(one == i) for i in range(3)] for one in side] for side in (predictions, references)]
    label_scores(*rows)
    label_scores([[0, 0]], [[0, 0]])
    assert [str(warning.message) for warning in recwarn if "sklearn" in str(warning.filename)] == []


def test_scores_are_plain_numbers_that_json_takes():
    probabilities = np.eye(4)[[0, 1, 2]]
    one = class_scores([0, 1, 1], [0, 1, 2], probabilities=probabilities)
    several = label_scores([[1, 0], [0, 1]], [[1, 0], [1, 1]], probabilities=np.eye(2))
    for scores in (one, several):
        details = {name: scores.pop(name) for name in ("table", "confusion") if name in scores}
        assert {type(value) for value in scores.values()} == {float}
        assert all(0 <= value <= 1 for name, value in scores.items() if name != "mcc")
        json.dumps(details)


# Ranks


RANKED = st.tuples(st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.7]), min_size=5, max_size=5), st.integers(0, 4))


@given(st.lists(RANKED, min_size=1, max_size=10))
@settings(deadline=None, max_examples=60)
def test_ranks_are_those_of_counting_and_equal_scores_share_the_worst(rows):
    predictions, references = sides(rows)
    scores = RankingScores(keep_in_memory=True).compute(predictions=predictions, references=references)
    ranks = [5 - sorted(row).index(row[right]) for row, right in rows]  # index: of the first of equal ones
    assert scores["mrr"] == pytest.approx(sum(1 / rank for rank in ranks) / len(ranks))
    assert scores["hits@3"] == pytest.approx(sum(rank <= 3 for rank in ranks) / len(ranks))


def test_constant_model_gains_nothing_in_ranks():
    scores = RankingScores(keep_in_memory=True).compute(predictions=[[0.2] * 5] * 3, references=[0, 2, 4])
    assert scores == {"hits@3": 0.0, "mrr": pytest.approx(1 / 5)}


# Tables


def test_confused_pairs_are_sorted_by_count_and_equal_ones_by_class():
    confusion = [[9, 2, 0], [5, 8, 2], [0, 1, 7]]
    pairs = [(5, "b", "a"), (2, "a", "b"), (2, "b", "c"), (1, "c", "b")]
    assert confused_pairs(confusion, "abc") == pairs
    assert confused_pairs(confusion, "abc", most=2) == pairs[:2]


def test_without_confusions_there_are_no_pairs():
    assert confused_pairs([[3, 0], [0, 2]], ["a", "b"]) == []
    assert confused_pairs([], ["a", "b"]) == []


def make_table(scores):
    """A table of classes with (F1, support), and its averages."""
    rows = {f"class {i}": {"f1": f1, "support": support} for i, (f1, support) in enumerate(scores)}
    return rows | {f"{average} avg": {"f1": 0.5, "support": 9} for average in AVERAGES}


def test_long_table_keeps_the_worst_classes_the_larger_first_and_the_averages():
    table = make_table([(0.9, 5), (0.1, 2), (0.4, 7), (0.1, 6), (0.8, 1)])
    found = shorten_table(table, most=4, shown=3)
    assert list(found) == ["class 3", "class 1", "class 2", "micro avg", "macro avg", "weighted avg"]
    assert all(found[name] == table[name] for name in found)


def test_table_of_few_classes_stays_as_it_is():
    table = make_table([(0.9, 5), (0.1, 2)])
    assert shorten_table(table, most=2) == table
