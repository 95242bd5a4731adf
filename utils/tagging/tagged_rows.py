"""Rows of tokens and tags, and how they become texts with spans."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from ..data.errors import DataError, ErrorLog
from ..data.tag_schemes import detect_scheme, find_broken_tags, is_tag, tags_to_spans
from .joined_words import WordJoiner
from .ner_rows import EntityRow
from .tag_spellings import is_numbered, respell_tags

logger = logging.getLogger(__name__)

REPAIRED = "read as conlleval does, where an I- that continues nothing opens an entity"


class TaggedRow(NamedTuple):
    """A row of tokens; `tags` is None for a row without labels."""

    number: int  # of the row's line, or of the row in the data set
    id: str | None
    tokens: list[str]
    tags: list[str | int] | None
    lines: list[int] | None = None  # line number of each token, if tokens have lines of their own


class TagReading(NamedTuple):
    """How tags are read."""

    scheme: str = "auto"  # a key of `tag_schemes.READABLE`, or "auto" for the one that fits best, which is logged
    repair_tags: bool = False  # count tags that break their scheme and read them as conlleval does; else report them
    label_names: Sequence[str] | None = None  # names of tags that are numbers, from 0 on
    tag_column: int | None = None  # which column of a column file holds them, from 1 on; None goes by content
    with_labels: bool = True  # False ignores all labels, unchecked: for texts to be predicted


def untag_rows(rows: Sequence[TaggedRow | None], log: ErrorLog, reading: TagReading) -> list[EntityRow | None]:
    """Turn tags into character spans, and tokens into texts (see `WordJoiner`).

    Args:
        rows: None stands for a row whose error is already in `log`, and stays None.
        log: takes an error for each tag that is not one, or breaks its scheme; its row becomes None.

    Raises:
        DataError: tags are numbers without names, or `label_names` are given for tags that are not numbers.
    """
    if not reading.with_labels:
        rows = [row and row._replace(tags=None) for row in rows]
    whole = [row for row in rows if row]
    spelled = _spell(whole, log, reading.label_names)
    rows = [row and row._replace(tags=row.tags and [spelled[tag] for tag in row.tags]) for row in rows]
    scheme = reading.scheme
    if scheme == "auto" and reading.with_labels:
        scheme = detect_scheme(row.tags for row in rows if row and row.tags)
        logger.info("%s: the tags are read as %s", log.source, scheme)
    join = WordJoiner(row.tokens for row in whole)
    untagged: list[EntityRow | None] = []
    for row in rows:
        if row is None:
            untagged.append(None)
            continue
        errors_before, tags = len(log), row.tags or []
        broken = find_broken_tags(tags, scheme=scheme) if tags else []
        for index, message in broken:
            number = row.lines[index] if row.lines else row.number
            if reading.repair_tags and is_tag(tags[index]):
                log.note(number, "broken tag", done=REPAIRED)
                continue
            place = "" if row.lines else f"tag {index + 1}: "
            reread = ", read it as conlleval does (--repair_tags)" if is_tag(tags[index]) else ""
            log.add(
                number,
                f"{place}{message}; correct the tag{reread}, or name the scheme if it is not {scheme} (--file_scheme)",
            )
        if len(log) > errors_before:
            untagged.append(None)
            continue
        text, starts = join(row.tokens)
        spans = None
        if row.tags is not None:
            spans = [
                (starts[first], starts[stop - 1] + len(row.tokens[stop - 1]), label)
                for first, stop, label in tags_to_spans(tags, scheme=scheme, strict=not broken)
            ]
        untagged.append(EntityRow(row.number, row.id, text, spans))
    return untagged


def _spell(rows: Sequence[TaggedRow], log: ErrorLog, names: Sequence[str] | None) -> dict[str | int, str]:
    """Tag of a file -> its name with a prefix and a hyphen, without white space around it."""
    first_use: dict[str | int, int] = {}
    for row in rows:
        for i, tag in enumerate(row.tags or ()):
            first_use.setdefault(tag, row.lines[i] if row.lines else row.number)
    spelled = {tag: str(tag).strip() for tag in first_use}
    for tag, place in first_use.items():
        if spelled[tag] != str(tag):
            log.note(place, "tag", done="surrounding white space removed")
    if spelled and (names is not None or is_numbered(spelled.values())):
        return _name_numbers(first_use, log, names)
    if not all(map(is_tag, spelled.values())) and (respelled := respell_tags(set(spelled.values()))):
        examples = ", ".join(f"{tag} as {name}" for tag, name in sorted(respelled.items()) if tag != name)
        logger.info("%s: tags are read with a hyphen: %s", log.source, examples)
        return {tag: respelled[name] for tag, name in spelled.items()}
    return spelled


def _name_numbers(first_use: dict[str | int, int], log: ErrorLog, names: Sequence[str] | None) -> dict[str | int, str]:
    """The name of each tag that is a number."""
    named = {}
    for tag, place in first_use.items():
        where = f"{log.source}:{place}" if log.unit == "line" else f"{log.source}, {log.unit} {place}"
        if names is None:
            raise DataError(
                f'{where}: expected names of tags, such as "B-PER", found the number {tag}; name them in the order of '
                "their numbers: --label_names O,B-PER,I-PER"
            )
        number = str(tag).strip()
        if not number.isdecimal():
            raise DataError(f"{where}: expected tags that are numbers, found {tag}; leave --label_names out")
        if int(number) >= len(names):
            raise DataError(
                f"{where}: expected a number from 0 to {len(names) - 1}, since --label_names has {len(names)} names, "
                f"found {tag}; add its name"
            )
        named[tag] = names[int(number)]
    return named
