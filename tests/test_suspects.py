"""report.py --suspects: labels that may be wrong, as a page and as rows that training reads."""

import csv
import json
import random

import pytest

import report
from tests.reporting.test_report_page import Outline
from utils.data.errors import ArgumentError, DataError
from utils.reading.class_readers import read_classes
from utils.reporting.suspects import rank_suspects
from utils.tagging.readers_ner import read_ner

CLASSES = ["sport", "体育<b>"]


def make_run(folder, lines, *, train_file="train.jsonl", **arguments):
    """The files of a finished run with --folds that --suspects reads."""
    folder.mkdir()
    record = {"argv": ["run.py"], "arguments": {"train_file": train_file, **arguments}, "seed": 1, "results": {}}
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (folder / "out_of_fold.jsonl").write_text(text, encoding="utf-8")
    return folder


def class_lines(count=40, wrong=(23, 37)):
    """Rows of two classes; the models are the surer, the later the row; the labels of some are changed."""
    lines = []
    for i in range(count):
        true, score = CLASSES[i % 2], 0.8 + i / 1000
        top = [{"label": true, "score": score}, {"label": CLASSES[1 - i % 2], "score": 1 - score}]
        gold = CLASSES[(i + (i in wrong)) % 2]
        lines.append({"id": f"r{i}", "text": f"文,本 {i}", "label": true, "score": score, "top": top, "gold": gold})
    return lines


def entity_lines():
    said = {"start": 0, "end": 2, "label": "name", "text": "张伟", "score": 0.9}
    place = {"start": 3, "end": 5, "label": "place", "text": "北京", "score": 0.8}
    name = {"start": 0, "end": 2, "label": "name", "score": 0.9}
    line = {"text": "张伟在北京。", "entities": [said, place]}
    return [
        {"id": "a", **line, "gold": [name, {"start": 3, "end": 5, "label": "place", "score": 0.8}]},
        {"id": "b", **line, "gold": [name, {"start": 3, "end": 5, "label": "time", "score": 0.05}]},
        {"id": "c", **line, "gold": [name]},
        {
            "id": "d",
            "text": "他走了。",
            "entities": [],
            "gold": [{"start": 0, "end": 1, "label": "name", "score": 0.3}],
        },
        {
            "id": "e",
            "text": "她走了。",
            "entities": [],
            "gold": [{"start": 0, "end": 1, "label": "name", "score": 0.6}],
        },
    ]


