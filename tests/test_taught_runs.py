"""Students that learn from a teacher, through each script: a teacher that knows better than the labels is followed."""

import json
import random
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import run_classification
import run_ner
import run_qa_cls
import run_qa_span
from utils.data.errors import ArgumentError, DataError

pytestmark = pytest.mark.long

CITIES, NAMES, VERBS = ["北京", "上海", "广州", "深圳"], ["张伟", "李娜", "王芳"], ["在", "去了", "来自"]
QUICK = {"num_train_epochs": 8, "per_device_train_batch_size": 8, "learning_rate": 5e-3, "precision": "fp32"}
POOLED = {"pooling": "max"}  # of classifiers: they learn faster
MAINS = {"entities": run_ner.main, "answers": run_qa_span.main, "faq": run_qa_cls.main}
KINDS = ["binary", "classes", "labels", "scores", "pairs", "faq", "entities", "answers"]
SCORE = {"scores": "eval_pearson", "entities": "eval_f1", "answers": "eval_exact_match", "labels": "eval_f1"}


def make_rows(kind, count, seed, *, wrong=False):
    """Rows of a kind; `wrong`: with labels that say nothing about the texts."""
    draw, rows = random.Random(seed), []
    for i in range(count):
        name, verb, city, other = (draw.choice(each) for each in (NAMES, VERBS, CITIES, CITIES))
        text, said = f"{name}{verb}{city}开会{i % 10}。", draw.choice(CITIES) if wrong else city
        start = draw.randint(0, 3) if wrong else text.index(city)
        answer = {"text": [text[start : start + 2]], "answer_start": [start]}
        spans = [
            {"start": 0, "end": 2, "label": "place" if wrong else "name"},
            {"start": text.index(city), "end": text.index(city) + 2, "label": "name" if wrong else "place"},
        ]
        row = {
            "binary": {"text": text, "label": int(said in CITIES[:2])},
            "classes": {"text": text, "label": said},
            "faq": {"text": text, "label": said},
            "labels": {"text": text + other, "labels": sorted({said, draw.choice(CITIES) if wrong else other})},
            "scores": {"text": text, "label": CITIES.index(said) + 0.5},
            "pairs": {"text": text, "text_pair": other, "label": "far" if (said in CITIES[:2]) else "near"},
            "entities": {"text": text, "entities": spans},
            "answers": {"question": "人？", "context": text, "answers": answer},
        }[kind]
        rows.append({"id": f"r{i}", **row})
    return rows


