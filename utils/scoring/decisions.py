"""From a classifier's logits to its verdict: probabilities, and one label, several, or none when it is not sure.

A `DecisionRule` is tuned on validation data, stored in the model's `config.json`, and applied by every prediction.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np
from scipy.special import expit, logit, softmax

logger = logging.getLogger(__name__)

TINY = 1e-12  # least probability whose logarithm is taken


class Verdict(NamedTuple):
    """What a classifier predicts for a text.

    Attributes:
        labels: the chosen label; any number if multi-label; empty if the model is not sure enough.
        ranked: every label with its probability (0-1), the most probable first.
    """

    labels: list[str]
    ranked: list[tuple[str, float]]


class Rule(Protocol):
    """How outputs become what is predicted, and how that is called and written: `DecisionRule`, `ScoreRule`.

    Attributes:
        labels: names of the outputs.
        multi_label: whether several of them may be given.
        positive: id of the positive class of two, if there is one.
        problem_type: that of transformers' configurations.
        scored: `classes` or `scores`, see `score_names.Score.of`; also the beginning of the card's template.
        columns: of a file to submit, beside the id.
        options: of prediction that have an effect.
        tags: further ones of the model card.
    """

    labels: Sequence[str]
    multi_label: bool
    positive: int | None
    problem_type: str
    scored: str
    columns: tuple[str, ...]
    options: tuple[str, ...]
    tags: tuple[str, ...]

    def verdicts(self, logits: np.ndarray) -> Sequence:
        """(texts, num_labels) outputs -> the verdict on each text."""

    def combine(self, logits: Sequence[np.ndarray]) -> np.ndarray:
        """(texts, num_labels) outputs of each member of an ensemble -> those of the ensemble."""

    def said(self, verdict) -> list[str]:
        """What a verdict says, for people: no label, one or several; or the score."""

    def ranked(self, verdict) -> list[tuple[str, float]]:
        """All labels with their probabilities, the most probable first; empty for a score."""

    def fields(self, verdict, *, top_k: int = 3) -> dict:
        """A verdict as JSON, with at most this many of the most probable labels."""

    def cells(self, verdict, *, separator: str = "|") -> list[str]:
        """The values of `columns`; several labels, and their scores, are separated by `separator`."""


@dataclass
class DecisionRule:
    """How logits become labels.

    Args:
        labels: names, in the order of the ids.
        multi_label: decide each label by itself; otherwise choose one.
        temperature: logits are divided by it; above 1 the model is less sure of itself.
        thresholds: lowest probability at which a label is given: one for each label (multi-label), or one for the
            positive class of two. Empty for 0.5.
        positive: id of the positive class of two, which the threshold is for. None: the likelier class is chosen.
        abstain_below: if the chosen class is less probable than this, give no answer; 0 to answer always.
    """

    labels: list[str]
    multi_label: bool = False
    temperature: float = 1.0
    thresholds: Sequence[float] = ()
    positive: int | None = None
    abstain_below: float = 0.0

    scored = "classes"  # see `score_names.Score.of`
    columns = "label", "score"  # of a file to submit
    options = "top_k", "threshold"  # of prediction
    tags = ()  # of the model card

    @classmethod
    def from_config(cls, config) -> "DecisionRule":
        """Read what `to_config` stored; a model without it takes the likeliest class."""
        labels = [config.id2label[i] for i in range(config.num_labels)]
        multi_label = config.problem_type == "multi_label_classification"
        return cls(labels, multi_label, **(getattr(config, "decision", None) or {}))

    def to_config(self) -> dict:
        """What the model's configuration keeps under `decision`."""
        fields = asdict(self) | {"thresholds": [float(each) for each in self.thresholds]}
        return {name: value for name, value in fields.items() if name not in ("labels", "multi_label")}

    @property
    def problem_type(self) -> str:
        """The `problem_type` of transformers' configurations."""
        return f"{'multi' if self.multi_label else 'single'}_label_classification"

    def with_threshold(self, threshold: float) -> "DecisionRule":
        """A rule whose positive class of two, each of several labels, or any answer needs this probability, 0-1."""
        if self.multi_label:
            return replace(self, thresholds=[threshold] * len(self.labels))
        if self.positive is not None:
            return replace(self, thresholds=[threshold])
        return replace(self, abstain_below=threshold)

    def in_order(self, labels: Sequence[str]) -> "DecisionRule":
        """The same rule for probabilities of its labels in another order, which no temperature changes any more."""
        places = [self.labels.index(label) for label in labels]
        thresholds = [self.thresholds[i] for i in places] if self.multi_label and self.thresholds else self.thresholds
        positive = None if self.positive is None else places.index(self.positive)
        return replace(self, labels=list(labels), temperature=1.0, thresholds=thresholds, positive=positive)

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """(texts, num_labels) logits -> probabilities, float64; rows sum to 1 unless multi-label.

        Where logits are NaN or overflow, so that there is no probability, it is 0: nothing speaks for the class.
        """
        scaled = np.asarray(logits, dtype=np.float64) / self.temperature
        with np.errstate(invalid="ignore"):  # inf - inf
            return np.nan_to_num(expit(scaled) if self.multi_label else softmax(scaled, axis=-1))

    def decide(self, probabilities: np.ndarray) -> np.ndarray:
        """(texts, num_labels) -> (texts,) class ids, or (texts, num_labels) bool if multi-label.

        Abstention does not change what is chosen; see `sure`.
        """
        if self.multi_label:
            return probabilities >= np.asarray(self.thresholds or [0.5] * len(self.labels))
        if self.positive is None or not self.thresholds:
            return probabilities.argmax(-1)
        return np.where(probabilities[:, self.positive] >= self.thresholds[0], self.positive, 1 - self.positive)

    def sure(self, probabilities: np.ndarray) -> np.ndarray:
        """(texts,) bool: whether the chosen class is probable enough to be given."""
        if self.multi_label:
            return np.ones(len(probabilities), dtype=bool)
        return np.take_along_axis(probabilities, self.decide(probabilities)[:, None], 1)[:, 0] >= self.abstain_below

    def verdicts(self, logits: np.ndarray) -> "Verdicts":
        """(texts, num_labels) logits -> the verdict on each text; a warning if there are NaN among the logits."""
        if broken := int(np.isnan(logits).any(-1).sum()):
            logger.warning("the outputs for %s of %s texts are NaN: no class is probable", broken, len(logits))
        return Verdicts(self, self.probabilities(logits))

    def combine(self, logits: Sequence[np.ndarray]) -> np.ndarray:
        """Logits whose probabilities are the means of the members' probabilities; the temperature counts for all.

        Example:
            >>> rule = DecisionRule(["a", "b"], temperature=2.0)
            >>> found = rule.combine([np.array([[0.0, 0.0]]), 2 * np.log([[0.1, 0.9]])])
            >>> rule.probabilities(found).round(2).tolist()
            [[0.3, 0.7]]
        """
        mean = np.mean([self.probabilities(each) for each in logits], axis=0)
        return self.temperature * (logit(mean.clip(TINY, 1 - TINY)) if self.multi_label else np.log(mean.clip(TINY)))

    def said(self, verdict: Verdict) -> list[str]:
        """The labels of a verdict."""
        return verdict.labels

    def ranked(self, verdict: Verdict) -> list[tuple[str, float]]:
        """All labels with their probabilities."""
        return verdict.ranked

    def fields(self, verdict: Verdict, *, top_k: int = 3) -> dict:
        """A verdict as JSON: `label`, `score`, `top`: [{"label", "score"}]; multi-label: `labels` and `scores`.

        `label` is null where the model is not sure enough; `score` is the probability of the label, else of the
        likeliest.

        Args:
            verdict: of this rule.
            top_k: how many of the most probable labels are written; of several labels also all that are given.
        """
        ranked = [(label, round(score, 4)) for label, score in verdict.ranked]
        if self.multi_label:  # a label whose threshold is low may be given, and be less probable than others
            shown = [pair for i, pair in enumerate(ranked) if i < top_k or pair[0] in verdict.labels]
            return {"labels": verdict.labels, "scores": dict(shown)}
        top = ranked[:top_k]
        label = verdict.labels[0] if verdict.labels else None
        score = round(dict(verdict.ranked)[label] if label else verdict.ranked[0][1], 4)
        return {"label": label, "score": score, "top": [{"label": name, "score": value} for name, value in top]}

    def cells(self, verdict: Verdict, *, separator: str = "|") -> list[str]:
        """The values of `columns`; several labels, and their scores, are separated by `separator`."""
        scores = dict(verdict.ranked)
        shown = [scores[label] for label in verdict.labels] or [verdict.ranked[0][1]]
        return [separator.join(verdict.labels), separator.join(f"{score:.6f}" for score in shown)]

    def describe(self) -> str:
        """One line for the log."""
        parts = [f"temperature {self.temperature:.3f}"]
        if len(set(self.thresholds)) == 1:
            whose = "all labels" if self.multi_label else self.labels[self.positive]
            parts.append(f"{whose} at {self.thresholds[0]:.4f} or more")
        elif self.thresholds:
            each = zip(self.labels, self.thresholds, strict=True)
            parts += [f"{label} at {threshold:.4f} or more" for label, threshold in each]
        if self.abstain_below:
            parts.append(f"no answer below {self.abstain_below:.4f}")
        return ", ".join(parts)


class Verdicts(Sequence[Verdict]):
    """The verdicts of a rule on texts; only probabilities are stored, each verdict is made on access.

    Args:
        rule: the rule to decide by.
        probabilities: (texts, num_labels).
    """

    def __init__(self, rule: DecisionRule, probabilities: np.ndarray):
        self.rule, self.probabilities = rule, probabilities
        self.decided, self.sure = rule.decide(probabilities), rule.sure(probabilities)

    def __len__(self) -> int:
        return len(self.probabilities)

    def __getitem__(self, text: int) -> Verdict:
        row, chosen, labels = self.probabilities[text], self.decided[text], self.rule.labels
        ids = np.flatnonzero(chosen) if self.rule.multi_label else [chosen]
        ranked = [(labels[i], float(row[i])) for i in np.argsort(-row, kind="stable")]
        return Verdict([labels[i] for i in ids] if self.sure[text] else [], ranked)
