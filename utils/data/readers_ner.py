"""Texts with entities, from files, the Hub and saved data sets, always as the columns `id`, `text` and `entities`.

| file_format | a row |
|---|---|
| cluener | `{"text": "...", "label": {type: {word: [[start, end inclusive], ...]}}}` |
| spans | `{"text": "...", "entities": [{"start": 0, "end": 2, "label": "PER"}]}` or `"label": [[0, 2, "PER"]]` |
| tokens | `{"tokens": [...], "ner_tags": [...]}` (or `tags`, `labels`); also parquet |
| columns | lines of a token and its tag, apart by a space, a tab or (CSV) a comma, up to a blank line |

The first three are JSON lines or one JSON array, with an optional `id`; ends are exclusive except in cluener. Of more
than two columns the first and the last count. Every file may be gzipped. Any fault in a file is a `DataError`.
"""

import csv
import json
import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import datasets
import pyarrow
import pyarrow.parquet
from datasets import Dataset, DatasetDict, Features, Value

from .errors import DataError, ErrorLog, counted, read_bytes, read_lines
from .tag_schemes import READABLE, Span, detect_scheme, find_broken_tags, tags_to_spans

logger = logging.getLogger(__name__)

FILE_FORMATS = ("cluener", "spans", "columns", "tokens")
TEXT_KEYS = ("text", "sentence", "content")
TAG_KEYS = ("ner_tags", "tags", "labels")
FEATURES = Features(
    {
        "id": Value("string"),
        "text": Value("string"),
        "entities": [{"start": Value("int64"), "end": Value("int64"), "label": Value("string")}],
    }
)

