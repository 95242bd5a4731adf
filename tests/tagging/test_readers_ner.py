"""Texts with entities from every form of file."""

import gzip
import json
import logging
import re

import pytest
from datasets import ClassLabel, Dataset, Features, List, Value

from tests.reading.written_files import json_lines, write, write_and_read
from tests.tagging.entity_rows import CLUENER, SPANS, covered, spans_of
from utils.data.errors import DataError
from utils.tagging.ner_rows import FEATURES
from utils.tagging.readers_ner import read_ner, read_ner_dataset


@pytest.fixture
def read(tmp_path):
    """Write a file and read it."""
    return write_and_read(tmp_path, read_ner)


def test_cluener_lines_give_exclusive_ends(read):
    dataset = read(json_lines(CLUENER), "train.json")
    assert dataset["id"][:] == ["0", "1"]
    assert dataset["text"][:] == ["叶老桂在浙商银行", "没有"]
    assert spans_of(dataset) == SPANS
    assert dataset.features == FEATURES


def test_word_that_occurs_twice_is_two_entities(read):
    dataset = read(json_lines([{"text": "叶老桂说叶老桂", "label": {"name": {"叶老桂": [[4, 6], [0, 2]]}}}]), "a.json")
    assert spans_of(dataset) == [[(0, 3, "name"), (4, 7, "name")]]


@pytest.mark.parametrize(
    "rows",
    [
        [
            {"entities": [{"start": 4, "end": 8, "label": "company"}, {"start": 0, "end": 3, "label": "name"}]},
            {"entities": []},
        ],
        [{"entities": [[0, 3, "name"], [4, 8, "company"]]}, {"entities": []}],
        [{"label": [[0, 3, "name"], [4, 8, "company"]]}, {"label": []}],
        [
            {"entities": [{"start": 0, "end": 3, "label": "name", "text": "叶老桂"}, [4, 8, "company"]]},
            {"entities": []},
        ],
    ],
    ids=["dicts", "lists", "doccano", "dicts with words"],
)
def test_span_lines_are_read_in_each_form(read, rows):
    texts = [{"text": record["text"]} for record in CLUENER]
    dataset = read(json_lines([text | row for text, row in zip(texts, rows, strict=True)]), "train.jsonl")
    assert spans_of(dataset) == SPANS


@pytest.mark.parametrize("key", ["ner_tags", "tags", "labels"])
def test_token_lines_are_read_under_each_name_of_the_tags(read, key):
    tags = ["B-name", "I-name", "I-name", "O", "B-company", "I-company", "I-company", "I-company"]
    records = [{"tokens": list(CLUENER[0]["text"]), key: tags}, {"tokens": ["没", "有"], key: ["O", "O"]}]
    dataset = read(json_lines(records), "train.json")
    assert dataset["text"][:] == [record["text"] for record in CLUENER]
    assert spans_of(dataset) == SPANS


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("name", ["train.json", "train.txt"])
def test_json_array_is_read_like_json_lines(read, indent, name):
    assert spans_of(read(json.dumps(CLUENER, ensure_ascii=False, indent=indent), name)) == SPANS


def test_json_is_known_by_its_content_whatever_the_extension(read):
    assert spans_of(read(json_lines(CLUENER), "train.data")) == SPANS


@pytest.mark.parametrize(
    ("name", "separator"), [("a.txt", " "), ("a.tsv", "\t"), ("a.csv", ","), ("a.bio", "  "), ("a.data", ",")]
)
def test_character_columns_are_read_with_each_separator(read, name, separator):
    lines = [
        f"{character}{separator}{tag}" for character, tag in zip("在叶老桂", ["O", "B-X", "I-X", "I-X"], strict=True)
    ]
    dataset = read("\n".join([*lines, "", f"桂{separator}O", ""]), name)
    assert dataset["text"][:] == ["在叶老桂", "桂"]
    assert spans_of(dataset) == [[(1, 4, "X")], []]


