"""Names of columns: which are known as texts, pairs, labels and ids, and which columns of a file are read.

Neither case nor spaces instead of underscores matter: `Sentence 1` is `sentence_1`.
"""

import logging
from collections.abc import Collection, Iterable, Sequence
from os import PathLike
from typing import Any, NamedTuple

from ..data.errors import DataError

logger = logging.getLogger(__name__)

# The first that a file has is taken.
TEXT_KEYS = (
    *("text", "sentence", "content", "headline", "sentence1", "text_a", "premise"),
    *("question1", "question", "query", "abst", "title"),
    *("sentence_1", "sentence_a", "question_1", "text1", "text_1", "query1", "#1_string", "s1", "q1"),
    *("review", "review_text", "comment", "comment_text", "tweet", "message", "post", "utterance", "body"),
    *("passage", "document", "doc", "paragraph", "context", "response"),
    *("文本", "内容", "句子", "评论", "标题", "问题"),
)
PAIR_KEYS = (
    *("text_pair", "sentence2", "text_b", "hypothesis", "question2", "keyword"),
    *("sentence_2", "sentence_b", "question_2", "text2", "text_2", "query2", "#2_string", "s2", "q2"),
)
# Texts that are read together; the first pair that a file has is preferred to single names.
PAIRS = (
    *(("sentence1", "sentence2"), ("sentence_1", "sentence_2"), ("sentence_a", "sentence_b"), ("text_a", "text_b")),
    *(("text1", "text2"), ("text_1", "text_2"), ("question1", "question2"), ("question_1", "question_2")),
    *(("#1_string", "#2_string"), ("s1", "s2"), ("q1", "q2"), ("query1", "query2")),
    *(("premise", "hypothesis"), ("premise", "hypo"), ("sentence", "hypothesis"), ("claim", "evidence")),
    *(("question", "sentence"), ("question", "passage"), ("question", "context"), ("question", "paragraph")),
    *(("question", "document"), ("query", "passage"), ("query", "sentence"), ("query", "document"), ("query", "doc")),
    *(("query", "title"), ("query", "response"), ("context", "response"), ("question", "answer")),
    *(("abst", "keyword"), ("句子1", "句子2"), ("问题1", "问题2"), ("文本1", "文本2"), ("问题", "答案")),
)
LABEL_KEYS = (
    *("label", "labels", "is_sarcastic", "answer", "class", "category", "target"),
    *("gold_label", "is_duplicate", "quality", "sentiment", "polarity", "score", "similarity", "intent", "emotion"),
    *("topic", "rating", "stars", "label_id", "class_id", "标签", "类别", "分类"),
)
ID_KEYS = ("id", "guid", "idx")

PEEKED = 100  # rows that show whether a column holds texts
_TEXT = 20  # characters that texts have at least on average, unlike names


class TextColumns(NamedTuple):
    """Names of columns; for None, known names are looked for."""

    text: str | None = None
    text_pair: str | None = None  # of the second texts; "none" ignores them
    label: str | None = None
    id: str | None = None


KNOWN_COLUMNS = TextColumns()
KNOWN = {*TEXT_KEYS, *PAIR_KEYS, *(name for pair in PAIRS for name in pair), *LABEL_KEYS, *ID_KEYS}
_TEXTS = {*TEXT_KEYS, *PAIR_KEYS, *(name for pair in PAIRS for name in pair)} - {*LABEL_KEYS}


def plain_name(name: str) -> str:
    """A name in the form of the tables above.

    Example:
        >>> plain_name(" Sentence 1")
        'sentence_1'
    """
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def find_name(key: str, names: Iterable[str]) -> str | None:
    """The column of a known name: exactly this one, or else the first that differs only in case and spaces."""
    near = None
    for name in names:
        if name == key:
            return name
        if near is None and plain_name(name) == key:
            near = name
    return near


def is_header(cells: Sequence[str], named: Collection[str] = ()) -> bool:
    """Whether cells are names of columns: those of a text and of another column, or of a text alone.

    `named` are those that the user gave, or that training found.
    """
    cells = [cell.strip() for cell in cells]
    if named and set(named) <= set(cells):
        return True
    known = [cell for cell in cells if cell in named or plain_name(cell) in KNOWN]
    has_text = any(cell in named or is_text_name(cell) for cell in known)
    return has_text and len(known) >= min(len(cells), 2)


