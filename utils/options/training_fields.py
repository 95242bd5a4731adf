"""The fields of `TrainingArguments`, read from its source: importing it takes seconds, and torch.

The annotation of a field gives the values that it takes and, if it is an enumeration, its members do. Only the form of
values is checked here; `TrainingArguments` itself checks them before a run begins.
"""

import ast
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

_FILES = ("trainer_utils.py", "training_args.py")  # of transformers: enumerations, then the class


class TrainingField(NamedTuple):
    """A field of `TrainingArguments`."""

    kinds: frozenset[str]  # what it takes: some of `bool`, `int`, `float`, `str`, `list`, `dict`
    optional: bool  # whether it may be None
    default: object  # the value in the source; None where a function computes it
    choices: tuple[str, ...]  # the only values that it takes; empty for any
    help: str


@cache
def read_training_fields() -> dict[str, TrainingField]:
    """The fields of the installed transformers by name, in the order of its source."""
    folder = Path(next(iter(find_spec("transformers").submodule_search_locations)))
    trees = [ast.parse((folder / name).read_text(encoding="utf-8")) for name in _FILES]
    classes = {node.name: node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}
    members = {name: tuple(_members(node)) for name, node in classes.items()}
    fields = {}
    for node in classes["TrainingArguments"].body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Call):
            fields[node.target.id] = _field(node, members)
    return fields


def _field(node: ast.AnnAssign, members: dict[str, tuple[str, ...]]) -> TrainingField:
    given = {keyword.arg: keyword.value for keyword in node.value.keywords}
    names = set(_names(node.annotation))
    choices = tuple(value for name in names if name in members for value in members[name])
    kinds = names & {"bool", "int", "float", "str", "list", "dict"} or {"str"}
    default = _literal(given.get("default"))  # None for a name: of a constant, or what torch decides
    metadata = given.get("metadata")
    pairs = zip(metadata.keys, metadata.values, strict=True) if isinstance(metadata, ast.Dict) else ()
    texts = {_literal(key): _literal(value) for key, value in pairs}
    return TrainingField(frozenset(kinds), "None" in names, default, choices, texts.get("help") or "")


def _names(annotation: ast.expr) -> Iterator[str]:
    """The names in an annotation, without those in brackets: `list` and `None` for `list[str] | None`."""
    if isinstance(annotation, ast.BinOp):
        yield from _names(annotation.left)
        yield from _names(annotation.right)
    elif isinstance(annotation, ast.Subscript):
        yield from _names(annotation.value)
    elif isinstance(annotation, ast.Name):
        yield annotation.id
    elif isinstance(annotation, ast.Constant):
        yield str(annotation.value)


def _members(node: ast.ClassDef) -> Iterator[str]:
    for each in node.body:
        if isinstance(each, ast.Assign) and isinstance(each.value, ast.Constant) and isinstance(each.value.value, str):
            yield each.value.value


def _literal(node: ast.expr | None) -> Any:
    """The value that an expression writes out; None if it does not."""
    try:
        return node and ast.literal_eval(node)
    except ValueError:
        return None
