"""Column files: lines of a token and its tag up to a blank line, as rows of tokens and tags."""

import csv
import logging
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from .errors import DataError, ErrorLog, counted, show
from .tagged_rows import TaggedRow

logger = logging.getLogger(__name__)

_SEPARATOR_NAMES = {"\t": "a tab", " ": "a space", ",": "a comma", ";": "a semicolon"}
_DOCUMENT = re.compile(r"[\d\s,;]*-DOCSTART-")
_NO_TOKEN = re.compile(r"\d+[-.]\d+")
_NUMBER = re.compile(r"\d+([-.]\d+)?")  # 3; in CoNLL-U also 3-4, 3.1 for what is no token
_TAG = re.compile(r"\s*(O|[BIESMLUW][-_:].+)\s*")
_IN_FEATURES = re.compile(r"(?:.*\|)?(?:name|ner)=([^|]+).*", re.IGNORECASE)  # CoNLL-U's last column in NorNE
# Names of columns in a first line.
_TOKENS = {"token", "tokens", "word", "words", "char", "character", "text"}
_TAGS = {"tag", "tags", "label", "labels", "ner", "ner_tag", "ner_tags", "entity"}
_SENTENCES = {"sentence", "sentence #", "sentence_id", "sentence id", "sent_id", "sentence_idx", "sentence_number"}
_OTHERS = {"pos", "pos_tag", "chunk", "chunk_tag", "lemma", "id", "index", "token_id", ""}
# What tags of phrases and of words mark, which stand beside those of entities: CoNLL-2000 and 2003, Penn Treebanks.
_SYNTAX = re.compile(
    "NP|VP|PP|ADVP|ADJP|SBAR|PRT|INTJ|CONJP|LST|UCP|NC|VC|PC|CC|CD|DT|EX|FW|IN|JJ|JJR|JJS|LS|MD|NN|NNS|NNP|NNPS|PDT|POS|"
    "PRP|RB|RBR|RBS|RP|SYM|TO|UH|VB|VBD|VBG|VBN|VBP|VBZ|WDT|WP|WRB|NR|NT|VA|VE|VV|AD|P|PU|M|OD|DEC|DEG|DEV|DER|LC|PN|"
    "AS|SP|MSP|BA|LB|SB|CS|ETC|IJ|ON"
)

Sentence = list[tuple[int, list[str] | None]]  # lines by their numbers; None for one that has its error already


class _Columns(NamedTuple):
    """Which column holds what, from 0 on."""

    width: int
    token: int
    tag: int


def parse_columns(
    lines: list[str | None], log: ErrorLog, *, is_csv: bool, tag_column: int | None = None
) -> list[TaggedRow | None]:
    """Gather the lines of each sentence.

    The first column holds the tokens, or the second, where the first counts tokens or sentences. Of the others the
    first counts that holds tags of entities, those of phrases and words (B-NP) aside; if none does, the last. Where a
    character's place in its word is glued to it (Weibo's second release), it is taken off.

    Args:
        lines: as `text_files.read_lines` gives them; -DOCSTART-, comments behind # and a line of names are left out.
        log: takes an error for each line that has not as many columns as most, or an empty one.
        is_csv: the separator is a comma, if there are any; else it is that of most lines.
        tag_column: which column holds the tags, from 1 on; by content if None.

    Returns:
        A row for each sentence, with the number of its first line; None for one that has an error.

    Raises:
        DataError: there are no sentences, or no such column.
    """
    separator = _find_separator(lines, is_csv=is_csv)
    sentences, width = _split_sentences(lines, separator, log)
    names = _take_names(sentences)
    if not any(sentences):
        raise DataError(f"{log.source}: expected sentences, found only -DOCSTART- lines; check how it was written")
    sentences, columns = _find_columns(sentences, width, names, tag_column, log)
    rows = []
    for sentence in sentences:
        errors_before = len(log)
        for number, cells in sentence:
            if cells and (len(cells) < width or any(cells[width:])):
                log.add(
                    number,
                    f"expected {width} columns apart by {_SEPARATOR_NAMES[separator]}, found {len(cells)}: "
                    f"{show(separator.join(cells))}; write a token and its tag",
                )
            elif cells and not (cells[columns.token] and cells[columns.tag].strip()):
                log.add(
                    number,
                    f"expected a token and its tag, found {show(separator.join(cells))}; fill the empty column",
                )
        if len(log) > errors_before or any(cells is None for _, cells in sentence):
            rows.append(None)
            continue
        numbers = [number for number, _ in sentence]
        tokens, tags = ([cells[column] for _, cells in sentence] for column in columns[1:])
        rows.append(TaggedRow(numbers[0], None, tokens, tags, numbers))
    return _unglue(rows, log)


