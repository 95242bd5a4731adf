"""Question files that are wrong, and all that is said about them."""

import gzip
import json

import pytest

from tests.reading.written_files import lines
from utils.data.errors import DataError
from utils.reading.readers_qa import read_qa

PASSAGE = "李白字太白，李白好酒。"


def flat(**keys):
    record = {"question": "字？", "context": PASSAGE, "answers": [{"text": "太白", "answer_start": 3}]} | keys
    return json.dumps({key: value for key, value in record.items() if value is not ...}, ensure_ascii=False).encode()


def nested(*questions, **paragraph):
    """One key or bracket a line, so that the line of each object is known: the first question is on line 9."""
    whole = {"data": [{"paragraphs": [{"context": PASSAGE, "qas": list(questions)} | paragraph]}]}
    return json.dumps(whole, ensure_ascii=False, indent=1).encode()


def asked(**keys):
    """A question of six lines: braces, id, question, answers of one line each."""
    return {"id": "Q1", "question": "字？", "answers": []} | keys


FORM = '[{"text", "answer_start"}, ...] or {"text": [...], "answer_start": [...]}'

# what is wrong | bytes | the whole message, without the file's name
BAD_FILES = [
    ("nothing in it", b"", ": expected data, found an empty file; check how it was written"),
    ("empty array", b"[]", ": expected questions, found none; check how it was written"),
    ("no articles", b'{"data": []}', ": expected questions, found none; check how it was written"),
    (
        "a table",
        "question,context,answer\n谁,李白,李白\n".encode(),
        ": expected JSON, found a table or text; write each question as a line "
        '{"question": ..., "context": ..., "answers": [{"text": ..., "answer_start": ...}]}',
    ),
    (
        "several questions on one line",
        b"[" + b", ".join([flat(), flat(answers=3), flat(answers=2)]) + b"]",
        f':1, record 2: expected "answers": {FORM}, found 3; correct them\n'
        f'a.json:1, record 3: expected "answers": {FORM}, found 2; correct them',
    ),
    (
        "GBK",
        lines(flat(), "李白".encode("gbk")),
        ":2: expected UTF-8, found the byte 0xc0 at byte 1 of the line; "
        "correct it, or name the encoding of the file, such as --encoding gb18030, big5 or cp1252",
    ),
    (
        "no JSON on a line",
        lines(flat(), b"question"),
        ":2: expected a JSON object on one line, found invalid JSON: Expecting value at column 1; repair the line",
    ),
    (
        "nested file that is cut",
        nested(asked())[:-20],
        ":13: expected JSON, found an error: Expecting ',' delimiter at column 7; repair the file",
    ),
    (
        "nested file without a colon",
        b'{\n"data": [\n{"title" "T"}]}',
        ":3: expected JSON, found an error: Expecting ':' delimiter at column 10; repair the file",
    ),
    (
        "nested file with an invalid byte",
        b'{"data": [\n"\xff"]}',
        ":2: expected UTF-8, found the byte 0xff at byte 2 of the line; "
        "correct it, or name the encoding of the file, such as --encoding gb18030, big5 or cp1252",
    ),
    ("data that is an object", b'{"data": {}}', ':1: expected "data": a list, found {}; correct it'),
    ("no data", b'{\n"version": "v1"\n}', ':1: expected "data": a list, found no such key; correct it'),
    (
        "article without paragraphs",
        b'{"data": [\n{"title": "T"}]}',
        ':2: .data[0]: expected "paragraphs": a list, found no such key; correct it',
    ),
    (
        "article that is a string",
        b'{"data": [\n"T"]}',
        ':1: expected JSON objects in "data", found "T"; write each as {...}',
    ),
    (
        "paragraph without questions",
        nested(qas=None),
        ':5: .data[0].paragraphs[0]: expected "qas": a list, found null; correct it',
    ),
    (
        "paragraph without a passage",
        nested(asked(), context=None),
        ':5: .data[0].paragraphs[0]: expected "context": a string, found null; add the context',
    ),
    (
        "question of a nested file, told by its id and line",
        nested(asked(), asked(id="Q2", question=" ")),
        ':13: question "Q2": expected "question" that is not empty, found " "; add the question, or delete the row',
    ),
    (
        "question of a nested file without an id",
        nested({"answers": []}),
        ':8: .data[0].paragraphs[0].qas[0]: expected "question": a string, found no such key; add the question',
    ),
    ("no question", flat(question=...), ':1: expected "question": a string, found no such key; add the question'),
    ("question that is a number", flat(question=5), ':1: expected "question": a string, found 5; add the question'),
    ("no passage", flat(context=...), ':1: expected "context": a string, found no such key; add the context'),
    (
        "empty passage",
        flat(context=""),
        ':1: expected "context" that is not empty, found ""; add the context, or delete the row',
    ),
    (
        "half a surrogate pair",
        b'{"question": "a\\ud83d", "context": "b"}',
        ':1: expected "question" in Unicode, found half of a surrogate pair; repair the escapes',
    ),
    (
        "id that is a list",
        flat(id=[1]),
        ':1: expected "id": a string or an integer, found [1]; correct it, or leave it out',
    ),
    (
        "id twice",
        lines(flat(id="x"), flat(id="x")),
        ':2: expected a unique id, found "x" as in line 1; change one',
    ),
    (
        "id twice in a nested file",
        nested(asked(is_impossible=True), asked()),
        ':14: expected a unique id, found "Q1" as in line 8; change one',
    ),
    (
        "answers that are a string",
        flat(answers="太白"),
        f':1: expected "answers": {FORM}, found "太白"; correct them',
    ),
    (
        "answers that are numbers",
        flat(answers=[701]),
        f':1: expected "answers": {FORM}, found [701]; correct them',
    ),
    (
        "answer without a start",
        flat(answers=[{"text": "太白"}]),
        f':1: expected "answers": {FORM}, found [{{"text": "太白"}}]; correct them',
    ),
    (
        "fewer starts than texts",
        flat(answers={"text": ["太白", "李白"], "answer_start": [3]}),
        ":1: expected an answer_start for each text, found 2 texts and 1 start; give each text one start",
    ),
    (
        "empty answer",
        flat(answers=[{"text": "", "answer_start": 3}]),
        ':1: expected an answer that is not empty, found ""; write [] for no answer',
    ),
    (
        "answer that is a number",
        flat(answers=[{"text": 701, "answer_start": 3}]),
        ":1: expected the text of an answer, found 701; write a string",
    ),
    (
        "start that is a string",
        flat(answers=[{"text": "太白", "answer_start": "3"}]),
        ':1: expected answer_start of "太白" as a number of characters, found "3"; '
        "count from 0, or write -1 to have it looked up",
    ),
    (
        "start that is true",
        flat(answers=[{"text": "太白", "answer_start": True}]),
        ':1: expected answer_start of "太白" as a number of characters, found true; '
        "count from 0, or write -1 to have it looked up",
    ),
    (
        "start below -1",
        flat(answers=[{"text": "太白", "answer_start": -2}]),
        ':1: expected answer_start of "太白" as a number of characters, found -2; '
        "count from 0, or write -1 to have it looked up",
    ),
    (
        "answer at a wrong place between two others",
        flat(answers=[{"text": "李白", "answer_start": 3}]),
        ':1: expected "李白" at character 3, found "太白"; the passage has it at 0, 6: correct answer_start',
    ),
    (
        "answer that the passage has not",
        flat(answers=[{"text": "杜甫", "answer_start": 99}]),
        ':1: expected "杜甫" at character 99, found ""; the passage has no such text: correct the answer, '
        "or write -1 to only score it",
    ),
    (
        "answer to an impossible question",
        flat(is_impossible=True),
        ':1: expected no answers where "is_impossible" is true, found 1; remove them, or write false',
    ),
    (
        "is_impossible that is a number",
        flat(is_impossible=1),
        ':1: expected "is_impossible": true or false, found 1; correct it',
    ),
    (
        "answers at some questions only",
        lines(flat(), flat(answers=...)),
        ':2: expected "answers" as in other questions, found none; add them, or [] for no answer',
    ),
    (
        "several faults, in the order of the file",
        lines(flat(question=""), flat(id=[], answers={})),
        ':1: expected "question" that is not empty, found ""; add the question, or delete the row\n'
        f'a.json:2: expected "answers": {FORM}, found {{}}; correct them\n'
        'a.json:2: expected "id": a string or an integer, found []; correct it, or leave it out',
    ),
]