# Scripts that are written without spaces: CJK punctuation, kana, Han, full-width forms, Han beyond the basic plane.
_CJK = re.compile("[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
_JSON_HEAD = re.compile(r'\s*(\{\s*["}]|\[\s*([{\]]|$))')
_JSON_SPACE = re.compile(r"[ \t\n\r]*")
_SEPARATOR_NAMES = {"\t": "a tab", " ": "a space", ",": "a comma"}

Report = Callable[[str], None]


class Row(NamedTuple):
    """A row that was read: `spans` are character offsets into `text`, None for a row without labels."""

    number: int  # of the line in the file, or of the row in the data set
    id: str | None
    text: str
    spans: list[Span] | None


class TaggedRow(NamedTuple):
    """A row of tokens; `tags` None for a row without labels."""

    number: int
    id: str | None
    tokens: list[str]
    tags: list[str] | None


def read_ner(
    path: str | PathLike,
    *,
    file_format: str = "auto",
    scheme: str = "auto",
    skip_bad_lines: bool = False,
    entity_types: Collection[str] | None = None,
) -> Dataset:
    """Read a file of texts with entities.

    Texts are taken as they are, not stripped. Tokens are joined without a space if more than half of them are single
    characters or more than half of their characters are CJK, over the whole file; else with one space.

    Args:
        path: the file; `.parquet` holds `tokens` and tags, or `text` and `entities`.
        file_format: one of `FILE_FORMATS`, or "auto" to go by extension and content.
        scheme: of tags: a key of `tag_schemes.READABLE`, or "auto" for the one that fits best.
        skip_bad_lines: leave rows with errors out, and log how many, instead of raising.
        entity_types: the labels that are allowed, as those of the training file; None allows all.

    Returns:
        Columns `id` (the row number from "0" on, where the file gives none), `text`, and `entities` sorted by place,
        without duplicates; entities may overlap. Where no row has labels at all, each has no entities.

    Raises:
        DataError: the file cannot be read, or has errors; the first 20 are shown.
    """
    _check_options(file_format, scheme)
    options = {"skip_bad_lines": skip_bad_lines, "entity_types": entity_types}
    name = Path(path).name.lower().removesuffix(".gz")
    if name.endswith(".parquet"):
        return read_ner_dataset(_read_parquet(path), source=path, scheme=scheme, **options)

    log = ErrorLog(path)
    lines = read_lines(path, log)
    first_line = next((line for line in lines if line and line.strip()), "")
    json_name = name.endswith((".json", ".jsonl", ".ndjson"))
    if file_format == "columns" or (file_format == "auto" and not json_name and not _JSON_HEAD.match(first_line)):
        rows = _parse_columns(lines, log, is_csv=name.endswith(".csv"))
        return _to_dataset(_untag(rows, scheme, log, one_line_a_tag=True), log, **options)
    if first_line.lstrip().startswith("["):
        records = _array_records(lines, log)
    else:
        records = _line_records(lines, log)
    return _from_records(records, log, file_format=file_format, scheme=scheme, **options)


def read_ner_dataset(
    dataset: Dataset,
    *,
    scheme: str = "auto",
    skip_bad_lines: bool = False,
    entity_types: Collection[str] | None = None,
    source: str | PathLike = "dataset",
) -> Dataset:
    """Turn a loaded data set into the columns `id`, `text`, `entities`.

    Args:
        dataset: `text` (or `sentence`, `content`) with `entities`, or `tokens` with `ner_tags` (or `tags`, `labels`),
            which are strings or ints with `ClassLabel` names.
        scheme, skip_bad_lines, entity_types: as in `read_ner`.
        source: what errors call the data set.

    Returns:
        As `read_ner`.

    Raises:
        DataError: columns are missing, or rows have errors.
    """
    _check_options("auto", scheme)
    columns = dataset.column_names
    text_key = next((key for key in TEXT_KEYS if key in columns), None)
    tag_key = next((key for key in TAG_KEYS if key in columns), None)
    use_tokens = "tokens" in columns and "entities" not in columns
    if not use_tokens and text_key is None:
        raise DataError(
            f"{source}: expected the columns text and entities, or tokens and ner_tags, "
            f"found {', '.join(columns) or 'none'}; rename them"
        )
    if len(dataset) == 0:
        raise DataError(f"{source}: expected rows, found none; check how the data set was made")

    if use_tokens:
        renamed = {"tokens": "tokens", tag_key: "tags", "id": "id"}
    else:
        renamed = {text_key: "text", "entities": "entities", "id": "id"}
    keys = [key for key in renamed if key in columns]
    names = getattr(getattr(dataset.features.get(tag_key), "feature", None), "names", None) if use_tokens else None
    log = ErrorLog(source, unit="row")
    records = []
    for number, row in enumerate(dataset.with_format(None).select_columns(keys), start=1):
        record = {renamed[key]: row[key] for key in keys if row[key] is not None}
        if names and set(record.get("tags", ())) == {-1}:  # how the Hub marks hidden labels
            del record["tags"]
        elif names and "tags" in record:
            record["tags"] = [_name_of(tag, names) for tag in record["tags"]]
        if isinstance(record.get("entities"), dict):  # a Sequence of dicts comes back as a dict of lists
            parts = record["entities"]
            record["entities"] = [
                dict(zip(parts, values, strict=False)) for values in zip(*parts.values(), strict=False)
            ]
        records.append((number, record))
    return _from_records(
        records,
        log,
        file_format="tokens" if use_tokens else "spans",
        scheme=scheme,
        skip_bad_lines=skip_bad_lines,
        entity_types=entity_types,
    )


def load_ner(
    name_or_path: str, config_name: str | None = None, *, scheme: str = "auto", skip_bad_lines: bool = False
) -> dict[str, Dataset]:
    """Load a data set, and turn each of its splits into the columns `id`, `text`, `entities`.

    Args:
        name_or_path: a `save_to_disk` directory (a single data set becomes the split "train"), a folder of data files,
            or a name on the Hub.
        config_name: which of a data set's configurations.
        scheme, skip_bad_lines: as in `read_ner`.

    Returns:
        What `read_ner_dataset` makes of each split, by name. Where there is a split "train", only its labels are allowed.

    Raises:
        DataError: it cannot be loaded, and the message says what to do; or rows have errors.
    """
    if os.path.isfile(name_or_path):
        raise DataError(
            f"{name_or_path}: expected a directory or a name on the Hub, found a file; give it as the train file"
        )
    try:
        if any(os.path.isfile(os.path.join(name_or_path, name)) for name in ("state.json", "dataset_dict.json")):
            loaded = datasets.load_from_disk(name_or_path)
        else:
            loaded = datasets.load_dataset(name_or_path, config_name)
    except Exception as error:  # what loading may raise is no closed list: the network, the Hub, the builder, Arrow
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        offline = datasets.config.HF_HUB_OFFLINE or datasets.config.HF_DATASETS_OFFLINE
        raise DataError(
            f"{name_or_path}: expected a data set on disk or on the Hub, found: {reason}; "
            + (
                "this run is offline: load it once with network, or "
                if offline
                else "check the name and the network, or "
            )
            + "download it, save_to_disk() it and give that directory"
        ) from error
    splits = dict(loaded) if isinstance(loaded, DatasetDict) else {"train": loaded}
    entity_types = None
    for split in sorted(splits, key=lambda name: name != "train"):
        splits[split] = read_ner_dataset(
            splits[split],
            scheme=scheme,
            skip_bad_lines=skip_bad_lines,
            entity_types=entity_types,
            source=f"{name_or_path}, {split}",
        )
        if split == "train":
            entity_types = {entity["label"] for entities in splits[split]["entities"] for entity in entities}
    return splits


def _check_options(file_format: str, scheme: str) -> None:
    for what, value, known in (("file format", file_format, FILE_FORMATS), ("tag scheme", scheme, tuple(READABLE))):
        if value not in ("auto", *known):
            raise DataError(f"expected the {what} auto, {', '.join(known)}, found {value}; choose one of these")


def _read_parquet(path: str | PathLike) -> Dataset:
    raw = read_bytes(path)
    try:
        table = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(raw)).read()
        table.validate(full=True)
        return Dataset(table)
    except Exception as error:  # damaged bytes raise whatever the decoder and the stored schema met first
        reason = str(error).split("\n")[0]
        raise DataError(f"{path}: expected a parquet file, found: {reason}; write or copy it again") from error