def write_rows(path, rows):
    Path(path).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def read_lines(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def score_of(kind, results):
    return results[SCORE.get(kind, "eval_accuracy")]


@pytest.fixture(scope="session")
def call(tiny_encoder, tmp_path_factory):
    """Call the script of a kind; keyword arguments are flags, a list is several words, None leaves one out."""
    folder = tmp_path_factory.mktemp("data")

    def run(kind, output_dir, **flags):
        train, dev = folder / f"{kind}-train.jsonl", folder / f"{kind}-dev.jsonl"
        if not train.exists():
            write_rows(train, make_rows(kind, 120, 0))
            write_rows(dev, make_rows(kind, 30, 1))
        values = {"model_name_or_path": tiny_encoder, "train_file": train, "validation_file": dev} | QUICK
        values |= (POOLED if kind not in ("entities", "answers") else {}) | flags
        values["output_dir"] = output_dir
        if "teacher" in values:
            values.setdefault("teacher_cache", folder / "cache")
        words = []
        for name, value in values.items():
            if value is not None:
                words += [f"--{name}", *map(str, value if isinstance(value, list) else [value])]
        return MAINS.get(kind, run_classification.main)(words)

    return run


@pytest.fixture(scope="session")
def teach(call, tmp_path_factory):
    """The folder of a trained teacher, by kind and head."""
    made = {}

    def train(kind, **flags):
        key = kind, *sorted(flags.items())
        if key not in made:
            made[key] = tmp_path_factory.mktemp("teacher") / "run"
            results = call(kind, made[key], **flags)
            assert score_of(kind, results) > 0.8, (key, results)
        return str(made[key])

    return train


@pytest.mark.parametrize("kind", KINDS)
def test_student_follows_the_teacher_where_labels_are_wrong(call, teach, tmp_path, kind):
    wrong = write_rows(tmp_path / "wrong.jsonl", make_rows(kind, 120, 2, wrong=True))
    told = {} if kind == "scores" else {"teacher_temperature": 2}
    taught = {"teacher": teach(kind), "teacher_weight": 1, **told}
    results = call(kind, tmp_path / "run", train_file=wrong, **taught)
    assert score_of(kind, results) > 0.8
    record = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert record["arguments"]["teacher"] == [teach(kind)] and record["arguments"]["teacher_weight"] == 1


@pytest.mark.parametrize("head", ["softmax", "crf", "span"])
@pytest.mark.parametrize("teacher", ["crf", "span"])
def test_tagger_learns_from_a_teacher_with_any_head(call, teach, tmp_path, teacher, head):
    wrong = write_rows(tmp_path / "wrong.jsonl", make_rows("entities", 120, 2, wrong=True))
    taught = {"teacher": teach("entities", head=teacher), "teacher_weight": 1, "head": head}
    results = call("entities", tmp_path / "run", train_file=wrong, **taught)
    assert score_of("entities", results) > 0.7


@pytest.mark.parametrize("kind", ["classes", "labels", "scores", "entities", "spans", "answers"])
def test_texts_without_labels_are_learnt_from_the_teacher_alone(call, teach, tmp_path, capsys, kind):
    head = {"head": "span"} if kind == "spans" else {}
    kind = "entities" if kind == "spans" else kind
    few = write_rows(tmp_path / "few.jsonl", make_rows(kind, 8, 2))
    rows = [
        {name: row[name] for name in row if name in ("id", "text", "question", "context")}
        for row in make_rows(kind, 150, 3)
    ]
    flags = {"train_file": few, "unlabeled_file": write_rows(tmp_path / "more.jsonl", rows), **head}
    results = call(kind, tmp_path / "run", teacher=teach(kind), **flags)
    told = capsys.readouterr().err
    assert "texts to learn from the teacher; left out:" in told and "in the validation data" in told
    assert 60 < results["train_unlabeled_texts"] < 150
    assert score_of(kind, results) > 0.7


@pytest.mark.parametrize("kind", ["classes", "entities", "answers"])
def test_hard_labels_become_rows_and_a_file(call, teach, tmp_path, capsys, kind):
    few = write_rows(tmp_path / "few.jsonl", make_rows(kind, 12, 2))
    rows = [
        {name: row[name] for name in row if name in ("id", "text", "question", "context")}
        for row in make_rows(kind, 150, 3)
    ]
    flags = {"train_file": few, "unlabeled_file": write_rows(tmp_path / "more.jsonl", rows)}
    sure = 0.3 if kind == "answers" else 0.6  # its first epoch is its best
    taught = {"teacher": teach(kind), "teacher_labels": "hard", "teacher_confidence": sure}
    results = call(kind, tmp_path / "run", **flags, **taught)
    found = read_lines(tmp_path / "run" / "pseudo_labels.jsonl")
    assert len(found) == results["train_pseudo_labels"] > 20
    told = capsys.readouterr().err
    assert f"pseudo-labels: {len(found)} of " in told and f"({sure} or more)" in told
    assert score_of(kind, results) > 0.7
    again = call(
        kind, tmp_path / "again", train_file=str(tmp_path / "run" / "pseudo_labels.jsonl"), num_train_epochs=1
    )
    assert again["train_runtime"] > 0


def few_rows(tmp_path, kind, count=24):
    """A small training file, and texts without labels."""
    few, more = tmp_path / "few.jsonl", tmp_path / "more.txt"
    write_rows(few, make_rows(kind, count, 2))
    more.write_text("".join(row["text"] + "\n" for row in make_rows(kind, 30, 3)), encoding="utf-8")
    return {"train_file": str(few), "unlabeled_file": str(more), "num_train_epochs": 2}


def test_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(call, teach, tmp_path):
    flags = few_rows(tmp_path, "entities") | {"teacher": teach("entities")}
    call("entities", tmp_path / "whole", **flags)
    folder = tmp_path / "stopped"
    call("entities", folder, **flags, keep_checkpoints=True)
    steps = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    assert len(steps) == 2
    shutil.rmtree(steps[1])
    (folder / "run.json").unlink()
    call("entities", folder, **flags, resume_from_checkpoint="last")
    weights = [load_file(path / "model.safetensors") for path in (tmp_path / "whole", folder)]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def test_folds_share_what_the_teacher_said(call, teach, tmp_path, capsys):
    flags = few_rows(tmp_path, "classes") | {"validation_file": None, "num_train_epochs": 1}
    flags["test_file"] = write_rows(tmp_path / "test.jsonl", make_rows("classes", 30, 3)[:10])  # unlabelled, too
    flags["teacher_cache"] = str(tmp_path / "cache")  # in which nothing is known yet
    results = call("classes", tmp_path / "folds", **flags, teacher=teach("classes"), folds=2)
    assert 0 <= results["out_of_fold_accuracy"] <= 1 and 0 <= results["test_accuracy"] <= 1
    told = capsys.readouterr().err.splitlines()
    assert sum(" in the test data" in line for line in told if line.startswith("unlabeled:")) == 2
    first, second = [line for line in told if line.startswith("teacher: read")]
    count = [int(line.split()[2]) for line in (first, second)]
    assert count[1] < count[0]  # only those that the first fold held out


def test_adapter_learns_from_a_teacher(call, teach, tmp_path):
    flags = few_rows(tmp_path, "entities") | {"adapter": "lora", "teacher": teach("entities")}
    results = call("entities", tmp_path / "run", **flags)
    assert results["train_unlabeled_texts"] > 0 and (tmp_path / "run" / "adapter_model.safetensors").is_file()


def test_teacher_may_be_the_model_itself_and_an_ensemble(call, teach, tmp_path):
    flags = few_rows(tmp_path, "classes") | {"model_name_or_path": teach("classes"), "teacher_labels": "hard"}
    taught = {"teacher": [teach("classes"), teach("classes", seed=2)], "teacher_confidence": 0.5}
    results = call("classes", tmp_path / "run", **flags, **taught)
    assert results["train_pseudo_labels"] > 5 and results["eval_accuracy"] > 0.7


@pytest.mark.parametrize(
    ("kind", "flags", "error", "said"),
    [
        ("classes", {"teacher": "entities"}, DataError, "expected a model for classes, as the training data has"),
        ("entities", {"teacher": "binary"}, DataError, "expected a model for entities, as the training data has"),
        ("classes", {"teacher": "binary"}, DataError, "lacks 上海, 北京, 广州, 深圳 and has also 0, 1"),
        ("faq", {"teacher": "labels"}, DataError, "found one for several labels for each text"),
        (
            "scores",
            {"teacher": "scores", "teacher_temperature": 2},
            ArgumentError,
            "is for classes, but the labels are sc",
        ),
        (
            "scores",
            {"teacher": "scores", "teacher_labels": "hard", "unlabeled_file": "README.md"},
            ArgumentError,
            "hard is",
        ),
        (
            "classes",
            {"teacher": "classes", "unlabeled_file": "no/such.txt"},
            DataError,
            "no/such.txt: expected a file",
        ),
        ("classes", {"teacher": None, "model": "no/such"}, OSError, "no/such: expected a trained output directory or"),
    ],
)
def test_teacher_that_cannot_teach_is_refused_in_words(call, teach, tmp_path, kind, flags, error, said):
    flags = dict(flags)
    flags["teacher"] = teach(flags["teacher"]) if flags["teacher"] else flags.pop("model")
    with pytest.raises(error, match=said):
        call(kind, tmp_path / "run", **flags)
