"""Scores of text classification as `evaluate.Metric` objects that need no download."""

from collections.abc import Sequence

import datasets
import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from .metrics import SHARES, OfflineMetric
from .score_names import library_scores

_ID, _IDS = datasets.Value("int64"), datasets.Sequence(datasets.Value("int64"))


class ClassScores(OfflineMetric):
    """Scores of single-label classification.

    `compute(predictions, references, labels=names, positive=None, probabilities=None)` takes class ids, the names of
    the classes, the id of the positive class of two, and (texts, classes) probabilities. Returns, 0-1, `accuracy`,
    `precision`, `recall` and `f1` (of the positive class if there is one, else macro), `macro_f1`, `weighted_f1`,
    `mcc`; with probabilities `auroc` and `ap` (average precision), of the positive class, else the one-vs-rest mean
    over classes that have both positives and negatives; `table`, a row for each class and average; `confusion`, counts
    by reference (rows) and prediction. Averages run over the classes that occur in references or predictions.
    """

    columns = {"predictions": _ID, "references": _ID}

    def _compute(self, predictions, references, *, labels, positive=None, probabilities=None, **_):
        predictions, references = np.asarray(predictions), np.asarray(references)
        table = _table(predictions, references, labels)
        chosen = labels[positive] if positive is not None else "macro avg"
        scores = _scores(predictions, references, table, chosen, accuracy=(predictions == references).mean())
        if probabilities is not None:
            targets = references[:, None] == np.arange(len(labels))
            columns = range(len(labels)) if positive is None else [positive]
            scores |= _ranking_scores(targets, np.asarray(probabilities), columns)
        confusion = confusion_matrix(references, predictions, labels=range(len(labels)))
        return scores | {"table": table, "confusion": confusion.tolist()}


class LabelScores(OfflineMetric):
    """Scores of multi-label classification.

    `compute(predictions, references, labels=names, probabilities=None)` takes rows of 0 and 1, one column per label.
    Returns, 0-1, `accuracy` (all labels of a text right), `precision`, `recall`, `f1` (micro: over all decisions),
    `macro_f1`, `weighted_f1`, `mcc` (over all decisions); with probabilities `auroc` and `ap`, means over the labels
    that some but not all texts have; `table`.
    """

    columns = {"predictions": _IDS, "references": _IDS}

    def _compute(self, predictions, references, *, labels, probabilities=None, **_):
        predictions, references = np.asarray(predictions), np.asarray(references)
        table = _table(predictions, references, labels)
        accuracy = (predictions == references).all(-1).mean()
        scores = _scores(predictions, references, table, "micro avg", accuracy=accuracy)
        if probabilities is not None:
            scores |= _ranking_scores(references == 1, np.asarray(probabilities), range(len(labels)))
        return scores | {"table": table}


class RankingScores(OfflineMetric):
    """How high the right class ranks: `compute(predictions, references)`, predictions (texts, classes) scores.

    Returns `hits@3`, the share of texts whose class is among the three most probable, and `mrr`, the mean of 1 / its
    rank. Equal scores share the worst of their ranks, so that a constant model gains nothing.
    """

    columns = {"predictions": datasets.Sequence(datasets.Value("float64")), "references": _ID}

    def _compute(self, predictions, references, **_):
        scores, references = np.asarray(predictions), np.asarray(references)
        right = np.take_along_axis(scores, references[:, None], 1)
        ranks = (scores >= right).sum(-1)  # 1 for the best
        return {"hits@3": float((ranks <= 3).mean()), "mrr": float((1 / ranks).mean())}


def confused_pairs(confusion: Sequence[Sequence[int]], labels: Sequence[str], *, most: int = 10) -> list[tuple]:
    """(count, reference, prediction) of the most frequent confusions, most frequent first."""
    pairs = [
        (count, labels[i], labels[k])
        for i, row in enumerate(confusion)
        for k, count in enumerate(row)
        if count and i != k
    ]
    return sorted(pairs, key=lambda pair: -pair[0])[:most]


def shorten_table(table: dict[str, dict], *, most: int = 30, shown: int = 10) -> dict[str, dict]:
    """The table; if it has more than `most` classes, only the `shown` with the lowest F1, and the averages."""
    names = [name for name in table if not name.endswith(" avg")]
    if len(names) <= most:
        return table
    worst = sorted(names, key=lambda name: (table[name]["f1"], -table[name]["support"]))[:shown]
    return {name: table[name] for name in [*worst, *(name for name in table if name.endswith(" avg"))]}


def _table(predictions: np.ndarray, references: np.ndarray, labels: Sequence[str]) -> dict[str, dict]:
    ids = range(len(labels))
    if predictions.ndim > 1:  # add a label that no text has: scikit-learn reads a single column as classes 0 and 1
        predictions, references = (np.pad(each, ((0, 0), (0, 1))) for each in (predictions, references))
    rows = precision_recall_fscore_support(references, predictions, labels=ids, average=None, zero_division=0)
    table = {labels[i]: _row(*(column[i] for column in rows)) for i in ids}
    # Classes without a gold text or a prediction, such as those seen only in training, are not averaged.
    found = predictions.sum(0) if predictions.ndim > 1 else np.bincount(predictions, minlength=len(labels))
    occurring = [i for i in ids if rows[3][i] or found[i]] or list(ids)
    support = int(sum(rows[3]))
    for average in ("micro", "macro", "weighted"):
        *scores, _ = precision_recall_fscore_support(
            references, predictions, labels=occurring, average=average, zero_division=0
        )
        table[f"{average} avg"] = _row(*scores, support)
    return table


def _scores(predictions: np.ndarray, references: np.ndarray, table: dict, chosen: str, *, accuracy: float) -> dict:
    """The scores of decisions; precision, recall and F1 are those of the row `chosen` of the table."""
    scores = {"accuracy": float(accuracy)} | {name: table[chosen][name] for name in SHARES}
    scores |= {"macro_f1": table["macro avg"]["f1"], "weighted_f1": table["weighted avg"]["f1"]}
    return scores | library_scores("decisions", references.ravel(), predictions.ravel())


def _row(precision, recall, f1, support) -> dict:
    return {"precision": float(precision), "recall": float(recall), "f1": float(f1), "support": int(support)}


def _ranking_scores(targets: np.ndarray, probabilities: np.ndarray, columns: Sequence[int]) -> dict[str, float]:
    both = [i for i in columns if 0 < targets[:, i].sum() < len(targets)]
    each = [library_scores("probabilities", targets[:, i], probabilities[:, i]) for i in both]
    return {name: float(np.mean([scores[name] for scores in each])) for name in (each[0] if each else ())}
