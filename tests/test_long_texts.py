"""run_classification.py --long_texts windows, from files to predictions, with a tiny random encoder."""

import importlib.util
import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import pipeline

import app
import export_onnx
import predict
import run_classification
import run_qa_cls
from utils.data.errors import ArgumentError, DataError
from utils.encoding.text_inputs import split_windows
from utils.prediction.label_finder import LabelFinder

CITIES = ["北京", "上海", "广州"]
WINDOWS = {"long_texts": "windows", "max_length": 16, "stride": 4, "max_windows": 6}
STOCK_FILES = {"class_pipeline.py", "joined_windows.py", "token_inputs.py"}


def draw_rows(kind, count, seed):
    """Texts of up to 43 sub-tokens whose label stands in the last two; the first is empty where that is allowed."""
    draw = random.Random(seed)
    rows = []
    for i in range(count):
        city, filler = (
            draw.choice(CITIES),
            "".join(draw.choices("张王李赵陈伟芳娜敏静", k=draw.choice([2, 9, 20, 40]))),
        )
        text = filler + city
        rows.append(
            {
                "classes": {"text": text, "label": city},
                "labels": {"text": text, "labels": [city[0], city[1]]},
                "pair": {"sentence1": filler[:5], "sentence2": text, "label": city},
                "score": {"text": text, "label": CITIES.index(city) + 0.5},
            }[kind]
            | {"id": f"r{i}"}
        )
    return rows


