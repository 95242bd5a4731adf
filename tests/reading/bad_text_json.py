"""JSON of texts with classes that is wrong, and the whole message for each."""

import json

from tests.reading.written_files import lines
from utils.reading.column_names import TEXT_KEYS

NO_TEXTS = f"expected a column of texts ({', '.join(TEXT_KEYS[:12])}, ...), found"
OPTIONS = (
    "name the columns with --text_column, --text_pair_column, --label_column; "
    "--columns a,b,c names those of a file without a header"
)


def record(**keys):
    return json.dumps({"text": "很好", "label": "a"} | keys, ensure_ascii=False).encode()


# what is wrong | file name | bytes | options | the whole message
BAD_JSON = [
    (
        "no JSON",
        "a.json",
        lines(record(), "text"),
        {},
        "a.json:2: expected a JSON object on one line, found invalid JSON: Expecting value at column 1; "
        "repair the line",
    ),
    (
        "array that is cut",
        "a.json",
        b"[\n" + record(),
        {},
        "a.json:2: expected a comma or ] to end the array, found the end of the file; repair the array",
    ),
    (
        "array of strings",
        "a.json",
        b'[{"text": "a"},\n"b"]',
        {},
        'a.json:2: expected a JSON object, found "b"; write each row as {...}',
    ),
    ("empty array", "a.json", b"[]", {}, "a.json: expected rows, found none; check how it was written"),
    ("empty objects", "a.json", b"{}\n{}\n", {}, f"a.json: {NO_TEXTS} none; {OPTIONS}"),
    ("no key of texts", "a.json", b'{"words": "a"}', {}, f"a.json: {NO_TEXTS} words; {OPTIONS}"),
    (
        "no text in one object",
        "a.json",
        lines(record(), '{"label": "a"}'),
        {},
        'a.json:2: expected "text": a string, found no such key; write the text in quotes',
    ),
    (
        "number as text",
        "a.json",
        lines(record(text=5), record(text=None)),
        {},
        'a.json:1: expected "text": a string, found 5; write the text in quotes\n'
        'a.json:2: expected "text": a string, found null; write the text in quotes',
    ),
    (
        "object as text",
        "a.json",
        record(text={"zh": "好"}),
        {},
        'a.json:1: expected "text": a string, found {"zh": "好"}; write the text in quotes',
    ),
    (
        "tokens as text",
        "a.json",
        record(text=["很", "好"]),
        {},
        'a.json:1: expected "text": a string, found ["很", "好"]; write the text in quotes',
    ),
    (
        "half a surrogate pair",
        "a.json",
        b'{"text": "a\\ud83d", "label": "a"}',
        {},
        'a.json:1: expected "text" in Unicode, found half of a surrogate pair; repair the escapes',
    ),
    (
        "half a surrogate pair in a label",
        "a.json",
        b'{"text": "a", "label": "\\ud83d"}',
        {},
        'a.json:1: expected "label": a name, a number, or a list of these, found "\\ud83d"; correct it',
    ),
    (
        "pair with one side",
        "a.json",
        lines(record(text_pair="二"), record()),
        {},
        'a.json:2: expected "text_pair": a second text as in other lines, found none; add it, or delete the row',
    ),
    (
        "numbers among keywords",
        "a.json",
        record(keyword=["一", 2]),
        {},
        'a.json:1: expected "keyword": a string, found ["一", 2]; write the text in quotes',
    ),
    (
        "no keywords",
        "a.json",
        record(keyword=[]),
        {},
        'a.json:1: expected "keyword" that is not empty, found []; delete the row, '
        "or read the first text alone: --text_pair_column none",
    ),
    (
        "no label in one object",
        "a.json",
        lines(record(), '{"text": "一"}', record(label=None)),
        {},
        "a.json:2: expected a label as in other lines, found none; add it\n"
        "a.json:3: expected a label as in other lines, found none; add it",
    ),
    (
        "no list of labels in one object",
        "a.json",
        lines(record(label=["a"]), '{"text": "一"}'),
        {},
        "a.json:2: expected a label as in other lines, found none; add it, or [] for none",
    ),
    (
        "empty label",
        "a.json",
        lines(record(), record(label="")),
        {},
        'a.json:2: expected "label" that is not empty, found ""; write the label, or delete the row',
    ),
    (
        "empty label in a list",
        "a.json",
        record(label=["a", ""]),
        {},
        'a.json:1: expected "label" that is not empty, found ["a", ""]; write the label, or delete the row',
    ),
    (
        "object as label",
        "a.json",
        lines(record(), record(label={"a": 1})),
        {},
        'a.json:2: expected "label": a name, a number, or a list of these, found {"a": 1}; correct it',
    ),
    (
        "list in a list of labels",
        "a.json",
        record(label=[["a"]]),
        {},
        'a.json:1: expected "label": a name, a number, or a list of these, found [["a"]]; correct it',
    ),
    (
        "infinite label",
        "a.json",
        b'{"text": "a", "label": Infinity}',
        {},
        'a.json:1: expected "label": a name, a number, or a list of these, found Infinity; correct it',
    ),
    (
        "one list among labels",
        "a.json",
        lines(record(), record(label=["b"]), record()),
        {},
        'a.json:2: expected one label as in line 1, found ["b"]; write all as lists, or none',
    ),
    (
        "one label among lists",
        "a.json",
        lines(record(label="b"), record(label=["a"]), record(label=[])),
        {},
        'a.json:1: expected a list of labels as in line 2, found "b"; write ["..."]',
    ),
    (
        "id twice in JSON",
        "a.json",
        lines(record(guid="x"), record(guid="x")),
        {},
        'a.json:2: expected a unique id, found "x" as in line 1; change one',
    ),
    (
        "id of a row number",
        "a.json",
        lines(record(id="1"), record()),
        {},
        'a.json:2: expected a unique id, found "1" as in line 1; change one',
    ),
    (
        "id that is a list",
        "a.json",
        record(id=[1]),
        {},
        'a.json:1: expected "id": a string or an integer, found [1]; correct it, or leave it out',
    ),
]
