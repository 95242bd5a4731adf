r"""The form of a file of texts: JSON, a table, or lines without a header, whose fields go by number and content.

Data sets whose files have no header and more than three fields are recognised by their shape: to add one, add a line
to `SHAPES`.
"""

import logging
import re
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from ..data.errors import DataError
from ..files.json_records import begin_as_json
from ..files.table_cells import first_cells, name_separators, read_cells, separator_line, shows_quoting, usual_width
from .column_names import is_header
from .remembered_reading import ANYTHING, Reading, TextForm

logger = logging.getLogger(__name__)

JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
FILE_FORMATS = ("csv", "tsv", "json", "parquet", "tab", "marked", "faq")
MARK = "_!_"
REST = "*"  # as the last name of a field: any number of further fields
NOTHING = "_"  # a field that is ignored

SAMPLE = 2000  # lines that show how a file is written
_FEW = 8  # lines; with fewer, the values of a field do not show what it is
_SCORE = r"-?\d+(\.\d+)?"


class Shape(NamedTuple):
    """A file without a header that is recognised by the content of its fields."""

    name: str  # of the data set
    separator: str
    fields: tuple[str, ...]  # their names; `_` is ignored, `*` at the end stands for any number
    patterns: dict[int, str]  # number of a field -> what all its values match


SHAPES = (
    Shape("CoLA", "\t", (NOTHING, "label", NOTHING, "text"), {1: "[01]", 2: r"\*?"}),
    Shape(
        "the STS benchmark",
        "\t",
        (NOTHING, NOTHING, NOTHING, NOTHING, "label", "text", "text_pair", REST),
        {2: r"[\w-]*\d{4}[\w-]*", 4: _SCORE},
    ),
    Shape("the Chinese STS benchmark", "||", (NOTHING, "text", "text_pair", "label"), {0: r"\S+", 3: _SCORE}),
)

# Names of the fields of other lines, by how many there are: in training, and in inputs of one text or of two.
FIELDS = {1: ("text",), 2: ("text", "label"), 3: ("text", "text_pair", "label")}
SINGLE_FIELDS = {1: ("text",), 2: ("text", "label")}
PAIR_FIELDS = {2: ("text", "text_pair"), 3: ("text", "text_pair", "label")}
_TOUTIAO = {5: ("id", "code", "label", "text", "keywords")}  # news titles, with marks between the fields


def find_form(
    lines: Sequence[str | None],
    name: str,
    reading: Reading = ANYTHING,
    *,
    by_width: dict[int, tuple[str, ...]] = FIELDS,
) -> TextForm:
    """Find the form by the user's options, else by the extension and the first line that is not blank, else by all.

    Args:
        lines: of the file, or its first ones, as `text_lines.read_lines` gives them.
        name: name of the file, in lower case, without ".gz".
        reading: what is known about the file. A file without a header is read like the earlier one if possible.
        by_width: names of the fields of lines without a header, by their number.

    Raises:
        DataError: the user's options do not fit the file.
    """
    sample = [line for line in lines[:SAMPLE] if line and line.strip()]
    first = sample[0] if sample else ""
    auto = reading.file_format == "auto"
    if reading.file_format in ("faq", "plain"):
        _refuse_names(reading, f"--file_format {reading.file_format}")
        return TextForm(reading.file_format)
    if not sample and auto:
        return TextForm("json" if name.endswith(JSON_SUFFIXES) else "plain")
    if reading.file_format == "json" or (auto and (name.endswith(JSON_SUFFIXES) or begin_as_json(sample))):
        _refuse_names(reading, "JSON")
        return TextForm("json")
    told = reading.separator or {"csv": ",", "tsv": "\t", "tab": "\t", "marked": MARK}.get(reading.file_format)
    if by_file := separator_line(first):
        told, sample, first = told or by_file, sample[1:], next(iter(sample[1:]), "")
    if reading.fields:
        return _named_fields(sample, first, name, told, reading.fields)
    if reading.file_format in ("csv", "tsv"):
        return TextForm("table", told, quoted=_is_quoted(lines, told))
    before = reading.form
    if auto:
        earlier = [before.separator] if before and before.kind == "table" else []
        for one in (told,) if told else dict.fromkeys([*earlier, *_separators(name)]):
            cells = first_cells(first, one)
            if is_header(cells, reading.named) and (
                len(cells) > 1 or _is_heading(cells[0], name, reading.named, sample)
            ):
                return TextForm("table", one, quoted=_is_quoted(lines, one))
    if before and told in (None, before.separator) and (form := _as_before(sample, before)):
        return form
    if auto and (form := _known_shape(sample, told, pairs=any("text_pair" in names for names in by_width.values()))):
        return form
    if auto and (by_file or (name.endswith(".csv") and told in (None, ","))):
        return TextForm("table", told or ",", quoted=True)
    if auto and reading.plain == "plain" and not told:
        return TextForm("table", "\t") if name.endswith(".tsv") else TextForm("plain")
    if auto and reading.plain == "faq" and not told and MARK not in first:
        form = _usual_fields(sample, "\t", name, SINGLE_FIELDS)
        if form.fields != ("text", "label") or len(sample) < _FEW:
            begin = sum(line.split(maxsplit=1)[0] in reading.answers for line in sample)
            return TextForm("faq" if not reading.answers or begin * 2 > len(sample) else "plain")
        return form
    separator = told or (MARK if MARK in first else "\t")
    return _usual_fields(sample, separator, name, by_width | (_TOUTIAO if separator == MARK else {}))


