"""JSON of texts with entities that is wrong, and the whole message for each."""

import json

from tests.reading.written_files import lines


def record(**keys):
    return json.dumps({"text": "叶老桂在浙商银行"} | keys, ensure_ascii=False).encode()


def label(value):
    return record(label=value)


# what is wrong | file name | bytes | the whole message
BAD_JSON = [
    (
        "no JSON",
        "a.json",
        lines(label({}), "text"),
        "a.json:2: expected a JSON object on one line, found invalid JSON: Expecting value at column 1; "
        "repair the line",
    ),
    (
        "cut JSON",
        "a.json",
        b'{"text": "a", ',
        "a.json:1: expected a JSON object on one line, found invalid JSON: "
        "Expecting property name enclosed in double quotes at column 15; repair the line",
    ),
    (
        "two objects on a line",
        "a.jsonl",
        label({}) * 2,
        "a.jsonl:1: expected a JSON object on one line, found invalid JSON: Extra data at column 34; repair the line",
    ),
    (
        "deep nesting",
        "a.json",
        b'{"text":' * 100000,
        "a.json:1: expected a JSON object on one line, found invalid JSON: it is nested too deeply; repair the line",
    ),
    (
        "a number",
        "a.json",
        lines(label({}), "5"),
        "a.json:2: expected a JSON object, found 5; write each row as {...}",
    ),
    (
        "strings in an array",
        "a.json",
        b'[\n"one",\n"two"]',
        'a.json:2: expected a JSON object, found "one"; write each row as {...}\n'
        'a.json:3: expected a JSON object, found "two"; write each row as {...}',
    ),
    (
        "array that is cut",
        "a.json",
        b"[\n" + label({}),
        "a.json:2: expected a comma or ] to end the array, found the end of the file; repair the array",
    ),
    (
        "array with a comma too many",
        "a.json",
        b"[\n" + label({}) + b",\n]",
        "a.json:3: expected a JSON object in the array, found invalid JSON: Expecting value at column 1; "
        "repair the array",
    ),
    (
        "array and more",
        "a.json",
        b"[" + label({}) + b"]\n{}",
        'a.json:1: expected a comma or ] to end the array, found "]\\n{}"; repair the array',
    ),
    (
        "no text",
        "a.json",
        lines(label({}), '{"label": {}}'),
        'a.json:2: expected "text": a string, found no such key; add the text',
    ),
    (
        "text that is a list",
        "a.json",
        lines('{"text": ["a"], "label": {}}'),
        'a.json:1: expected "text": a string, found ["a"]; add the text',
    ),
    (
        "empty text",
        "a.json",
        lines('{"text": "", "label": {}}'),
        'a.json:1: expected "text" that is not empty, found ""; delete the row',
    ),
    (
        "half a surrogate pair",
        "a.json",
        lines('{"text": "a\\ud83d", "label": {}}'),
        "a.json:1: expected text in Unicode, found half of a surrogate pair; repair the escapes",
    ),
    (
        "half a surrogate pair in a label",
        "a.json",
        lines('{"text": "a", "entities": [[0, 1, "\\ud83d"]]}'),
        'a.json:1: expected a label that is a name, found "\\ud83d"; name the entity type',
    ),
    (
        "no labels on one line",
        "a.json",
        lines(label({}), record()),
        "a.json:2: expected labels as in other lines, found none; add them, or [] for no entities",
    ),
    # cluener
    (
        "label that is a list",
        "a.json",
        lines(label({"name": {}}), label([])),
        'a.json:2: expected {type: {word: [[start, end], ...]}} under "label", found []; write {} for no entities',
    ),
    (
        "words that are a list",
        "a.json",
        label({"name": ["叶老桂"]}),
        'a.json:1: expected {word: [[start, end], ...]} under "name", found ["叶老桂"]; write {} for no entities',
    ),
    (
        "places that are flat",
        "a.json",
        label({"name": {"叶老桂": [0, 2]}}),
        'a.json:1: expected [[start, end], ...] under "叶老桂", found [0, 2]; correct them',
    ),
    (
        "offsets that are floats",
        "a.json",
        label({"name": {"叶老桂": [[0.0, 2]]}}),
        "a.json:1: expected integer offsets for the name entity, found [0.0, 2]; count characters from 0",
    ),
    (
        "offsets that are booleans",
        "a.json",
        label({"name": {"叶老桂": [[False, 2]]}}),
        "a.json:1: expected integer offsets for the name entity, found [false, 2]; count characters from 0",
    ),
    (
        "start behind end",
        "a.json",
        label({"name": {"叶老桂": [[2, 0]]}}),
        "a.json:1: expected start <= end, end inclusive, for the name entity, found [2, 0]; correct the offsets",
    ),
    (
        "end behind the text",
        "a.json",
        label({"company": {"浙商银行": [[4, 8]]}}),
        "a.json:1: expected the company entity inside the text of 8 characters, found [4, 8], end inclusive; "
        "correct the offsets",
    ),
    (
        "start before the text",
        "a.json",
        label({"name": {"叶老桂": [[-1, 2]]}}),
        "a.json:1: expected the name entity inside the text of 8 characters, found [-1, 2], end inclusive; "
        "correct the offsets",
    ),
    (
        "word at another place",
        "a.json",
        label({"company": {"浙商银行": [[3, 6]]}}),
        'a.json:1: expected "浙商银行" at [3, 6] for the company entity, found "在浙商银"; '
        "the word is at [4, 7]: correct the offsets",
    ),
    (
        "word that the text has not",
        "a.json",
        label({"name": {"叶老柱": [[0, 2]]}}),
        'a.json:1: expected "叶老柱" at [0, 2] for the name entity, found "叶老桂"; '
        "the text has no such word: correct the word or the text",
    ),
    (
        "label without a name",
        "a.json",
        label({"": {"叶老桂": [[0, 2]]}}),
        'a.json:1: expected a label that is a name, found ""; name the entity type',
    ),
    (
        "several faults in one line",
        "a.json",
        label({"name": {"叶老桂": [[0, 9]]}, "company": {"浙商银行": [["4", 7]]}}),
        'a.json:1: expected integer offsets for the company entity, found ["4", 7]; count characters from 0\n'
        "a.json:1: expected the name entity inside the text of 8 characters, found [0, 9], end inclusive; "
        "correct the offsets",
    ),
    # spans
    (
        "entities that are a dict",
        "a.json",
        lines(record(entities=[]), record(entities={})),
        'a.json:2: expected a list under "entities", found {}; write [] for no entities',
    ),
    (
        "entity of two items",
        "a.json",
        record(entities=[[0, 3]]),
        'a.json:1: expected {"start", "end", "label"} or [start, end, label], found [0, 3]; correct it',
    ),
    (
        "entity without an end",
        "a.json",
        record(entities=[{"start": 0, "label": "X"}]),
        'a.json:1: expected {"start", "end", "label"} or [start, end, label], '
        'found {"start": 0, "label": "X"}; correct it',
    ),
    (
        "empty span",
        "a.json",
        record(entities=[[3, 3, "X"]]),
        "a.json:1: expected start < end, end exclusive, for the X entity, found [3, 3]; correct the offsets",
    ),
    (
        "span behind the text",
        "a.json",
        record(entities=[[4, 9, "X"]]),
        "a.json:1: expected the X entity inside the text of 8 characters, found [4, 9], end exclusive; "
        "correct the offsets",
    ),
    (
        "span with another word",
        "a.json",
        record(entities=[{"start": 0, "end": 2, "label": "X", "text": "桂"}]),
        'a.json:1: expected "桂" at [0, 2] for the X entity, found "叶老"; the word is at [2, 3]: correct the offsets',
    ),
    (
        "label that is a number",
        "a.json",
        record(entities=[[0, 3, 7]]),
        "a.json:1: expected a label that is a name, found 7; name the entity type",
    ),
    # ids
    (
        "id twice",
        "a.json",
        lines(record(id="x"), record(id="y"), record(id="x")),
        'a.json:3: expected a unique id, found "x" as in line 1; change one',
    ),
    (
        "id of a row number",
        "a.json",
        lines(record(id="1"), record()),
        'a.json:2: expected a unique id, found "1" as in line 1; change one',
    ),
    (
        "id that is a list",
        "a.json",
        record(id=[1]),
        'a.json:1: expected "id": a string or an integer, found [1]; correct it, or leave it out',
    ),
    # tokens
    (
        "tokens in one string",
        "a.json",
        lines('{"tokens": "a b", "tags": ["O", "O"]}'),
        'a.json:1: expected "tokens": a list of strings, found "a b"; correct them\n'
        "a.json:1: expected a tag for each token, found 0 tokens and 2 tags; give each token one tag",
    ),
    (
        "empty token",
        "a.json",
        lines('{"tokens": ["a", ""], "tags": ["O", "O"]}'),
        'a.json:1: expected tokens that are not empty, found ["a", ""]; remove empty ones with their tags',
    ),
    (
        "more tokens than tags",
        "a.json",
        lines('{"tokens": ["a", "b"], "ner_tags": ["O"]}'),
        "a.json:1: expected a tag for each token, found 2 tokens and 1 tags; give each token one tag",
    ),
    (
        "tags by number",
        "a.json",
        lines('{"tokens": ["a"], "ner_tags": [0]}'),
        'a.json:1: expected names of tags, such as "B-PER", found the number 0; name them in the order of their '
        "numbers: --label_names O,B-PER,I-PER",
    ),
    (
        "broken tags in a list",
        "a.json",
        lines('{"tokens": ["a", "b"], "tags": ["B-X", "O"]}', '{"tokens": ["a", "b"], "tags": ["O", "I-X"]}'),
        "a.json:2: tag 2: expected B-X to begin the entity, found I-X after O; "
        "correct the tag, read it as conlleval does (--repair_tags), or name the scheme if it is not bio "
        "(--file_scheme)",
    ),
]