@pytest.fixture
def complaint(tmp_path):
    """What reading some bytes raises, without the folder's name."""

    def of(content, **options):
        (tmp_path / "a.json").write_bytes(content)
        with pytest.raises(DataError) as raised:
            read_qa(tmp_path / "a.json", **options)
        return str(raised.value).replace(f"{tmp_path}/", "")

    return of


@pytest.mark.parametrize(
    ("content", "message"), [row[1:] for row in BAD_FILES], ids=[row[0].replace(" ", "-") for row in BAD_FILES]
)
def test_the_whole_message_of_a_bad_file(complaint, content, message):
    assert complaint(content) == "a.json" + message


def test_bad_files_are_many():
    assert len(BAD_FILES) >= 30


def test_the_same_error_of_many_lines_is_told_once_with_its_count(complaint):
    message = complaint(lines(*[flat(question="")] * 30))
    assert len(message.splitlines()) == 2
    assert message.endswith("\n... 30 errors like this, the last in line 30")


def test_nothing_is_left_when_every_question_is_skipped(complaint):
    assert complaint(flat(question=""), skip_bad_lines=True).startswith('a.json:1: expected "question"')


def test_deep_nesting_is_an_error(complaint):
    content = b'{\n"data":' + b"[" * 100_000
    assert "expected JSON, found" in complaint(content)


def test_a_damaged_gzip_file_is_an_error(tmp_path):
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(flat())[:-9])
    with pytest.raises(DataError, match="expected a complete gzip file"):
        read_qa(tmp_path / "a.json.gz")


def test_a_file_that_is_not_there_is_told_with_its_neighbours(tmp_path):
    (tmp_path / "train.json").write_bytes(flat())
    with pytest.raises(DataError, match=r"trian\.json: expected a file, found none; did you mean train\.json\?"):
        read_qa(tmp_path / "trian.json")
