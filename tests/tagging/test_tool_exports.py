"""What labelling tools export and data sets hold gives the same entities in each form; others are refused."""

import json
import logging

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

from tests.reading.written_files import json_lines, write, write_and_read
from tests.tagging.entity_exports import EXPORTS, FOUND, PRODIGY, REGIONS, TAGS, TEXT, TRIPLES, dicts, studio
from tests.tagging.entity_rows import covered
from utils.data.errors import DataError
from utils.prediction.prediction_tasks import EntityTask
from utils.reading.model_inputs import read_inputs
from utils.reading.remembered_reading import ANYTHING
from utils.tagging.readers_ner import load_ner, read_ner, read_ner_dataset


@pytest.fixture
def read(tmp_path):
    """Write a file and read it."""
    return write_and_read(tmp_path, read_ner)


@pytest.mark.parametrize("name", ["a.json", "a.txt"])
@pytest.mark.parametrize("content", [content for _, content in EXPORTS], ids=[name for name, _ in EXPORTS])
def test_export_gives_its_entities(read, content, name):
    dataset = read(content, name)
    assert dataset["text"][:] == [TEXT, "没有"]
    assert covered(dataset) == FOUND


@pytest.mark.parametrize("content", [content for _, content in EXPORTS], ids=[name for name, _ in EXPORTS])
def test_prediction_reads_the_texts_of_an_export(tmp_path, content):
    path = write(tmp_path / "a.json", content)
    known = {"kind": "entities", "columns": (None,), "known": EntityTask.columns, "reading": ANYTHING}
    assert [row[1] for row in read_inputs(str(path), **known)] == [TEXT, "没有"]


def test_what_was_rejected_in_prodigy_is_left_out_and_counted(read, caplog):
    rows = [
        {"text": TEXT, "spans": dicts()} | PRODIGY | {"answer": answer} for answer in ("reject", "accept", "ignore")
    ]
    assert covered(read(json_lines(rows), "a.jsonl")) == FOUND[:1]
    assert "2 texts, the first in line 1: left out, since rejected or ignored in Prodigy" in caplog.text


def test_of_several_annotations_the_ground_truth_counts_and_others_must_agree(read):
    first, second = {"result": REGIONS}, {"result": REGIONS[:1]}
    task = {"data": {"text": TEXT}, "annotations": [second, first | {"ground_truth": True}]}
    assert covered(read(json.dumps([task]), "a.json")) == FOUND[:1]
    with pytest.raises(DataError, match="expected one annotation per text, found 2 that differ; mark one as ground"):
        read(json.dumps([{"data": {"text": TEXT}, "annotations": [first, second]}]), "a.json")


def test_text_that_nobody_has_labelled_in_label_studio_is_one_without_labels(read):
    tasks = [studio(REGIONS, data={"text": TEXT}), {"data": {"text": "没有"}, "annotations": []}]
    with pytest.raises(
        DataError, match=r"expected labels as in other lines, found none; add them, or \[\] for no entities"
    ):
        read(json.dumps(tasks), "a.json")


def test_end_that_may_be_inclusive_needs_its_word(read):
    row = {"text": TEXT, "entities": [{"start_idx": 0, "end_idx": 1, "type": "PER"}]}
    with pytest.raises(
        DataError, match='expected "entity" together with "end_idx", which alone does not show whether the end'
    ):
        read(json_lines([row]), "a.json")


@pytest.mark.parametrize("by_character", [True, False])
def test_offsets_that_a_browser_counted_are_moved_to_their_word_and_counted(read, caplog, by_character):
    text = "😀张三在𠮷北京"  # two characters beyond the basic plane
    places = [(1, 3), (5, 7)] if by_character else [(2, 4), (7, 9)]
    spans = [
        {"start": start, "end": end, "label": label, "text": word}
        for (start, end), (word, label) in zip(places, FOUND[0], strict=True)
    ]
    assert covered(read(json_lines([{"text": text, "entities": spans}]), "a.json")) == FOUND[:1]
    assert ("2 spans, the first in line 1: moved to its word" in caplog.text) != by_character


# Labels under names that are not known