def is_text_name(name: str) -> bool:
    """Whether columns of this name usually hold texts."""
    return plain_name(name) in _TEXTS


def choose_pair(names: Sequence[str], *, first: str | None = None) -> tuple[str, str] | None:
    """The two columns that are read together, if there are any; `first` is that of the first text, if it is known
    already.
    """
    for keys in PAIRS:
        found = [find_name(key, names) for key in keys]
        if all(found) and first in (None, found[0]):
            return tuple(found)
    return None


def choose_columns(
    names: Sequence[str],
    columns: TextColumns,
    source: str | PathLike,
    *,
    filled: Collection[str],
    labelled: Collection[str],
    before: TextColumns = KNOWN_COLUMNS,
    needs_label: bool = False,
) -> TextColumns:
    """Choose which columns of a file to read; None for those that the file lacks.

    Args:
        columns: names that the user gave.
        source: what errors call the file.
        filled: the columns that have values.
        labelled: the columns that have values which may be labels.
        before: the columns that an earlier file of the run was read from; preferred to other known names.
        needs_label: the file must have the column of labels that the user names.

    Raises:
        DataError: the file lacks a column that the user names, or has no column of texts.
    """
    found = ", ".join(names) or "none"
    taken: dict[str, str] = {}
    for field, name in columns._asdict().items():
        if name is None or (field == "text_pair" and name == "none"):
            continue
        if name in taken.values():
            raise DataError(f"expected another column for --{field}_column, found {name} a second time; choose one")
        if name in names and (field != "label" or name in labelled):
            taken[field] = name
        elif name not in names and (field != "label" or needs_label):
            raise DataError(
                f"{source}: expected the column {name}, found {found}; name one of these with --{field}_column"
            )

    def take(field: str, keys: Iterable[str | None], among: Collection[str]) -> None:
        if field in taken or getattr(columns, field) is not None:
            return
        free = [name for name in names if name in among and name not in taken.values()]
        earlier = getattr(before, field)
        choices = [earlier if earlier in free else None, *(find_name(key, free) for key in keys)]
        if name := next(filter(None, choices), None):
            taken[field] = name

    take("label", LABEL_KEYS, labelled)
    pair = None
    if columns.text_pair is None and before.text_pair is None:
        free = [name for name in names if name in filled and name not in (taken.get("label"), taken.get("id"))]
        pair = choose_pair(free, first=taken.get("text"))
    if pair and before.text is None:
        taken |= {"text": pair[0], "text_pair": pair[1]}
    take("text", TEXT_KEYS, filled)
    take("text_pair", PAIR_KEYS, filled)
    take("id", ID_KEYS, filled)
    if "text" not in taken:
        raise DataError(
            f"{source}: expected a column of texts ({', '.join(TEXT_KEYS[:12])}, ...), found {found}; "
            "name the columns with --text_column, --text_pair_column, --label_column; "
            "--columns a,b,c names those of a file without a header"
        )
    return TextColumns(**taken)


def warn_of_texts_left_out(
    records: Sequence[dict], names: Sequence[str], taken: TextColumns, source: str | PathLike
) -> None:
    """Warn of columns that also hold texts but are not read."""
    for name in names:
        if name in taken:
            continue
        values = [record.get(name) for record in records[:PEEKED]]
        texts = [value for value in values if isinstance(value, str) and value.strip()]
        if not texts or any(not isinstance(value, str | None) for value in values):
            continue
        if is_text_name(name) or _are_texts(texts):
            second = "" if taken.text_pair else f", or --text_pair_column {name} reads it together with {taken.text}"
            logger.warning(
                "%s: the column %s also holds texts and is left out; --text_column %s reads it instead%s",
                *(source, name, name, second),
            )


def _are_texts(values: Sequence[Any]) -> bool:
    """Whether strings are texts: long, of several words, and rarely repeated."""
    if sum(map(len, values)) < _TEXT * len(values) or len(set(values)) * 2 <= len(values):
        return False
    words = [value for value in values if "://" not in value and (" " in value.strip() or not value.isascii())]
    return len(words) * 2 > len(values)
