"""Labels that are numbers on a scale, such as similarities from 0 to 5: what regression learns."""

import math
from collections.abc import Iterable

from datasets import Dataset, Features, Value

from .errors import DataError, ErrorLog, show


def are_scores(labels: Iterable[str]) -> bool:
    """Whether all labels are numbers, and some of them have decimals that are not 0.

    Example:
        >>> are_scores(["3.8", "2", "0.5"]), are_scores(["1", "2.0"]), are_scores(["3.8", "high"])
        (True, False, False)
    """
    numbers = [_number(label) for label in labels]
    return bool(numbers) and None not in numbers and any(not number.is_integer() for number in numbers)


def to_scores(rows: Dataset, *, source: str) -> Dataset:
    """Turn the texts under `label` into numbers; rows without labels stay as they are. Errors call them `source`.

    Raises:
        DataError: some labels are not numbers; the message names the first rows.
    """
    if "label" not in rows.column_names:
        return rows
    log = ErrorLog(source, unit="row")
    for number, label in enumerate(rows["label"][:], start=1):
        if _number(label) is None:
            log.add(
                number, f"expected a number as label, found {show(label)}; correct it, or give --task classification"
            )
    log.finish(skip_bad_lines=False)
    features = Features({name: Value("float64") if name == "label" else kind for name, kind in rows.features.items()})
    return rows.map(lambda row: {"label": float(row["label"])}, features=features, keep_in_memory=True)


def refuse_several(features: Iterable[str]) -> None:
    """Refuse rows with several labels, which have a column `labels`.

    Raises:
        DataError: there is one.
    """
    if "labels" in features:
        raise DataError("--task regression: expected one number per text, found several labels; leave the option out")


def _number(label: str) -> float | None:
    try:
        number = float(label)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
