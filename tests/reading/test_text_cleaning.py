import json

import pytest
from datasets import Dataset

from utils.data.errors import DataError
from utils.reading.text_cleaning import TextCleaner, read_rules

RULES = [[r"\s+", " "], [r"(\d),(\d)", r"\1\2"], ["#.*#", ""]]

FORMS = {
    "mappings with names": r"""
- {pattern: '\s+', replacement: ' '}
- pattern: '(\d),(\d)'
  replacement: '\1\2'
- {replacement: "", pattern: "#.*#"}
""",
    "lists": r"""
- ["\\s+", " "]
- ['(\d),(\d)', '\1\2']
- ["#.*#", ""]
""",
    "one mapping": r"""# comment
\s+: ' '
(\d),(\d): \1\2
'#.*#': ''
""",
    "mappings of one": r"""
- '\s+': ' '
- '(\d),(\d)': '\1\2'
- '#.*#': ''
""",
    "JSON": json.dumps(RULES),
}


@pytest.fixture
def read(tmp_path):
    """Write a file of rules and read it."""

    def write_and_read(content, name="rules.yaml"):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_rules(tmp_path / name)

    return write_and_read


@pytest.mark.parametrize("form", FORMS)
def test_rules_are_read_in_each_form(read, form):
    assert read(FORMS[form]) == RULES


def test_single_rule_without_its_dash_is_read(read):
    assert read(r"{pattern: '\s', replacement: ''}") == [[r"\s", ""]]


def test_byte_order_mark_and_crlf_change_nothing(read):
    assert read(b"\xef\xbb\xbf- [a, b]\r\n- [c, '']\r\n") == [["a", "b"], ["c", ""]]


def test_cleaner_applies_the_rules():
    assert TextCleaner(RULES)("1,000\n\t元 #广告#") == "1000 元 "


def test_rules_are_applied_in_their_order():
    assert TextCleaner([("a", "b"), ("b", "c")])("ab") == "cc"
    assert TextCleaner([("b", "c"), ("a", "b")])("ab") == "bc"


def test_cleaner_without_rules_changes_nothing():
    assert TextCleaner([])(" a ") == " a "


def test_rules_survive_json(read):
    cleaner = TextCleaner(json.loads(json.dumps(TextCleaner([tuple(rule) for rule in RULES]).rules)))
    assert cleaner.rules == RULES
    assert cleaner("1,000  元") == "1000 元"


def test_cleaner_works_inside_a_map_of_a_data_set():
    cleaner = TextCleaner([("a", "b")])
    dataset = Dataset.from_dict({"text": ["ab", "c"]}).map(lambda row: {"text": cleaner(row["text"])})
    assert dataset["text"][:] == ["bb", "c"]


FORM = 'expected {pattern: "...", replacement: "..."}, found'
REPAIR = 'write both as text in quotes, and "" to delete'
LIST = 'write each as - {pattern: "...", replacement: "..."}'
GROUPS = r"refer to groups that the pattern has, and write \\ for a backslash"

BAD_RULES = {
    "nothing": ("# none yet\n", f": expected a list of rules, found none; {LIST}"),
    "empty list": ("[]", f": expected a list of rules, found none; {LIST}"),
    "empty mapping": ("{}", f": expected a list of rules, found none; {LIST}"),
    "text": ("remove spaces", f': expected a list of rules, found "remove spaces"; {LIST}'),
    "number": ("5", f": expected a list of rules, found 5; {LIST}"),
    "no YAML": (
        '- ["a", "b"]\n- ["\\s", ""]',
        ":2: expected YAML, found an error: found unknown escape character 's'; put patterns in single quotes",
    ),
    "open bracket": (
        "- [a, b\n- [c, d]",
        ":2: expected YAML, found an error: expected ',' or ']', but got '['; put patterns in single quotes",
    ),
    "date that is none": (
        "- 2001-99-99",
        ": expected YAML, found an error: month must be in 1..12; put patterns in single quotes",
    ),
    "control character": (
        "- [a, '\x01']",
        ": expected YAML, found an error: unacceptable character #x0001: special characters are not allowed; "
        "put patterns in single quotes",
    ),
    "rule that is text": ("- [a, b]\n- spaces", f', rule 2: {FORM} "spaces"; {REPAIR}'),
    "three parts": ("- [a, b, c]", f', rule 1: {FORM} ["a", "b", "c"]; {REPAIR}'),
    "no replacement": ("- {pattern: a}", f', rule 1: {FORM} {{"pattern": "a"}}; {REPAIR}'),
    "replacement that is null": ("- {pattern: a, replacement: }", f', rule 1: {FORM} ["a", null]; {REPAIR}'),
    "other name": (
        "- {pattern: a, replace: b}",
        f', rule 1: {FORM} {{"pattern": "a", "replace": "b"}}; {REPAIR}',
    ),
    "pattern that is a number": ("- [1, a]", f', rule 1: {FORM} [1, "a"]; {REPAIR}'),
    "bad pattern": (
        "- [a, b]\n- ['(', '']",
        ', rule 2: expected a regular expression, found "(": missing ), unterminated subpattern at position 0; '
        "correct the pattern",
    ),
    "pattern that is too large": (
        "- ['a{99999999999}', '']",
        ', rule 1: expected a regular expression, found "a{99999999999}": the repetition number is too large; '
        "correct the pattern",
    ),
    "empty pattern": (
        "- ['', a]",
        ', rule 1: expected a pattern that is not empty, found ""; write what to replace',
    ),
    "group that is not there": (
        r"- ['(a)', '\2']",
        rf', rule 1: expected a replacement for "(a)", found "\\2": invalid group reference 2 at position 1; {GROUPS}',
    ),
    "name of a group that is not there": (
        r"- ['(a)', '\g<b>']",
        rf', rule 1: expected a replacement for "(a)", found "\\g<b>": unknown group name ' f"'b'; {GROUPS}",
    ),
    "lone backslash": (
        r"- [a, '\']",
        rf', rule 1: expected a replacement for "a", found "\\": bad escape (end of pattern) at position 0; {GROUPS}',
    ),
}


@pytest.mark.parametrize("kind", BAD_RULES)
def test_bad_rules_get_their_message(read, tmp_path, kind):
    content, message = BAD_RULES[kind]
    with pytest.raises(DataError) as raised:
        read(content)
    assert str(raised.value) == f"{tmp_path / 'rules.yaml'}{message}"


def test_all_bad_rules_are_reported_together(read):
    with pytest.raises(DataError) as raised:
        read("- ['(', '']\n- [a, b]\n- 5")
    lines = str(raised.value).split("\n")
    assert [line.partition(", ")[2][:6] for line in lines] == ["rule 1", "rule 3"]


def test_file_of_rules_in_another_encoding_is_read_or_a_data_error(read):
    assert read("- ['中', '']".encode("gbk")) == [["中", ""]]
    with pytest.raises(DataError, match=r"rules\.yaml:1: expected UTF-8, found the byte 0xe9"):
        read(b"- ['caf\xe9', '']")


def test_rules_from_elsewhere_are_checked_too():
    with pytest.raises(DataError, match="cleaning rules, rule 2: expected a regular expression, found"):
        TextCleaner([("a", "b"), ("(", "")])


def test_deeply_nested_rules_are_a_data_error(read):
    with pytest.raises(DataError, match=r"rules\.yaml"):
        read("[" * 600)
