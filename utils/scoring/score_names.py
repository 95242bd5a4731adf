"""What each score is: whether less of it is better, and whether it is a share, which tables show times 100."""

from typing import NamedTuple


class Score(NamedTuple):
    """Facts about a score.

    Attributes:
        lower_is_better: a loss, an error, a cost.
        share: lies between 0 and 1, or between -1 and 1.
    """

    lower_is_better: bool = False
    share: bool = True


_LOSS = Score(lower_is_better=True, share=False)
SCORES = {  # by name, without the split that is in front of it (`eval_`, `test_`)
    **dict.fromkeys(("f1", "accuracy", "macro_f1", "weighted_f1", "precision", "recall", "mcc"), Score()),
    **dict.fromkeys(("lenient_f1", "lenient_precision", "lenient_recall"), Score()),
    **dict.fromkeys(("auroc", "ap", "hits@3", "mrr", "pearson", "spearman"), Score()),
    **dict.fromkeys(("exact_match", "average", "has_answer_exact_match", "has_answer_f1"), Score()),
    **dict.fromkeys(("no_answer_exact_match", "no_answer_f1", "best_exact_match", "best_f1"), Score()),
    "ece": Score(lower_is_better=True),
    **dict.fromkeys(("loss", "token_loss", "perplexity", "mae", "mse"), _LOSS),
    **dict.fromkeys(("best_exact_match_threshold", "best_f1_threshold"), Score(share=False)),
}
_COSTS = {"runtime": _LOSS, "_mb": _LOSS, "_per_second": Score(share=False), "_weights": Score(share=False)}
_SPLITS = ("eval_", "test_", "train_")


def plain_name(name: str) -> str:
    """A score's name without its split.

    Example:
        >>> plain_name("eval_macro_f1")
        'macro_f1'
    """
    for split in _SPLITS:
        name = name.removeprefix(split)
    return name


def describe_score(name: str) -> Score:
    """Facts about a score, or about what a run costs; one that nobody knows counts as a share of which more is better.

    Args:
        name: with or without its split.

    Example:
        >>> describe_score("eval_loss").lower_is_better, describe_score("size_mb").share
        (True, False)
    """
    plain = plain_name(name)
    if plain in SCORES:
        return SCORES[plain]
    if plain.endswith("_loss"):
        return _LOSS
    return next((score for ending, score in _COSTS.items() if plain.endswith(ending)), Score())
