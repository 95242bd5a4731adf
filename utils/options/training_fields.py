"""The fields of `TrainingArguments`, read from its source: importing it takes seconds, and torch.

The annotation of a field gives the values that it takes and, if it is an enumeration, its members do. Only the form of
values is checked here; `TrainingArguments` itself checks them before a run begins.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_FILES = ("trainer_utils.py", "training_args.py")  # of transformers: enumerations, then the class


@dataclass(frozen=True)
class TrainingField:
    """A field of `TrainingArguments`.

    Attributes:
        name: of the option.
        kinds: what it takes: some of `bool`, `int`, `float`, `str`, `list`, `dict`.
        optional: whether it may be None.
        default: the value in the source; None where a function computes it.
        choices: the only values that it takes; empty for any.
        help: its help text.
    """

    name: str
    kinds: frozenset[str]
    optional: bool
    default: object
    choices: tuple[str, ...]
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
    try:
        default = ast.literal_eval(given["default"]) if "default" in given else None
    except ValueError:  # a name: of a constant, or what torch decides
        default = None
    return TrainingField(
        node.target.id, frozenset(kinds), "None" in names, default, choices, _help(given.get("metadata"))
    )


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


def _help(metadata: ast.expr | None) -> str:
    pairs = zip(metadata.keys, metadata.values, strict=True) if isinstance(metadata, ast.Dict) else ()
    for key, value in pairs:
        if getattr(key, "value", None) == "help":
            try:
                return ast.literal_eval(value)
            except ValueError:  # put together from parts
                return ""
    return ""
