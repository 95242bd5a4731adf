"""Fitting decisions to validation data: temperature, thresholds, abstention.

Also measures how far probabilities can be trusted: reliability, expected calibration error, risk and coverage.
Everywhere `logits` and `probabilities` of texts are (texts, num_labels), and `targets` (texts,) class ids, or
(texts, num_labels) of 0 and 1 if multi-label; `confidences` are (n,) probabilities of answers, and `hits` (n,) whether
each is right.
"""

import logging
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, softmax

from .decisions import DecisionRule

logger = logging.getLogger(__name__)

COLDEST, HOTTEST = 0.5, 20.0  # a few texts, all of them right, would give 0: unfounded certainty


def fit_temperature(logits: np.ndarray, targets: np.ndarray, *, multi_label: bool) -> float:
    """The temperature that makes the targets most probable (Guo et al., 2017, section 4.2).

    The log-likelihood is concave in 1 / temperature, so the root of its slope is its only maximum.

    Args:
        logits, targets: of validation data.
        multi_label: sigmoid instead of softmax.

    Returns:
        Between 0.5 (all targets are right) and 20 (the logits are useless); 1, with a warning, if some are not finite:
        a model has been trained by then, and its other results are worth keeping.
    """
    logits = np.asarray(logits, dtype=np.float64)
    if broken := int((~np.isfinite(logits)).any(-1).sum()):
        logger.warning(
            "no temperature is fitted, as the outputs for %s of %s texts are NaN or infinite; look at the losses, and "
            "try a lower --learning_rate, or --precision fp32",
            broken,
            len(logits),
        )
        return 1.0

    def slope(inverse: float) -> float:
        """The derivative of the negative log-likelihood with respect to the inverse temperature."""
        if multi_label:
            return float(((expit(inverse * logits) - targets) * logits).mean())
        expected = (softmax(inverse * logits, axis=-1) * logits).sum(-1)
        return float((expected - np.take_along_axis(logits, targets[:, None], 1)[:, 0]).mean())

    if slope(1 / HOTTEST) >= 0:
        return HOTTEST
    if slope(1 / COLDEST) <= 0:
        return COLDEST
    return 1 / brentq(slope, 1 / HOTTEST, 1 / COLDEST, xtol=1e-15)


def reliability(confidences: np.ndarray, hits: np.ndarray, *, bins: int = 15) -> list[dict]:
    """The data of a reliability plot: predicted probability against observed frequency, in bins of equal width.

    Args:
        confidences, hits: of predictions.
        bins: number of bins; empty ones are left out.

    Returns:
        `{"from", "to", "count", "confidence", "accuracy"}` for each bin, ascending; the last two are means over it.
    """
    confidences, hits = np.ravel(confidences).astype(np.float64), np.ravel(hits).astype(np.float64)
    index = np.minimum((confidences * bins).astype(int), bins - 1)
    rows = []
    for i in range(bins):
        inside = index == i
        if count := int(inside.sum()):
            means = {"confidence": float(confidences[inside].mean()), "accuracy": float(hits[inside].mean())}
            rows.append({"from": i / bins, "to": (i + 1) / bins, "count": count, **means})
    return rows


def calibration_error(rows: list[dict]) -> float:
    """Expected calibration error: the mean gap between confidence and accuracy, bins weighted by count."""
    total = sum(row["count"] for row in rows)
    return sum(row["count"] * abs(row["confidence"] - row["accuracy"]) for row in rows) / total if total else 0.0


def f1_of(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, tn: np.ndarray) -> np.ndarray:
    """F1 of the positives, 0 where there are none."""
    return 2 * tp / np.maximum(2 * tp + fp + fn, 1)


def accuracy_of(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, tn: np.ndarray) -> np.ndarray:
    """Share of right decisions."""
    return (tp + tn) / np.maximum(tp + fp + fn + tn, 1)