OTHERS = [
    ("a list of spans", {"text": TEXT, "mentions": TRIPLES}, "spans under entities", "mentions"),
    ("a list of dicts", {"text": TEXT, "marked": dicts()}, "spans under entities", "marked"),
    ("an object", {"text": TEXT, "my_labels": {"PER": ["张三"]}}, "spans under entities", "my_labels"),
    ("tags", {"tokens": list(TEXT), "wordclass": TAGS}, "tags under ner_tags", "wordclass"),
    ("spans of tokens", {"tokens": list(TEXT), "entities": dicts(label="type")}, "tags under ner_tags", "entities"),
]


@pytest.mark.parametrize(("row", "expected", "key"), [row[1:] for row in OTHERS], ids=[row[0] for row in OTHERS])
@pytest.mark.parametrize("form", ["json", "parquet", "data set"])
def test_other_keys_that_look_like_labels_are_named_and_refused(tmp_path, read, row, expected, key, form):
    with pytest.raises(DataError) as raised:
        if form == "json":
            read(json_lines([row, row]), "a.json")
        else:
            plain = {name: [json.loads(json.dumps(value))] for name, value in row.items()}
            if any(isinstance(each, list) and each and isinstance(each[0], list) for each in plain[key]):
                plain[key] = [[[0, 2], [3, 5]]]  # Arrow has no lists of several types
            if form == "parquet":
                Dataset.from_dict(plain).to_parquet(tmp_path / "a.parquet")
                read_ner(tmp_path / "a.parquet")
            read_ner_dataset(Dataset.from_dict(plain))
    assert f'expected {expected}, found what looks like labels under "{key}"; rename it' in str(raised.value)


@pytest.mark.parametrize(
    "beside",
    [
        {"meta": {"source": {"page": 1}}},
        {"pos_tags": ["NN"] * 5},
        {"labels": None},
        {"comments": ["good"]},
        {"source": "news", "score": 0.5, "tags": []},
    ],
    ids=str,
)
def test_what_is_no_label_beside_a_text_is_passed_over(read, beside):
    assert covered(read(json_lines([{"text": TEXT} | beside]), "a.json")) == [[]]


# Data sets: the same rows as Arrow has them


def features(label, names):
    """Of tokens with tags that are classes."""
    return Features({"tokens": List(Value("string")), label: List(ClassLabel(names=names))})


NAMES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
IO_NAMES = ["O", "PER", "LOC"]
LISTED = {"start": [0, 3], "end": [2, 5], "label": ["PER", "LOC"]}
SPAN = {"start": Value("int64"), "end": Value("int64"), "label": ClassLabel(names=["LOC", "PER"])}
DATA_SETS = [
    ("spans", Dataset.from_dict({"text": [TEXT, "没有"], "spans": [dicts(), []]})),
    ("label", Dataset.from_dict({"text": [TEXT, "没有"], "label": [dicts(), []]})),
    ("labels", Dataset.from_dict({"sentence": [TEXT, "没有"], "labels": [dicts(), []]})),
    ("ner", Dataset.from_dict({"tokens": [list(TEXT), ["没有"]], "ner": [TAGS, ["O"]]})),
    ("words", Dataset.from_dict({"words": [list(TEXT), ["没有"]], "tags": [TAGS, ["O"]]})),
    ("lists of parts", Dataset.from_dict({"text": [TEXT, "没有"], "entities": [LISTED, {key: [] for key in LISTED}]})),
    (
        "classes of tags",
        Dataset.from_dict(
            {"tokens": [list(TEXT), ["没有"]], "ner": [[1, 2, 0, 3, 4], [0]]}, features=features("ner", NAMES)
        ),
    ),
    (
        "classes without prefixes",
        Dataset.from_dict(
            {"tokens": [list(TEXT), ["没有"]], "ner_tags": [[1, 1, 0, 2, 2], [0]]},
            features=features("ner_tags", IO_NAMES),
        ),
    ),
    (
        "classes of spans",
        Dataset.from_dict(
            {
                "text": [TEXT, "没有"],
                "entities": [[{"start": 0, "end": 2, "label": 1}, {"start": 3, "end": 5, "label": 0}], []],
            },
            features=Features({"text": Value("string"), "entities": List(SPAN)}),
        ),
    ),
    (
        "CLUENER, filled up by Arrow",
        Dataset.from_list(
            [
                {"text": TEXT, "label": {"PER": {"张三": [[0, 1]], "李四": None}, "LOC": {"北京": [[3, 4]]}}},
                {"text": "没有", "label": {"PER": None, "LOC": None}},
            ]
        ),
    ),
]


