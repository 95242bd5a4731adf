"""Options of run_classification.py."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from ..data.errors import ArgumentError
from .arguments import Options, option


@dataclass(frozen=True)
class DecisionArguments:
    """How probabilities become decisions; fitted to the validation data after training, kept in config.json."""

    _argument_group_name = "decisions"

    task: str = option(
        "auto",
        "`regression`: labels are scores, learnt as such (auto: where they are numbers with decimals); "
        "`classification`.",
        choices=["auto", "classification", "regression"],
        used_with="training",
    )
    positive_label: str | None = option(
        None,
        "Of two classes the one that precision, recall, F1 and threshold are about; a well-known one (1, yes, 正面, "
        "...) if not given, else they are means over both.",
        used_with="training",
    )
    temperature_scaling: bool = option(
        True, "Divide the logits so that probabilities mean what they say.", used_with="training"
    )
    threshold_metric: str = option(
        "none",
        "Of two classes or several labels: move the threshold from 0.5 to where this is highest.",
        choices=["none", "f1", "accuracy", "mcc"],
        used_with="training",
    )
    threshold_scope: str = option(
        "one",
        "Several labels: a threshold for all, or each its own.",
        choices=["one", "each"],
        used_with="training",
    )
    target_precision: float | None = option(
        None,
        "Move it to where positives are right in this share of cases, 0-1.",
        used_with="training",
        above=0,
        below=1,
    )
    positive_share: float | None = option(
        None, "Move it to where so many decisions are positive, 0-1.", used_with="training", above=0, below=1
    )

    @property
    def tuning(self) -> dict:
        """What thresholds are tuned for, see `tune_rule`; empty if they stay where they are."""
        wishes = {"precision": self.target_precision, "share": self.positive_share}
        wishes["metric"] = None if self.threshold_metric == "none" else self.threshold_metric
        tuning = {name: value for name, value in wishes.items() if value is not None}
        return tuning | {"per_label": self.threshold_scope == "each"} if tuning else {}

    def check(self, options: Options) -> None:
        """Refuse wishes that contradict each other."""
        if len(self.tuning) > 2:
            raise ArgumentError("--threshold_metric, --target_precision, --positive_share: expected one of them")
        if self.threshold_scope == "each" and not self.tuning:
            raise ArgumentError("--threshold_scope each: expected what to tune for, add --threshold_metric f1")

    def check_labels(self, labels: Sequence[str], *, multi_label: bool, positive: int | None, given: Set[str]) -> None:
        """Refuse what does not fit the labels: thresholds of many classes, decisions about scores.

        Args:
            labels: classes; one, `score`, of a regression.
            multi_label: whether a text has several.
            positive: the id of the positive class, see `positive_class`.
            given: names of the options that the user chose.

        Raises:
            ArgumentError: as described.
        """
        if len(labels) == 1 and not multi_label:
            of_classes = vars(self).keys() - {"task"} | {"label_smoothing_factor"}
            for name in sorted(given & of_classes):
                raise ArgumentError(f"--{name} is for classes, but the labels are scores (regression); leave it out")
        elif self.tuning and len(labels) > 2 and not multi_label:
            raise ArgumentError(
                f"thresholds are for two classes or several labels, but there are {len(labels)} classes"
            )
        elif self.tuning and not multi_label and positive is None:
            raise ArgumentError(
                f"a threshold is for the positive class, and neither {labels[0]} nor {labels[1]} is known as one; "
                f"add --positive_label {labels[1]}"
            )
