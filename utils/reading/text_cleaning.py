r"""Rules that clean texts: regular expressions and what replaces them, one after the other.

A file of rules is YAML, in any of these forms (write two backslashes for one in double quotes only):

    - {pattern: '\s+', replacement: ' '}
    - ['(\d),(\d)', '\1\2']
    - '#\w+#': ''

or one mapping, `pattern: replacement` on each line.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import yaml

from ..data.errors import DataError, ErrorLog, show
from ..data.plain_yaml import load_yaml
from ..files.text_lines import read_lines

_FORM = '{pattern: "...", replacement: "..."}'


@dataclass
class TextCleaner:
    r"""Applies rules to a text, in order; a callable. A rule is a pattern and a replacement, as in `re.sub`.

    Raises:
        DataError: a rule is wrong.

    Example:
        >>> TextCleaner([("\\s+", " "), ("(\\d),(\\d)", "\\1\\2")])("1,000\n\tyuan")
        '1000 yuan'
    """

    rules: Sequence[tuple[str, str]]

    def __post_init__(self):
        log = ErrorLog("cleaning rules", unit="rule")
        self._patterns = _compile_rules(list(enumerate(self.rules, start=1)), log)
        log.finish(skip_bad_lines=False)

    def __call__(self, text: str) -> str:
        for pattern, replacement in self._patterns:
            text = pattern.sub(replacement, text)
        return text


def read_cleaning(path: str | PathLike | None) -> tuple[list[list[str]] | None, Callable[[str], str]]:
    """The rules of a YAML file, and a function that applies them; without a file None, and one that changes nothing.

    Raises:
        DataError: see `read_rules`.
    """
    rules = read_rules(path) if path else None
    return rules, TextCleaner(rules) if rules else str


def read_rules(path: str | PathLike) -> list[list[str]]:
    """Read the rules of a YAML file, in the forms shown at the top of this module, as `TextCleaner` takes them.

    Raises:
        DataError: the file cannot be read, is not YAML, or has no rules or wrong ones.
    """
    log = ErrorLog(path)
    lines = read_lines(path, log)
    log.finish(skip_bad_lines=False)
    try:
        content = load_yaml("\n".join(lines))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f":{mark.line + 1}" if mark else ""
        found = getattr(error, "problem", None) or getattr(error, "context", None) or str(error).split("\n")[0]
        raise DataError(
            f"{path}{place}: expected YAML, found an error: {found}; put patterns in single quotes"
        ) from None

    if isinstance(content, dict) and content.keys() != {"pattern", "replacement"}:
        content = [{pattern: replacement} for pattern, replacement in content.items()]
    elif isinstance(content, dict):
        content = [content]  # one rule, without its dash
    if not content or not isinstance(content, list):
        found = show(content) if content else "none"
        raise DataError(f"{path}: expected a list of rules, found {found}; write each as - {_FORM}")
    log = ErrorLog(path, unit="rule")
    rules = []
    for number, rule in enumerate(content, start=1):
        if isinstance(rule, dict) and rule.keys() == {"pattern", "replacement"}:
            rule = [rule["pattern"], rule["replacement"]]
        elif isinstance(rule, dict) and len(rule) == 1 and "pattern" not in rule:
            rule = next(iter(rule.items()))
        rules.append((number, rule))
    compiled = _compile_rules(rules, log)
    log.finish(skip_bad_lines=False)
    return [[pattern.pattern, replacement] for pattern, replacement in compiled]


def _compile_rules(rules: Sequence[tuple[int, Any]], log: ErrorLog) -> list[tuple[re.Pattern, str]]:
    """Compile numbered rules; what is wrong with them is noted in `log`."""
    compiled = []
    for number, rule in rules:
        if not isinstance(rule, list | tuple) or len(rule) != 2 or not all(isinstance(part, str) for part in rule):
            log.add(number, f'expected {_FORM}, found {show(rule)}; write both as text in quotes, and "" to delete')
            continue
        try:
            pattern = re.compile(rule[0])
        except (re.error, OverflowError, RecursionError) as error:
            log.add(number, f"expected a regular expression, found {show(rule[0])}: {error}; correct the pattern")
            continue
        if not rule[0]:
            log.add(number, 'expected a pattern that is not empty, found ""; write what to replace')
            continue
        try:
            pattern.sub(rule[1], "")
        except (re.error, IndexError) as error:
            log.add(
                number,
                f"expected a replacement for {show(rule[0])}, found {show(rule[1])}: {error}; "
                r"refer to groups that the pattern has, and write \\ for a backslash",
            )
            continue
        compiled.append((pattern, rule[1]))
    return compiled
