"""Cross-validation: the parts of the training data of which each is held out once."""

import warnings
from collections import Counter

from datasets import Dataset

from .errors import DataError

FOLD = "fold"  # column of the training data of a run of all folds
TEXTS = (("text", "text_pair"), ("context",))  # columns that make two rows equal
BANDS = 10  # of scores, from low to high, that are spread like classes


def assign_folds(rows: Dataset, folds: int, *, seed: int) -> list[int]:
    """The fold of each row, from 1 on.

    Rows with equal texts (of questions: with equal passages), and rows of one `group`, share a fold. Classes are
    spread evenly; a row with several labels, or with entities of several types, counts for the rarest of them.

    Args:
        rows: training data; `text`, `text_pair` and `context` are compared, `group` if there is one; `label`,
            `labels` or `entities` are spread.
        folds: how many, 2 or more.
        seed: the same seed gives the same folds, in every process.

    Raises:
        DataError: there are fewer texts or groups than folds.

    Example:
        >>> assign_folds(Dataset.from_dict({"text": list("abca"), "label": list("xxyx")}), 2, seed=0)
        [1, 2, 2, 1]
    """
    from sklearn.model_selection import StratifiedGroupKFold  # half a second

    groups = _group_rows(rows)
    if (found := len(set(groups))) < folds:
        what = "groups" if "group" in rows.column_names else "texts"
        raise DataError(f"--folds {folds}: expected as many different {what} or more, found {found}; ask for fewer")
    strata = _strata(rows)
    if max(Counter(strata).values()) < folds:
        strata = [""] * len(rows)  # every class is too rare to be spread
    fold_of = [0] * len(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that some class is too rare to be in every fold
        cutting = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        for number, (_, held_out) in enumerate(cutting.split(strata, strata, groups), start=1):
            for row in held_out.tolist():
                fold_of[row] = number
    return fold_of


def hold_out_fold(rows: Dataset, folds: int, fold: int, *, seed: int) -> tuple[Dataset, Dataset]:
    """The rows of all folds but one, and those of that one, both in their order; see `assign_folds`."""
    fold_of = assign_folds(rows, folds, seed=seed)
    kept = [row for row, number in enumerate(fold_of) if number != fold]
    return rows.select(kept), rows.select([row for row, number in enumerate(fold_of) if number == fold])


def _group_rows(rows: Dataset) -> list[int]:
    """For each row, the first row that it is linked to, directly or through others, by an equal text or group."""
    names = next((names for names in TEXTS if names[0] in rows.column_names), ())
    texts = zip(*(rows[name][:] for name in names if name in rows.column_names), strict=True)
    keys = [[("text", text)] for text in texts]
    if "group" in rows.column_names:
        for key, group in zip(keys, rows["group"][:], strict=True):
            key.append(("group", group))
    parent = list(range(len(keys)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    first: dict[tuple, int] = {}
    for row, own in enumerate(keys):
        for key in own:
            one, other = root(first.setdefault(key, row)), root(row)
            parent[max(one, other)] = min(one, other)
    return [root(row) for row in range(len(keys))]


def _strata(rows: Dataset) -> list[str]:
    """The class of each row: the rarest of several labels or types, "" for none; of scores, a tenth of the rows."""
    if "label" in rows.column_names:
        labels = rows["label"][:]
        if rows.features["label"].dtype != "float64":
            return list(map(str, labels))
        ranked = sorted(range(len(rows)), key=labels.__getitem__)
        band_of = {row: rank * BANDS // len(rows) for rank, row in enumerate(ranked)}
        return [str(band_of[row]) for row in range(len(rows))]
    if "labels" in rows.column_names:
        given = rows["labels"][:]
    elif "entities" in rows.column_names:
        given = [sorted({one["label"] for one in found}) for found in rows["entities"][:]]
    else:
        return ["" if not (each or {}).get("text") else "answered" for each in rows["answers"][:]]
    counts = Counter(label for labels in given for label in labels)
    return [min(labels, key=lambda label: (counts[label], label), default="") for labels in given]