def expected_fields(separator: str, by_width: dict[int, tuple[str, ...]] = FIELDS) -> str:
    """How many fields a line without a header may have, in words."""
    counts = [width for width in by_width | (_TOUTIAO if separator == MARK else {}) if width > 1 or separator != MARK]
    return ", ".join(map(str, counts[:-1])) + f" or {counts[-1]}"


def _is_heading(cell: str, name: str, named: Collection[str], sample: Sequence[str]) -> bool:
    """Whether a first line without a separator names the texts below it, where lines may be texts."""
    return name.endswith((".csv", ".tsv")) or cell in named or (cell in ("text", "sentence") and len(sample) > 1)


def _separators(name: str) -> tuple[str, ...]:
    return (",", ";", "\t", "||", "|") if name.endswith(".csv") else ("\t", ",", ";", "||", "|")


def _refuse_names(reading: Reading, found: str) -> None:
    for option, given in (("columns", reading.fields), ("separator", reading.separator)):
        if given:
            raise DataError(f"--{option}: expected a file with fields, found {found}; leave the option out")


def _named_fields(sample: Sequence[str], first: str, name: str, told: str | None, fields: tuple[str, ...]) -> TextForm:
    """A file without a header whose columns the user names."""
    if told is None:
        width = len(fields) - (fields[-1] == REST)
        usual = (*_separators(name), MARK)
        counts = {one: sum(len(first_cells(line, one)) == width for line in sample) for one in usual}
        told = max(usual, key=lambda one: counts[one])
    cells = first_cells(first, told)
    if is_header(cells):
        raise DataError(
            f"--columns: expected a file without a header, found one ({', '.join(cells)}); leave it out, or name the "
            "columns with --text_column, --text_pair_column, --label_column"
        )
    return TextForm("fields", told, fields, _is_quoted(sample, told), told=True)


def _is_quoted(lines: Sequence[str | None], separator: str) -> bool:
    return separator in (",", ";") or shows_quoting(lines[:SAMPLE], separator)


def _as_before(sample: Sequence[str], before: TextForm) -> TextForm | None:
    """The form of an earlier file without a header, if most lines have as many fields, with the label or without."""
    if before.kind != "fields":
        return None
    rows = [cells for _, cells in read_cells(sample, before.separator, quoted=before.quoted)]
    width, _ = usual_width(rows)
    open_ended = before.fields[-1:] == (REST,)
    if before.fields and (width >= len(before.fields) - 1 if open_ended else width == len(before.fields)):
        return before
    unlabelled = tuple(field for field in before.fields if field != "label")
    if before.separator in sample[0] and width == len(unlabelled) < len(before.fields):
        return before._replace(fields=unlabelled)
    return None


def _known_shape(sample: Sequence[str], separator: str | None, *, pairs: bool) -> TextForm | None:
    """The form of the data set whose shape nearly all lines have; of those of pairs only if `pairs` is True."""
    for shape in SHAPES:
        if separator not in (None, shape.separator) or ("text_pair" in shape.fields and not pairs):
            continue
        fields = tuple(field for field in shape.fields if field != REST)
        patterns = {place: re.compile(pattern) for place, pattern in shape.patterns.items()}
        fitting = 0
        for line in sample:
            cells = line.split(shape.separator)
            wide_enough = len(cells) == len(fields) or (len(cells) > len(fields) < len(shape.fields))
            fitting += wide_enough and all(patterns[place].fullmatch(cells[place]) for place in patterns)
        if sample and fitting * 100 >= 95 * len(sample):
            logger.info("read as a file of %s: %s", shape.name, _describe(shape.separator, shape.fields))
            return TextForm("fields", shape.separator, shape.fields)
    return None


def _usual_fields(sample: Sequence[str], separator: str, name: str, by_width: dict[int, tuple[str, ...]]) -> TextForm:
    """The form of lines with a few fields, or with more whose names are unknown."""
    quoted = _is_quoted(sample, separator)
    rows = [cells for _, cells in read_cells(sample, separator, quoted=quoted) if isinstance(cells, list)]
    width, _ = usual_width(cells for cells in rows if len(cells) in by_width)
    rows = [cells for cells in rows if len(cells) == width]
    usual = fields = by_width.get(width, ())
    if usual == FIELDS.get(width) and width > 1:
        fields = _order_fields(rows)
    if fields != usual:
        logger.info(
            "%s: the fields are read as %s, judging by their content; --columns gives other names",
            name,
            _describe(separator, fields),
        )
    return TextForm("fields", separator, fields, quoted and width > 1)


def _order_fields(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The names of two or three fields: the label is the one with few values; the last unless exactly one is."""
    width = len(rows[0])
    usual = FIELDS[width]
    if len(rows) < _FEW:
        return usual
    columns = list(zip(*rows, strict=True))
    counts = [len(set(column)) for column in columns]
    is_class = [count * 2 <= len(rows) for count in counts]
    numbers = [all(re.fullmatch(_SCORE, cell.strip()) for cell in column) for column in columns]
    if width == 2:
        first = is_class[0] and (not is_class[1] or counts[0] * 4 < counts[1])
        return ("label", "text") if first and not numbers[1] else usual
    is_id = counts[0] == len(rows) and all(re.fullmatch(r"[\w.-]*\d[\w.-]*", cell, re.ASCII) for cell in columns[0])
    if is_class[2] or numbers[2]:
        return ("id", "text", "label") if is_id else usual
    if is_class[0]:
        return ("label", "text", "text_pair")
    return ("id", "label", "text") if is_class[1] and is_id else usual


def _describe(separator: str, fields: Iterable[str]) -> str:
    shown = ", ".join({NOTHING: "(ignored)", REST: "(further fields)"}.get(field, field) for field in fields)
    return f"{shown}, separated by {name_separators(separator)}"