# JSON records


def _line_records(lines: Iterable[str | None], log: ErrorLog) -> Iterator[tuple[int, Any]]:
    """Yield the line number and the object of each line; None for one that has no JSON object."""
    for number, line in enumerate(lines, start=1):
        record = None
        if line is not None:
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                log.add(
                    number, f"expected a JSON object on one line, found no JSON: {_reason(error)}; repair the line"
                )
            else:
                record = _check_object(record, number, log)
        yield number, record


def _array_records(lines: list[str | None], log: ErrorLog) -> Iterator[tuple[int, Any]]:
    """Yield the line number and the object of each element of a JSON array; None for one that is no object."""
    log.finish(skip_bad_lines=False)  # an array with a hole cannot be read on
    text = "\n".join(line or "" for line in lines)
    decoder = json.JSONDecoder()
    number, counted_to = 1, 0
    position = _JSON_SPACE.match(text, text.index("[") + 1).end()
    is_first = True
    while True:
        number += text.count("\n", counted_to, position)
        counted_to = position
        try:
            if is_first and text.startswith("]", position):
                break
            record, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            log.add(number, f"expected a JSON object in the array, found no JSON: {_reason(error)}; repair the array")
            log.finish(skip_bad_lines=False)
        yield number, _check_object(record, number, log)
        is_first = False
        position = _JSON_SPACE.match(text, position).end()
        if not text.startswith(",", position):
            break
        position = _JSON_SPACE.match(text, position + 1).end()
    number += text.count("\n", counted_to, position)
    rest = text[position:].rstrip(" \t\r\n")
    if rest != "]":
        found = _show(rest[:20]) if rest else "the end of the file"
        log.add(number, f"expected a comma or ] to end the array, found {found}; repair the array")
        log.finish(skip_bad_lines=False)


def _check_object(record: Any, number: int, log: ErrorLog) -> dict | None:
    if isinstance(record, dict):
        return record
    log.add(number, f"expected a JSON object, found {_show(record)}; write each row as {{...}}")
    return None


def _from_records(
    records: Iterable[tuple[int, dict | None]], log: ErrorLog, *, file_format: str, scheme: str, **options
) -> Dataset:
    records = list(records)
    if file_format == "auto":
        file_format = _json_format(record for _, record in records if record)
    parse = {"cluener": _parse_cluener, "spans": _parse_spans, "tokens": _parse_tokens}[file_format]
    rows = []
    for number, record in records:
        errors_before = len(log)
        row = None
        if record is not None:
            row = parse(record, number, lambda message, number=number: log.add(number, message))
        rows.append(row if len(log) == errors_before else None)
    if file_format == "tokens":
        rows = _untag(rows, scheme, log, one_line_a_tag=False)
    return _to_dataset(rows, log, **options)


