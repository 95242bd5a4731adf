"""Regression: scores as labels, from the file to the page, with the numbers of scipy and of hand."""

import json
import math
import re

import numpy as np
import onnxruntime
import pytest
import torch
from scipy.stats import pearsonr, spearmanr
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

import app
import export_onnx
import predict
import report
import run_classification
from utils.data.errors import ArgumentError, DataError
from utils.scoring.example_counts import metrics_of
from utils.scoring.regression import RegressionScores
from utils.tasks.text_scores import are_scores
from utils.training.losses import ScoreLoss


def test_scores_are_those_of_scipy():
    rng = np.random.default_rng(0)
    found, gold = rng.normal(size=40), rng.normal(size=40)
    scores = RegressionScores(keep_in_memory=True).compute(predictions=found, references=gold)
    assert scores["pearson"] == pytest.approx(pearsonr(found, gold).statistic)
    assert scores["spearman"] == pytest.approx(spearmanr(found, gold).statistic)
    assert scores["mae"] == pytest.approx(abs(found - gold).mean())
    assert scores["mse"] == pytest.approx(((found - gold) ** 2).mean())
    for name in scores:
        counts, metric = metrics_of({"kind": "scores", "gold": gold, "predicted": found})[name]
        assert float(metric(counts.sum(0))) == pytest.approx(scores[name])


def test_constant_scores_have_no_correlation_and_no_warning(recwarn):
    scores = RegressionScores(keep_in_memory=True).compute(predictions=[2.0, 2.0], references=[1.0, 3.0])
    assert (scores["pearson"], scores["spearman"], scores["mae"]) == (0.0, 0.0, 1.0) and not recwarn.list


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_outputs_that_are_no_numbers_are_no_good_scores(broken, recwarn):
    """An error of 0 would be the best there is."""
    scores = RegressionScores(keep_in_memory=True).compute(predictions=[broken, 1.0], references=[1.0, 3.0])
    assert scores["pearson"] == 0.0 and scores["spearman"] <= 0.0 and not recwarn.list
    assert not math.isfinite(scores["mae"]) and not math.isfinite(scores["mse"])


def test_single_score_has_errors_and_no_correlation():
    scores = RegressionScores(keep_in_memory=True).compute(predictions=[2.0], references=[1.5])
    assert scores == {"pearson": 0.0, "spearman": 0.0, "mae": 0.5, "mse": 0.25}


@pytest.mark.parametrize("huber, wanted", [(False, (0.25 + 9) / 2), (True, (0.125 + 2.5) / 2)])
def test_loss_is_squared_error_or_hubers(huber, wanted):
    """Errors of 0.5 and 3: squares 0.25 and 9; Huber's 0.5 * 0.25 and 3 - 0.5."""
    outputs, labels = {"logits": torch.tensor([[1.5], [4.0]])}, torch.tensor([1.0, 1.0])
    assert ScoreLoss(huber)(outputs, labels).item() == pytest.approx(wanted)
    assert ScoreLoss(huber)(outputs, labels, 4).item() == pytest.approx(wanted / 2)


@pytest.mark.parametrize(
    "labels, scores",
    [(["3.8", "2"], True), (["1", "2.0"], False), (["3.8", "x"], False), ([], False), (["nan", "1.5"], False)],
)
def test_numbers_with_decimals_are_scores(labels, scores):
    assert are_scores(labels) is scores


@pytest.fixture
def run(tiny_encoder, tmp_path):
    """Train on pairs whose score is told by a character; gives results and folder."""
    texts = [
        {"id": f"r{i}", "sentence1": f"张{'王李赵'[i // 3 % 3]}在{'北' * (i % 3)}开会", "sentence2": "京"}
        for i in range(60)
    ]
    rows = [text | {"score": i % 3 + 0.5} for i, text in enumerate(texts)]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")

    def call(*words, folder="out"):
        argv = ["--model_name_or_path", tiny_encoder, "--train_file", str(path), "--label_column", "score"]
        argv += ["--output_dir", str(tmp_path / folder), "--learning_rate", "5e-3", "--precision", "fp32", *words]
        if not {"--validation_file", "--validation_share"} & set(words):
            argv += ["--validation_file", str(path), "--test_file", str(path)]
        return run_classification.main(argv), tmp_path / folder

    call.rows = rows
    return call


