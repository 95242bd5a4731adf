"""What splits have in common: pairs or single texts, one label or several, and labels where they are needed."""

from collections import Counter
from collections.abc import Mapping, Sequence

from datasets import Dataset

from ..data.errors import DataError
from .text_labels import sort_labels


def match_columns(dataset: Dataset, *, pair: bool, multi_label: bool, source: str) -> Dataset:
    """Give a split the columns of the training data.

    Args:
        dataset: with `text`, and perhaps `text_pair`, `label` or `labels`.
        pair: whether the task is about pairs of texts.
        multi_label: whether rows have several labels; where they have one, it becomes a list of one.
        source: what errors call the split.

    Raises:
        DataError: a second text is missing or unexpected, or rows have several labels where the task has one.
    """
    if ("text_pair" in dataset.features) != pair:
        expected, found = ("pairs of texts", "single texts") if pair else ("single texts", "pairs of texts")
        raise DataError(
            f"{source}: expected {expected} as in training, found {found}; name the columns with --text_column and "
            "--text_pair_column (none if there is no second text)"
        )
    if "labels" in dataset.features and not multi_label:
        raise DataError(f"{source}: expected one label per row as in training, found several")
    if "label" in dataset.features and multi_label:
        labels = [[label] for label in dataset["label"][:]]
        dataset = dataset.remove_columns("label").add_column("labels", labels)
    return dataset


def require_labels(splits: Mapping[str, Dataset]) -> None:
    """Refuse validation data without labels, which would make every epoch the best.

    Raises:
        DataError: the split `validation` has none.
    """
    if "validation" not in splits:
        return
    features = splits["validation"].features
    if "entities" in features:
        is_labelled = any(map(len, iter(splits["validation"]["entities"])))
    else:
        is_labelled = "label" in features or "labels" in features
    if not is_labelled:
        raise DataError(
            f"the validation data: expected {'entities' if 'entities' in features else 'labels'}, found none; "
            "they choose the best epoch: add them, or leave --validation_file out to hold out training data"
        )


def refuse_several(splits: Mapping[str, Dataset]) -> None:
    """Refuse splits whose questions have several answers each, which would be read as none.

    Raises:
        DataError: there is one.
    """
    for split, rows in splits.items():
        if "labels" in rows.features:
            raise DataError(f"the {split} data: expected one answer for each question, found several")


def describe_rare(dataset: Dataset, labels: Sequence[str], *, fewer_than: int) -> str:
    """One line for the log: how many answers training questions have, and which have fewer questions than this."""
    counts = Counter(dataset["label"][:])
    rare = [f"{label} ({counts[label]})" for label in labels if counts[label] < fewer_than] or ["none"]
    return f"{len(labels)} answers; with fewer than {fewer_than} questions: {', '.join(rare)}"


def list_answers(dataset: Dataset) -> list[str]:
    """The answers of training questions, sorted.

    Raises:
        DataError: there is no column `label`, or it has fewer than two.
    """
    if "label" not in dataset.features:
        raise DataError("the training data: expected one answer for each question, found none or several")
    labels = sort_labels(dataset.unique("label"))
    if len(labels) < 2:
        raise DataError(f"the training data: expected two answers or more, found {', '.join(labels)}")
    return labels