def mcc_of(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, tn: np.ndarray) -> np.ndarray:
    """Matthews correlation, 0 where a side is empty."""
    product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return np.where(product > 0, (tp * tn - fp * fn) / np.sqrt(np.maximum(product, 1)), 0.0)


THRESHOLD_METRICS: dict[str, Callable] = {"f1": f1_of, "accuracy": accuracy_of, "mcc": mcc_of}


def best_threshold(probabilities: np.ndarray, targets: np.ndarray, *, metric: str) -> float:
    """The threshold that maximises a metric of yes/no decisions; of equally good ones, the one nearest to 0.5.

    Args:
        probabilities: (n,) of the positive class.
        targets: (n,) of 0 and 1.
        metric: a key of `THRESHOLD_METRICS`.
    """
    candidates, counts = _cuts(probabilities, targets)
    scores = THRESHOLD_METRICS[metric](*counts)
    best = np.flatnonzero(scores >= scores.max() - 1e-12)
    return float(candidates[best[np.abs(candidates[best] - 0.5).argmin()]])


def threshold_for_precision(probabilities: np.ndarray, targets: np.ndarray, *, precision: float) -> float | None:
    """The lowest threshold that reaches this precision (0-1); None if there is none."""
    candidates, (tp, fp, _, _) = _cuts(probabilities, targets)
    good = np.flatnonzero((tp >= precision * (tp + fp) - 1e-9) & (tp > 0))
    return float(candidates[good].min()) if len(good) else None


def threshold_for_share(probabilities: np.ndarray, *, share: float) -> float:
    """The threshold at which the share of positives (0-1) is nearest to `share`."""
    candidates, (tp, fp, _, _) = _cuts(probabilities, np.zeros(len(probabilities)))
    return float(candidates[np.abs((tp + fp) / len(probabilities) - share).argmin()])


def risk_coverage(confidences: np.ndarray, hits: np.ndarray, *, coverages=None) -> list[dict]:
    """The accuracy of answers when only the surest are given.

    Args:
        confidences, hits: of answers.
        coverages: shares of questions to answer, 0-1; 1.0, 0.95, ... 0.5 if None.

    Returns:
        `{"coverage", "threshold", "accuracy", "answered"}` for each: the share really answered (equal confidences
        stay together), the confidence an answer needs, the share of given answers that are right, their number.
    """
    candidates, (tp, fp, _, _) = _cuts(confidences, hits)
    candidates, right, given = candidates[1:], tp[1:], (tp + fp)[1:]  # without the cut that answers nothing
    rows = {}
    for coverage in np.arange(1.0, 0.45, -0.05) if coverages is None else coverages:
        i = int(np.abs(given / len(confidences) - coverage).argmin())
        rows[i] = {
            "coverage": float(given[i] / len(confidences)),
            "threshold": float(candidates[i]),
            "accuracy": float(right[i] / given[i]),
            "answered": int(given[i]),
        }
    return list(rows.values())


def threshold_for_accuracy(confidences: np.ndarray, hits: np.ndarray, *, accuracy: float) -> float | None:
    """The lowest confidence at which given answers reach this accuracy (0-1); 0: all do, None: no threshold does."""
    if np.mean(hits) >= accuracy:
        return 0.0
    return threshold_for_precision(confidences, hits, precision=accuracy)