@pytest.mark.parametrize(
    ("scheme", "tags"),
    [
        ("bio", "B-X I-X B-X O B-Y"),
        ("iob1", "I-X I-X B-X O I-Y"),
        ("bios", "B-X I-X S-X O S-Y"),
        ("bioes", "B-X E-X S-X O S-Y"),
        ("bmes", "B-X E-X S-X O S-Y"),
        ("bilou", "B-X L-X U-X O U-Y"),
    ],
)
@pytest.mark.parametrize("detect", [True, False])
def test_columns_are_read_in_each_tag_scheme(read, scheme, tags, detect):
    content = "\n".join(f"{character} {tag}" for character, tag in zip("一二三四五", tags.split(), strict=True))
    dataset = read(content, scheme="auto" if detect else scheme)
    assert spans_of(dataset) == [[(0, 2, "X"), (2, 3, "X"), (4, 5, "Y")]]


def test_first_and_last_of_four_columns_count_and_document_marks_are_skipped(read):
    dataset = read(
        "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\nGerman JJ B-NP B-MISC\ncall NN I-NP O\n\n"
        "Peter NNP B-NP B-PER\nBlackburn NNP I-NP I-PER\n"
    )
    assert dataset["text"][:] == ["EU rejects German call", "Peter Blackburn"]
    assert covered(dataset) == [[("EU", "ORG"), ("German", "MISC")], [("Peter Blackburn", "PER")]]


def test_iob1_of_conll_2003_is_detected(read):
    dataset = read("Peter I-PER\nBlackburn I-PER\n\nSan I-LOC\nJose I-LOC\nCosta B-LOC\nRica I-LOC\n")
    assert covered(dataset) == [[("Peter Blackburn", "PER")], [("San Jose", "LOC"), ("Costa Rica", "LOC")]]


def test_chinese_words_are_joined_without_spaces(read):
    dataset = read("浙商银行 B-ORG\n在 O\n杭州 B-LOC\n2018 O\n")
    assert dataset["text"][:] == ["浙商银行在杭州2018"]
    assert covered(dataset) == [[("浙商银行", "ORG"), ("杭州", "LOC")]]


def test_english_characters_are_joined_without_spaces(read):
    assert read("J B-PER\no I-PER\n  O\na O\n")["text"][:] == ["Jo a"]


def test_joining_is_decided_for_the_whole_file(read):
    dataset = read("Peter B-PER\nBlackburn I-PER\ncame O\n\nI O\n\nA O\nB O\nhome O\nagain O\n")
    assert dataset["text"][:] == ["Peter Blackburn came", "I", "A B home again"]


@pytest.mark.parametrize(
    "character", [" ", "\u3000", "\u00a0", "\u2028", "\u0085", "\x0b", "\x1c", "\u200b", ",", '"']
)
@pytest.mark.parametrize("separator", [" ", "\t"])
def test_odd_characters_are_text(read, character, separator):
    dataset = read(
        "".join(f"{one}{separator}{tag}\n" for one, tag in [("一", "B-X"), (character, "I-X"), ("二", "O")])
    )
    assert dataset["text"][:] == [f"一{character}二"]
    assert spans_of(dataset) == [[(0, 1 if character.isspace() else 2, "X")]]


@pytest.mark.parametrize("content", [',,B-X\n" ",O\n', '",",B-X\n ,O\n', ",,B-X\n ,O"])
def test_comma_and_space_are_tokens_of_a_csv_file(read, content):
    dataset = read(content, "a.csv")
    assert dataset["text"][:] == [", "]
    assert covered(dataset) == [[(",", "X")]]


def test_words_with_spaces_are_read_from_tab_columns(read):
    dataset = read("in\tO\nNew York\tB-LOC\nCity\tI-LOC\n")
    assert covered(dataset) == [[("New York City", "LOC")]]


