"""Questions about passages, always as the columns `id`, `question`, `context` and `answers`.

| what a file holds | form |
|---|---|
| SQuAD 1 and 2, CMRC 2018 | one JSON object: `data` -> `paragraphs` -> `context` and `qas` -> `question`, `answers` |
| CMRC 2018 before its conversion | an array of `{"context_text", "qas": [{"query_id", "query_text", "answers"}]}` |
| WebQA | one object: question id -> `question` and `evidences`: id -> `evidence` and `answer` |
| flat rows | JSON lines or one array of `{"id", "question", "context", "answers"}`; also parquet |

A flat row may have a single `answer`, and its `answer_start`, in place of `answers`.

Answers are `[{"text", "answer_start"}, ...]` or `{"text": [...], "answer_start": [...]}`, or texts alone, which are
looked up; an empty text at -1 means that there is no answer. Offsets count characters. Every file may be gzipped.
Any error in a file is a `DataError`.

An empty list of answers means that the passage does not answer the question (SQuAD 2). In a data set without labels
no question has answers or `is_impossible`; there, `answers` is None in every row.
"""

import json
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from datasets import Dataset

from ..data.errors import DataError, ErrorLog, RowReport, counted, show
from ..files.json_records import first_line, parse_records
from ..files.parquet_files import read_parquet
from ..files.saved_datasets import load_splits
from ..files.text_lines import read_lines
from .qa_records import (
    ANSWER_KEYS,
    ID_KEYS,
    NO_ANSWER,
    NOWHERE,
    PASSAGE_KEYS,
    QUESTION_KEYS,
    QuestionRow,
    Repairs,
    key_of,
    parse_question,
    rows_to_dataset,
    text_of,
)

logger = logging.getLogger(__name__)

_OBJECT = re.compile(r'\s*\{\s*"')
_DATA = re.compile(r'"data"\s*:\s*\[')
_STRING_OR_BRACE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}]')


def read_qa(
    path: str | PathLike, *, encoding: str | None = None, with_answers: bool = True, skip_bad_lines: bool = False
) -> Dataset:
    """Read a file of questions about passages.

    Texts are taken as they are, not stripped; `plausible_answers` and all other keys are ignored. An answer that is
    not at its `answer_start` is moved to where it occurs, if that is a single place or by far the nearest. One with
    `answer_start` -1 is looked up, and stays -1 if the passage does not contain it, as in CMRC 2018: it counts in
    scoring but cannot be learnt (see `drop_unlearnable`). Both are counted in a warning.

    Args:
        encoding: encoding of the file; None finds it.
        with_answers: False ignores the answers, unchecked.
        skip_bad_lines: leave questions with errors out, and log how many, instead of raising.

    Returns:
        The columns `id`, `question`, `context` (strings) and `answers` (`text`: strings, `answer_start`: characters).
        A question without an id gets its number, from "0" on. `answers` has empty lists if the passage has no answer,
        and is None in every row if the file has no labels.

    Raises:
        DataError: the file cannot be read, or has errors; the first 20 are shown.
    """
    if Path(path).name.lower().removesuffix(".gz").endswith(".parquet"):
        dataset = read_parquet(path)
        if not with_answers:
            dataset = dataset.remove_columns([key for key in ANSWER_KEYS if key in dataset.column_names])
        return read_qa_dataset(dataset, skip_bad_lines=skip_bad_lines, source=path)
    log, repairs = ErrorLog(path), Repairs(reads_answers=with_answers)
    lines = read_lines(path, log, encoding=encoding)
    if not any(line and line.lstrip().startswith(("{", "[")) for line in lines) and first_line(lines):
        raise DataError(
            f"{path}: expected JSON, found a table or text; write each question as a line "
            '{"question": ..., "context": ..., "answers": [{"text": ..., "answer_start": ...}]}'
        )
    if _is_nested(lines):
        log.finish(skip_bad_lines=False)  # an object with a missing line cannot be parsed
        rows = list(_NestedFile("\n".join(line or "" for line in lines), log).rows(repairs))
    else:
        rows = list(_flat_rows(parse_records(lines, log), log, repairs))
    return rows_to_dataset(rows, log, repairs, skip_bad_lines=skip_bad_lines)