def _json_format(records: Iterable[dict]) -> str:
    """Go by the first record that tells."""
    for record in records:
        if "tokens" in record:
            return "tokens"
        if isinstance(record.get("label"), dict):
            return "cluener"
        if isinstance(record.get("entities"), list) or isinstance(record.get("label"), list):
            return "spans"
    return "spans"


def _parse_cluener(record: dict, number: int, report: Report) -> Row:
    text = _text_of(record, report)
    spans = None
    if "label" in record:
        spans = []
        for label, words in _dict_of(
            record["label"], '"label"', "{type: {word: [[start, end], ...]}}", report
        ).items():
            form = "{word: [[start, end], ...]}"
            for word, places in _dict_of(words, f"under {_show(label)}", form, report).items():
                if not isinstance(places, list) or not all(
                    isinstance(place, list) and len(place) == 2 for place in places
                ):
                    report(f"expected [[start, end], ...] under {_show(word)}, found {_show(places)}; write them so")
                    continue
                for start, end in places:
                    _add_span(spans, text, start, end, label, report, word=word, inclusive=True)
    return Row(number, _id_of(record, report), text, spans)


def _parse_spans(record: dict, number: int, report: Report) -> Row:
    text = _text_of(record, report)
    key = "entities" if "entities" in record else "label"
    entities = record.get(key)
    spans = None
    if key in record and not isinstance(entities, list):
        report(f'expected a list under "{key}", found {_show(entities)}; write [] for no entities')
    elif key in record:
        spans = []
        for entity in entities:
            if isinstance(entity, dict) and {"start", "end", "label"} <= entity.keys():
                word = entity.get("text", entity.get("word"))
                _add_span(spans, text, entity["start"], entity["end"], entity["label"], report, word=word)
            elif isinstance(entity, list) and len(entity) == 3:
                _add_span(spans, text, *entity, report)
            else:
                report(
                    f'expected {{"start", "end", "label"}} or [start, end, label], found {_show(entity)}; write it so'
                )
    return Row(number, _id_of(record, report), text, spans)


def _parse_tokens(record: dict, number: int, report: Report) -> TaggedRow:
    tokens = record.get("tokens")
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        report(f'expected "tokens": a list of strings, found {_show(tokens)}; write them so')
        tokens = []
    elif not tokens or "" in tokens:
        report(f"expected tokens that are not empty, found {_show(tokens)}; remove what is empty, with its tag")
    elif not _is_unicode("".join(tokens)):
        report("expected tokens in Unicode, found half of a surrogate pair; repair the escapes")
    key = next((key for key in TAG_KEYS if key in record), None)
    tags = record[key] if key else None
    if key and (not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags)):
        report(f'expected "{key}": a list of strings, found {_show(tags)}; write tags by name, as "B-PER"')
    elif key and len(tags) != len(tokens):
        report(f"expected a tag for each token, found {len(tokens)} tokens and {len(tags)} tags; make them equal")
    return TaggedRow(number, _id_of(record, report), tokens, tags)


def _text_of(record: dict, report: Report) -> str:
    text = record.get("text")
    if not isinstance(text, str):
        report(f'expected "text": a string, found {_show(text) if "text" in record else "no such key"}; add the text')
        return ""
    if not text:
        report('expected "text" that is not empty, found ""; delete the row')
    elif not _is_unicode(text):
        report("expected text in Unicode, found half of a surrogate pair; repair the escapes")
    return text


def _id_of(record: dict, report: Report) -> str | None:
    given = record.get("id")
    if given is None or (isinstance(given, str) and _is_unicode(given)):
        return given
    if isinstance(given, int) and not isinstance(given, bool) and abs(given) < 2**63:
        return str(given)
    report(f'expected "id": a string or an integer, found {_show(given)}; write it so, or leave it out')
    return None


def _dict_of(value: Any, where: str, form: str, report: Report) -> dict:
    if isinstance(value, dict):
        return value
    report(f"expected {form} {where}, found {_show(value)}; write {{}} for no entities")
    return {}


