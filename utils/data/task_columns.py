"""The same columns in every split: pairs or single texts, one label or several."""

from datasets import Dataset

from .errors import DataError


def match_columns(dataset: Dataset, *, pair: bool, multi_label: bool, source: str) -> Dataset:
    """Give a split the columns of the training data.

    Args:
        dataset: with `text`, and perhaps `text_pair`, `label` or `labels`.
        pair: whether the task is about pairs; a second text that it does not know is an error.
        multi_label: whether rows have several labels; where they have one, it becomes a list of one.
        source: what errors call the split.

    Raises:
        DataError: a second text is missing or too much, or a row has several labels where the task knows one.
    """
    if ("text_pair" in dataset.features) != pair:
        expected, found = ("pairs of texts", "single texts") if pair else ("single texts", "pairs of texts")
        raise DataError(
            f"{source}: expected {expected} as in training, found {found}; name the columns with --text_column and "
            "--text_pair_column (none: there is no second text)"
        )
    if "labels" in dataset.features and not multi_label:
        raise DataError(f"{source}: expected one label a row as in training, found several")
    if "label" in dataset.features and multi_label:
        labels = [[label] for label in dataset["label"][:]]
        dataset = dataset.remove_columns("label").add_column("labels", labels)
    return dataset
