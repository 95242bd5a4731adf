"""Which column of a file holds tokens, tags or numbers, by the names of columns or by what is in them."""

import logging
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from ..data.errors import DataError, ErrorLog

logger = logging.getLogger(__name__)

NO_TOKEN = re.compile(r"\d+[-.]\d+")  # 3-4, 3.1: in CoNLL-U the numbers of lines that are not tokens
_NUMBER = re.compile(rf"\d+|{NO_TOKEN.pattern}")
TAG = re.compile(r"\s*(O|[BIESMLUW][-_:].+)\s*")
IN_FEATURES = re.compile(r"(?:.*\|)?(?:name|ner)=([^|]+).*", re.IGNORECASE)  # CoNLL-U's last column in NorNE
# Names of columns in a first line.
_TOKENS = {"token", "tokens", "word", "words", "char", "character", "text"}
_TAGS = {"tag", "tags", "label", "labels", "ner", "ner_tag", "ner_tags", "entity"}
_SENTENCES = {"sentence", "sentence #", "sentence_id", "sentence id", "sent_id", "sentence_idx", "sentence_number"}
_OTHERS = {"pos", "pos_tag", "chunk", "chunk_tag", "lemma", "id", "index", "token_id", ""}
# Labels of phrases and words, which some files tag besides entities: CoNLL-2000 and 2003, Penn Treebanks.
_SYNTAX = re.compile(
    "NP|VP|PP|ADVP|ADJP|SBAR|PRT|INTJ|CONJP|LST|UCP|NC|VC|PC|CC|CD|DT|EX|FW|IN|JJ|JJR|JJS|LS|MD|NN|NNS|NNP|NNPS|PDT|POS|"
    "PRP|RB|RBR|RBS|RP|SYM|TO|UH|VB|VBD|VBG|VBN|VBP|VBZ|WDT|WP|WRB|NR|NT|VA|VE|VV|AD|P|PU|M|OD|DEC|DEG|DEV|DER|LC|PN|"
    "AS|SP|MSP|BA|LB|SB|CS|ETC|IJ|ON"
)

Sentence = list[tuple[int, list[str] | None]]  # line numbers and cells; None if the line's error is already reported


class Columns(NamedTuple):
    """Which columns hold the tokens and the tags, from 0 on."""

    token: int
    tag: int


def take_names(sentences: list[Sentence]) -> list[str]:
    """The names of the columns, if the first line gives them; that line is removed."""
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


def find_columns(
    sentences: list[Sentence], width: int, names: list[str], tag_column: int | None, log: ErrorLog
) -> tuple[list[Sentence], Columns]:
    """The sentences, and which columns hold tokens and tags, by their names or else by their content.

    Sentences are split anew if a column numbers them; lines of CoNLL-U that are not tokens are left out.
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
            f"found --tag_column {tag_column}; choose one of them"
        )
    if tag_column is not None:
        tag = tag_column - 1
    elif names:
        tag = next(i for i, name in enumerate(names) if name in _TAGS and i != token)
    else:
        whole = [cells for each in split for cells in each if len(cells) >= width]
        for cells in whole:
            if features := IN_FEATURES.fullmatch(cells[-1]):
                cells[-1] = features[1]
        tag = _find_tags(whole, width, token, log)
        if width == 2 and _are_tags(whole, 0) and not _are_tags(whole, 1):  # MIT's corpora of films and restaurants
            token, tag = 1, 0
    if (token, tag) != (0, width - 1):
        logger.info("%s: tokens are read from column %d, tags from column %d", log.source, token + 1, tag + 1)
    return [sentence for sentence in sentences if sentence], Columns(token, tag)


def _count_kind(sentences: Sequence[Sequence[str]]) -> str:
    """What the numbers of a first column count: "tokens" of a sentence or the file, "sentences", or ""."""
    cells = [cell for sentence in sentences for cell in sentence]
    if not all(_NUMBER.fullmatch(cell) for cell in cells):
        return ""
    pairs = [pair for sentence in sentences for pair in pairwise(cell for cell in sentence if cell.isdecimal())]
    steps = Counter(int(later) - int(earlier) for earlier, later in pairs)
    if steps[1] > 0.9 * steps.total():
        return "tokens"
    return "sentences" if steps[0] + steps[1] == steps.total() > 0 else ""


def _cut_anew(sentences: Iterable[Sentence], column: int) -> list[Sentence]:
    """Sentences that end where their number changes; lines without a number continue the sentence."""
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
    """Whether a column holds nothing but tags, some of them of entities."""
    values = {cells[column] for cells in lines}
    return all(map(TAG.fullmatch, values)) and any(value != "O" for value in values)


def _find_tags(lines: Sequence[list[str]], width: int, token: int, log: ErrorLog) -> int:
    """The column of the tags of entities."""
    tagged: dict[int, set[str]] = {}  # the types in columns of tags
    outside = []
    for column in range(token + 1, width):
        counts = Counter(cells[column] for cells in lines)
        fitting = [value for value in counts if TAG.fullmatch(value)]
        if sum(counts[value] for value in fitting) > 0.9 * counts.total():
            tagged[column] = {value.strip()[2:] for value in fitting} - {""}
        elif counts["O"] > 0.5 * counts.total():
            outside.append(column)
    entities = [column for column, types in tagged.items() if not all(map(_SYNTAX.fullmatch, types))]
    if len(entities) > 1:
        others = ", ".join(str(column + 1) for column in entities[1:])
        logger.warning(
            "%s: tags are in column %d, which is read, and in %s; --tag_column %d reads another one",
            *(log.source, entities[0] + 1, others, entities[1] + 1),
        )
    empty = [column for column, types in tagged.items() if not types]  # nothing but O
    return [*entities[:1], *empty[::-1], *tagged, *outside, width - 1][0]
