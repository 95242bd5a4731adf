"""Records of questions about passages, as files and data sets hold them, checked and turned into columns.

The forms of a record are shown in `readers_qa`.
"""

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from datasets import Dataset, Features, List, Value

from ..data.errors import DataError, ErrorLog, RowReport, counted, show
from ..data.row_values import RowIds, is_unicode, read_id, read_text

logger = logging.getLogger(__name__)

FEATURES = Features(
    {
        "id": Value("string"),
        "question": Value("string"),
        "context": Value("string"),
        "answers": {"text": List(Value("string")), "answer_start": List(Value("int64"))},
    }
)
# Names of a question, of its passage and its id; the first that a record has is taken.
QUESTION_KEYS = ("question", "query", "query_text", "text")
PASSAGE_KEYS = ("context", "passage", "context_text", "evidence", "document", "paragraph", "text_pair")
ID_KEYS = ("id", "query_id", "qid")
ANSWER_KEYS = ("answers", "answer", "answer_start", "is_impossible")
KNOWN_KEYS = (*ANSWER_KEYS, "plausible_answers")  # the last is SQuAD's, and says what might be taken for an answer
NO_ANSWER = "no_answer"  # WebQA's
NEAR = 16  # characters that an answer may be off, if it occurs several times
NOWHERE = -1  # the `answer_start` of an answer that the passage does not contain


@dataclass
class Repairs:
    """How many answers were moved to where they occur, were looked up, or occur nowhere.

    Attributes:
        reads_answers: False ignores the answers.
        unread: keys of records that are called like answers, and are not read.
    """

    moved: int = 0
    placed: int = 0
    nowhere: int = 0
    reads_answers: bool = True
    unread: set[str] = field(default_factory=set)

    def describe(self) -> str:
        """What happened, for the log; empty for nothing."""
        parts = []
        if self.moved:
            parts.append(f"moved {counted(self.moved, 'answer')} from answer_start to where the text is")
        if self.placed:
            parts.append(f"{counted(self.placed, 'answer')} without a place: the first in the passage is taken")
        if self.nowhere:
            do = "does" if self.nowhere == 1 else "do"
            parts.append(
                f"{counted(self.nowhere, 'answer')} with answer_start -1 {do} not occur in the passage: scored, "
                "but not learnt"
            )
        return "; ".join(parts)


class QuestionRow(NamedTuple):
    """A question that was read; `answers` are (text, start), None for a question without labels."""

    report: RowReport
    id: str | None
    question: str
    context: str
    answers: list[tuple[str, int]] | None
    is_impossible: bool


def parse_question(record: dict, context: str, report: RowReport, repairs: Repairs) -> QuestionRow | None:
    """Check a question, and turn it into a row; None if there is an error.

    Args:
        record: `question`, `answers` (or one `answer`, perhaps with its `answer_start`), `id` and `is_impossible`, of
            which all but the first may be missing.
        context: its passage; empty if that has an error, which is in the log already.
        repairs: counts answers that are not at their `answer_start`.
    """
    errors_before = len(report.log)
    question = text_of(record, key_of(record, QUESTION_KEYS), report)
    impossible = record.get("is_impossible") if repairs.reads_answers else None
    if impossible is not None and not isinstance(impossible, bool):
        report(f'expected "is_impossible": true or false, found {show(impossible)}; correct it')
    answers, stated = None, _stated_answers(record)
    repairs.unread |= {key for key in record if "answer" in key.lower() and key not in KNOWN_KEYS}
    if stated is not None and repairs.reads_answers:
        answers, pairs = [], list(_pairs_of(stated, report))
        given = [pair for pair in pairs if not _says_none(*pair)]
        for text, start in given:
            _add_answer(answers, context, text, start, report, repairs)
        if pairs and not given:
            impossible = True
        if impossible is True and answers:
            report(
                f'expected no answers where "is_impossible" is true, found {len(answers)}; remove them, or write false'
            )
    elif impossible is True:
        answers = []
    row_id = read_id(record.get(key_of(record, ID_KEYS)), report)
    if len(report.log) > errors_before or not context:
        return None
    return QuestionRow(report, row_id, question, context, answers, impossible is True)


def key_of(record: dict, keys: Sequence[str]) -> str:
    """The first of some names that a record has; the first of all if it has none."""
    return next((key for key in keys if key in record), keys[0])


def text_of(record: dict, key: str, report: RowReport) -> str:
    """The question or passage of a record; empty if there is an error, which is reported."""
    return read_text(record, key, report, repair=f"add the {key}", if_empty=f"add the {key}, or delete the row")


