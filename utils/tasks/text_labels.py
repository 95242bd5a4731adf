"""What is predicted for texts: one class, several labels, or a score; from training data or a trained model."""

from collections.abc import Mapping
from dataclasses import dataclass

from datasets import Dataset

from ..data.errors import DataError
from ..prediction.label_finder import LabelFinder
from ..reading.task_columns import match_columns
from ..reading.text_labels import list_labels
from ..scoring.decisions import DecisionRule, Rule
from ..scoring.positive_labels import describe_positive, positive_class
from ..scoring.regression import ScoreRule
from .text_scores import are_scores, refuse_several, to_scores

SHOWN = 12  # labels in the log


def load_answerer(name_or_path: str, *, revision: str = "main") -> LabelFinder:
    """A trained model that gives a question one answer: a single text one class.

    Args:
        name_or_path, revision: where the model is.

    Raises:
        OSError: there is no such model.
        DataError: it is none for classes, takes pairs of texts, or gives several labels or scores.
    """
    finder = LabelFinder.load(name_or_path, revision=revision)
    target = Target.known_to(finder)
    if target.pair or target.rule.problem_type != "single_label_classification":
        found = "scores" if target.regression else "several labels" if target.rule.multi_label else "pairs of texts"
        raise DataError(
            f"{name_or_path}: expected a model that gives a single text one class, found one for {found}; ask it with "
            "predict.py, or score it with run_classification.py"
        )
    if finder.encoder.pool:
        raise DataError(
            f"{name_or_path}: expected a model that reads a question at once, found one that reads long texts in "
            "windows; ask it with predict.py, or score it with run_classification.py"
        )
    return finder


@dataclass(frozen=True)
class Target:
    """What a classifier predicts for a text, or for a pair of texts.

    Attributes:
        rule: how outputs become what is predicted; before it is tuned, where it comes from training data.
        pair: whether inputs are pairs.
    """

    rule: Rule
    pair: bool

    @classmethod
    def of(cls, rows: Dataset, *, task: str, positive: str | None) -> "Target":
        """The target of training data.

        Args:
            rows: with `text`, perhaps `text_pair`, and `label` or `labels`.
            task: `regression`, `classification`, or `auto`: regression if labels are numbers with decimals.
            positive: with two classes, the one that scores refer to; None for one with a well-known name.

        Raises:
            DataError: fewer than two classes, or several scores per text.
        """
        labels, multi_label = list_labels(rows), "labels" in rows.features
        scores = task == "auto" and not multi_label and are_scores(labels)
        if task == "regression" or scores:
            refuse_several(rows.features)
            return cls(ScoreRule(), "text_pair" in rows.features)
        if len(labels) < 2 - multi_label:
            raise DataError(f"the training data: expected two classes or more, found {', '.join(labels) or 'none'}")
        found = None if multi_label else positive_class(labels, positive)
        return cls(DecisionRule(labels, multi_label, positive=found), "text_pair" in rows.features)

    @classmethod
    def known_to(cls, finder: LabelFinder) -> "Target":
        """The target of a trained model."""
        return cls(finder.rule, finder.encoder.pair)

    @property
    def labels(self) -> list[str]:
        """The classes; for scores, the one name of the score."""
        return list(self.rule.labels)

    @property
    def regression(self) -> bool:
        """Whether the labels are scores."""
        return self.rule.scored == "scores"

    @property
    def label2id(self) -> dict[str, int]:
        """The id of each label."""
        return {label: i for i, label in enumerate(self.labels)}

    def match(self, splits: Mapping[str, Dataset]) -> dict[str, Dataset]:
        """Give the rows of all splits the columns of the training data; see `match_columns`."""
        matched = {}
        for split, rows in splits.items():
            source = f"the {split} data"
            rows = match_columns(rows, pair=self.pair, multi_label=self.rule.multi_label, source=source)
            matched[split] = to_scores(rows, source=source) if self.regression else rows
        return matched

    def describe(self) -> str:
        """A line or two for the log."""
        texts, each = (
            "pairs of texts" if self.pair else "texts",
            "several labels each" if self.rule.multi_label else "one each",
        )
        shown = ", ".join(self.labels[:SHOWN]) + (", ..." if len(self.labels) > SHOWN else "")
        lines = [f"{texts} with {each}: {shown}"]
        if self.regression:
            lines.insert(0, "labels are scores: regression (--task classification would treat them as classes)")
        elif about := not self.rule.multi_label and describe_positive(self.labels, self.rule.positive):
            lines.append(about)
        return "\n".join(lines)