def test_text_is_not_stripped(read):
    text = " \u3000叶\u2028老\n桂 "
    dataset = read(json_lines([{"text": text, "label": {"name": {"叶": [[2, 2]]}}}]), "a.json")
    assert dataset["text"][0] == text
    assert covered(dataset) == [[("叶", "name")]]


@pytest.mark.parametrize("blank", ["", " ", "\t", "\n\n\n"])
def test_blank_lines_end_a_sentence_once(read, blank):
    assert read(f"\n\n一 O\n{blank}\n二 O\n\n\n")["text"][:] == ["一", "二"]


def test_blank_lines_between_json_lines_are_skipped(read):
    assert read(json_lines(CLUENER).replace("\n", "\n\n"), "a.json")["id"][:] == ["0", "1"]


def test_missing_final_newline_is_fine(read, caplog):
    assert read("一 O\n二 O")["text"][:] == ["一二"]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_crlf_is_read_and_logged_once(read, caplog):
    caplog.set_level(logging.INFO)
    assert spans_of(read("一 B-X\r\n二 I-X\r\n\r\n三 O\r\n")) == [[(0, 2, "X")], []]
    assert caplog.text.count("read 4 lines that end in CRLF") == 1


def test_byte_order_mark_is_removed_with_a_warning(read, caplog):
    assert read(b"\xef\xbb\xbf" + "一 O\n".encode())["text"][:] == ["一"]
    assert read(b"\xef\xbb\xbf" + json_lines(CLUENER).encode(), "a.json")["id"][:] == ["0", "1"]
    assert caplog.text.count("removed a byte-order mark") == 2


@pytest.mark.parametrize(("name", "content"), [("a.json.gz", json_lines(CLUENER)), ("a.txt.gz", "一 B-X\n二 O\n")])
def test_gzip_files_are_read(read, name, content):
    assert spans_of(read(gzip.compress(content.encode()), name)) == (SPANS if "json" in name else [[(0, 1, "X")]])
    assert len(read(gzip.compress(content.encode()), name.removesuffix(".gz"))) > 0  # a lost extension does no harm


def test_repeated_entity_is_kept_once_with_a_warning(read, caplog):
    dataset = read(json_lines([{"text": "一二", "label": {"X": {"一": [[0, 0], [0, 0]]}}}] * 2), "a.json")
    assert spans_of(dataset) == [[(0, 1, "X")]] * 2
    assert caplog.text.count("removed 2 duplicates of entities") == 1


def test_overlapping_entities_are_kept(read):
    entities = [[0, 4, "ORG"], [0, 2, "LOC"], [0, 2, "GPE"], [1, 3, "X"]]
    dataset = read(json_lines([{"text": "北京大学", "entities": entities}]), "a.json")
    assert spans_of(dataset) == [[(0, 2, "GPE"), (0, 2, "LOC"), (0, 4, "ORG"), (1, 3, "X")]]


def test_given_ids_are_kept_as_strings(read):
    records = [record | {"id": row_id} for record, row_id in zip(CLUENER, (7, "x"), strict=True)]
    assert read(json_lines(records), "a.json")["id"][:] == ["7", "x"]


@pytest.mark.parametrize("record", [{"text": "一"}, {"id": 5, "text": "一"}, {"tokens": ["一"]}])
def test_file_without_any_labels_is_read_as_texts(read, record, caplog):
    caplog.set_level(logging.INFO)
    dataset = read(json_lines([record]), "test.json")
    assert (dataset["text"][:], dataset["entities"][:]) == (["一"], [[]])
    assert dataset.features == FEATURES
    assert "no row has labels" in caplog.text


@pytest.mark.parametrize("file_format", ["cluener", "spans"])
def test_format_can_be_forced(read, file_format):
    assert read('{"text": "一"}\n', "a.txt", file_format=file_format)["text"][:] == ["一"]


def test_columns_can_be_forced_where_the_content_looks_like_json(read):
    content = '{ O\n" O\n[ B-X\n'
    assert read(content, "a.json", file_format="columns")["text"][:] == ['{"[']
    assert read('[ O\n{ B-X\n" O\n', "a.txt")["text"][:] == ['[{"']


