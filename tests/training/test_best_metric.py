"""The score that chooses the best checkpoint: known, and in its own direction."""

from types import SimpleNamespace

import numpy as np
import pytest
from datasets import Dataset
from transformers import EvalPrediction

from utils.data.errors import ArgumentError, TrainingError
from utils.scoring.answer_metrics import CmrcScores, SquadScores
from utils.scoring.class_evaluator import ClassEvaluator
from utils.scoring.class_metrics import RankingScores
from utils.scoring.decisions import DecisionRule
from utils.scoring.masked_scores import compute_masked_scores
from utils.scoring.metrics import EntityCounts, TagCounts
from utils.scoring.regression import RegressionScores
from utils.scoring.score_names import describe_score, scores_of
from utils.training.best_metric import settle_best_metric


def ask(metric, given=(), greater=None):
    return SimpleNamespace(metric_for_best_model=metric, given=frozenset(given), greater_is_better=greater)


def scoring(**scores):
    def compute(prediction):
        return scores

    compute.scores = ("f1", "accuracy", "perplexity", "ece")
    return compute


@pytest.mark.parametrize(
    "metric, greater",
    [
        *(("loss", False), ("eval_loss", False), ("f1", True), ("eval_f1", True), ("accuracy", True)),
        *(("perplexity", False), ("ece", False)),
    ],
)
def test_direction_follows_the_metric(metric, greater):
    args = ask(metric)
    settle_best_metric(args, scoring())
    assert args.greater_is_better is greater


def test_direction_that_contradicts_the_metric_is_refused():
    with pytest.raises(ArgumentError, match="--greater_is_better: loss is better when it is smaller; leave"):
        settle_best_metric(ask("eval_loss", given=["greater_is_better"], greater=True), scoring())


def test_unknown_metric_is_refused_with_those_that_there_are():
    with pytest.raises(ArgumentError, match="--metric_for_best_model bleu: expected one of loss, f1, accuracy, perpl"):
        settle_best_metric(ask("bleu", given=["metric_for_best_model"]), scoring())
    args = ask("bleu")  # a default of ours, where the run has other scores: its first one
    settle_best_metric(args, scoring())
    assert args.metric_for_best_model == "f1"


def test_metric_that_the_validation_data_cannot_give_says_so():
    checked = settle_best_metric(ask("ece"), scoring(f1=0.5))
    with pytest.raises(
        TrainingError, match="--metric_for_best_model ece: cannot be computed on the validation data, found"
    ):
        checked(None)
    assert settle_best_metric(ask("loss"), scoring(f1=0.5))(None) == {"f1": 0.5}


def test_the_table_names_what_is_computed_of_each_kind_of_things():
    inputs = Dataset.from_dict({"index": [0, 1], "labels": [0, 1]})
    classes = ClassEvaluator(inputs, DecisionRule(["a", "b"], positive=1))
    computed = {
        "classes": classes.score(np.array([[1.0, 0.0], [0.0, 1.0]]), classes.rule)[0],
        "ranks": RankingScores(keep_in_memory=True).compute(predictions=[[1.0, 0.0]], references=[0]),
        "entities": EntityCounts().scores() | TagCounts().scores(),
        "scores": RegressionScores(keep_in_memory=True).compute(predictions=[1.0, 2.0], references=[1.0, 3.0]),
        "words": compute_masked_scores(EvalPrediction(np.array([[1.0, 1.0, 1.0]]), np.array([[1]]))),
    }
    for kind, scores in computed.items():
        assert set(scores_of(kind)) == scores.keys() - {"table", "token_loss"}, kind
    said = {"predictions": [{"text": "a", "null_odds": 0.0}] * 2}
    answers = set(scores_of("answers"))
    assert SquadScores(keep_in_memory=True).compute(**said, references=[["a"], ["b"]]).keys() == answers
    mixed = CmrcScores(keep_in_memory=True).compute(**said, references=[["a"], []])
    assert mixed.keys() == answers.union(*map(scores_of, ("chinese_answers", "mixed_answers", "thresholds")))


@pytest.mark.parametrize(
    "name, lower, share",
    [
        *(
            ("eval_loss", True, False),
            ("train_runtime", True, False),
            ("test_ece", True, True),
            ("size_mb", True, False),
        ),
        *(("eval_perplexity", True, False), ("eval_mcc", False, True), ("train_samples_per_second", False, False)),
        *(("trainable_weights", False, False), ("test_pearson", False, True), ("test_mae", True, False)),
    ],
)
def test_scores_and_costs_say_what_is_better_and_what_is_a_share(name, lower, share):
    assert describe_score(name)[:2] == (lower, share)
