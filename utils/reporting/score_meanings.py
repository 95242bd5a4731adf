"""What each score on the page of errors means, in a sentence for people who meet its name for the first time."""

from collections.abc import Iterable

_FOUND = {"entities": "entities", "answers": "answers"}
MEANINGS = {  # by name; {one} is what is found: entities, labels, ...
    "f1": "precision and recall in one number, their harmonic mean",
    "exact_match": "share of the questions whose answer is right to the last character",
    "accuracy": "share of the texts whose class is right",
    "precision": "share of the {one} found that are right",
    "recall": "share of the {one} that should be found that are",
    "average": "mean of F1 and exact match",
    "macro_f1": "mean of the F1 of all classes, rare ones counted as much as frequent ones",
    "weighted_f1": "mean of the F1 of all classes, weighted by how often each occurs",
    "lenient_f1": "F1 as seqeval computes it by default, and most papers report; it forgives broken tag sequences",
    "pearson": "correlation of predicted and right scores, 1 if they lie on a line",
    "spearman": "correlation of the ranks of predicted and right scores, 1 if their order is right",
    "mae": "mean absolute error, in the unit of the scores",
    "mse": "mean squared error",
    "has_answer_f1": "F1 over the questions that have an answer",
    "no_answer_f1": "F1 over the questions that have none",
    "mcc": "Matthews correlation coefficient, 0 for guessing, 1 if all is right, whatever the sizes of the classes",
    "auroc": "area under the ROC curve: how often a right class has a higher probability than a wrong one",
    "ap": "average precision: precision over all thresholds, weighted by the recall that each adds",
    "hits@3": "share of the texts whose right class is among the first three",
    "mrr": "mean reciprocal rank of the right class: 1 if it is always the first, 0.5 if the second",
    "ece": "expected calibration error: by how much probabilities differ from how often they are right, 0 at best",
}
_ANSWERS = {"f1": "how much the words or characters of the answer overlap with the right one, mean over questions"}


def explain_scores(names: Iterable[str], kind: str) -> dict[str, str]:
    """What the scores mean, by name, for those that need a sentence.

    Args:
        names: of scores, without their split.
        kind: of what is found, see `error_report`: `entities`, `classes`, `label_sets`, `answers`, `scores`.

    Example:
        >>> explain_scores(["precision", "size_mb"], "entities")
        {'precision': 'share of the entities found that are right'}
    """
    known = MEANINGS | (_ANSWERS if kind == "answers" else {})
    return {name: known[name].format(one=_FOUND.get(kind, "labels")) for name in names if name in known}
