"""Texts without labels that are learnt from a teacher: read, and what is known already left out and counted."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence

from datasets import Dataset

from ..data.errors import DataError
from ..reading.column_names import PAIR_KEYS, TEXT_KEYS
from ..reading.model_inputs import read_inputs
from ..reading.qa_records import PASSAGE_KEYS, QUESTION_KEYS
from ..reading.remembered_reading import ANYTHING, Reading
from .teachers import COLUMNS, contents, kind_of

logger = logging.getLogger(__name__)

OTHER_SPLITS = ("test", "validation")
EMPTY = {"label": "", "labels": [], "entities": [], "answers": {"text": [], "answer_start": []}}  # labels of none


def read_unlabeled(
    path: str,
    dataset: Mapping[str, Dataset],
    *,
    reading: Reading = ANYTHING,
    others: Mapping[str, Dataset] = {},
    skip_bad_lines: bool = False,
) -> Dataset:
    """The texts of a file that are in none of the splits, each once, with the columns of the training data.

    Args:
        path: any file that prediction reads.
        dataset: the splits of the run.
        reading: how the file is read; the columns of the training data are taken where the file has them.
        others: validation and test data that the run does not use, as one of `--folds`.
        skip_bad_lines: leave bad rows out instead of raising.

    Returns:
        Rows without labels: those of the columns are empty, or the first label of the training data.

    Raises:
        DataError: the file cannot be read, has errors, or has no new text.
    """
    train = dataset["train"]
    kind = kind_of(train)
    names = [name for name in COLUMNS[kind] if name in train.column_names]
    known = (QUESTION_KEYS, PASSAGE_KEYS) if kind == "answers" else (TEXT_KEYS, PAIR_KEYS)[: len(names)]
    options = {"kind": kind, "columns": [None] * len(names), "known": known, "reading": reading}
    options["skip_bad_lines"] = skip_bad_lines
    places: dict[tuple[str, ...], str] = {}  # the last split wins: what is in validation or test data is counted there
    for split in ("train", *OTHER_SPLITS):
        for rows in (each[split] for each in (others, dataset) if split in each):
            places |= dict.fromkeys(map(_fold, contents(rows, kind)), split)
    kept, left_out = {}, Counter()
    for id_, *texts in read_inputs(path, **options):
        key = _fold(texts)
        if not all(key):
            left_out["empty"] += 1
        elif key in places:
            left_out[f"in the {places[key]} data"] += 1
        elif key in kept:
            left_out["repeated"] += 1
        else:
            kept[key] = {"id": f"unlabeled-{id_}", **dict(zip(names, texts, strict=True))}
    lost = ", ".join(f"{count:,} {why}" for why, count in sorted(left_out.items()))
    lost = f"; left out: {lost}" if lost else ""
    logger.info("unlabeled: %s texts to learn from the teacher%s", f"{len(kept):,}", lost)
    if not kept:
        raise DataError(f"{path}: expected texts that are not in the other data, found none{lost}; name another file")
    return as_training(kept.values(), train)


def as_training(rows: Sequence[Mapping], train: Dataset) -> Dataset:
    """Rows with the columns of the training data; what they lack is empty, a single label the first of the data."""
    label = {"label": train["label"][0]} if "label" in train.features else {}
    lacking = {name: value for name, value in (EMPTY | label).items() if name in train.features}
    lacking |= dict.fromkeys(train.features.keys() - lacking.keys())
    filled = [lacking | dict(row) for row in rows]
    columns = {name: [row[name] for row in filled] for name in train.features}
    return Dataset.from_dict(columns, features=train.features)


def _fold(texts: Sequence[str]) -> tuple[str, ...]:
    """What equal texts have in common: white space does not count."""
    return tuple("".join(text.split()) for text in texts)
