"""Dataclasses as command-line options, `--max_length 64` or `--max-length=64`, with argparse and nothing heavy.

The type of a field decides what its option takes: `bool` (the flag alone, or followed by true or false), `int`,
`float`, `str`, or a list of these; `| None` makes it optional. Its metadata holds `help` and `choices`.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, Field, fields
from typing import Any, get_args, get_origin, get_type_hints

from ..data.errors import ArgumentError

_TRUTHS = {
    **dict.fromkeys(("yes", "true", "t", "y", "1"), True),
    **dict.fromkeys(("no", "false", "f", "n", "0"), False),
}


class OptionParser(argparse.ArgumentParser):
    """Raises an exception with one line instead of exiting, and shows each option once in its help.

    Each dataclass is a group, named by its `_argument_group_name`; other options are those of `ArgumentParser`.
    """

    def __init__(self, classes: Iterable[type], **options):
        usage = "%(prog)s [config.yaml] [--option value ...]"
        super().__init__(**options, usage=usage, allow_abbrev=False, formatter_class=_Help)
        self.classes = list(classes)
        for one in self.classes:
            group = self.add_argument_group(getattr(one, "_argument_group_name", None))
            hints = get_type_hints(one)
            for each in fields(one):
                if each.init:
                    _add_option(group, each, hints[each.name])

    def parse(self, words: Sequence[str]) -> tuple[list[Any], list[str]]:
        """An instance of each class, and the words that are not known options.

        Raises:
            ArgumentError: a value that an option does not accept, or a required option that is missing.
        """
        found, unknown = self.parse_known_args(list(words))
        values = vars(found)
        missing = [f"--{name}" for name, value in values.items() if isinstance(value, _Required)]
        if missing and not unknown:
            raise ArgumentError(f"{', '.join(missing)}: expected a value, found none; give one")
        made = [one(**{each.name: values[each.name] for each in fields(one) if each.init}) for one in self.classes]
        return made, unknown

    def error(self, message):
        """Raise what argparse would print before it exits."""
        raise ArgumentError(message)


class _Required:
    """Stands in for the default of an option that has none."""

    def __str__(self):
        return "none, it must be given"


class _Help(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows defaults, only the names with underscores, and description and epilog as written."""

    def _format_action_invocation(self, action):
        if not action.option_strings or action.option_strings[0] == "-h":
            return super()._format_action_invocation(action)
        values = "" if action.nargs == 0 else f" {self._format_args(action, action.dest.upper())}"
        return action.option_strings[0] + values


def _add_option(group: argparse._ArgumentGroup, field: Field, hint: Any) -> None:
    hints = [hint] if get_origin(hint) is list else get_args(hint) or [hint]
    kinds = [one for one in hints if one is not type(None)]
    several = [one for one in kinds if get_origin(one) is list]
    kind = get_args(several[0])[0] if several else bool if bool in kinds else kinds[0]
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    options: dict[str, Any] = {"dest": field.name, "help": field.metadata.get("help"), "default": default}
    if default is MISSING:
        options["default"] = _Required()
    if choices := field.metadata.get("choices"):
        options["choices"] = list(choices)
    if several:
        options["nargs"] = "+"
    elif kind is bool:
        options |= {"nargs": "?", "const": True, "metavar": "BOOL"}
    group.add_argument(*_spellings(field.name), type=_truth if kind is bool else kind, **options)
    if kind is bool and default is True:
        names = [f"--{dash}{name[2:]}" for name in _spellings(field.name) for dash in ("no_", "no-")]
        group.add_argument(*names, dest=field.name, action="store_false", default=True, help=argparse.SUPPRESS)


def _spellings(name: str) -> list[str]:
    return list(dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}")))


def _truth(word: str) -> bool:
    try:
        return _TRUTHS[word.lower()]
    except KeyError:
        raise argparse.ArgumentTypeError(f"expected true or false, found {word!r}") from None
