"""What each score is: whether less of it is better, whether it is a share, where it is shown, and in which order."""

import math
import pkgutil
import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Score(NamedTuple):
    """Facts about a score.

    Attributes:
        lower_is_better: a loss, an error, a cost.
        share: lies between 0 and 1, or between -1 and 1; tables show it times 100.
        of: what is scored, separated by spaces: `classes`, their `ranks`, `entities`, `answers` (also
            `chinese_answers`, and `mixed_answers` where some questions have none), `scores` of a regression, hidden
            `words`.
        shown: where, separated by spaces: `epoch`, the line of one; `summary`, the end of a run; `report`, the lines
            about a split of texts with classes; `page`, the page of errors; `table`, what report.py prints;
            `card`, the first lines of the model card of classes and scores.
    """

    lower_is_better: bool = False
    share: bool = True
    of: str = ""
    shown: str = ""


_CLASSES = "classes entities"
SCORES = {  # by name, without the split that is in front of it (`eval_`, `test_`); shown in this order
    "f1": Score(of=f"{_CLASSES} answers", shown="summary report page table card"),
    "exact_match": Score(of="answers", shown="summary page table"),
    "accuracy": Score(of="classes words", shown="epoch summary report page table card"),
    "precision": Score(of=_CLASSES, shown="epoch summary report page"),
    "recall": Score(of=_CLASSES, shown="epoch summary report page"),
    "average": Score(of="chinese_answers", shown="page"),
    "macro_f1": Score(of=_CLASSES, shown="summary report page table card"),
    "weighted_f1": Score(of=_CLASSES, shown="report page"),
    "lenient_f1": Score(of="entities", shown="epoch page"),
    **dict.fromkeys(("lenient_precision", "lenient_recall"), Score(of="entities")),
    "pearson": Score(of="scores", shown="summary page table card"),
    "spearman": Score(of="scores", shown="summary page table card"),
    "mae": Score(lower_is_better=True, share=False, of="scores", shown="summary page card"),
    "mse": Score(lower_is_better=True, share=False, of="scores", shown="page card"),
    "has_answer_f1": Score(of="mixed_answers", shown="page"),
    "no_answer_f1": Score(of="mixed_answers", shown="page"),
    **dict.fromkeys(("has_answer_exact_match", "no_answer_exact_match"), Score(of="mixed_answers")),
    **dict.fromkeys(("best_exact_match", "best_f1"), Score(of="mixed_answers")),
    **dict.fromkeys(("best_exact_match_threshold", "best_f1_threshold"), Score(share=False, of="thresholds")),
    "mcc": Score(of="classes", shown="report page table card"),
    "auroc": Score(of="classes", shown="report page"),
    "ap": Score(of="classes", shown="report page"),
    "hits@3": Score(of="ranks", shown="summary report page"),
    "mrr": Score(of="ranks", shown="report page"),
    "ece": Score(lower_is_better=True, of="classes", shown="summary report page"),
    "perplexity": Score(lower_is_better=True, share=False, of="words", shown="epoch summary"),
    "token_loss": Score(lower_is_better=True, share=False),
    "loss": Score(lower_is_better=True, share=False, shown="epoch summary table"),
}
_ENDINGS = {  # of other names: losses of a kind, and costs of a run
    **dict.fromkeys(("_loss", "runtime", "_mb"), Score(lower_is_better=True, share=False)),
    **dict.fromkeys(("_per_second", "_weights"), Score(share=False)),
}
LIBRARY_SCORES = {  # what a function is called with -> names of scores -> the functions that compute them
    "decisions": {"mcc": "sklearn.metrics:matthews_corrcoef"},  # classes; of several labels, each yes or no
    "probabilities": {"auroc": "sklearn.metrics:roc_auc_score", "ap": "sklearn.metrics:average_precision_score"},
    "numbers": {
        "pearson": "scipy.stats:pearsonr",
        "spearman": "scipy.stats:spearmanr",
        "mae": "sklearn.metrics:mean_absolute_error",
        "mse": "sklearn.metrics:mean_squared_error",
    },
}
_ABBREVIATIONS = ("mcc", "auroc", "ap", "mrr", "ece", "mae", "mse")
OUT_OF_FOLD = "out_of_fold"  # training rows, each predicted by the model that has not seen it
SPLITS = {
    OUT_OF_FOLD: "out of fold",
    "eval": "validation",
    "test": "test",
}  # prefix of a score's name -> the split that is scored


def shown_in(place: str) -> list[str]:
    """The names of the scores that are shown in a place, see `Score.shown`, in order.

    Example:
        >>> shown_in("epoch")
        ['accuracy', 'precision', 'recall', 'lenient_f1', 'perplexity', 'loss']
    """
    return [name for name, score in SCORES.items() if place in score.shown.split()]


def scores_of(kind: str) -> tuple[str, ...]:
    """The names of the scores that are computed of a kind of things, see `Score.of`.

    Example:
        >>> scores_of("scores")
        ('pearson', 'spearman', 'mae', 'mse')
    """
    return tuple(name for name, score in SCORES.items() if kind in score.of.split())


def library_scores(given: str, right: Sequence, predicted: Sequence) -> dict[str, float]:
    """The scores in `LIBRARY_SCORES` of such things. Where one is undefined it is 0, or NaN where lower is better.

    Args:
        given: a key of `LIBRARY_SCORES`.
        right, predicted: in the form that scikit-learn's functions take; too few values, or some that are not finite,
            leave a score undefined.

    Raises:
        ValueError: a function does not take what it is called with.

    Example:
        >>> library_scores("numbers", [1.0, 2.0, 4.5], [1.0, 2.0, 3.0])["mae"]
        0.5
    """
    scores = {}
    for name, function in LIBRARY_SCORES[given].items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that it is undefined
                found = pkgutil.resolve_name(function)(right, predicted)
        except ValueError:
            if len(right) > 1 and np.isfinite(predicted).all():  # the function does not fit what it is called with
                raise
            found = math.nan
        value = float(getattr(found, "statistic", found))  # scipy adds how probable a correlation is by chance
        scores[name] = value if math.isfinite(value) or SCORES[name].lower_is_better else 0.0
    return scores


def plain_name(name: str) -> str:
    """A score's name without its split.

    Example:
        >>> plain_name("eval_macro_f1")
        'macro_f1'
    """
    for prefix in (*SPLITS, "train"):
        name = name.removeprefix(f"{prefix}_")
    return name


def written_name(name: str) -> str:
    """A score's name as people write it, with its split.

    Example:
        >>> written_name("eval_macro_f1"), written_name("mcc")
        ('validation macro F1', 'MCC')
    """
    split = next((said for prefix, said in SPLITS.items() if name.startswith(f"{prefix}_")), "")
    said = plain_name(name).replace("_", " ").replace("f1", "F1")
    return f"{split} {said.upper() if said in _ABBREVIATIONS else said}".strip()


def prefix_of(split: str) -> str:
    """The prefix of the names of a split's scores, as in `Trainer`.

    Example:
        >>> prefix_of("validation"), prefix_of("train")
        ('eval', 'train')
    """
    return next((prefix for prefix, scored in SPLITS.items() if scored == split), split)


def describe_score(name: str) -> Score:
    """Facts about a score, or about a cost of a run; an unknown name counts as a share for which higher is better.

    Args:
        name: with or without its split.

    Example:
        >>> describe_score("eval_loss").lower_is_better, describe_score("size_mb").share
        (True, False)
    """
    plain = plain_name(name)
    if plain in SCORES:
        return SCORES[plain]
    return next((score for ending, score in _ENDINGS.items() if plain.endswith(ending)), Score())