def _add_span(
    spans: list[Span],
    text: str,
    start: Any,
    end: Any,
    label: Any,
    report: Report,
    *,
    word: Any = None,
    inclusive: bool = False,
) -> None:
    """Check an entity and append it to `spans`, or report what is wrong with it."""
    if not text:  # has its own error
        return
    if not isinstance(label, str) or not label or not _is_unicode(label):
        report(f"expected a label that is a name, found {_show(label)}; name the entity type")
        return
    what = f"the {label} entity"
    place = _show([start, end])
    if type(start) is not int or type(end) is not int:
        report(f"expected integer offsets of {what}, found {place}; count characters from 0")
        return
    stop = end + 1 if inclusive else end
    if start >= stop:
        kind = "start <= end, end inclusive," if inclusive else "start < end, end exclusive,"
        report(f"expected {kind} of {what}, found {place}; correct the offsets")
        return
    if start < 0 or stop > len(text):
        kind = "inclusive" if inclusive else "exclusive"
        report(
            f"expected {what} inside the text of {counted(len(text), 'character')}, found {place}, end {kind}; "
            "correct the offsets"
        )
        return
    if word is not None and text[start:stop] != word:
        found, repair = _show(text[start:stop]), _whereabouts(word, text, inclusive)
        report(f"expected {_show(word)} at {place} for {what}, found {found}; {repair}")
        return
    spans.append((start, stop, label))


def _whereabouts(word: Any, text: str, inclusive: bool) -> str:
    if not isinstance(word, str) or not word or word not in text:
        return "the text has no such word: correct the word or the text"
    places = [match.start() for match in re.finditer(re.escape(word), text)]
    shown = ", ".join(str([place, place + len(word) - inclusive]) for place in places[:3])
    return f"the word is at {shown}: correct the offsets"


# Column files


def _parse_columns(lines: list[str | None], log: ErrorLog, *, is_csv: bool) -> list[TaggedRow | None]:
    separator = "," if is_csv else _find_separator(lines)
    widths = Counter()
    sentences: list[list[tuple[int, list[str] | None]]] = [[]]
    for number, line in enumerate(lines, start=1):
        if line is not None and (not line.strip(" \t") or line.startswith("-DOCSTART-")):
            if sentences[-1]:
                sentences.append([])
            continue
        cells = _split_line(line, number, separator, log) if line is not None else None
        sentences[-1].append((number, cells))
        if cells and len(cells) > 1:
            widths[len(cells)] += 1
    width = widths.most_common(1)[0][0] if widths else 2

    rows = []
    for sentence in filter(None, sentences):
        is_whole = True
        for number, cells in sentence:
            if cells is None:
                is_whole = False
            elif len(cells) != width:
                is_whole = False
                log.add(
                    number,
                    f"expected {width} columns apart by {_SEPARATOR_NAMES[separator]}, found {len(cells)}: "
                    f"{_show(separator.join(cells))}; write a token and its tag",
                )
            elif not cells[0] or not cells[-1]:
                is_whole = False
                log.add(
                    number,
                    f"expected a token and its tag, found {_show(separator.join(cells))}; fill the empty column",
                )
        if is_whole:
            tokens, tags = [cells[0] for _, cells in sentence], [cells[-1] for _, cells in sentence]
            rows.append(TaggedRow(sentence[0][0], None, tokens, tags))
        else:
            rows.append(None)
    if not rows:
        raise DataError(f"{log.source}: expected sentences, found only -DOCSTART- lines; check how it was written")
    return rows


def _find_separator(lines: Iterable[str | None]) -> str:
    """The separator of most lines; of a line, a tab if it has one, else a space, else a comma."""
    counts = Counter(
        next((mark for mark in "\t ," if mark in line), None) for line in lines if line and line.strip(" \t")
    )
    return max("\t ,", key=lambda mark: counts[mark])


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
    if separator == "," and '"' in line:
        try:
            return next(csv.reader([line]))
        except (csv.Error, StopIteration) as error:
            log.add(number, f"expected columns apart by a comma, found: {error}; repair the quotes")
            return None
    if line.startswith(separator * 2):
        token, found, rest = separator, separator, line[2:]
    else:
        token, found, rest = line.partition(separator)
    cells = rest.split(separator) if found else []
    if separator == " ":
        cells = [cell for cell in cells if cell]  # columns may be padded
    return [token, *cells]


# From tags and spans to the data set