@pytest.mark.parametrize("words", [("--pooling", "cls"), ("--pooling", "mean"), ("--adapter", "lora")])
def test_scores_are_learnt_stored_and_told_alike_everywhere(run, words, capsys):
    results, folder = run("--num_train_epochs", "8", "--per_device_train_batch_size", "8", *words)
    assert "labels are scores: regression" in capsys.readouterr().err
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert (config["problem_type"], config["id2label"]) == ("regression", {"0": "score"})
    assert results["eval_mae"] < (0.75 if "--adapter" in words else 0.6)  # 0.67 for their mean
    lines = [json.loads(line) for line in (folder / "predictions.jsonl").read_text(encoding="utf-8").splitlines()]
    gold, told = [row["score"] for row in run.rows], [line["score"] for line in lines]
    assert results["test_pearson"] == pytest.approx(pearsonr(told, gold).statistic, abs=0.01)
    assert results["test_mae"] == pytest.approx(np.abs(np.subtract(told, gold)).mean(), abs=1e-4)
    submitted = (folder / "submission.csv").read_text(encoding="utf-8").splitlines()
    assert submitted[0] == "id,score" and submitted[1].startswith("r0,")

    capsys.readouterr()
    predict.main([str(folder), "--text", "张王在北开会", "--text_pair", "京", "--precision", "fp32"])
    (again,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert again == {"text": "张王在北开会", "text_pair": "京", "score": pytest.approx(told[1], abs=2e-4)}
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "regression" in card and f"mae {results['eval_mae']:.4f}" in card
    page = (folder / "error_report.html").read_text(encoding="utf-8")
    assert f"mean error of {results['eval_mae']:.4f}" in page and "Predicted and gold" in page
    model = app.load(str(folder), device="cpu")
    assert (model.kind, len(model.fields)) == ("scores", 2)
    shown = re.search(r"<strong>(.*?)</strong>", model.show("张王在北开会", "京"))[1]
    assert float(shown) == pytest.approx(told[1], abs=1e-3)
    export_onnx.main([str(folder), str(folder / "onnx")])
    inputs = AutoTokenizer.from_pretrained(folder)("张王在北开会", "京", return_tensors="np")
    session = onnxruntime.InferenceSession(folder / "onnx" / "model.onnx", providers=["CPUExecutionProvider"])
    wanted = {each.name: inputs[each.name].astype("int64") for each in session.get_inputs()}
    assert session.run(["logits"], wanted)[0].item() == pytest.approx(told[1], abs=1e-3)
    if words[0] == "--pooling":
        if words[1] == "cls":
            loaded = AutoModelForSequenceClassification.from_pretrained(folder)
            pipe = pipeline("text-classification", loaded, tokenizer=AutoTokenizer.from_pretrained(folder))
        else:
            pipe = pipeline(model=str(folder), trust_remote_code=True)
        found = pipe({"text": "张王在北开会", "text_pair": "京"})
        found = found[0] if isinstance(found, list) else found
        assert found["label"] == "score" and found["score"] == pytest.approx(told[1], abs=2e-4)


def test_trained_regression_scores_another_file_without_training(run, tmp_path):
    _, folder = run("--max_steps", "2")
    words = ["--model_name_or_path", str(folder), "--validation_file", str(tmp_path / "rows.jsonl")]
    results = run_classification.main([*words, "--label_column", "score", "--output_dir", str(tmp_path / "scored")])
    before = json.loads((folder / "all_results.json").read_text(encoding="utf-8"))
    assert results["eval_mse"] == pytest.approx(before["eval_mse"], abs=1e-4)


def test_rows_are_held_out_and_the_best_epoch_is_that_of_the_least_error(run):
    words = [
        "--num_train_epochs",
        "2",
        "--metric_for_best_model",
        "mae",
        "--validation_share",
        "0.2",
        "--loss",
        "huber",
    ]
    results, folder = run(*words)
    state = json.loads((folder / "trainer_state.json").read_text(encoding="utf-8"))
    errors = [entry["eval_mae"] for entry in state["log_history"] if "eval_mae" in entry]
    assert state["best_metric"] == min(errors[:2]) and results["eval_mae"] == pytest.approx(min(errors[:2]), abs=1e-4)


def test_regressions_are_compared_over_the_same_texts(run, tmp_path, capsys):
    run("--max_steps", "2", folder="one")
    run("--num_train_epochs", "4", folder="two")
    capsys.readouterr()
    flags = ["--metrics", "test_mae", "--output_dir", str(tmp_path / "report")]
    report.main([str(tmp_path / "one"), str(tmp_path / "two"), *flags])
    shown = capsys.readouterr().out
    assert "test_mae, best mean compared with each other row; paired over examples" in shown and "interval" in shown


@pytest.mark.parametrize(
    "words, error, said",
    [
        (("--class_weights", "auto"), ArgumentError, "--class_weights auto is for classes, but the labels are scores"),
        (("--loss", "focal"), ArgumentError, "--loss focal is for classes"),
        (
            ("--threshold_metric", "f1"),
            ArgumentError,
            "--threshold_metric f1 is for classes, but the labels are scores",
        ),
        (
            ("--task", "classification", "--loss", "huber"),
            ArgumentError,
            "--loss huber is for scores .regression., but the labels are one class for each text",
        ),
        (("--label_smoothing_factor", "0.1"), ArgumentError, "--label_smoothing_factor is for classes"),
    ],
)
def test_what_is_for_classes_is_refused(run, words, error, said):
    with pytest.raises(error, match=said):
        run(*words)


def test_label_that_is_no_number_is_named(run, tmp_path):
    (tmp_path / "dev.jsonl").write_text('{"sentence1": "北", "sentence2": "京", "score": "high"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r'the validation data, row 1.*expected a number as label, found "high"'):
        run("--validation_file", str(tmp_path / "dev.jsonl"))