def read_qa_dataset(dataset: Dataset, *, skip_bad_lines: bool = False, source: str | PathLike = "dataset") -> Dataset:
    """Turn a loaded data set with the columns of SQuAD into those of `read_qa`.

    Args:
        dataset: `question`, `context`, `answers` if it is labelled, and perhaps `id`.
        skip_bad_lines: as in `read_qa`.
        source: what errors call the data set.

    Raises:
        DataError: columns are missing, or rows have errors.
    """
    columns = dataset.column_names
    texts = [next((key for key in keys[:-1] if key in columns), None) for keys in (QUESTION_KEYS, PASSAGE_KEYS)]
    if not all(texts):
        raise DataError(
            f"{source}: expected the columns question, context and answers, "
            f"found {', '.join(columns) or 'none'}; rename them"
        )
    log, repairs = ErrorLog(source, unit="row"), Repairs()
    keys = [key for key in (*ID_KEYS, *texts, *ANSWER_KEYS) if key in columns]
    records = enumerate(dataset.with_format(None).select_columns(keys), start=1)
    rows = list(_flat_rows(records, log, repairs))
    return rows_to_dataset(rows, log, repairs, skip_bad_lines=skip_bad_lines)


def load_qa(name_or_path: str, config_name: str | None = None, *, skip_bad_lines: bool = False) -> dict[str, Dataset]:
    """Load a data set, see `load_splits`, and turn each of its splits into the columns of `read_qa`.

    Raises:
        DataError: it cannot be loaded, columns are missing, or rows have errors.
    """
    return {
        split: read_qa_dataset(rows, skip_bad_lines=skip_bad_lines, source=f"{name_or_path}, {split}")
        for split, rows in load_splits(name_or_path, config_name).items()
    }


def is_labelled(dataset: Dataset) -> bool:
    """Whether the questions have answers, or are known to have none."""
    return any(answers is not None for answers in dataset["answers"][:])


def has_unanswerable(dataset: Dataset) -> bool:
    """Whether any question is known to have no answer in its passage."""
    return any(answers is not None and not answers["text"] for answers in dataset["answers"][:])


def drop_unlearnable(dataset: Dataset) -> Dataset:
    """Leave out, and count in the log, the questions none of whose answers occurs in the passage."""
    kept = [
        i
        for i, answers in enumerate(dataset["answers"][:])
        if not answers["text"] or any(start != NOWHERE for start in answers["answer_start"])
    ]
    if len(kept) < len(dataset):
        missing = counted(len(dataset) - len(kept), "question")
        logger.warning("left out of training: %s whose answer does not occur in the passage", missing)
    return dataset.select(kept)


def _is_nested(lines: Sequence[str | None]) -> bool:
    """Whether the file is one object with `data`, or one that goes on over several lines."""
    first, second = ([line for line in lines if line and line.strip()][:2] + [""] * 2)[:2]
    if not first.lstrip().startswith("{"):
        return False
    try:
        found = json.loads(first)
        return "data" in found or (bool(found) and all(isinstance(value, dict) for value in found.values()))
    except (ValueError, RecursionError):  # in broken JSON lines, the next line begins an object, too
        return bool(_DATA.search(first)) or not (_OBJECT.match(first) and _OBJECT.match(second))


def _flat_rows(
    records: Iterable[tuple[int, dict | None]], log: ErrorLog, repairs: Repairs
) -> Iterator[QuestionRow | None]:
    """Yield a row for each record, None for one with an error."""
    for number, record in records:
        if record is None:
            yield None
            continue
        report = RowReport(log, number)
        context = text_of(record, key_of(record, PASSAGE_KEYS), report)
        if not isinstance(record.get("qas"), list):
            yield parse_question(record, context, report, repairs)
            continue
        for i, question in enumerate(record["qas"]):
            if isinstance(question, dict):
                given = question.get(key_of(question, ID_KEYS))
                name = f"question {show(given)}: " if isinstance(given, str | int) else f"qas[{i}]: "
                yield parse_question(question, context, RowReport(log, number, name), repairs)
            else:
                report(f'expected JSON objects in "qas", found {show(question)}; write each as {{...}}')
                yield None


