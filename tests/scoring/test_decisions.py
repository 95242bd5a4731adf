"""Decision rules: by hand on a few numbers, and through the configuration of real models."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoConfig

from utils.modeling.text_classifier import TextClassifierConfig, load_classifier
from utils.scoring.decisions import DecisionRule

THREE = ["a", "b", "c"]
ONE, SEVERAL = DecisionRule(THREE), DecisionRule(THREE, multi_label=True)
NUMBERS = st.floats(-1e4, 1e4)


def logits_of(probabilities):
    """Logits whose softmax is these rows."""
    return np.log(np.asarray(probabilities, dtype=np.float64))


# Probabilities


@given(st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=1, max_size=5))
@settings(deadline=None, max_examples=100)
def test_probabilities_are_those_of_torch(rows):
    values = torch.tensor(rows, dtype=torch.float64)
    np.testing.assert_allclose(ONE.probabilities(values), values.softmax(-1).numpy(), rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(SEVERAL.probabilities(values), values.sigmoid().numpy(), rtol=1e-9, atol=1e-300)


def test_extreme_logits_overflow_nowhere():
    with np.errstate(over="raise", invalid="raise"):
        assert SEVERAL.probabilities([[1e300, -1e300, 0.0]]).tolist() == [[1.0, 0.0, 0.5]]
        assert ONE.probabilities([[1e300, -1e300, 0.0]]).tolist() == [[1.0, 0.0, 0.0]]


def test_logits_are_divided_by_the_temperature():
    logits = np.array([[2.0, 0.0, -1.0]])
    np.testing.assert_allclose(
        DecisionRule(THREE, temperature=2.0).probabilities(logits), ONE.probabilities(logits / 2)
    )
    several = DecisionRule(THREE, multi_label=True, temperature=0.5)
    np.testing.assert_allclose(several.probabilities(logits), SEVERAL.probabilities(logits * 2))


def test_probabilities_of_half_precision_logits_are_computed_in_double():
    assert DecisionRule(THREE).probabilities(np.zeros((1, 3), dtype=np.float16)).dtype == np.float64


# Decisions


def test_likeliest_class_is_chosen_and_of_equal_ones_the_first():
    assert DecisionRule(THREE).decide(np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]])).tolist() == [1, 0]


@pytest.mark.parametrize("positive", [0, 1])
def test_positive_class_is_chosen_from_its_threshold_on(positive):
    rule = DecisionRule(["a", "b"], positive=positive, thresholds=[0.25])
    likely = np.array([0.25, 0.24999, 0.9, 0.0])
    probabilities = np.stack([likely, 1 - likely] if positive == 0 else [1 - likely, likely], axis=1)
    assert rule.decide(probabilities).tolist() == [positive, 1 - positive, positive, 1 - positive]


def test_positive_class_without_a_threshold_is_chosen_when_it_is_likelier():
    assert DecisionRule(["a", "b"], positive=1).decide(np.array([[0.4, 0.6], [0.6, 0.4]])).tolist() == [1, 0]


def test_each_of_several_labels_has_its_own_threshold():
    rule = DecisionRule(THREE, multi_label=True, thresholds=[0.1, 0.5, 1.0])
    decided = rule.decide(np.array([[0.1, 0.4, 1.0], [0.05, 0.5, 0.99]]))
    assert decided.tolist() == [[True, False, True], [False, True, False]]


def test_all_labels_that_are_given_have_their_probability_beside_the_likeliest_ones():
    rule = DecisionRule(["a", "b", "c", "d", "e"], multi_label=True, thresholds=[0.5, 0.5, 0.5, 0.99, 0.1])
    (verdict,) = rule.verdicts(np.array([[2.0, 1.0, -1.0, 3.0, -2.0]]))
    assert verdict.labels == ["a", "b", "e"]
    assert list(rule.fields(verdict, top_k=1)["scores"]) == ["d", "a", "b", "e"]
    assert list(rule.fields(verdict, top_k=4)["scores"]) == ["d", "a", "b", "c", "e"]


def test_of_several_labels_each_is_given_from_one_half_on_if_nothing_is_tuned():
    rule = DecisionRule(["a", "b"], multi_label=True)
    assert rule.decide(rule.probabilities(np.array([[0.0, -1e-6]]))).tolist() == [[True, False]]


def test_answer_is_sure_from_the_least_probability_on():
    rule = DecisionRule(THREE, abstain_below=0.5)
    assert rule.sure(np.array([[0.5, 0.3, 0.2], [0.49, 0.31, 0.2]])).tolist() == [True, False]


def test_sureness_is_about_the_class_that_is_chosen_and_not_the_likeliest():
    rule = DecisionRule(["a", "b"], positive=1, thresholds=[0.2], abstain_below=0.6)
    assert rule.sure(np.array([[0.7, 0.3], [0.9, 0.1]])).tolist() == [False, True]


def test_several_labels_are_always_sure():
    rule = DecisionRule(THREE, multi_label=True, abstain_below=0.9)
    assert rule.sure(np.zeros((2, 3))).tolist() == [True, True]


# Verdicts


def test_verdict_ranks_every_label_by_probability_and_equal_ones_by_id():
    (verdict,) = DecisionRule([*THREE, "d"]).verdicts(logits_of([[0.2, 0.3, 0.3, 0.2]]))
    assert [label for label, _ in verdict.ranked] == ["b", "c", "a", "d"]
    assert [score for _, score in verdict.ranked] == pytest.approx([0.3, 0.3, 0.2, 0.2])
    assert verdict.labels == ["b"]


def test_verdicts_stand_in_the_order_of_the_texts():
    probabilities = np.array([[0.1, 0.2, 0.7], [0.8, 0.1, 0.1], [0.2, 0.6, 0.2]])
    assert [verdict.labels for verdict in DecisionRule(THREE).verdicts(logits_of(probabilities))] == [
        ["c"],
        ["a"],
        ["b"],
    ]


def test_verdict_of_several_labels_names_them_in_the_order_of_their_ids():
    rule = DecisionRule(THREE, multi_label=True)
    verdicts = rule.verdicts(np.array([[1.0, -1.0, 3.0], [-1.0, -2.0, -3.0]]))
    assert [verdict.labels for verdict in verdicts] == [["a", "c"], []]
    assert [label for label, _ in verdicts[0].ranked] == ["c", "a", "b"]


def test_verdict_that_is_not_sure_says_nothing_and_still_ranks():
    verdicts = DecisionRule(THREE, abstain_below=0.6).verdicts(logits_of([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]]))
    assert [verdict.labels for verdict in verdicts] == [[], ["b"]]
    assert verdicts[0].ranked[0] == ("a", pytest.approx(0.5))


def test_class_chosen_by_a_threshold_need_not_be_ranked_first():
    rule = DecisionRule(["no", "yes"], positive=1, thresholds=[0.2])
    (verdict,) = rule.verdicts(logits_of([[0.7, 0.3]]))
    assert (verdict.labels, verdict.ranked[0][0]) == (["yes"], "no")


def test_scores_of_a_verdict_are_plain_floats_that_json_takes():
    (verdict,) = DecisionRule(THREE).verdicts(np.zeros((1, 3), dtype=np.float32))
    assert {type(score) for _, score in verdict.ranked} == {float}
    json.dumps(verdict)


def test_no_texts_have_no_verdicts():
    assert list(DecisionRule(THREE).verdicts(np.zeros((0, 3)))) == []


# Configuration


RULES = {
    "plain": DecisionRule(THREE),
    "calibrated": DecisionRule(THREE, temperature=1 / 3, abstain_below=0.1 + 0.2),
    "binary": DecisionRule(["no", "yes"], temperature=1.7, positive=0, thresholds=[np.float64(0.1) + 0.2]),
    "several": DecisionRule(THREE, multi_label=True, temperature=0.3, thresholds=[0.1, np.float64(1) / 3, 1.0]),
}


@pytest.mark.parametrize("pooling", ["cls", "mean"])
@pytest.mark.parametrize("name", RULES)
def test_rule_comes_back_bit_for_bit_from_the_configuration_of_a_saved_model(tiny_encoder, tmp_path, name, pooling):
    rule = RULES[name]
    names = {"id2label": dict(enumerate(rule.labels)), "label2id": {label: i for i, label in enumerate(rule.labels)}}
    kind = f"{'multi' if rule.multi_label else 'single'}_label_classification"
    model = load_classifier(tiny_encoder, pooling=pooling, problem_type=kind, **names)
    model.config.decision = rule.to_config()
    model.save_pretrained(tmp_path)
    found = (AutoConfig if pooling == "cls" else TextClassifierConfig).from_pretrained(tmp_path)
    again = DecisionRule.from_config(found)
    assert again == DecisionRule(**{**vars(rule), "thresholds": [float(each) for each in rule.thresholds]})
    logits = np.random.default_rng(0).normal(size=(50, len(rule.labels)))
    assert list(again.verdicts(logits)) == list(rule.verdicts(logits))


def test_model_without_a_rule_takes_the_likeliest_class(tiny_encoder):
    config = AutoConfig.from_pretrained(tiny_encoder, num_labels=3)
    assert DecisionRule.from_config(config) == DecisionRule(["LABEL_0", "LABEL_1", "LABEL_2"])


def test_multi_label_model_without_a_rule_takes_the_labels_from_one_half_on(tiny_encoder):
    config = AutoConfig.from_pretrained(tiny_encoder, num_labels=2, problem_type="multi_label_classification")
    assert DecisionRule.from_config(config) == DecisionRule(["LABEL_0", "LABEL_1"], multi_label=True)


def test_stored_rule_names_no_labels_and_is_json():
    stored = DecisionRule(THREE, multi_label=True, thresholds=[np.float64(0.25), 0.5, 0.75]).to_config()
    assert json.loads(json.dumps(stored)) == {
        "temperature": 1.0,
        "thresholds": [0.25, 0.5, 0.75],
        "positive": None,
        "abstain_below": 0.0,
    }


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        (DecisionRule(THREE), "temperature 1.000"),
        (DecisionRule(THREE, temperature=1.2345, abstain_below=0.5), "temperature 1.234, no answer below 0.5000"),
        (DecisionRule(["no", "yes"], positive=1, thresholds=[0.3]), "temperature 1.000, yes at 0.3000 or more"),
        (DecisionRule(THREE, True, thresholds=[0.3] * 3), "temperature 1.000, all labels at 0.3000 or more"),
        (
            DecisionRule(["a", "b"], True, thresholds=[0.3, 0.4]),
            "temperature 1.000, a at 0.3000 or more, b at 0.4000 or more",
        ),
    ],
)
def test_rule_is_described_in_a_line(rule, line):
    assert rule.describe() == line