def are_columns(lines: Sequence[str | None], *, is_csv: bool) -> bool:
    """Whether lines are tokens with tags, as the first of a file show it: else they are texts.

    Args:
        lines: some of the file, blank ones among them.
        is_csv: as of `parse_columns`.
    """
    quiet = ErrorLog("")
    separator = _find_separator(lines, is_csv=is_csv)
    try:
        sentences, width = _split_sentences(lines, separator, quiet)
    except DataError:  # says what kind of columns they are; so does who reads them
        return True
    _take_names(sentences)
    rows = [cells for sentence in sentences for _, cells in sentence]
    rows = [cells for cells in rows if not (cells and _NO_TOKEN.fullmatch(cells[0]))]
    count = len(rows)
    rows = [cells for cells in rows if cells and len(cells) == width]
    if count < 2 or len(rows) < 0.9 * count:
        return False
    for column in range(width):
        found = Counter(cells[column].strip() for cells in rows)
        tags = sum(times for cell, times in found.items() if _TAG.fullmatch(cell) or _IN_FEATURES.fullmatch(cell))
        if tags > 0.9 * len(rows) or found["O"] > 0.5 * len(rows):
            return True
    numbers = {cells[-1].strip() for cells in rows}  # of tags
    return len(sentences) > 1 and all(map(str.isdecimal, numbers)) and "0" in numbers


def _find_separator(lines: Iterable[str | None], *, is_csv: bool) -> str:
    """The separator of most lines; of a line, a tab if it has one, else a space, else a comma."""
    marks = ",;\t" if is_csv else "\t ,"
    counts = Counter(
        next((mark for mark in marks if mark in line), None)
        for line in lines
        if line and line.strip(" \t") and not line.startswith("#")
    )
    return max(marks, key=lambda mark: counts[mark])


def _split_sentences(lines: list[str | None], separator: str, log: ErrorLog) -> tuple[list[Sentence], int]:
    """The sentences, and how many columns most lines have; comments are left out."""
    sentences: list[Sentence] = [[]]
    hashes = {}  # lines that begin with #: comments, or tokens as any other
    for number, line in enumerate(lines, start=1):
        if line is not None and (not line.strip(" \t") or _DOCUMENT.match(line)):
            sentences.append([])
            continue
        if line is not None and line.startswith("#FORMAT=WebAnno"):
            raise DataError(
                f"{log.source}:{number}: expected columns of a token and its tag, found WebAnno TSV; "
                "export it as CoNLL 2002"
            )
        cells = None
        if line is not None and line.startswith("#"):
            hashes[number] = line
        elif line is not None:
            cells = _split_line(line, number, separator, log)
        sentences[-1].append((number, cells))
    split = [cells for sentence in sentences for _, cells in sentence if cells]
    quiet = ErrorLog(log.source)
    others = {number: _split_line(line, number, separator, quiet) for number, line in hashes.items()}
    widths = Counter(len(cells) for cells in split or others.values() if cells and len(cells) > 1)
    width = widths.most_common(1)[0][0] if widths else 2
    known = {cell for cells in split for cell in cells[1:]}
    for number, cells in others.items():
        is_token = cells and len(cells) == width and any(cell in known or _TAG.fullmatch(cell) for cell in cells[1:])
        hashes[number] = cells if is_token else None
    kept = [
        [
            (number, hashes.get(number, cells))
            for number, cells in sentence
            if hashes.get(number, cells) or number not in hashes
        ]
        for sentence in sentences
    ]
    if comments := list(hashes.values()).count(None):
        logger.info("%s: left out %s that begin with #", log.source, counted(comments, "line"))
    return [sentence for sentence in kept if sentence], width


def _take_names(sentences: list[Sentence]) -> list[str]:
    """The names of the columns, if the first line gives them; the line is taken away."""
    cells = sentences[0][0][1] if sentences else None
    names = [cell.strip().lower() for cell in cells or ()]
    if not (_TOKENS.intersection(names[:-1]) and _TAGS.intersection(names[1:])):
        return []
    if not set(names) <= _TOKENS | _TAGS | _SENTENCES | _OTHERS:
        return []
    del sentences[0][0]
    if not sentences[0]:
        del sentences[0]
    return names


def _find_columns(
    sentences: list[Sentence], width: int, names: list[str], tag_column: int | None, log: ErrorLog
) -> tuple[list[Sentence], _Columns]:
    """Which columns hold tokens and tags, by their names or else by what is in them, and the sentences.

    These are cut anew where a column numbers them; lines of CoNLL-U that are no tokens are left out.
    """
    split = [[cells for _, cells in sentence if cells] for sentence in sentences]
    token = next((i for i, name in enumerate(names) if name in _TOKENS), 0)
    number = next((i for i, name in enumerate(names) if name in _SENTENCES), None)
    if not names and width > 2:
        counts = _count_kind([[cells[0] for cells in each] for each in split])
        token, number = int(counts != ""), 0 if counts == "sentences" else None
        if counts == "tokens":
            sentences = [
                [each for each in sentence if not each[1] or each[1][0].isdecimal()] for sentence in sentences
            ]
    if number is not None:
        sentences = _cut_anew(sentences, number)
    if tag_column is not None and not token + 1 < tag_column <= width:
        raise DataError(
            f"{log.source}: expected tags in one of the columns {token + 2} to {width}, "
            f"found --tag_column {tag_column}; name one of them"
        )
    if tag_column is not None:
        tag = tag_column - 1
    elif names:
        tag = next(i for i, name in enumerate(names) if name in _TAGS and i != token)
    else:
        whole = [cells for each in split for cells in each if len(cells) >= width]
        for cells in whole:
            if features := _IN_FEATURES.fullmatch(cells[-1]):
                cells[-1] = features[1]
        tag = _find_tags(whole, width, token, log)
        if width == 2 and _are_tags(whole, 0) and not _are_tags(whole, 1):  # MIT's corpora of films and restaurants
            token, tag = 1, 0
    if (token, tag) != (0, width - 1):
        logger.info("%s: tokens are read from column %d, tags from column %d", log.source, token + 1, tag + 1)
    return [sentence for sentence in sentences if sentence], _Columns(width, token, tag)