def test_changed_classes_are_listed_and_training_reads_the_file(tmp_path, capsys):
    run = make_run(tmp_path / "run", class_lines())
    report.main(["--suspects", str(run)])
    assert "2 of 40 rows to look at again, the most suspicious first:" in capsys.readouterr().out
    rows = [json.loads(line) for line in (run / "suspects.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == ["r37", "r23"]  # the surer one first
    assert [row["suggested"] for row in rows] == [CLASSES[1], CLASSES[1]]
    assert rows[0]["suspicion"] == pytest.approx(0.837)
    read = read_classes(run / "suspects.jsonl")
    assert read["label"][:] == [CLASSES[0]] * 2 and read["id"][:] == ["r37", "r23"]


def test_page_shows_each_row_with_both_classes_and_nothing_is_markup(tmp_path, capsys):
    run = make_run(tmp_path / "run", class_lines())
    report.main(["--suspects", str(run)])
    outline = Outline((run / "suspects.html").read_text(encoding="utf-8"))
    assert outline.wrong == []
    text = "".join(outline.texts)
    assert "Labels to look at again in run" in text and "文,本 37" in text and "体育<b>" in text
    assert sum(attributes.get("class") == "card" for _, attributes in outline.elements) == 2


@pytest.mark.parametrize("suffix, delimiter", [(".csv", ","), (".tsv", "\t"), (".csv.gz", ",")])
def test_rows_of_a_table_come_as_a_table(tmp_path, suffix, delimiter):
    run = make_run(tmp_path / "run", class_lines(), train_file=f"train{suffix}")
    report.main(["--suspects", str(run)])
    file = run / f"suspects{suffix.removesuffix('.gz')}"
    with open(file, encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter=delimiter))
    assert [(row["id"], row["text"], row["label"]) for row in rows] == [
        ("r37", "文,本 37", CLASSES[0]),
        ("r23", "文,本 23", CLASSES[0]),
    ]
    assert read_classes(file)["text"][:] == ["文,本 37", "文,本 23"]


def test_columns_have_the_names_that_the_run_was_told(tmp_path):
    told = {"id_column": "ID", "text_column": "Review", "label_column": "Sentiment"}
    run = make_run(tmp_path / "run", class_lines(), train_file="raw/train.csv", **told)
    report.main(["--suspects", str(run)])
    lines = (run / "suspects.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "ID,Review,Sentiment,suggested,suspicion"
    assert read_classes(run / "suspects.csv", **told)["id"][:] == ["r37", "r23"]


def test_several_labels_are_doubted_each_by_itself(tmp_path):
    draw, lines = random.Random(0), []
    for i in range(60):
        true = [name for name in ("a", "b", "c") if draw.random() < 0.5]
        scores = {name: 0.9 if name in true else 0.1 for name in ("a", "b", "c")}
        gold = sorted({*true} ^ {"b"}) if i in (7, 8) else true
        lines.append({"id": str(i), "text": f"t{i}", "labels": true, "scores": scores, "gold": gold})
    run = make_run(tmp_path / "run", lines, train_file="train.csv", label_separator=";")
    report.main(["--suspects", str(run)])
    with open(run / "suspects.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["id"] for row in rows} == {"7", "8"}
    for row in rows:
        line = lines[int(row["id"])]
        assert row["labels"] == ";".join(line["gold"]) and row["suggested"] == ";".join(line["labels"])


def test_labels_with_a_column_each_are_written_as_such(tmp_path):
    chances = {"a": 0.9, "b": 0.1}
    lines = [{"id": str(i), "text": f"t{i}", "labels": ["a"], "scores": chances, "gold": ["a"]} for i in range(30)]
    lines[4] = lines[4] | {"gold": ["b"]}
    run = make_run(tmp_path / "run", lines, train_file="train.csv", label_columns="b, a")
    report.main(["--suspects", str(run)])
    with open(run / "suspects.csv", encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert list(row) == ["id", "text", "b", "a", "suggested", "suspicion"]
    assert [row[name] for name in ("id", "b", "a", "suggested")] == ["4", "1", "0", "a"]


def test_entities_are_compared_place_by_place(tmp_path):
    run = make_run(tmp_path / "run", entity_lines())
    report.main(["--suspects", str(run)])
    rows = [json.loads(line) for line in (run / "suspects.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(row["id"], row["suspicion"]) for row in rows] == [("b", 0.95), ("c", 0.8), ("d", 0.7)]
    right = [{"start": 0, "end": 2, "label": "name"}, {"start": 3, "end": 5, "label": "place"}]
    assert [row["suggested"] for row in rows] == [right, right, []]
    read = read_ner(run / "suspects.jsonl")
    assert read["text"][1] == "张伟在北京。" and len(read["entities"][0]) == 2
    outline = Outline((run / "suspects.html").read_text(encoding="utf-8"))
    assert outline.wrong == [] and "time" in "".join(outline.texts)


def test_nothing_suspect_is_said_and_nothing_written(tmp_path, capsys):
    run = make_run(tmp_path / "run", class_lines(wrong=()))
    report.main(["--suspects", str(run)])
    assert capsys.readouterr().out == "40 rows: no label is suspect\n"
    assert sorted(path.name for path in run.iterdir()) == ["out_of_fold.jsonl", "run.json"]


def test_order_does_not_depend_on_that_of_rows():
    lines = class_lines(wrong=(23, 28, 37, 38))
    texts = [lines[one.row]["id"] for one in rank_suspects(lines)]
    assert [lines[::-1][one.row]["id"] for one in rank_suspects(lines[::-1])] == texts


@pytest.mark.parametrize(
    "content, message",
    [
        ("", "expected predicted classes or entities"),
        ("{]\n", "expected lines of JSON as a run writes them"),
        ("3\n", "expected lines of JSON as a run writes them"),
        ('{"text": "a", "score": 1.0, "gold": 2.0}\n', "expected predicted classes or entities"),
        ('{"question": "a", "answer": "b", "gold": {}}\n', "expected predicted classes or entities"),
    ],
)
def test_other_files_are_refused(tmp_path, content, message):
    run = make_run(tmp_path / "run", [])
    (run / "out_of_fold.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        report.main(["--suspects", str(run)])


def test_other_folders_and_options_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"out_of_fold.jsonl, which a finished run with --folds writes, found none"):
        report.main(["--suspects", str(tmp_path)])
    with pytest.raises(ArgumentError, match="--suspects with one"):
        report.main(["--suspects", str(tmp_path), str(tmp_path)])
    with pytest.raises(ArgumentError, match="--metrics"):
        report.main(["--suspects", str(tmp_path), "--metrics", "eval_f1"])
