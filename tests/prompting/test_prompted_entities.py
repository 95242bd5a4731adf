"""run_prompt.py on the spans of texts: entities zero-shot and tuned, saved and served."""

import json
import random

import pytest

import predict
from utils.data.errors import ArgumentError, DataError
from utils.prediction.cloze_entity_finder import ClozeEntityFinder

TEMPLATE = "{text}，{span}很{mask}。"
VERBALIZER = "{film: 好, review: 错, O: 很}"
FLAGS = {"template": TEMPLATE, "verbalizer": VERBALIZER, "max_span_length": 2}


@pytest.fixture
def entity_files(files):
    """Train and test: 电 is a film and 般 a review, wherever they stand."""
    draw = random.Random(0)
    for name, count in (("train", 40), ("test", 6)):
        lines = []
        for i in range(count):
            text = "".join(draw.choice("电影真是太好般，") for _ in range(8)) + "电" * (i % 2) + "般"
            gold = [(k, {"电": "film", "般": "review"}[char]) for k, char in enumerate(text) if char in "电般"]
            spans = [{"start": k, "end": k + 1, "label": label} for k, label in gold]
            lines.append(json.dumps({"id": f"{name}{i}", "text": text, "entities": spans}, ensure_ascii=False) + "\n")
        (files / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    return files


def read_lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def place(entity):
    return entity["start"], entity["end"], entity["label"]


def test_spans_are_asked_zero_shot_and_scored_on_the_full_gold(run, entity_files):
    results = run(test_file="test.jsonl", **FLAGS)
    rows = read_lines(entity_files / "out" / "predictions.jsonl")
    assert [row["id"] for row in rows] == [f"test{i}" for i in range(6)]
    gold = [{place(e) for e in row["entities"]} for row in read_lines(entity_files / "test.jsonl")]
    found = [{place(e) for e in row["entities"]} for row in rows]
    hits = sum(len(one & other) for one, other in zip(gold, found, strict=True))
    recall = hits / sum(map(len, gold))
    assert results["test_recall"] == pytest.approx(recall) and any(found)
    report = json.loads((entity_files / "out" / "report.json").read_text())
    assert report["test"]["threshold"] == 0.0 and report["test"]["table"]["micro avg"]["support"] == sum(
        map(len, gold)
    )


def test_higher_threshold_finds_fewer(run, entity_files):
    counts = []
    for threshold in (-50, 0, 50):
        run(f"at{threshold}", test_file="test.jsonl", entity_threshold=threshold, **FLAGS)
        counts.append(
            sum(len(row["entities"]) for row in read_lines(entity_files / f"at{threshold}" / "predictions.jsonl"))
        )
    assert counts[0] >= counts[1] >= counts[2] == 0 < counts[0]


def test_tuned_model_learns_its_entities_and_is_served(run, entity_files, capsys):
    results = run(
        train_file="train.jsonl",
        test_file="test.jsonl",
        negatives=3,
        learning_rate=5e-3,
        num_train_epochs=8,
        per_device_train_batch_size=8,
        **FLAGS,
    )
    assert results["test_f1"] > 0.8 and results["eval_f1"] > 0.8
    rows = read_lines(entity_files / "out" / "predictions.jsonl")
    finder = ClozeEntityFinder.load(str(entity_files / "out"), device="cpu")
    assert finder.types == ["film", "review"] and finder.threshold != 0.0
    words = [str(entity_files / "out"), "--input_file", str(entity_files / "test.jsonl"), "--device", "cpu"]
    predict.main([*words, "--precision", "fp32"])
    again = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for one, other in zip(again, rows, strict=True):
        assert [*map(place, one["entities"])] == [*map(place, other["entities"])]
        scores = [[entity["score"] for entity in row["entities"]] for row in (one, other)]
        assert scores[0] == pytest.approx(scores[1], abs=2e-4)
    assert "token-classification" in (entity_files / "out" / "README.md").read_text(encoding="utf-8")


def predictions(capsys, *words):
    predict.main([*map(str, words), "--device", "cpu", "--precision", "fp32"])
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_texts_that_were_shared_are_shared_by_predict_and_refused_by_a_graph(run, entity_files, capsys):
    short = {"num_train_epochs": 1, "max_train_samples": 4, "entity_threshold": -50}
    run(train_file="train.jsonl", test_file="test.jsonl", share_texts="true", **short, **FLAGS)
    rows = read_lines(entity_files / "out" / "predictions.jsonl")
    again = predictions(capsys, entity_files / "out", "--input_file", entity_files / "test.jsonl")
    for one, other in zip(again, rows, strict=True):
        assert [*map(place, one["entities"])] == [*map(place, other["entities"])] != []
        scores = [[entity["score"] for entity in row["entities"]] for row in (one, other)]
        assert scores[0] == pytest.approx(scores[1], abs=2e-4)
    with pytest.raises(ArgumentError, match="--share_texts was on in training, which a graph cannot do"):
        predict.main([str(entity_files / "out"), "--text", "电影", "--onnx"])


def test_predict_and_folds_ask_about_the_candidates_of_the_data_alone(run, entity_files, capsys):
    for name in ("train", "test"):
        rows = read_lines(entity_files / f"{name}.jsonl")
        lines = [json.dumps(row | {"candidates": [[0, 1], [2, 3]]}, ensure_ascii=False) for row in rows]
        (entity_files / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    short = {"num_train_epochs": 1, "max_train_samples": 8, "entity_threshold": -50}
    run(train_file="train.jsonl", test_file="test.jsonl", **short, **FLAGS)
    expected = read_lines(entity_files / "out" / "predictions.jsonl")
    again = predictions(capsys, entity_files / "out", "--input_file", entity_files / "test.jsonl")
    for row, other in zip(expected, again, strict=True):
        assert [*map(place, row["entities"])] == [*map(place, other["entities"])] and row["id"] == other["id"]
        assert {(one["start"], one["end"]) for one in row["entities"]} == {(0, 1), (2, 3)}

    run("folds", train_file="train.jsonl", folds=2, **short, **FLAGS)
    again = predictions(capsys, entity_files / "folds", "--input_file", entity_files / "test.jsonl")
    for row in [*read_lines(entity_files / "folds" / "out_of_fold.jsonl"), *again]:
        assert {(one["start"], one["end"]) for one in row["entities"]} <= {(0, 1), (2, 3)}


def test_few_texts_with_enough_entities_are_drawn(run, entity_files):
    run(train_file="train.jsonl", few_shot=3, num_train_epochs=1, **FLAGS)
    ids = json.loads((entity_files / "out" / "train_ids.json").read_text())
    by_id = {row["id"]: row["entities"] for row in read_lines(entity_files / "train.jsonl")}
    labels = [one["label"] for id in ids for one in by_id[id]]
    assert labels.count("film") >= 3 and labels.count("review") >= 3 and len(ids) < 8


def test_text_is_shown_with_its_entities(run, entity_files, capsys):
    run(text=["电影不错"], output_file=str(entity_files / "shown.json"), **FLAGS)
    row = read_lines(entity_files / "shown.json")[0]
    assert row["text"] == "电影不错" and "电影不错\n" in capsys.readouterr().err
    for one in row["entities"]:
        assert row["text"][one["start"] : one["end"]] == one["text"]


@pytest.mark.parametrize("calibrate", ["content_free", "batch", "prior"])
def test_answers_prior_is_divided_out(run, entity_files, calibrate):
    prior = {"prior_file": "train.jsonl"} if calibrate == "prior" else {}
    run("plain", test_file="test.jsonl", **FLAGS)
    run(test_file="test.jsonl", calibrate=calibrate, **prior, **FLAGS)
    plain, calibrated = (read_lines(entity_files / name / "predictions.jsonl") for name in ("plain", "out"))
    assert plain != calibrated


@pytest.mark.parametrize(
    ("flags", "error", "message"),
    [
        ({"verbalizer": "{film: 好, review: 错}"}, DataError, "expected a class O for spans that are not entities"),
        ({"verbalizer": "{film: 好, O: 般}"}, DataError, "review"),
        ({"share_texts": "true", "verbalizer": "{film: 不错, review: 错, O: 很}"}, ArgumentError, "equal token count"),
        ({"max_span_length": 0}, ArgumentError, "--max_span_length 0: expected 1 or more"),
        ({"negatives": -1}, ArgumentError, "--negatives -1.0: expected 0 or more"),
        ({"positive_label": "film"}, ArgumentError, "--positive_label: expected a template without {span}; it is for"),
        ({"template": "{text}{mask}", "entity_threshold": 1}, ArgumentError, "expected a template with {span}"),
        ({"template": [TEMPLATE, "{text}{mask}"]}, ArgumentError, "or {span} in all or in none"),
    ],
)  # fmt: skip
def test_wrong_input_is_an_error(run, entity_files, flags, error, message):
    with pytest.raises(error, match=message.replace("{", r"\{")):
        run(test_file="test.jsonl", **(FLAGS | flags))
