"""A trained directory remembers how its files were read, and predict.py and app.py go by that."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import app
import export_onnx
import predict
import run_classification
import run_ner
import run_qa_cls
from utils.data.errors import DataError
from utils.modeling import weight_files
from utils.prediction import model_kinds

ROOT = Path(__file__).resolve().parent.parent
ROWS = [
    (f"{name}在{city}开会。", f"{city}的人是{name}", city) for city in ("北京", "上海") for name in "张王李赵陈伟芳娜"
]


def write(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def train(script, encoder, folder, file, **flags):
    """One step of training on a file, which is the validation file, too."""
    flags = {"train_file": file, "validation_file": file, "max_steps": 1, "output_dir": folder} | flags
    flags |= {"model_name_or_path": encoder, "precision": "fp32", "max_length": 32}
    script.main([word for name, value in flags.items() for word in (f"--{name}", str(value))])
    return str(folder)


def output_of(capsys, *argv):
    capsys.readouterr()
    predict.main([*argv, "--precision", "fp32"])
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture(scope="module")
def titles(tiny_encoder, tmp_path_factory):
    """A classifier of titles, whose table has another column of texts; and that table."""
    folder = tmp_path_factory.mktemp("titles")
    lines = [f"r{i};{other};{text};{city}" for i, (text, other, city) in enumerate(ROWS)]
    table = write(folder / "rows.csv", ["row;content;title;label", *lines])
    trained = train(run_classification, tiny_encoder, folder / "run", table, text_column="title", id_column="row")
    return trained, table


def test_prediction_takes_the_column_that_training_took(titles, capsys, tmp_path):
    trained, table = titles
    rows = output_of(capsys, trained, "--input_file", table)
    assert [(row["id"], row["text"]) for row in rows] == [(f"r{i}", text) for i, (text, _, _) in enumerate(ROWS)]
    with pytest.raises(DataError, match="expected a column title as in training, found content"):
        predict.main([trained, "--input_file", write(tmp_path / "a.csv", ["content", "张在北京"])])


def test_id_column_can_be_named(titles, capsys, tmp_path):
    path = write(tmp_path / "a.csv", ["key,id,title", "k1,1,张在北京"])
    assert output_of(capsys, titles[0], "--input_file", path, "--id_column", "key")[0]["id"] == "k1"
    assert output_of(capsys, titles[0], "--input_file", path)[0]["id"] == "1"


def test_memory_is_part_of_the_configuration(titles):
    config = json.loads((Path(titles[0]) / "config.json").read_text(encoding="utf-8"))
    assert config["data_reading"]["separator"] == ";"
    assert config["data_reading"]["columns"] == {"text": "title", "text_pair": None, "label": None, "id": "row"}
    assert config["data_reading"]["named"] == ["text", "id"]


def test_faq_file_of_training_is_answered_as_questions(tiny_encoder, tmp_path, capsys):
    path = write(tmp_path / "faq.txt", [f"{city} {text}" for text, _, city in ROWS])
    trained = train(run_qa_cls, tiny_encoder, tmp_path / "run", path)
    assert [row["text"] for row in output_of(capsys, trained, "--input_file", path)] == [text for text, _, _ in ROWS]
    asked = write(tmp_path / "ask.txt", ["who is in 北京", "北京 在"])
    assert [row["text"] for row in output_of(capsys, trained, "--input_file", asked)] == ["who is in 北京", "北京 在"]


def test_fields_in_any_order_are_read_by_adapters_too(tiny_encoder, tmp_path, capsys):
    path = write(tmp_path / "a.txt", [f"{city}||{other}||x||{text}" for text, other, city in ROWS])
    flags = {"columns": "label,text_pair,_,text", "separator": "||", "adapter": "lora", "learning_rate": 1e-3}
    trained = train(run_classification, tiny_encoder, tmp_path / "run", path, **flags)
    rows = output_of(capsys, trained, "--input_file", path)
    assert [(row["text"], row["text_pair"]) for row in rows] == [(text, other) for text, other, _ in ROWS]


def test_empty_text_of_a_test_file_is_answered(titles, tmp_path):
    test = write(tmp_path / "test.csv", ["title;label", "张在北京;北京", ";上海"])
    flags = ["--model_name_or_path", titles[0], "--test_file", test, "--output_dir", str(tmp_path / "scored")]
    assert run_classification.main(flags)["test_accuracy"] in (0.0, 0.5, 1.0)
    lines = (tmp_path / "scored" / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["张在北京", ""]


def test_labels_of_columns_are_learnt_and_told(tiny_encoder, tmp_path, capsys):
    lines = [f"{text},{int(city == '北京')},{i % 2}" for i, (text, _, city) in enumerate(ROWS)]
    path = write(tmp_path / "a.csv", ["text,north,odd", *lines])
    trained = train(run_classification, tiny_encoder, tmp_path / "run", path, label_columns="north,odd")
    assert json.loads((Path(trained) / "config.json").read_text(encoding="utf-8"))["label2id"] == {
        "north": 0,
        "odd": 1,
    }
    assert {"labels", "scores"} <= output_of(capsys, trained, "--input_file", path, "--threshold", "0.0")[0].keys()


def test_reader_that_has_enough_ends_a_script_quietly():
    code = "from utils.options.arguments import run_script; run_script(lambda: print('a line'))"
    command = [sys.executable, "-c", code]
    reading, writing = os.pipe()
    os.close(reading)  # nobody reads, as behind `| head -0`
    try:
        found = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writing)
    assert (found.returncode, found.stderr) == (0, "")


# Names of the Hub


def test_name_without_a_slash_may_be_one_of_the_hub(monkeypatch, tmp_path):
    asked = []

    def get_config_dict(name, **options):
        asked.append(name)
        return {"architectures": ["BertForMaskedLM"]}, {}

    monkeypatch.setattr(weight_files.PreTrainedConfig, "get_config_dict", get_config_dict)
    monkeypatch.chdir(tmp_path)  # where ./outputs is no folder
    with pytest.raises(DataError, match=r"found BertForMaskedLM"):
        model_kinds.find_kind("bert-base-chinese")
    assert asked == ["bert-base-chinese"]
    for name in (str(tmp_path / "none"), "./outputs", "~/outputs", "outputs/ner/last"):
        with pytest.raises(FileNotFoundError, match="expected a trained output directory or a Hub id, found no such"):
            app.load(name)


def test_missing_model_is_told_by_name_in_training_and_export(tmp_path):
    files = ["--train_file", str(ROOT / "data/ner_sample/dev.json"), "--output_dir", str(tmp_path / "run")]
    with pytest.raises(FileNotFoundError, match=r"^no/encoder: expected an encoder's folder or a Hub id, found"):
        run_ner.main(["--model_name_or_path", "no/encoder", *files])
    with pytest.raises(
        FileNotFoundError, match=r"^nowhere: expected a trained output directory or a Hub id, found no"
    ):
        export_onnx.main(["nowhere", str(tmp_path / "graph")])
