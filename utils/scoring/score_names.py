"""What each score is: whether less of it is better, whether it is a share, where it is shown, and in which order."""

from typing import NamedTuple


class Score(NamedTuple):
    """Facts about a score.

    Attributes:
        lower_is_better: a loss, an error, a cost.
        share: lies between 0 and 1, or between -1 and 1; tables show it times 100.
        shown: where, separated by spaces: `epoch`, the line of one; `summary`, the end of a run; `report`, the lines
            about a split of texts with classes; `page`, the page of errors; `table`, what report.py prints.
    """

    lower_is_better: bool = False
    share: bool = True
    shown: str = ""


SCORES = {  # by name, without the split that is in front of it (`eval_`, `test_`); shown in this order
    "f1": Score(shown="summary report page table"),
    "exact_match": Score(shown="summary page table"),
    "accuracy": Score(shown="epoch summary report page table"),
    "precision": Score(shown="epoch summary report page"),
    "recall": Score(shown="epoch summary report page"),
    "average": Score(shown="page"),
    "macro_f1": Score(shown="summary report page table"),
    "weighted_f1": Score(shown="report page"),
    "lenient_f1": Score(shown="epoch page"),
    **dict.fromkeys(("lenient_precision", "lenient_recall"), Score()),
    "pearson": Score(shown="summary page"),
    "spearman": Score(shown="summary page"),
    "mae": Score(lower_is_better=True, share=False, shown="summary page"),
    "mse": Score(lower_is_better=True, share=False, shown="page"),
    "has_answer_f1": Score(shown="page"),
    "no_answer_f1": Score(shown="page"),
    **dict.fromkeys(("has_answer_exact_match", "no_answer_exact_match", "best_exact_match", "best_f1"), Score()),
    **dict.fromkeys(("best_exact_match_threshold", "best_f1_threshold"), Score(share=False)),
    "mcc": Score(shown="report page table"),
    "auroc": Score(shown="report page"),
    "ap": Score(shown="report page"),
    "hits@3": Score(shown="summary report page"),
    "mrr": Score(shown="report page"),
    "ece": Score(lower_is_better=True, shown="summary report page"),
    "perplexity": Score(lower_is_better=True, share=False, shown="epoch summary"),
    "token_loss": Score(lower_is_better=True, share=False),
    "loss": Score(lower_is_better=True, share=False, shown="epoch summary table"),
}
_LOSS = SCORES["token_loss"]
_COSTS = {"runtime": _LOSS, "_mb": _LOSS, "_per_second": Score(share=False), "_weights": Score(share=False)}
_SPLITS = ("eval_", "test_", "train_")


def shown_in(place: str) -> list[str]:
    """The names of the scores that are shown in a place, see `Score.shown`, in order.

    Example:
        >>> shown_in("epoch")
        ['accuracy', 'precision', 'recall', 'lenient_f1', 'perplexity', 'loss']
    """
    return [name for name, score in SCORES.items() if place in score.shown.split()]


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
