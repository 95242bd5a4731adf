"""Whether two systems that answered the same examples differ: paired tests on sums of per-example counts.

Scores such as micro F1 or accuracy are functions of counts added up over examples. The tests here draw thousands of
data sets as matrix products with these counts, and never run a scorer again.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

DRAWS = 10_000
PORTION = 20_000_000  # numbers drawn at once: 80 MB

Metric = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Comparison:
    """A paired comparison of `one` with `other`.

    Attributes:
        one, other: the scores of the two systems, in the unit of the metric.
        low, high: 95 % interval of `one - other` by paired bootstrap over examples.
        p: two-sided p-value of approximate randomisation over examples.
    """

    one: float
    other: float
    low: float
    high: float
    p: float

    @property
    def difference(self) -> float:
        """`one - other`."""
        return self.one - self.other

    def describe(self, *, share: bool = True) -> str:
        """One line, in points; in the unit of the metric if that is no `share`.

        Example:
            >>> Comparison(0.75, 0.73, 0.005, 0.035, 0.012).describe()
            '+2.00 points (95 % interval 0.50 to 3.50, p = 0.012)'
        """
        p = f"p = {self.p:.3f}" if self.p >= 0.001 else "p < 0.001"
        if not share:
            return f"{self.difference:+.4f} (95 % interval {self.low:.4f} to {self.high:.4f}, {p})"
        span = f"95 % interval {100 * self.low:.2f} to {100 * self.high:.2f}"
        return f"{100 * self.difference:+.2f} points ({span}, {p})"


def micro_f1(sums: np.ndarray) -> np.ndarray:
    """(..., 3) right, predicted and gold items -> (...) F1, 0-1; 0 where there are none.

    Example:
        >>> micro_f1(np.array([6, 8, 12])).item()
        0.6
    """
    right, predicted, gold = np.moveaxis(sums, -1, 0)
    return _ratio(2 * right, predicted + gold)


def micro_precision(sums: np.ndarray) -> np.ndarray:
    """(..., 3) right, predicted and gold items -> (...) precision, 0-1; 0 where nothing is predicted."""
    return _ratio(sums[..., 0], sums[..., 1])


def micro_recall(sums: np.ndarray) -> np.ndarray:
    """(..., 3) right, predicted and gold items -> (...) recall, 0-1; 0 where there is no gold."""
    return _ratio(sums[..., 0], sums[..., 2])


def macro_f1(sums: np.ndarray) -> np.ndarray:
    """(..., 3 x classes) right, predicted and gold items of all classes, in blocks -> (...) mean F1, 0-1.

    Classes that are neither predicted nor gold are left out of the mean, as in scikit-learn.

    Example:
        >>> macro_f1(np.array([1, 1, 2, 1, 1, 2])).item()  # 1 of 2 predictions and 1 gold; 1 of 1 and 2
        0.6666666666666666
    """
    right, predicted, gold = np.split(sums, 3, axis=-1)
    seen = predicted + gold > 0
    return _ratio((_ratio(2 * right, predicted + gold) * seen).sum(-1), seen.sum(-1))


def mean(sums: np.ndarray) -> np.ndarray:
    """(..., 2) sum of values and their number -> (...) mean; accuracy where values are 1 or 0."""
    values, count = np.moveaxis(sums, -1, 0)
    return _ratio(values, count)


def correlation(sums: np.ndarray) -> np.ndarray:
    """(..., 6) count, sums of x, y, x², y² and xy -> (...) Pearson's correlation; 0 where either side is constant.

    Example:
        >>> correlation(np.array([2.0, 3.0, 3.0, 5.0, 5.0, 5.0])).item()  # (1, 1), (2, 2)
        1.0
    """
    count, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    spread = (count * xx - x * x) * (count * yy - y * y)
    return _ratio(count * xy - x * y, np.sqrt(np.maximum(spread, 0)))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.zeros(np.shape(above)), where=np.asarray(below) > 0)


def compare(one: np.ndarray, other: np.ndarray, metric: Metric, *, draws: int = DRAWS, seed: int = 0) -> Comparison:
    """Compare two systems on the same examples.

    Args:
        one, other: (examples, counts), the same examples in the same order.
        metric: the score as a function of summed counts.
        draws: number of random draws in each test.
        seed: the same seed gives the same result.

    Sources:
        Paired bootstrap: Efron and Tibshirani, 1993, chapter 13 (percentile interval). Approximate randomisation:
        Noreen, 1989; Yeh, 2000, section 3.3.

    Raises:
        ValueError: the examples differ, or there are none.
    """
    one, other = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if one.shape != other.shape or one.ndim != 2 or not len(one):
        raise ValueError(
            f"expected counts of the same examples, one or more, found shapes {one.shape} and {other.shape}"
        )
    scores = float(metric(one.sum(0))), float(metric(other.sum(0)))
    differences = bootstrap(one, other, metric, draws=draws, seed=seed)
    low, high = np.quantile(differences, [0.025, 0.975])
    p = randomisation_p(one, other, metric, draws=draws, seed=seed)
    return Comparison(*scores, float(low), float(high), p)


def bootstrap(one: np.ndarray, other: np.ndarray, metric: Metric, *, draws: int, seed: int) -> np.ndarray:
    """(draws,) differences of the metric on examples drawn with replacement, the same for both."""
    rng = np.random.default_rng(seed)
    both = np.concatenate([one, other], axis=1)
    found = []
    for count in _portions(draws, len(one)):
        times = rng.multinomial(len(one), np.full(len(one), 1 / len(one)), size=count)  # how often each is drawn
        first, second = np.split(times @ both, 2, axis=1)
        found.append(metric(first) - metric(second))
    return np.concatenate(found)


def randomisation_p(one: np.ndarray, other: np.ndarray, metric: Metric, *, draws: int, seed: int) -> float:
    """How often a difference at least as large arises when the two answers of each example are swapped at random."""
    rng = np.random.default_rng(seed)
    observed = abs(metric(one.sum(0)) - metric(other.sum(0)))
    middle, half = (one + other).sum(0) / 2, (one - other) / 2
    hits = 0
    for count in _portions(draws, len(one)):
        shift = (2.0 * rng.integers(0, 2, size=(count, len(one))) - 1) @ half
        found = np.abs(metric(middle + shift) - metric(middle - shift))
        hits += int((found >= observed - 1e-12).sum())
    return (1 + hits) / (1 + draws)


def mcnemar_p(one: np.ndarray, other: np.ndarray) -> float:
    """Exact two-sided p-value for accuracies (McNemar, 1947).

    Args:
        one, other: (examples,) whether each answer is right.

    Example:
        >>> mcnemar_p(np.array([1, 1, 1, 1, 1, 0]), np.array([0, 0, 0, 0, 0, 0]))
        0.0625
    """
    one, other = np.asarray(one, dtype=bool), np.asarray(other, dtype=bool)
    only_one, only_other = int((one & ~other).sum()), int((~one & other).sum())
    return float(binomtest(only_one, only_one + only_other).pvalue) if only_one + only_other else 1.0


def _portions(draws: int, examples: int) -> list[int]:
    """How many draws are made at once, so that memory stays bounded."""
    size = max(PORTION // examples, 1)
    return [min(size, draws - start) for start in range(0, draws, size)]