def tune_thresholds(
    rule: DecisionRule,
    probabilities: np.ndarray,
    targets: np.ndarray,
    *,
    metric: str = "f1",
    per_label: bool = False,
    precision: float | None = None,
    share: float | None = None,
) -> list[float]:
    """Thresholds for a decision rule, chosen on validation data.

    Args:
        rule: multi-label, or with a positive class of two.
        probabilities, targets: of validation data.
        metric: what to maximise, a key of `THRESHOLD_METRICS`.
        per_label: multi-label: each label gets its own threshold; otherwise all share one.
        precision: reach this precision instead, with as many positives as possible. If it cannot be reached, take the
            highest possible one and warn.
        share: make this share of all decisions (0-1) positive instead.

    Returns:
        One threshold for the positive class of two, or one for each label.
    """
    if not rule.multi_label:
        decided = {rule.labels[rule.positive]: (probabilities[:, rule.positive], targets == rule.positive)}
    elif per_label:
        decided = dict(zip(rule.labels, zip(probabilities.T, targets.T, strict=True), strict=True))
    else:
        decided = {"all labels": (probabilities.ravel(), targets.ravel())}
    thresholds = []
    for name, (likely, wanted) in decided.items():
        if share is not None:
            threshold = threshold_for_share(likely, share=share)
        elif precision is not None:
            threshold = threshold_for_precision(likely, wanted, precision=precision)
            if threshold is None:
                candidates, (tp, fp, _, _) = _cuts(likely, wanted)
                reached = tp / np.maximum(tp + fp, 1)
                threshold = float(candidates[reached.argmax()])
                logger.warning(
                    "%s: no threshold reaches precision %.2f; the highest is %.4f", name, precision, reached.max()
                )
        else:
            threshold = best_threshold(likely, wanted, metric=metric)
        thresholds.append(threshold)
    return thresholds * len(rule.labels) if rule.multi_label and not per_label else thresholds


def tune_rule(
    rule: DecisionRule, logits: np.ndarray, targets: np.ndarray, *, temperature: bool, **thresholds
) -> DecisionRule:
    """Fit a decision rule to validation data.

    Args:
        rule: the rule to start from.
        logits, targets: of validation data.
        temperature: whether to fit the temperature.
        **thresholds: options of `tune_thresholds`; without any, the thresholds stay as they are.
    """
    if temperature:
        rule = replace(rule, temperature=fit_temperature(logits, targets, multi_label=rule.multi_label))
    if thresholds:
        probabilities = rule.probabilities(logits)
        rule = replace(rule, thresholds=tune_thresholds(rule, probabilities, targets, **thresholds))
    return rule


def tune_answers(rule: DecisionRule, logits: np.ndarray, targets: np.ndarray, *, accuracy: float) -> DecisionRule:
    """Fit the temperature of a single-label rule, and the probability below which it abstains.

    Args:
        rule: the rule to start from.
        logits, targets: of validation data.
        accuracy: share of given answers that should be right, 0-1; 0 to answer always. If it cannot be reached, warn
            and answer always.
    """
    rule = tune_rule(rule, logits, targets, temperature=True)
    probabilities = rule.probabilities(logits)
    confidences, hits = probabilities.max(-1), rule.decide(probabilities) == targets
    threshold = threshold_for_accuracy(confidences, hits, accuracy=accuracy)
    if threshold is None:
        logger.warning("no confidence threshold reaches an accuracy of %.0f %%; every answer is given", 100 * accuracy)
    return replace(rule, abstain_below=threshold or 0.0)


def _cuts(probabilities: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Every threshold that makes a difference, from none positive to all, and tp, fp, fn, tn under each.

    A threshold is half way between neighbouring probabilities, so that rounding changes no decision; where no float
    lies between them, it is the upper one.
    """
    probabilities, targets = np.asarray(probabilities, dtype=np.float64), np.asarray(targets, dtype=np.float64)
    order = np.argsort(-probabilities, kind="stable")
    values, positive = probabilities[order], targets[order]
    ends = np.flatnonzero(np.append(values[1:] != values[:-1], True))  # the last row of each run of equal values
    tp = np.concatenate([[0.0], positive.cumsum()[ends]])
    given = np.concatenate([[0.0], ends + 1.0])
    below = np.append(values[ends][1:], 0.0)
    none = (1 + values[0]) / 2 if values[0] < 1 else np.nextafter(1.0, 2.0)
    between = (values[ends] + below) / 2
    thresholds = np.concatenate([[none], np.where(between > below, between, values[ends])])
    fp, total = given - tp, positive.sum()
    return thresholds, (tp, fp, total - tp, len(values) - given - (total - tp))