def rows_to_dataset(
    rows: Sequence[QuestionRow | None], log: ErrorLog, repairs: Repairs, *, skip_bad_lines: bool
) -> Dataset:
    """Check what concerns all questions together, and build the data set of the columns `FEATURES`.

    A question without an id gets its number, from "0" on. If no question has an answer or is said to be impossible,
    `answers` is None in every row.

    Args:
        rows: None stands for a row whose error is already in `log`.
        log: takes an error for a repeated id and for missing answers; then it is finished, as `repairs` are.
        skip_bad_lines: leave questions with errors out, and log how many, instead of raising.

    Raises:
        DataError: there are no questions, or some have errors and are not skipped, or all have errors.
    """
    labelled = any(row.answers or row.is_impossible for row in rows if row)
    columns: dict[str, list] = {name: [] for name in FEATURES}
    ids = RowIds(log)
    for index, row in enumerate(rows):
        if row is None:
            continue
        errors_before = len(log)
        row_id = ids.take(row.id, index=index, number=row.report.number)
        if labelled and row.answers is None:
            row.report('expected "answers" as in other questions, found none; add them, or [] for no answer')
        if len(log) > errors_before:
            continue
        columns["id"].append(row_id)
        columns["question"].append(row.question)
        columns["context"].append(row.context)
        texts, starts = [text for text, _ in row.answers or ()], [start for _, start in row.answers or ()]
        columns["answers"].append({"text": texts, "answer_start": starts} if labelled else None)

    if not rows and not log:
        raise DataError(f"{log.source}: expected questions, found none; check how it was written")
    if not labelled and repairs.reads_answers and repairs.unread and not log:
        found = ", ".join(sorted(repairs.unread))
        raise DataError(
            f"{log.source}: expected the key answers, found {found}; call the answers so, and remove what is no answer"
        )
    left_out = len(rows) - len(columns["id"])
    log.finish(skip_bad_lines=skip_bad_lines and left_out < len(rows), rows_left_out=left_out)
    if described := repairs.describe():
        logger.warning("%s: %s", log.source, described)
    if not labelled:
        logger.info("%s: no question has answers, so all are read as unlabelled", log.source)
    return Dataset.from_dict(columns, features=FEATURES)


def _stated_answers(record: dict) -> Any:
    """What a record gives as answers: those, or its only one."""
    if record.get("answers") is not None or not isinstance(answer := record.get("answer"), str):
        return record.get("answers", record.get("answer"))
    start = record.get("answer_start")
    return [{"text": answer, "answer_start": NOWHERE if start is None and answer.strip() else start}]


def _pairs_of(answers: Any, report: RowReport) -> Iterable[tuple[Any, Any]]:
    """(text, start) of each answer, in either form."""
    if isinstance(answers, dict):
        texts, starts = answers.get("text"), answers.get("answer_start")
        if isinstance(texts, str) and not isinstance(starts, list):
            return [(texts, starts)]
        if isinstance(texts, list) and isinstance(starts, list):
            if len(texts) == len(starts):
                return zip(texts, starts, strict=True)
            report(
                f"expected an answer_start for each text, found {counted(len(texts), 'text')} and "
                f"{counted(len(starts), 'start')}; give each text one start"
            )
            return ()
    elif isinstance(answers, list) and answers and all(isinstance(answer, str) for answer in answers):
        return [(answer, NOWHERE) for answer in answers]
    elif isinstance(answers, list) and all(
        isinstance(answer, dict) and {"text", "answer_start"} <= answer.keys() for answer in answers
    ):
        return ((answer["text"], answer["answer_start"]) for answer in answers)
    form = '[{"text", "answer_start"}, ...] or {"text": [...], "answer_start": [...]}'
    report(f'expected "answers": {form}, found {show(answers)}; correct them')
    return ()


def _says_none(text: Any, start: Any) -> bool:
    """Whether an answer means "no answer": empty, without a place or at 0 or -1, as derivatives of SQuAD write it."""
    return isinstance(text, str) and not text.strip() and (start is None or (type(start) is int and -1 <= start <= 0))


def _nearest(places: Sequence[int], start: int) -> int | None:
    """Where to move an answer that is not at `start`: its only place, or one that is far nearer than all others."""
    if not places:
        return None
    nearest, *others = sorted(places, key=lambda place: abs(place - start))
    distance = abs(nearest - start)
    is_plain = not others or (distance <= NEAR and 2 * distance <= abs(others[0] - start))
    return nearest if is_plain else None


def _add_answer(
    answers: list[tuple[str, int]], context: str, text: Any, start: Any, report: RowReport, repairs: Repairs
) -> None:
    """Check an answer and append it, moved to where it occurs; or report what is wrong with it."""
    if not isinstance(text, str) or not is_unicode(text):
        report(f"expected the text of an answer, found {show(text)}; write a string")
    elif not text.strip():
        report(f"expected an answer that is not empty, found {show(text)}; write [] for no answer")
    elif type(start) is not int or start < NOWHERE:
        report(
            f"expected answer_start of {show(text)} as a number of characters, found {show(start)}; "
            "count from 0, or write -1 to have it looked up"
        )
    elif not context:  # this has its own error
        return
    elif start == NOWHERE:
        found = context.find(text)
        repairs.placed += found >= 0
        repairs.nowhere += found < 0
        answers.append((text, found if found >= 0 else NOWHERE))
    elif context.startswith(text, start):
        answers.append((text, start))
    else:
        places = [match.start() for match in re.finditer(f"(?={re.escape(text)})", context)]
        if (place_found := _nearest(places, start)) is not None:
            repairs.moved += 1
            answers.append((text, place_found))
            return
        repair = "the passage has no such text: correct the answer, or write -1 to only score it"
        if places:
            shown = ", ".join(map(str, places[:3])) + (", ..." if len(places) > 3 else "")
            repair = f"the passage has it at {shown}: correct answer_start"
        found = show(context[start : start + len(text)])
        report(f"expected {show(text)} at character {start}, found {found}; {repair}")