def _count_kind(sentences: Sequence[Sequence[str]]) -> str:
    """What the numbers of a first column count: "tokens", of each sentence or of the file, "sentences" or nothing."""
    cells = [cell for sentence in sentences for cell in sentence]
    if not all(_NUMBER.fullmatch(cell) for cell in cells):
        return ""
    pairs = [pair for sentence in sentences for pair in pairwise(cell for cell in sentence if cell.isdecimal())]
    steps = Counter(int(later) - int(earlier) for earlier, later in pairs)
    if steps[1] > 0.9 * steps.total():
        return "tokens"
    return "sentences" if steps[0] + steps[1] == steps.total() > 0 else ""


def _cut_anew(sentences: Iterable[Sentence], column: int) -> list[Sentence]:
    """Sentences that end where their number changes, or is given again behind lines without one."""
    cut: list[Sentence] = []
    for sentence in sentences:
        last = None
        for number, cells in sentence:
            mark = cells[column] if cells and column < len(cells) else ""
            if last is None or (mark and mark != last):
                cut.append([])
                last = mark
            cut[-1].append((number, cells))
    return cut


def _are_tags(lines: Sequence[list[str]], column: int) -> bool:
    """Whether a column has tags alone, and entities among them."""
    values = {cells[column] for cells in lines}
    return all(map(_TAG.fullmatch, values)) and any(value != "O" for value in values)


def _find_tags(lines: Sequence[list[str]], width: int, token: int, log: ErrorLog) -> int:
    """The column of the tags of entities."""
    tagged: dict[int, set[str]] = {}  # the types in columns of tags
    outside = []
    for column in range(token + 1, width):
        counts = Counter(cells[column] for cells in lines)
        fitting = [value for value in counts if _TAG.fullmatch(value)]
        if sum(counts[value] for value in fitting) > 0.9 * counts.total():
            tagged[column] = {value.strip()[2:] for value in fitting} - {""}
        elif counts["O"] > 0.5 * counts.total():
            outside.append(column)
    entities = [column for column, types in tagged.items() if not all(map(_SYNTAX.fullmatch, types))]
    if len(entities) > 1:
        others = ", ".join(str(column + 1) for column in entities[1:])
        logger.warning(
            "%s: tags stand in column %d, which is read, and in %s; --tag_column %d reads another one",
            *(log.source, entities[0] + 1, others, entities[1] + 1),
        )
    empty = [column for column, types in tagged.items() if not types]  # nothing but O
    return [*entities[:1], *empty[::-1], *tagged, *outside, width - 1][0]


def _unglue(rows: list[TaggedRow | None], log: ErrorLog) -> list[TaggedRow | None]:
    """Take the place in its word (0, 1, ...) off each character, if every one of the file has it."""
    unglued, places = [], Counter()
    for row in rows:
        tokens, place = [], -1
        for token in row.tokens if row else ():
            place += 1
            if not token.endswith(str(place)) or len(token) == len(str(place)):
                place = 0  # of the next word
            if not token.endswith(str(place)) or len(token) == len(str(place)):
                return rows
            places[place] += 1
            tokens.append(token.removesuffix(str(place)))
        unglued.append(row and row._replace(tokens=tokens))
    if not places[1]:
        return rows
    first = next(row.number for row in rows if row)
    log.note(first, "token", count=places.total(), done="read without the place in its word, as Weibo's have it")
    return unglued


def _split_line(line: str, number: int, separator: str, log: ErrorLog) -> list[str] | None:
    """Split at the separator alone: other white space is text. A separator doubled at the start is the token."""
    other = {"\t": " ", " ": "\t"}.get(separator)
    if other and other in line and (separator == " " or separator not in line):
        expected, found = _SEPARATOR_NAMES[separator], _SEPARATOR_NAMES[other]
        log.add(
            number,
            f"expected {expected} between the columns as on most lines, found {found}; use one of them throughout",
        )
        return None
    if separator in ",;" and '"' in line:
        try:
            return next(csv.reader([line], delimiter=separator))
        except (csv.Error, StopIteration) as error:
            log.add(
                number,
                f"expected columns apart by {_SEPARATOR_NAMES[separator]}, found: {error}; repair the quotes",
            )
            return None
    if line.startswith(separator * 2):
        token, found, rest = separator, separator, line[2:]
    else:
        token, found, rest = line.partition(separator)
    cells = rest.split(separator) if found else []
    if separator == " ":
        cells = [cell for cell in cells if cell]  # columns may be padded
    return [token, *cells]