@pytest.mark.parametrize("dataset", [dataset for _, dataset in DATA_SETS], ids=[name for name, _ in DATA_SETS])
@pytest.mark.parametrize("form", ["in memory", "parquet", "saved"])
def test_data_set_gives_its_entities(tmp_path, dataset, form):
    if form == "in memory":
        found = read_ner_dataset(dataset)
    elif form == "parquet":
        dataset.to_parquet(tmp_path / "a.parquet")
        found = read_ner(tmp_path / "a.parquet")
    else:
        DatasetDict(train=dataset).save_to_disk(tmp_path / "saved")
        found = load_ner(str(tmp_path / "saved"))["train"]
    assert covered(found) == FOUND


def test_numbers_of_a_data_set_are_named_by_the_option():
    dataset = Dataset.from_dict({"tokens": [list(TEXT)], "ner_tags": [[1, 2, 0, 3, 4]]})
    assert covered(read_ner_dataset(dataset, label_names=NAMES)) == FOUND[:1]
    with pytest.raises(DataError, match=r"row 1: expected names of tags, .*--label_names O,B-PER,I-PER"):
        read_ner_dataset(dataset)


# brat


@pytest.fixture
def brat(tmp_path):
    """A folder with two texts."""

    def write(annotations="T1\tPER 0 2\t张三\nT2\tLOC 3 5\t北京\nR1\tin Arg1:T1 Arg2:T2\n#1\tNote T1\tsure\n"):
        for name, text, lines in (("a", TEXT, annotations), ("b", "没有", "")):
            (tmp_path / f"{name}.txt").write_bytes(text.encode())
            (tmp_path / f"{name}.ann").write_bytes(lines.encode())
        return tmp_path

    return write


@pytest.mark.parametrize("name", ["", "a.txt", "a.ann"])
def test_brats_files_are_read_alone_or_as_a_folder(brat, caplog, name):
    caplog.set_level(logging.INFO)
    dataset = read_ner(brat() / name)
    assert dataset["id"][:] == (["a"] if name else ["a", "b"])
    assert covered(dataset) == (FOUND[:1] if name else FOUND)
    assert "left out 2 lines that are not entities" in caplog.text


def test_brats_offsets_count_line_ends_as_they_are(tmp_path):
    (tmp_path / "a.txt").write_bytes("一😀\r\n张三\r\n在New\nYork".encode())
    (tmp_path / "a.ann").write_bytes(b"T1\tPER 4 6\t\xe5\xbc\xa0\xe4\xb8\x89\r\nT2\tLOC 9 17\tNew York\r\n")
    assert covered(read_ner(tmp_path / "a.ann")) == [[("张三", "PER"), ("New\nYork", "LOC")]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "T1\tPER 0 1;2 3\t张 在",
            "expected an entity in one piece, found 0 1;2 3; give it one start and end in brat",
        ),
        ("T1\tPER 0 9\t张三", "expected the PER entity inside the text of 5 characters, found [0, 9]; correct"),
        ("T1\tPER 1 3\t张三", 'expected "张三" at [1, 3] for the PER entity, found "三在"; correct the offsets'),
        ("T1 PER 0 2 张三", "expected T1, a tab, a label and offsets, a tab and the words, found"),
    ],
)
def test_brats_faults_name_the_line_of_their_own_file(brat, line, message):
    folder = brat(f"T0\tLOC 3 5\t北京\n{line}\n")
    with pytest.raises(DataError) as raised:
        read_ner(folder)
    assert str(raised.value).startswith(f"{folder / 'a.ann'}:2: {message}")
    assert read_ner(folder, skip_bad_lines=True)["id"][:] == ["b"]


def test_brats_texts_alone_need_no_annotations(brat):
    folder = brat("no annotation")
    (folder / "b.ann").unlink()
    assert read_ner(folder, with_labels=False)["text"][:] == [TEXT, "没有"]


def test_brats_text_without_annotations_is_an_error(brat):
    folder = brat()
    (folder / "b.ann").unlink()
    with pytest.raises(DataError, match=r"b\.ann: expected a file, found none"):
        read_ner(folder)
