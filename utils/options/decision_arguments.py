"""Options of run_classification.py."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..data.errors import ArgumentError
from ..data.submission_columns import LABELS, SubmissionForm, parse_columns
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


@dataclass(frozen=True)
class SubmissionArguments:
    """The form of `submission.csv`, the predictions for test data."""

    _argument_group_name = "submission"

    submission_columns: str | None = option(
        None,
        "Columns of submission.csv as `id=ID,label=Target`: `id`, `label` or `score`, and the header; all three under "
        "their own names if not given.",
    )
    submission_labels: str = option(
        "names",
        "`numbers` writes classes as numbers: those of the training file, where class.txt or --class_file named them "
        "or the labels are whole numbers; otherwise ids from 0 on, in the order of the model's labels (config.json).",
        choices=LABELS,
        labels={"numbers": "single multi"},
    )

    def check(self, options: Options) -> None:
        """Refuse columns that are malformed, and options without test data."""
        if self.submission_columns is not None:
            parse_columns(self.submission_columns)
        for name in ("submission_columns", "submission_labels"):
            if name in options.given and not (options.test_file or options.dataset_name):
                raise ArgumentError(f"--{name} does nothing without --test_file; leave it out, or give both")

    def fit(self, given: Sequence[str], labels: Sequence[str], reading: Mapping[str, Any]) -> SubmissionForm:
        """The form for a model.

        Args:
            given: what the model gives for each text, see `scoring.decisions.Rule.columns`.
            labels: of the model, in the order of its ids.
            reading: how its training data was read, see `TextReader.remember`.

        Raises:
            ArgumentError: the model does not give what the columns name.
        """
        known = {"given": given, "labels": labels, "classes": reading.get("classes", ())}
        return SubmissionForm.fit(self.submission_columns, self.submission_labels, **known)


@dataclass(frozen=True)
class LongTextArguments:
    """What becomes of texts that are longer than --max_length."""

    _argument_group_name = "long texts"
    _used_with = "training"

    long_texts: str = option(
        "cut",
        "`windows` reads a text longer than --max_length in overlapping windows and pools their logits, in training "
        "and after; of a pair the longer text, beside the shorter one. `cut` reads its beginning.",
        choices=["cut", "windows"],
    )
    stride: int | None = option(
        None,
        "Neighbouring windows overlap by this many sub-tokens or more; a quarter of --max_length if not given.",
        used_with="training long_texts=windows",
        low=0,
    )
    window_pooling: str = option(
        "mean",
        "How the logits of a text's windows become its own: their `mean`, for each class their `max`, or `logsumexp`, "
        "the logarithm of the mean of their exponentials, which lies between.",
        choices=["mean", "max", "logsumexp"],
        used_with="training long_texts=windows",
        labels={"max": "single multi", "logsumexp": "single multi"},
    )
    max_windows: int = option(
        8,
        "Windows per text, which all take memory at once in training; what would be in further ones is cut.",
        used_with="training long_texts=windows",
        low=2,
    )

    def fit(self, max_length: int, *, special: int, pair: bool) -> dict:
        """The fields of a `TextEncoder`, and of the model's configuration, that say how long texts are read.

        Args:
            max_length: sub-tokens of a window, special tokens included.
            special: how many these are.
            pair: whether inputs are pairs, of which the shorter text may take half of a window.

        Raises:
            ArgumentError: windows would not advance.
        """
        if self.long_texts == "cut":
            return {}
        room = max_length - special
        size = room - room // 2 if pair else room  # of the text that is cut
        stride = min(max_length // 4, size - 1) if self.stride is None else self.stride
        if stride >= size:
            beside = " beside a second text" if pair else ""
            raise ArgumentError(
                f"--stride {stride}: expected 0 to {size - 1}, as a window holds {size} sub-tokens of a text{beside}"
            )
        return {"window_pooling": self.window_pooling, "window_stride": stride, "max_windows": self.max_windows}
