"""Rows of a data set as plain records: class numbers by name, without what Arrow adds."""

from typing import Any

from datasets import ClassLabel


def name_values(row: dict, features: dict) -> dict:
    """A row as a JSON line would hold it, by the features of its data set.

    Class numbers become names at any depth; -1, which marks hidden labels on the Hub, and a list of nothing else
    become None. A dict of lists, which `Sequence` makes of a list of dicts, becomes a list of dicts again. Nulls are
    left out of the row, and of its dicts, which Arrow fills up to the keys of all rows.

    Example:
        >>> from datasets import List, Value
        >>> features = {"tag": List(ClassLabel(names=["O", "B-X"])), "text": Value("string")}
        >>> name_values({"tag": [1, 0], "text": None}, features)
        {'tag': ['B-X', 'O']}
    """
    named = {key: _name(value, features[key]) for key, value in row.items()}
    return {key: value for key, value in named.items() if value is not None}


def _name(value: Any, feature: Any) -> Any:
    if value is None:
        return None
    if isinstance(feature, ClassLabel):
        return feature.names[value] if isinstance(value, int) and 0 <= value < len(feature.names) else None
    if isinstance(value, dict):
        parts = {key: _name(each, _part(feature, key)) for key, each in value.items()}
        if {"start", "end"} & parts.keys() and all(isinstance(each, list) for each in parts.values()):
            return [dict(zip(parts, values, strict=True)) for values in zip(*parts.values(), strict=True)]
        return {key: each for key, each in parts.items() if each is not None}
    if isinstance(value, list):
        inner = feature[0] if isinstance(feature, list) else getattr(feature, "feature", None)
        named = [_name(each, inner) for each in value]
        return None if isinstance(inner, ClassLabel) and named and set(named) == {None} else named
    return value


def _part(feature: Any, key: str) -> Any:
    """The feature of a dict's key, or of the lists of a `Sequence` of dicts."""
    fields = feature if isinstance(feature, dict) else getattr(feature, "feature", None)
    return fields.get(key) if isinstance(fields, dict) else None