class _NestedFile:
    """A file in SQuAD's nested form, with the line on which each object begins.

    Raises:
        DataError: it is not JSON.
    """

    def __init__(self, text: str, log: ErrorLog):
        self.text, self.log = text, log
        self.objects: list[dict] = []  # in the order of their closing braces
        self.lines: dict[int, int] = {}
        try:
            self.whole = json.loads(text, object_pairs_hook=self._keep)
        except json.JSONDecodeError as error:
            log.add(
                error.lineno, f"expected JSON, found an error: {error.msg} at column {error.colno}; repair the file"
            )
        except (ValueError, RecursionError):
            log.add(1, "expected JSON, found values that are nested too deeply; repair the file")
        log.finish(skip_bad_lines=False)

    def _keep(self, pairs: list[tuple[str, Any]]) -> dict:
        self.objects.append(dict(pairs))
        return self.objects[-1]

    def line_of(self, item: dict) -> int:
        """The line on which an object begins; all are found when the first is asked for."""
        if not self.lines:
            opened: list[int] = []
            closed = iter(self.objects)
            line, counted_to = 1, 0
            for match in _STRING_OR_BRACE.finditer(self.text):
                if match[0] == "{":
                    line += self.text.count("\n", counted_to, match.start())
                    counted_to = match.start()
                    opened.append(line)
                elif match[0] == "}":
                    self.lines[id(next(closed))] = opened.pop()
        return self.lines[id(item)]

    def rows(self, repairs: Repairs) -> Iterator[QuestionRow | None]:
        """Yield a row for each question, None for one with an error, or with an error in its passage."""
        if self._is_webqa():
            yield from self._evidences(repairs)
            return
        for article, path in self._items(self.whole, "data", ""):
            for paragraph, path_of_paragraph in self._items(article, "paragraphs", path):
                context = text_of(paragraph, "context", self._report(paragraph, path_of_paragraph))
                for question, path_of_question in self._items(paragraph, "qas", path_of_paragraph):
                    given = question.get("id")
                    name = f"question {show(given)}" if isinstance(given, str | int) else path_of_question
                    yield parse_question(question, context, self._report(question, name), repairs)

    def _is_webqa(self) -> bool:
        whole = self.whole if isinstance(self.whole, dict) else {}
        return bool(whole) and all(isinstance(one, dict) and "evidences" in one for one in whole.values())

    def _evidences(self, repairs: Repairs) -> Iterator[QuestionRow | None]:
        """Yield the rows of WebQA: each question with each text that may answer it."""
        for name, asked in self.whole.items():
            if not isinstance(asked["evidences"], dict):
                self._report(asked, show(name))('expected "evidences": an object, found none; write {} for none')
                yield None
                continue
            for id, found in asked["evidences"].items():
                report = self._report(asked, show(id))
                if not isinstance(found, dict):
                    report(f'expected an object with "evidence" and "answer", found {show(found)}; correct it')
                    yield None
                    continue
                answers = found.get("answer")
                answers = answers if answers is None or isinstance(answers, list) else [answers]
                none = answers == [NO_ANSWER]
                record = {"id": id, "question": asked.get("question"), "answers": [] if none else answers}
                context = text_of(found, "evidence", report)
                yield parse_question(record | {"is_impossible": none}, context, report, repairs)

    def _items(self, parent: dict, key: str, path: str) -> Iterator[tuple[dict, str]]:
        """Yield the objects of a list, each with its path; anything else is reported."""
        report, items = self._report(parent, path), parent.get(key)
        if not isinstance(items, list):
            report(f'expected "{key}": a list, found {show(items) if key in parent else "no such key"}; correct it')
            return
        for i, item in enumerate(items):
            if isinstance(item, dict):
                yield item, f"{path}.{key}[{i}]"
            else:
                report(f'expected JSON objects in "{key}", found {show(item)}; write each as {{...}}')

    def _report(self, item: dict, name: str) -> RowReport:
        return RowReport(self.log, lambda: self.line_of(item), f"{name}: " if name else "")
