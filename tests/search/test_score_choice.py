"""The score that a search goes by."""

import pytest

from utils.data.errors import ArgumentError
from utils.search.score_choice import choose_score


@pytest.mark.parametrize(
    ("script", "asked", "chosen", "names", "lower"),
    [
        ("run_ner.py", None, None, ("f1",), False),
        ("run_classification.py", None, None, ("f1", "pearson"), False),
        ("run_classification.py", "mae", None, ("mae",), True),
        ("run_mlm.py", None, None, ("loss",), True),
        ("run_qa_cls.py", "eval_mrr", None, ("mrr",), False),
        ("run_ner.py", None, "eval_macro_f1", ("macro_f1",), False),
        ("run_ner.py", "f1", "eval_f1", ("f1",), False),
        ("copy_of_run_ner.py", "spearman", None, ("spearman",), False),
    ],
)
def test_score_is_the_asked_one_or_that_of_the_best_epoch(script, asked, chosen, names, lower):
    score = choose_score(script, asked=asked, chosen=chosen)
    assert (tuple(score.names), score.lower_is_better) == (names, lower)


def test_losses_of_different_kinds_are_not_compared():
    loss = {"asked": "loss", "chosen": None}
    with pytest.raises(ArgumentError, match=r"compared by their loss, which is another one with each head; give"):
        choose_score("run_ner.py", **loss, varied=["learning_rate", "head"])
    with pytest.raises(ArgumentError, match=r"with each masking; .* or take masking, mlm_probability out of"):
        choose_score("run_mlm.py", asked=None, chosen=None, varied={"masking": 1, "mlm_probability": 2})
    assert choose_score("run_ner.py", **loss, varied=["learning_rate", "dropout"]).lower_is_better
    assert not choose_score("run_ner.py", asked="f1", chosen=None, varied=["head"]).lower_is_better


@pytest.mark.parametrize(
    ("script", "asked", "said"),
    [
        ("run_ner.py", "macrof1", "did you mean macro_f1"),
        ("run_ner.py", "pearson", "expected a score of run_ner.py: loss, f1"),
        ("run_mlm.py", "f1", "expected a score of run_mlm.py"),
    ],
)
def test_score_that_the_script_does_not_compute_is_refused(script, asked, said):
    with pytest.raises(ArgumentError, match=said):
        choose_score(script, asked=asked, chosen=None)
