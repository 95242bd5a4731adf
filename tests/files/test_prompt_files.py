"""Tests of utils/reading/prompt_files.py."""

import json

import pytest

from utils.data.errors import DataError
from utils.files.prompt_files import read_label_words


def test_file_and_command_line_say_the_same(tmp_path):
    wanted = {"Positive": ["好", "不错"], "Negative": {"差": 2, "一般": 0.5}, "0": "中"}
    (tmp_path / "words.yaml").write_text(
        "Positive: [好, 不错]\nNegative: {差: 2, 一般: 0.5}\n'0': 中\n", encoding="utf-8-sig"
    )
    (tmp_path / "words.json").write_text(json.dumps(wanted), encoding="utf-8")
    for source in (tmp_path / "words.yaml", str(tmp_path / "words.json"), json.dumps(wanted, ensure_ascii=False)):
        assert read_label_words(source) == wanted


def test_words_are_taken_as_they_stand():
    assert read_label_words("{yes: [on, null], no: off, 1: [~, 2000-01-01]}") == {
        "yes": ["on", "null"],
        "no": "off",
        "1": ["~", "2000-01-01"],
    }


def test_words_that_yaml_takes_for_truths_or_numbers_are_words():
    """YAML 1.1 reads Yes as true, 010 as 8, 1e3 as a number."""
    found = read_label_words("{entailment: Yes, not_entailment: No, 010: [007, 1e3], x: {On: 2, 0x1F: .5}}")
    assert found == {"entailment": "Yes", "not_entailment": "No", "010": ["007", "1e3"], "x": {"On": 2, "0x1F": 0.5}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[a, b]", r'words\.yaml: expected `class: word` .* found \["a", "b"\]'),
        ("好", r'words\.yaml: expected `class: word` .* found "好"'),
        ("a: 好\nb: [差\n", r"words\.yaml:2: expected .* found expected ',' or '\]'"),
        ("a: 好\na: 差\n", r"words\.yaml:2: expected .* found a twice"),
        ("a: {好: 1, 好: 2}\n", r"words\.yaml:1: expected .* found 好 twice"),
        ("a: !!python/object:os.system 好\n", r"words\.yaml:1: expected .* could not determine a constructor"),
        ("\n\n", r"words\.yaml: expected data, found only blank lines"),
        ("", r"words\.yaml: expected data, found an empty file"),
        ("a: b\n\ta: c\n", r"words\.yaml:2: expected"),
    ],
)
def test_file_that_is_no_mapping_is_an_error_with_its_line(tmp_path, content, message):
    (tmp_path / "words.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_label_words(tmp_path / "words.yaml")


def test_missing_file_and_bad_text_are_errors(tmp_path):
    with pytest.raises(DataError, match=r"none\.yaml: expected a file, found none"):
        read_label_words(tmp_path / "none.yaml")
    with pytest.raises(DataError, match="the verbalizer: expected `class: word`"):
        read_label_words("{a: [好}")
    (tmp_path / "bytes.yaml").write_bytes(b"a: \xff\xfe\xfa\n")
    with pytest.raises(DataError, match=r"bytes\.yaml:1: "):
        read_label_words(tmp_path / "bytes.yaml")