def test_allowed_entity_types_pass(read):
    assert spans_of(read(json_lines(CLUENER), "a.json", entity_types=["company", "name", "book"])) == SPANS


def test_skipping_leaves_bad_rows_out_keeps_row_numbers_and_counts(read, caplog):
    records = [CLUENER[0], {"text": 5, "label": {}}, CLUENER[1], {"text": "", "label": []}]
    dataset = read(json_lines(records) + "{\n", "a.json", skip_bad_lines=True)
    assert dataset["id"][:] == ["0", "2"]
    assert spans_of(dataset) == SPANS
    assert caplog.text.count("left out 3 bad rows") == 1
    assert 'a.json:2: expected "text": a string, found 5; add the text' in caplog.text


def test_skipping_leaves_out_the_whole_sentence_of_a_bad_line(read, caplog):
    content = "一 O\n二\n\n三 O\n四 I-X\n\n五 B-X\n".encode() + b"\xff O\n\n" + "六 O\n七 B-X\n".encode()
    dataset = read(content, skip_bad_lines=True, scheme="bio")
    assert (dataset["id"][:], dataset["text"][:]) == (["3"], ["六七"])
    assert caplog.text.count("left out 3 bad rows") == 1


@pytest.mark.parametrize("name", ["a.parquet", "a.parquet.gz"])
def test_parquet_of_tokens_or_of_spans_is_read(tmp_path, name):
    names = ["O", "B-X", "I-X"]
    features = Features({"tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=names))})
    tokens = Dataset.from_dict({"tokens": [["一", "二", "三"]], "ner_tags": [[1, 2, 0]]}, features=features)
    spans = Dataset.from_dict({"text": ["一二三"], "entities": [[{"start": 0, "end": 2, "label": "X"}]]})
    for dataset in (tokens, spans):
        dataset.to_parquet(tmp_path / "plain.parquet")
        content = (tmp_path / "plain.parquet").read_bytes()
        path = write(tmp_path / name, gzip.compress(content) if name.endswith(".gz") else content)
        assert read_ner(path).to_list() == [
            {"id": "0", "text": "一二三", "entities": [{"start": 0, "end": 2, "label": "X"}]}
        ]


@pytest.mark.parametrize("key", ["entities", "label"])
def test_candidates_of_rows_become_a_column(read, key):
    labels = [{"start": 0, "end": 1, "label": "X"}] if key == "entities" else {"X": {"一": [[0, 0]]}}
    rows = [{"text": "一二三", key: labels, "candidates": [[1, 3], [0, 1], [1, 3]]}, {"text": "四", "candidates": []}]
    dataset = read(json_lines([rows[0], rows[1] | {key: type(labels)()}]), "a.json")
    assert dataset["candidates"][:] == [[[0, 1], [1, 3]], []]
    assert read_ner_dataset(dataset).to_list() == dataset.to_list()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ([[0, 1], [0, 4]], "[0, 4]"),
        ([[1, 1]], "[1, 1]"),
        ([[0]], "[0]"),
        ([["a", 1]], '["a", 1]'),
        ({"a": 1}, '{"a": 1}'),
    ],
)
def test_candidates_outside_their_text_are_an_error(read, given, shown):
    message = (
        'file.txt:1: expected "candidates": [[start, end], ...] inside the text of 3 characters, end exclusive, '
        f"found {shown}; correct the offsets"
    )
    with pytest.raises(DataError, match=re.escape(message)):
        read(json_lines([{"text": "一二三", "entities": [], "candidates": given}]))


def test_candidates_that_some_rows_lack_are_an_error(read):
    rows = [{"text": "一", "entities": [], "candidates": []}, {"text": "二", "entities": []}]
    with pytest.raises(DataError, match=r"file.txt:2: expected candidates as in other lines, found none; add them"):
        read(json_lines(rows))