def read_lines(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def train(encoder, folder, kind="classes", **flags):
    """Call run_classification with flags and files in the folder's parent; gives the results."""
    test = [{**row, "text": ""} if i == 0 and "text" in row else row for i, row in enumerate(draw_rows(kind, 12, 2))]
    values = {
        "model_name_or_path": encoder,
        "train_file": write_lines(folder.parent / f"{kind}-train.jsonl", draw_rows(kind, 48, 0)),
        "validation_file": write_lines(folder.parent / f"{kind}-dev.jsonl", draw_rows(kind, 20, 1)),
        "test_file": write_lines(folder.parent / f"{kind}-test.jsonl", test),
        "output_dir": folder,
        "num_train_epochs": 1,
        "per_device_train_batch_size": 8,
        "learning_rate": 5e-3,
        "precision": "fp32",
    } | flags
    words = [str(word) for name, value in values.items() if value is not None for word in (f"--{name}", value)]
    return run_classification.main(words)


@pytest.fixture
def run(tiny_encoder, tmp_path):
    """Call run_classification with flags; gives results and folder."""

    def call(kind="classes", folder="run", **flags):
        return train(tiny_encoder, tmp_path / folder, kind, **flags), tmp_path / folder

    return call


@pytest.fixture(scope="module")
def trained(tiny_encoder, tmp_path_factory):
    """The folder of a model that reads windows and pools them by log-sum-exp."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    train(tiny_encoder, folder, test_file=None, window_pooling="logsumexp", **WINDOWS)
    return folder


def predicted(folder, file, capsys, *words):
    capsys.readouterr()
    predict.main([str(folder), "--input_file", str(file), "--precision", "fp32", "--batch_size", "5", *words])
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def scores_of(row):
    if "scores" in row:
        return row["scores"]
    return {each["label"]: each["score"] for each in row["top"]} if "top" in row else {"score": row["score"]}


TRIED = [
    ("classes", "cls", "mean"),
    ("classes", "mean", "logsumexp"),
    ("labels", "cls", "max"),
    ("pair", "cls", "logsumexp"),
    ("score", "fusion", "mean"),
]


@pytest.mark.parametrize("kind, pooling, windows", TRIED)
def test_run_predict_app_pipeline_and_a_second_run_tell_the_same(run, tmp_path, capsys, kind, pooling, windows):
    results, folder = run(kind, pooling=pooling, window_pooling=windows, **WINDOWS)
    log = capsys.readouterr().err
    assert "in several windows (" in log and (kind == "pair" or "cut by" not in log)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert (config["window_pooling"], config["window_stride"], config["max_windows"]) == (windows, 4, 6)
    assert {path.name for path in folder.glob("*.py")} >= STOCK_FILES
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "at most 6 overlapping windows" in card and f"(`{windows}`)" in card and "trust_remote_code=True" in card

    told = read_lines(folder / "predictions.jsonl")
    test = tmp_path / f"{kind}-test.jsonl"
    again = predicted(folder, test, capsys, *([] if kind == "score" else ["--top_k", "9"]))
    assert [row["id"] for row in told] == [row["id"] for row in again] == [f"r{i}" for i in range(12)]
    for one, other in zip(told, again, strict=True):
        assert {name: scores_of(other)[name] for name in scores_of(one)} == pytest.approx(scores_of(one), abs=2e-4)
        assert one.get("label") == other.get("label") and one.get("labels") == other.get("labels")

    apply = pipeline("text-classification", model=str(folder), trust_remote_code=True)
    texts = [{"text": row["text"], "text_pair": row["text_pair"]} if kind == "pair" else row["text"] for row in told]
    for found in (apply(texts, top_k=None), apply(texts, top_k=None, batch_size=5)):
        for ranked, other in zip(found, again, strict=True):
            assert {one["label"]: one["score"] for one in ranked} == pytest.approx(scores_of(other), abs=2e-4)

    model = app.load(str(folder), device="cpu")
    assert "Expected" not in model.show(
        *([told[3]["text"], told[3]["text_pair"]] if kind == "pair" else [told[3]["text"]])
    )
    trained = {"train_file": None, "learning_rate": None, "num_train_epochs": None, "model_name_or_path": folder}
    second, _ = run(kind, "second", **trained, per_device_train_batch_size=None)
    shared = [name for name in second if name.startswith(("eval_", "test_")) and "per_second" not in name]
    shared = [name for name in shared if "runtime" not in name and not name.endswith(("loss", "_time"))]
    assert len(shared) > 4
    assert {name: second[name] for name in shared} == pytest.approx({name: results[name] for name in shared}, abs=1e-3)


def test_windows_learn_what_cutting_cuts_off(run, tmp_path):
    # The last two of 22 sub-tokens tell the class; 14 are read at once.
    rows, accuracy = [row for row in draw_rows("classes", 400, 3) if len(row["text"]) == 22], {}
    shared = {"validation_file": write_lines(tmp_path / "dev.jsonl", rows[:30]), "test_file": None, "pooling": "max"}
    shared |= {"train_file": write_lines(tmp_path / "train.jsonl", rows), "num_train_epochs": 4}
    for kind, flags in {"cut": {"max_length": 16}, "windows": WINDOWS | {"window_pooling": "max"}}.items():
        accuracy[kind] = run(folder=kind, **shared, **flags)[0]["eval_accuracy"]
    assert accuracy["windows"] > 0.9 and accuracy["cut"] < 0.7


def test_very_long_text_is_cut_after_the_last_window_and_batches_keep_their_size(trained):
    finder = LabelFinder.load(str(trained), device="cpu", batch_size=4)
    (row,) = finder.encoder.encode(["会" * 100_000])
    assert len(row["windows"]) == 6 and row["cut"] == 100_000 - (14 + 5 * 10)
    sizes, collate = [], finder.collate
    finder.collate = lambda rows: sizes.append(len(rows)) or collate(rows)
    one, short = finder.logits(["会" * 100_000, "张"])
    assert sizes == [4, 3]  # windows of several texts share batches
    finder.collate = collate
    parts = np.concatenate([finder.score_rows([part]) for part in split_windows(row)])
    assert one == pytest.approx(np.log(np.exp(parts).mean(0)), abs=1e-5)
    assert short == pytest.approx(finder.logits(["张"])[0], abs=1e-5)
    assert finder.logits([]).shape == (0, 3) and len(finder.find(["", "会" * 99])) == 2


def test_where_no_text_is_long_the_run_is_the_same_to_the_bit(run):
    shared = {"max_length": 64, "max_steps": 3, "eval_strategy": "no", "save_strategy": "no"}
    _, plain = run(folder="plain", **shared)
    _, windows = run(folder="windows", long_texts="windows", **shared)
    one, other = (load_file(folder / "model.safetensors") for folder in (plain, windows))
    assert all(one[name].equal(other[name]) for name in one)
    assert read_lines(plain / "predictions.jsonl") == read_lines(windows / "predictions.jsonl")


@pytest.mark.slow
def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(run, tmp_path):
    flags = {"num_train_epochs": 2, "save_total_limit": 5, **WINDOWS}
    _, whole = run(folder="whole", **flags, keep_checkpoints=True)
    first = min(whole.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    shutil.copytree(first, tmp_path / "broken" / first.name)
    _, broken = run(folder="broken", resume_from_checkpoint="last", **flags)
    one, other = (load_file(folder / "model.safetensors") for folder in (whole, broken))
    assert all(one[name].equal(other[name]) for name in one)


def test_adapter_reads_windows_and_so_does_the_model_that_it_is_merged_into(run, tmp_path, capsys):
    _, folder = run(adapter="lora", window_pooling="max", **WINDOWS)
    told, whole = read_lines(folder / "predictions.jsonl"), tmp_path / "merged"
    predict.main([str(folder), "--merge", str(whole)])
    assert {path.name for path in whole.glob("*.py")} >= STOCK_FILES
    for each in (folder, whole):
        for one, other in zip(told, predicted(each, tmp_path / "classes-test.jsonl", capsys), strict=True):
            assert scores_of(other) == pytest.approx(scores_of(one), abs=2e-4)
    apply = pipeline("text-classification", model=str(whole), trust_remote_code=True)
    assert [apply(row["text"])[0]["label"] for row in told] == [row["label"] for row in told]


def test_stock_pipeline_does_not_cut_in_silence(trained):
    with pytest.raises(ValueError, match="trust_remote_code"):
        pipeline("text-classification", model=str(trained))


@pytest.mark.skipif(not importlib.util.find_spec("onnxruntime"), reason="needs requirements-onnx.txt")
def test_exported_graph_scores_windows_and_numpy_pools_them(trained, tmp_path, capsys):
    import onnxruntime

    export_onnx.main([str(trained), str(tmp_path / "onnx")])
    assert "pool_windows of onnx_decoding.py pools them (logsumexp)" in capsys.readouterr().out
    spec = importlib.util.spec_from_file_location("onnx_decoding", tmp_path / "onnx" / "onnx_decoding.py")
    decoding = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(decoding)
    finder = LabelFinder.load(str(trained), device="cpu")
    texts = ["张伟芳娜" * 9 + "北京", "上海"]
    parts = [split_windows(row) for row in finder.encoder.encode(texts)]
    session = onnxruntime.InferenceSession(tmp_path / "onnx" / "model.onnx", providers=["CPUExecutionProvider"])
    batch = finder.collate([each for part in parts for each in part])
    inputs = {each.name: batch[each.name].numpy().astype(np.int64) for each in session.get_inputs()}
    (logits,) = session.run(["logits"], inputs)
    found = decoding.pool_windows(logits, [len(part) for part in parts], "logsumexp")
    np.testing.assert_allclose(found, finder.logits(texts), atol=1e-3)


def test_model_of_windows_is_refused_where_a_question_is_read_at_once(trained, tmp_path):
    words = ["--model_name_or_path", str(trained), "--ask", "张伟", "--output_dir", str(tmp_path / "asked")]
    with pytest.raises(DataError, match="found one that reads long texts in windows; ask it with predict"):
        run_qa_cls.main(words)


def test_training_goes_on_from_a_model_of_windows_with_texts_that_are_cut(run, trained):
    _, second = run(folder="second", model_name_or_path=trained, max_length=16, max_steps=1, test_file=None)
    config = json.loads((second / "config.json").read_text(encoding="utf-8"))
    assert not {"window_pooling", "window_stride", "max_windows", "custom_pipelines"} & config.keys()
    assert not list(second.glob("*.py"))


@pytest.mark.parametrize(
    "kind, flags, said",
    [
        ("classes", {"stride": 14}, "--stride 14: expected 0 to 13, as a window holds 14 sub-tokens of a text"),
        ("pair", {"stride": 7}, "--stride 7: expected 0 to 6, as a window holds 7 sub-tokens of a text beside a"),
        ("score", {"window_pooling": "max"}, "--window_pooling max is for classes, but the labels are scores"),
        (
            "score",
            {"window_pooling": "logsumexp"},
            "--window_pooling logsumexp is for classes, but the labels are sco",
        ),
    ],
)
def test_what_windows_cannot_do_is_refused_before_training(run, kind, flags, said):
    with pytest.raises(ArgumentError) as caught:
        run(kind, **(WINDOWS | flags))
    assert str(caught.value).startswith(said)


def test_windows_need_no_stride(run):
    _, folder = run("pair", long_texts="windows", max_length=8, max_steps=1, test_file=None)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert (config["window_stride"], config["window_pooling"]) == (2, "mean")
    assert torch.isfinite(load_file(folder / "model.safetensors")["classifier.weight"]).all()
