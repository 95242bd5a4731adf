"""Options of run_classification.py."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..data.errors import ArgumentError
from .arguments import Options, option


@dataclass(frozen=True)
class DecisionArguments:
    """How probabilities become decisions; fitted on the validation data after training, and kept in config.json."""

    _argument_group_name = "decisions"
    _used_with = "training"
    _labels = "single multi"

    task: str = option(
        "auto",
        "`regression` predicts scores, `classification` classes; `auto` is regression if labels are numbers with "
        "decimals.",
        choices=["auto", "classification", "regression"],
        labels="",
    )
    positive_label: str | None = option(
        None,
        "With two classes, the one that precision, recall, F1 and threshold refer to. If not given, one with a "
        "well-known name (1, yes, 正面, ...); without such a name the scores are means over both classes.",
        labels="single",
    )
    temperature_scaling: bool = option(
        True, "Divide the logits by a temperature, so that probabilities are calibrated."
    )
    threshold_metric: str = option(
        "none",
        "With two classes or multi-label data: move the threshold from 0.5 to where this metric is highest.",
        choices=["none", "f1", "accuracy", "mcc"],
    )
    threshold_scope: str = option(
        "one",
        "Multi-label data: `one` threshold for all labels, or one for `each`.",
        choices=["one", "each"],
        labels={"each": "multi"},
    )
    target_precision: float | None = option(
        None, "Move the threshold to where this share of the positive decisions is right, 0-1.", above=0, below=1
    )
    positive_share: float | None = option(
        None, "Move the threshold to where this share of all decisions is positive, 0-1.", above=0, below=1
    )

    @property
    def tuning(self) -> dict:
        """What thresholds are tuned for, see `tune_rule`; empty if they are not tuned."""
        wishes = {"precision": self.target_precision, "share": self.positive_share}
        wishes["metric"] = None if self.threshold_metric == "none" else self.threshold_metric
        tuning = {name: value for name, value in wishes.items() if value is not None}
        return tuning | {"per_label": self.threshold_scope == "each"} if tuning else {}

    def check(self, options: Options) -> None:
        """Refuse options that contradict each other."""
        if len(self.tuning) > 2:
            raise ArgumentError("--threshold_metric, --target_precision, --positive_share: expected only one of them")
        if self.threshold_scope == "each" and not self.tuning:
            raise ArgumentError("--threshold_scope each: expected a goal to tune for; add --threshold_metric f1")

    def check_classes(self, labels: Sequence[str], *, positive: int | None) -> None:
        """Refuse thresholds that do not fit the classes, of which each text has one.

        Args:
            labels: the classes.
            positive: the id of the positive class, see `positive_class`.

        Raises:
            ArgumentError: as described.
        """
        if self.tuning and len(labels) > 2:
            raise ArgumentError(
                f"thresholds are for two classes or multi-label data, but there are {len(labels)} classes"
            )
        if self.tuning and positive is None:
            raise ArgumentError(
                f"a threshold needs a positive class, and neither {labels[0]} nor {labels[1]} is known as one; "
                f"add --positive_label {labels[1]}"
            )
