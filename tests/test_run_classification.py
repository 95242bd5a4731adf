"""run_classification.py from files to the output directory, with a tiny random encoder."""

import csv
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from datasets import Dataset, DatasetDict
from safetensors.torch import load_file

import predict
import run_classification
from utils.data.errors import ArgumentError, DataError

ROOT = Path(__file__).resolve().parent.parent
CITIES, VERBS = ["北京", "上海", "广州", "深圳"], ["在", "去了", "来自"]


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def read_lines(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def read_json(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


def draw_rows(kind, count, seed):
    """Rows whose label a glance at one or two characters tells."""
    draw = random.Random(seed)
    rows = []
    for i in range(count):
        city, other, verb = draw.choice(CITIES), draw.choice(CITIES), draw.choice(VERBS)
        text = draw.choice("张王李赵陈") + draw.choice("伟芳娜敏静") + verb + city + "开会。"
        rows.append(
            {
                "binary": {"id": f"n{i}", "text": text, "label": int(verb == "在")},
                "classes": {"text": text, "label": city},
                "pair": {"sentence1": text, "sentence2": other, "label": "north" if other == "北京" else "south"},
                "labels": {"text": text + other, "labels": sorted({city, other})},
            }[kind]
        )
    return rows


@pytest.fixture
def run(tiny_encoder, tmp_path):
    """Call run_classification; the first argument is the kind of data, keyword arguments are flags."""

    def call(kind="binary", output_dir=tmp_path / "run", **flags):
        values = {
            "model_name_or_path": tiny_encoder,
            "train_file": write_lines(tmp_path / f"{kind}-train.jsonl", draw_rows(kind, 160, 0)),
            "validation_file": write_lines(tmp_path / f"{kind}-dev.jsonl", draw_rows(kind, 40, 1)),
            "output_dir": output_dir,
            "num_train_epochs": 2,
            "per_device_train_batch_size": 8,
            "learning_rate": 5e-3,
            "precision": "fp32",
        } | flags
        words = [str(word) for name, value in values.items() if value is not None for word in (f"--{name}", value)]
        return run_classification.main(words)

    return call


@pytest.mark.parametrize("kind", ["binary", "classes", "pair", "labels"])
@pytest.mark.parametrize("pooling", ["cls", "fusion"])
def test_each_task_trains_saves_and_predicts_the_same_again(run, tmp_path, capsys, kind, pooling):
    results = run(kind, pooling=pooling, num_train_epochs=8, learning_rate=3e-3)
    folder = tmp_path / "run"
    names = {path.name for path in folder.iterdir()}
    wanted = {"model.safetensors", "config.json", "tokenizer.json", "README.md", "run.json", "all_results.json"}
    assert names >= wanted | {
        "predictions.jsonl",
        "report.json",
        "trainer_state.json",
        "error_report.html",
        "curves.png",
    }
    errors = json.loads((folder / "error_report.json").read_text(encoding="utf-8"))["splits"]["validation"]
    assert 1 - errors["wrong"] / errors["examples"] == pytest.approx(results["eval_accuracy"])
    assert ("text_classifier.py" in names) == (pooling == "fusion")
    least = {"binary": 0.8, "classes": 0.5, "pair": 0.3, "labels": 0.6}[kind]
    assert results["eval_f1"] > least

    capsys.readouterr()
    dev = tmp_path / f"{kind}-dev.jsonl"
    predict.main([str(folder), "--input_file", str(dev), "--precision", "fp32", "--batch_size", "1"])
    again = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    rows = draw_rows(kind, 40, 1)
    for one, other, gold in zip(again, read_lines(folder / "predictions.jsonl"), rows, strict=True):
        assert one["text"] == other["text"] == gold.get("text", gold.get("sentence1"))
        assert one.get("text_pair") == gold.get("sentence2")
        for name in ("label", "labels"):
            assert one.get(name) == other.get(name)
        assert one.get("score", 0) == pytest.approx(other.get("score", 0), abs=2e-4)
    if kind == "labels":
        correct = sum(set(one["labels"]) == set(gold["labels"]) for one, gold in zip(again, rows, strict=True))
    else:
        correct = sum(one["label"] == str(gold["label"]) for one, gold in zip(again, rows, strict=True))
    assert results["eval_accuracy"] == pytest.approx(correct / len(rows))


@pytest.mark.parametrize(("pooling", "layers"), [("mean", "weighted"), ("max", "last"), ("cls", "weighted")])
def test_every_option_of_the_head_and_every_trick_trains(run, pooling, layers):
    flags = {"fgm_epsilon": 0.5, "r_drop_alpha": 1.0, "ema_decay": 0.9, "layer_decay": 0.9}
    flags |= {"loss": "focal", "class_weights": "auto", "class_sampling": "square_root", "logit_adjustment": 0.5}
    flags |= {"label_smoothing_factor": 0.1, "head_learning_rate": 0.01, "gradient_accumulation_steps": 2}
    results = run("classes", pooling=pooling, layers=layers, num_train_epochs=1, **flags)
    assert 0 <= results["eval_f1"] <= 1


def test_multi_label_trains_with_focal_loss_weights_and_r_drop(run):
    results = run("labels", loss="focal", class_weights="auto", r_drop_alpha=1.0, num_train_epochs=1)
    assert 0 <= results["eval_f1"] <= 1


def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(run, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    flags = {"class_sampling": "balanced", "save_total_limit": 5, "pooling": "fusion"}
    results = run("classes", whole, **flags, keep_checkpoints=True)
    broken.mkdir()
    first = min(whole.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    shutil.copytree(first, broken / first.name)
    again = run("classes", broken, **flags, resume_from_checkpoint="last")
    assert again["eval_f1"] == results["eval_f1"]
    one, other = load_file(whole / "model.safetensors"), load_file(broken / "model.safetensors")
    assert one.keys() == other.keys() and all(one[name].equal(other[name]) for name in one)


def test_without_validation_file_a_tenth_of_each_class_is_held_out(run, tmp_path):
    run("classes", validation_file=None, num_train_epochs=1)
    held_out = read_json(tmp_path / "run" / "validation_ids.json")
    rows = draw_rows("classes", 160, 0)
    assert {rows[int(i)]["label"] for i in held_out} == set(CITIES)
    texts = {rows[int(i)]["text"] for i in held_out}
    assert all(str(i) in held_out for i, row in enumerate(rows) if row["text"] in texts)


def test_the_test_file_becomes_a_submission_and_is_scored_by_the_validation_data_s_decisions(run, tmp_path):
    test = draw_rows("binary", 50, 2)
    labelled, hidden = tmp_path / "test.jsonl", tmp_path / "hidden.jsonl"
    write_lines(labelled, test)
    write_lines(hidden, [{name: value for name, value in row.items() if name != "label"} for row in test])
    results = run(test_file=labelled, threshold_metric="f1")
    with open(tmp_path / "run" / "submission.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [row["id"] for row in test]
    right = sum(row["label"] == str(gold["label"]) for row, gold in zip(rows, test, strict=True))
    assert results["test_accuracy"] == pytest.approx(right / len(test))
    trained = {"train_file": None, "validation_file": None, "model_name_or_path": tmp_path / "run"}
    assert run(output_dir=tmp_path / "applied", **trained, test_file=hidden) == {}
    one, other = ((tmp_path / name / "submission.csv").read_text() for name in ("run", "applied"))
    assert one == other


def test_tuned_decisions_are_stored_and_predict_can_override_them(run, tmp_path, capsys):
    run(threshold_metric="accuracy", num_train_epochs=1)
    config = read_json(tmp_path / "run" / "config.json")
    report = read_json(tmp_path / "run" / "report.json")["validation"]
    assert config["decision"] == report["decision"] and len(config["decision"]["thresholds"]) == 1
    assert report["scores"]["accuracy"] >= report["untuned"]["scores"]["accuracy"]
    for threshold, label in (("0.0", "1"), ("1.0", "0")):
        capsys.readouterr()
        predict.main([str(tmp_path / "run"), "--text", "张伟在北京", "--threshold", threshold])
        assert json.loads(capsys.readouterr().out)["label"] == label


def test_a_wanted_share_of_positives_is_met_on_validation(run, tmp_path):
    run(positive_share=0.25, num_train_epochs=1)
    said = [row["label"] for row in read_lines(tmp_path / "run" / "predictions.jsonl")]
    assert abs(said.count("1") / len(said) - 0.25) < 0.15


def test_labels_get_thresholds_of_their_own(run, tmp_path):
    run("labels", threshold_metric="f1", threshold_scope="each", num_train_epochs=2)
    thresholds = read_json(tmp_path / "run" / "config.json")["decision"]["thresholds"]
    assert len(thresholds) == len(CITIES) and len(set(thresholds)) > 1


def test_cleaning_rules_travel_with_the_model(run, tmp_path, capsys):
    rules = tmp_path / "rules.yaml"
    rules.write_text('- {pattern: "去了|来自", replacement: "在"}\n', encoding="utf-8")
    run("classes", cleaning_file=rules, num_train_epochs=1)
    scores = []
    for text in ("张伟去了北京", "张伟在北京"):
        capsys.readouterr()
        predict.main([str(tmp_path / "run"), "--text", text])
        row = json.loads(capsys.readouterr().out)
        assert row["text"] == text
        scores.append(row["top"])
    assert scores[0] == scores[1]


def test_long_texts_are_cut_counted_and_still_classified(run, tmp_path, capsys):
    long = write_lines(tmp_path / "long.jsonl", [{"text": "张伟在" * 200, "label": 1}])
    run(test_file=long, max_length=16, num_train_epochs=1)
    assert read_json(tmp_path / "run" / "config.json")["input_length"] == 16
    assert "1 text cut by" in capsys.readouterr().err
    assert len(read_lines(tmp_path / "run" / "predictions.jsonl")) == 1


@pytest.mark.parametrize(
    ("kind", "flags", "message"),
    [
        ("classes", {"threshold_metric": "f1"}, "thresholds are for two classes or multi-label data, .* 4 classes"),
        ("binary", {"threshold_metric": "f1", "positive_share": 0.2}, "expected only one of them"),
        ("binary", {"target_precision": 1.5}, "expected a number between 0 and 1"),
        ("binary", {"fusion_weights": "equal"}, "--fusion_weights equal does nothing with --pooling cls"),
        (
            "labels",
            {"class_sampling": "balanced"},
            "--class_sampling balanced is for one class for each text, but the labels are several",
        ),
        (
            "labels",
            {"logit_adjustment": 1.0},
            "--logit_adjustment is for one class for each text, but the labels are several",
        ),
        ("binary", {"threshold_scope": "each"}, "--threshold_scope each: expected a goal to tune for"),
        (
            "binary",
            {"threshold_scope": "each", "threshold_metric": "f1"},
            "--threshold_scope each is for several labels for each text, but the labels are one class for each text",
        ),
        ("labels", {"positive_label": "a"}, "--positive_label is for one class for each text, but the labels are"),
        ("binary", {"positive_label": "yes"}, "--positive_label yes: expected one of two classes, found 0, 1"),
        ("binary", {"train_file": None, "validation_file": None}, "nothing to do"),
    ],
)
def test_options_that_make_no_sense_are_refused(run, kind, flags, message):
    with pytest.raises((ArgumentError, DataError), match=message):
        run(kind, **flags)


@pytest.mark.parametrize("flag", [{"threshold_metric": "f1"}, {"layer_decay": 0.9}], ids=["thresholds", "tricks"])
def test_options_of_training_are_refused_where_the_data_set_has_no_split_to_train_on(run, tmp_path, flag):
    (name,) = flag
    DatasetDict(test=Dataset.from_list(draw_rows("binary", 8, 0))).save_to_disk(tmp_path / "saved")
    message = f"saved: expected a split named train, found test; so --{name}.* does nothing if no model is trained"
    with pytest.raises(ArgumentError, match=message):
        run(train_file=None, validation_file=None, dataset_name=tmp_path / "saved", num_train_epochs=None, **flag)


def test_a_label_that_training_does_not_know_is_an_error_with_its_place(run, tmp_path):
    bad = write_lines(tmp_path / "bad.jsonl", [{"text": "张伟", "label": 0}, {"text": "李娜", "label": 2}])
    with pytest.raises(DataError, match=r"bad\.jsonl:2: .*2"):
        run(validation_file=bad)
    with pytest.raises(DataError, match=r"bad\.jsonl:2: .*2"):
        run(test_file=bad)


def test_one_class_only_is_refused(run, tmp_path):
    one = write_lines(tmp_path / "one.jsonl", [{"text": text, "label": "a"} for text in "张王李"])
    with pytest.raises(DataError, match="expected two classes or more, found a"):
        run(train_file=one)


def test_pairs_in_training_and_single_texts_in_validation_are_refused(run, tmp_path):
    single = write_lines(tmp_path / "single.jsonl", [{"text": "张伟", "label": "north"}])
    with pytest.raises(DataError, match="validation data: expected pairs of texts as in training, found single texts"):
        run("pair", validation_file=single)


def test_validation_data_without_labels_is_refused(run, tmp_path):
    bare = write_lines(tmp_path / "bare.jsonl", [{"text": "张伟"}])
    with pytest.raises(DataError, match="validation data: expected labels, found none"):
        run(validation_file=bare)


def test_predict_refuses_what_the_model_does_not_take(run, tmp_path):
    run(num_train_epochs=1)
    folder = str(tmp_path / "run")
    with pytest.raises(ArgumentError, match="--question: a model for classes does not take it"):
        predict.main([folder, "--text", "a", "--question", "b"])
    with pytest.raises(ArgumentError, match="--output_format cluener: a model for classes does not write it"):
        predict.main([folder, "--text", "a", "--output_format", "cluener"])
    with pytest.raises(ArgumentError, match="--text_pair: this model takes single texts"):
        predict.main([folder, "--text", "a", "--text_pair", "b"])


def test_user_errors_end_in_one_line_and_status_2(tmp_path):
    command = [sys.executable, str(ROOT / "run_classification.py"), "--model_name_or_path", "x"]
    command += ["--output_dir", str(tmp_path), "--train_file", "nowhere.tsv"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: nowhere.tsv: expected a file, found none")
    assert "Traceback" not in done.stderr
