"""`submission.csv` with chosen columns, and classes as numbers: of a run, of a trained model, and of predict.py."""

import csv
import json

import pytest

import predict
import run_classification
from utils.data.errors import ArgumentError

TEXTS = ["张伟在北京开会", "李娜去了上海", "王芳在广州看病", "赵敏去了深圳"]
ODD = 'r"1",\n a'


@pytest.fixture
def run(tiny_encoder, tmp_path):
    """Train on classes 2 and 0 of three that class.txt names, or on scores; gives the folder."""

    def call(*words, label="number", folder="run", **changes):
        rows = [{"text": text, "number": 2 * (i % 2), "score": i + 0.5} for i, text in enumerate(TEXTS * 4)]
        (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        (tmp_path / "test.jsonl").write_text(
            "".join(json.dumps({"id": f"{ODD}{i}", "text": text}) + "\n" for i, text in enumerate(TEXTS)),
            encoding="utf-8",
        )
        (tmp_path / "class.txt").write_text("西, 南\n东\n北\n", encoding="utf-8")
        values = {"model_name_or_path": tiny_encoder, "train_file": tmp_path / "train.jsonl", "label_column": label}
        values |= {"validation_file": tmp_path / "train.jsonl", "test_file": tmp_path / "test.jsonl"}
        values |= {"max_steps": 8, "learning_rate": 5e-3, "precision": "fp32", "output_dir": tmp_path / folder}
        argv = [f"--{name}={value}" for name, value in (values | changes).items() if value is not None]
        run_classification.main([*argv, *words])
        return tmp_path / folder

    return call


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_chosen_columns_are_written_alike_by_the_run_by_the_model_and_by_predict(run, tmp_path):
    wanted = ["--submission_columns", 'label=类别,"id=my, id"', "--submission_labels", "numbers"]
    folder = run(*wanted)
    rows, plain = read_csv(folder / "submission.csv"), read_csv(run(folder="plain") / "submission.csv")
    assert rows[0] == ["类别", "my, id"] and plain[0] == ["id", "label", "score"]
    assert [row[1] for row in rows[1:]] == [f"{ODD}{i}" for i in range(4)]
    assert [row[0] for row in rows[1:]] == [{"西, 南": "0", "北": "2"}[row[1]] for row in plain[1:]]
    trained = {"train_file": None, "validation_file": None, "label_column": None, "max_steps": None}
    trained |= {"learning_rate": None, "model_name_or_path": folder}
    applied = run(*wanted, folder="applied", **trained)
    out = tmp_path / "found.csv"
    files = ["--input_file", str(tmp_path / "test.jsonl"), "--output_file", str(out)]
    predict.main([str(folder), *files, "--output_format", "csv", *wanted])
    assert rows == read_csv(applied / "submission.csv") == read_csv(out)


def test_score_of_a_regression_is_written_under_any_header_and_labels_are_refused(run):
    rows = read_csv(run("--submission_columns", "score=target", label="score") / "submission.csv")
    assert rows[0] == ["target"] and all(float(row[0]) for row in rows[1:])
    with pytest.raises(ArgumentError, match="id and score, found label"):
        run("--submission_columns", "id=id,label=target", label="score", folder="other")
    with pytest.raises(ArgumentError, match="--submission_labels numbers is for classes"):
        run("--submission_labels", "numbers", label="score", folder="another")


@pytest.mark.parametrize(
    "words, said",
    [
        (["--submission_columns", "id=a"], "--submission_columns does nothing with --output_format jsonl"),
        (["--output_format", "csv", "--submission_columns", "id=a,x=b"], "before the =, found 'x'"),
    ],
)
def test_predict_refuses_columns_before_it_loads_a_model(words, said):
    with pytest.raises(ArgumentError, match=said):
        predict.main(["none/such", *words])
