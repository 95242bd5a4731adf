"""Label words as people write them: a YAML or JSON file, or its text on the command line."""

import json
from os import PathLike
from typing import Any

import yaml

from ..data.errors import DataError, ErrorLog
from ..data.plain_yaml import TextLoader, load_yaml
from .text_lines import read_lines

_FORM = "`class: word` or `class: [word, word]` on each line"


def read_label_words(source: str | PathLike) -> dict[str, Any]:
    """Class -> its words: a word, a list of words, or word -> weight.

    Args:
        source: path of a file, or a mapping in braces: `{Positive: [好, 不错], Negative: 差}`. Words are read as
            text, even `no` and `on`.

    Raises:
        DataError: no such file, not YAML, no mapping, or a class or word that occurs twice.

    Example:
        >>> read_label_words("{yes: [好, 不错], no: 差}")
        {'yes': ['好', '不错'], 'no': '差'}
    """
    inline = str(source).lstrip().startswith("{")
    name = "the verbalizer" if inline else str(source)
    text = str(source)
    if not inline:
        log = ErrorLog(source)
        lines = read_lines(source, log)
        log.finish(skip_bad_lines=False)
        text = "\n".join(line or "" for line in lines)
    try:
        found = load_yaml(text, TextLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{name}:{mark.line + 1}" if mark and not inline else name
        raise DataError(f"{place}: expected {_FORM}, found {getattr(error, 'problem', None) or error}") from None
    if not isinstance(found, dict):
        shown = json.dumps(found, ensure_ascii=False)[:60]
        raise DataError(f"{name}: expected {_FORM}, found {shown}")
    return {label: _weights(words) for label, words in found.items()}


def _weights(words: Any) -> Any:
    """The words, with weights turned into numbers where possible; weights are checked later."""
    if not isinstance(words, dict):
        return words
    weights = {}
    for word, weight in words.items():
        try:
            weights[word] = float(weight)
        except (TypeError, ValueError):
            weights[word] = weight
    return weights