def _untag(rows: Sequence[TaggedRow | None], scheme: str, log: ErrorLog, *, one_line_a_tag: bool) -> list[Row | None]:
    """Turn tags into character spans, and report those that break their scheme."""
    whole = [row for row in rows if row]
    if scheme == "auto":
        scheme = detect_scheme(row.tags for row in whole if row.tags)
        logger.info("%s: the tags are read as %s", log.source, scheme)
    joiner = "" if _is_unspaced([row.tokens for row in whole]) else " "
    untagged: list[Row | None] = []
    for row in rows:
        if row is None:
            untagged.append(None)
            continue
        broken = find_broken_tags(row.tags or [], scheme=scheme)
        for index, message in broken:
            number = row.number + index if one_line_a_tag else row.number
            place = "" if one_line_a_tag else f"tag {index + 1}: "
            log.add(number, f"{place}{message}; correct the tag, or name the scheme if it is not {scheme}")
        if broken:
            untagged.append(None)
            continue
        starts, position = [], 0
        for token in row.tokens:
            starts.append(position)
            position += len(token) + len(joiner)
        spans = None
        if row.tags is not None:
            spans = [
                (starts[start], starts[end - 1] + len(row.tokens[end - 1]), label)
                for start, end, label in tags_to_spans(row.tags, scheme=scheme)
            ]
        untagged.append(Row(row.number, row.id, joiner.join(row.tokens), spans))
    return untagged


def _is_unspaced(sentences: Iterable[list[str]]) -> bool:
    """True if more than half of the tokens are single characters, or more than half of their characters are CJK."""
    lengths = Counter()
    cjk = 0
    for tokens in sentences:
        lengths.update(map(len, tokens))
        cjk += len(_CJK.findall("".join(tokens)))
    characters = sum(length * count for length, count in lengths.items())
    return lengths[1] * 2 > lengths.total() or cjk * 2 > characters


def _to_dataset(
    rows: Sequence[Row | None],
    log: ErrorLog,
    *,
    skip_bad_lines: bool,
    entity_types: Collection[str] | None,
) -> Dataset:
    """Check what concerns all rows together, and build the data set; None is a row that has its error already."""
    is_labelled = any(row is not None and row.spans is not None for row in rows)
    columns: dict[str, list] = {name: [] for name in FEATURES}
    first_use: dict[str, int] = {}
    duplicates = 0
    for index, row in enumerate(rows):
        if row is None:
            continue
        errors_before = len(log)
        row_id = str(index) if row.id is None else row.id
        if row_id in first_use:
            log.add(
                row.number,
                f"expected an id of its own, found {_show(row_id)} as in {log.unit} {first_use[row_id]}; change one",
            )
        first_use.setdefault(row_id, row.number)
        spans = sorted(set(row.spans or ()))
        if is_labelled and row.spans is None:
            log.add(
                row.number, f"expected labels as in other {log.unit}s, found none; add them, empty for no entities"
            )
        for label in sorted({label for _, _, label in spans}):
            if entity_types is not None and label not in entity_types:
                known = ", ".join(sorted(entity_types))
                log.add(
                    row.number,
                    f"expected a label of the training data ({known}), found {label}; rename it, or train on it too",
                )
        if len(log) > errors_before:
            continue
        duplicates += len(row.spans or ()) - len(spans)
        columns["id"].append(row_id)
        columns["text"].append(row.text)
        columns["entities"].append([{"start": start, "end": end, "label": label} for start, end, label in spans])

    rows_left_out = len(rows) - len(columns["id"])
    if not rows:
        raise DataError(f"{log.source}: expected rows, found none; check how it was written")
    log.finish(skip_bad_lines=skip_bad_lines and rows_left_out < len(rows), rows_left_out=rows_left_out)
    if duplicates:
        logger.warning("%s: removed %s of entities", log.source, counted(duplicates, "duplicate"))
    if not is_labelled:
        logger.info("%s: no row has labels, so all are read as texts without entities", log.source)
    return Dataset.from_dict(columns, features=FEATURES)


def _name_of(tag: Any, names: list[str]) -> Any:
    return names[tag] if isinstance(tag, int) and 0 <= tag < len(names) else tag


def _is_unicode(text: str) -> bool:
    """False for a lone surrogate, which JSON can write but UTF-8 cannot."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _show(value: Any) -> str:
    """Write a value as JSON, cut where it is long."""
    try:
        shown = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        shown = repr(type(value))
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
