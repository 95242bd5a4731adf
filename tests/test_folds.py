"""--folds: a run for each fold, what each says about the rows it has not seen, and an ensemble in the folder."""

import json
import random
import re
import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest

import app
import export_onnx
import predict
import report
import run_classification
import run_ner
import run_prompt
import run_qa_cls
import run_qa_span
from utils.data.errors import ArgumentError, DataError, TrainingError
from utils.tasks.crossed_tasks import CrossedClasses

pytestmark = pytest.mark.long

CITIES, NAMES, VERBS = ["北京", "上海", "广州", "深圳"], ["张伟", "李娜", "王芳"], ["在", "去了", "来自"]
QUICK = {"num_train_epochs": 2, "per_device_train_batch_size": 8, "learning_rate": 5e-3, "precision": "fp32"}


def sentences(count, seed):
    """The name, the verb, the city and the text made of them; every fifth text is that of the row before."""
    draw, rows = random.Random(seed), []
    for i in range(count):
        parts = rows[-1] if i % 5 == 4 else [draw.choice(NAMES), draw.choice(VERBS), draw.choice(CITIES)]
        rows.append(parts)
    return [(*parts, "".join(parts) + "开\u2028会。") for parts in rows]


def make_rows(kind, count, seed):
    rows = []
    for i, (name, verb, city, text) in enumerate(sentences(count, seed)):
        entities = [
            {"start": 0, "end": 2, "label": "name"},
            {"start": text.index(city), "end": text.index(city) + 2, "label": "place"},
        ]
        row = {
            "classes": {"text": text, "label": city},
            "binary": {"text": text, "label": int(verb == "在")},
            "labels": {"text": text, "labels": [name, city][: 1 + i % 2]},
            "scores": {"text": text, "label": CITIES.index(city) + i / 100},
            "entities": {"text": text, "entities": entities},
            "answers": {
                "question": "人？",
                "context": text,
                "answers": {"text": [city], "answer_start": [text.index(city)]},
            },
        }[kind]
        rows.append({"id": f"r{i}", **row})
    return rows


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def read_json(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


def read_lines(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").split("\n") if line]


TASKS = {
    "classes": (run_classification, "classes", {"pooling": "mean"}),
    "binary": (run_classification, "binary", {"threshold_metric": "f1"}),
    "labels": (run_classification, "labels", {"threshold_metric": "f1", "threshold_scope": "each"}),
    "scores": (run_classification, "scores", {"task": "regression"}),
    "faq": (run_qa_cls, "classes", {"test_share": 0.0}),
    "crf": (run_ner, "entities", {"head": "crf"}),
    "span": (run_ner, "entities", {"head": "span"}),
    "answers": (run_qa_span, "answers", {"max_length": 48, "language": "zh"}),
    "prompt": (run_prompt, "binary", {"template": "{text}{mask}", "verbalizer": "words.yaml"}),
}


def words_of(kind, folder, encoder, masked_lm, **flags):
    """The script and its command line; files are made in the folder."""
    script, rows, own = TASKS[kind]
    values = {
        "model_name_or_path": masked_lm if kind == "prompt" else encoder,
        "train_file": write_rows(folder / "train.jsonl", make_rows(rows, 60, 0)),
        "validation_file": write_rows(folder / "dev.jsonl", make_rows(rows, 20, 1)),
        "output_dir": folder / "run",
        "folds": 2,
        **QUICK,
        **own,
        **flags,
    }
    if "verbalizer" in values:
        values["verbalizer"] = folder / "words.yaml"
        values["verbalizer"].write_text("0: [看]\n1: [会]\n", encoding="utf-8")
    return script, [str(word) for name, value in values.items() if value is not None for word in (f"--{name}", value)]


@pytest.mark.parametrize("kind", TASKS)
def test_each_task_predicts_every_row_once_and_leaves_an_ensemble(
    tiny_encoder, tiny_masked_lm, tmp_path, capsys, kind
):
    script, words = words_of(kind, tmp_path, tiny_encoder, tiny_masked_lm)
    results = script.main(words)
    folder, rows = tmp_path / "run", make_rows(TASKS[kind][1], 60, 0)
    assert {path.name for path in folder.iterdir()} >= {
        *("fold-1", "fold-2", "folds.json", "ensemble.json", "out_of_fold.jsonl", "all_results.json", "run.json"),
        *("error_report.html", "predictions.jsonl"),
    }
    held_out = read_json(folder / "folds.json")["ids"]
    unseen = read_lines(folder / "out_of_fold.jsonl")
    assert [row["id"] for row in unseen] == [row["id"] for row in rows]
    assert all(row["id"] in held_out[row["fold"] - 1] for row in unseen) and set(map(len, held_out)) < {
        28,
        29,
        30,
        31,
        32,
    }
    gold = next(name for name in ("label", "labels", "entities", "answers") if name in rows[0])
    told = [row["gold"] for row in unseen]
    if gold == "entities":  # each with the probability that its model gives it
        assert all(0 <= one.pop("score") <= 1 for entities in told for one in entities)
    if kind in ("classes", "labels", "crf", "span", "answers"):
        assert told == [row[gold] if gold != "labels" else sorted(row[gold]) for row in rows]
    if kind in ("scores", "answers"):
        with pytest.raises(DataError, match="expected predicted classes or entities"):
            report.main(["--suspects", str(folder)])
    else:
        report.main(["--suspects", str(folder)])
        assert re.search(r"of 60 rows to look at again|60 rows: no label is suspect", capsys.readouterr().out)
    if kind == "classes":
        assert all(len(row["top"]) == 4 for row in unseen)

    assert held_out == [read_json(folder / f"fold-{fold}" / "fold_ids.json") for fold in (1, 2)]
    for fold in (1, 2):  # each model predicts its rows by itself as the ensemble's file says
        path = write_rows(tmp_path / "own.jsonl", [row for row in rows if row["id"] in held_out[fold - 1]])
        capsys.readouterr()
        predict.main([str(folder / f"fold-{fold}"), "--input_file", str(path), "--precision", "fp32"])
        own = [json.loads(line) for line in capsys.readouterr().out.strip("\n").split("\n")]
        theirs = [row for row in unseen if row["fold"] == fold]
        if kind in ("classes", "faq"):
            assert [max(row["top"], key=lambda one: one["score"])["label"] for row in theirs] == [
                row["top"][0]["label"] for row in own
            ]
        if kind == "scores":
            assert [row["score"] for row in theirs] == pytest.approx([row["score"] for row in own], abs=1e-4)
        if kind == "answers":
            assert [row["answer"] for row in theirs] == [row["answer"] for row in own]

    capsys.readouterr()
    predict.main([str(folder), "--input_file", str(tmp_path / "dev.jsonl"), "--precision", "fp32"])
    again = [json.loads(line) for line in capsys.readouterr().out.strip("\n").split("\n")]
    written = read_lines(folder / "predictions.jsonl")
    assert [{**one, "id": None} for one in again] == [{**one, "id": None} for one in written]

    score = {"scores": "pearson", "answers": "f1"}.get(kind, "f1")
    assert {f"out_of_fold_{score}", f"eval_{score}", f"fold_{score}", f"fold_{score}_std"} <= results.keys()
    assert results == read_json(folder / "all_results.json")
    single = [read_json(folder / f"fold-{fold}" / "all_results.json")[f"eval_{score}"] for fold in (1, 2)]
    assert results[f"fold_{score}_runs"] == single
    assert {"out_of_fold", "validation"} == read_json(folder / "error_report.json")["splits"].keys()


def test_page_table_and_graphs_are_made_of_an_ensemble_as_of_one_model(tiny_encoder, tmp_path, capsys):
    script, words = words_of("crf", tmp_path, tiny_encoder, None)
    script.main(words)
    model = app.load(str(tmp_path / "run"), device="cpu")
    assert (model.kind, [*model.fields]) == ("entities", ["Text"]) and "张" in model.show("张伟在北京开会。")
    report.main(
        [str(tmp_path / "run"), "--metrics", "eval_f1", "out_of_fold_f1", "--output_dir", str(tmp_path / "table")]
    )
    assert "out_of_fold_f1" in capsys.readouterr().out
    export_onnx.main([str(tmp_path / "run"), str(tmp_path / "onnx")])
    members = read_json(tmp_path / "onnx" / "ensemble.json")["members"]
    assert members == ["1-fold-1", "2-fold-2"]
    assert all((tmp_path / "onnx" / name / "model.onnx").is_file() for name in members)


def test_finished_folds_are_kept_and_a_missing_one_is_trained(tiny_encoder, tmp_path, monkeypatch):
    script, words = words_of("classes", tmp_path, tiny_encoder, None)
    results = script.main(words)
    folder = tmp_path / "run"
    for name in ("run.json", "ensemble.json", "out_of_fold.jsonl", "all_results.json"):
        (folder / name).unlink()
    kept = (folder / "fold-1" / "model.safetensors").stat().st_mtime_ns
    shutil.rmtree(folder / "fold-2")
    assert script.main(words) == results
    assert (folder / "fold-1" / "model.safetensors").stat().st_mtime_ns == kept


def test_folds_of_other_options_or_rows_are_not_mixed(tiny_encoder, tmp_path):
    script, words = words_of("classes", tmp_path, tiny_encoder, None)
    script.main([*words, "--fold", "1", "--output_dir", str(tmp_path / "run" / "fold-1")])
    assert not (tmp_path / "run" / "folds.json").exists()
    script.main(words)
    (tmp_path / "run" / "run.json").unlink()
    with pytest.raises(ArgumentError, match=r"other options \(--learning_rate\); choose another --output_dir"):
        script.main([*words, "--learning_rate", "1e-3"])
    write_rows(tmp_path / "train.jsonl", make_rows("classes", 50, 0))
    with pytest.raises(ArgumentError, match="other training data"):
        script.main(words)
    script.main([*words, "--overwrite_output_dir", "true"])
    assert len(read_lines(tmp_path / "run" / "out_of_fold.jsonl")) == 50


def test_fold_that_was_trained_by_itself_with_other_options_or_rows_is_refused(tiny_encoder, tmp_path):
    script, words = words_of("classes", tmp_path, tiny_encoder, None, num_train_epochs=1, seed=1)
    fold = [*words, "--fold", "2", "--output_dir", str(tmp_path / "run" / "fold-2")]
    script.main([*fold, "--seed", "7"])
    with pytest.raises(ArgumentError, match=r"run/fold-2: was trained with other options \(--seed\)"):
        script.main(words)
    held_out = tmp_path / "run" / "fold-2" / "fold_ids.json"
    shutil.rmtree(tmp_path / "run")
    script.main(fold)
    held_out.write_text(json.dumps(read_json(held_out)[1:]), encoding="utf-8")
    with pytest.raises(ArgumentError, match=r"run/fold-2: was trained with other options \(other training data\)"):
        script.main(words)
    shutil.rmtree(tmp_path / "run")
    script.main([*fold, "--learning_rate", "1e-9"])
    script.main([*words, "--overwrite_output_dir"])
    assert read_json(tmp_path / "run" / "fold-2" / "run.json")["options"]["learning_rate"] == 5e-3


def test_folds_without_the_state_of_the_optimizer_are_trained(tiny_encoder, tmp_path):
    script, words = words_of("classes", tmp_path, tiny_encoder, None, num_train_epochs=1, save_only_model="true")
    assert "fold_f1" in script.main(words)


def test_folds_side_by_side_are_those_one_after_the_other(tiny_encoder, tmp_path):
    script, words = words_of("crf", tmp_path, tiny_encoder, None)
    alone = script.main(words)
    together = script.main([*words, "--jobs", "2", "--output_dir", str(tmp_path / "jobs")])
    assert together == alone
    assert "fold-1" in (tmp_path / "jobs" / "fold-1" / "log.txt").read_text(encoding="utf-8")


def test_failed_fold_ends_the_run_with_the_end_of_its_log(tiny_encoder, tmp_path, monkeypatch):
    script, words = words_of("classes", tmp_path, tiny_encoder, None)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ncase "$*" in *fold-2*) echo no memory; exit 3;; esac\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(TrainingError, match=r"1 of 2 runs failed; .*fold-2/log\.txt ends with:\nno memory"):
        script.main([*words, "--jobs", "2"])
    assert (tmp_path / "run" / "fold-1" / "run.json").exists() and not (tmp_path / "run" / "ensemble.json").exists()


def test_nothing_fitted_depends_on_rows_that_a_member_was_trained_on(tiny_encoder, tmp_path, monkeypatch):
    """What members say about other rows than those of their fold is changed beyond recognition."""
    script, words = words_of("labels", tmp_path, tiny_encoder, None)
    script.main(words)
    fitted = read_json(tmp_path / "run" / "ensemble.json")["decision"]
    assert fitted["temperature"] != 1.0 and len(set(fitted["thresholds"])) > 1
    held_out, read, asked = read_json(tmp_path / "run" / "folds.json")["ids"], CrossedClasses.read, []

    def spoil(self, finder, rows):
        logits = read(self, finder, rows)
        fold = int(Path(finder.model.name_or_path).name.removeprefix("fold-"))
        own = [id in held_out[fold - 1] for id in rows["id"][:]]
        asked.append(all(own))
        logits[[not each for each in own]] = 99.0
        return logits

    monkeypatch.setattr(CrossedClasses, "read", spoil)
    (tmp_path / "run" / "run.json").unlink()
    script.main(words)
    assert read_json(tmp_path / "run" / "ensemble.json")["decision"] == fitted
    assert asked.count(True) == 2


def test_one_fold_is_a_run_of_its_own_and_the_seed_decides_its_rows(tiny_encoder, tmp_path):
    script, words = words_of("classes", tmp_path, tiny_encoder, None, validation_file=None)
    script.main([*words, "--fold", "2", "--num_train_epochs", "1"])
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"model.safetensors", "predictions.jsonl"} <= names and "ensemble.json" not in names
    rows = read_lines(tmp_path / "run" / "predictions.jsonl")
    assert 25 < len(rows) < 35
    assert not Counter(row["text"] for row in rows).keys() & {
        row["text"] for row in make_rows("classes", 60, 0) if row["id"] not in {each["id"] for each in rows}
    }


@pytest.mark.parametrize("kind", ["classes", "crf", "prompt"])
def test_rows_of_a_group_share_a_fold(tiny_encoder, tiny_masked_lm, tmp_path, kind):
    rows = make_rows(TASKS[kind][1], 60, 0)
    for i, row in enumerate(rows):
        row["text"] = f"{i}" + row["text"]  # all are different
        row["document"] = i // 6
        for entity in row.get("entities", ()):
            entity["start"], entity["end"] = entity["start"] + len(f"{i}"), entity["end"] + len(f"{i}")
    train = write_rows(tmp_path / "grouped.jsonl", rows)
    given = {"train_file": train, "group_column": "document", "num_train_epochs": 1}
    script, words = words_of(kind, tmp_path, tiny_encoder, tiny_masked_lm, **given)
    script.main(words)
    folds = {}
    for i, row in enumerate(read_lines(tmp_path / "run" / "out_of_fold.jsonl")):
        folds.setdefault(i // 6, set()).add(row["fold"])
    assert len(folds) == 10 and all(len(found) == 1 for found in folds.values())


@pytest.mark.parametrize(
    "kind, flags, message",
    [
        ("classes", {"group_column": "page"}, r"expected the column page \(--group_column\), found"),
        ("crf", {"group_column": "page"}, 'expected "page", the group of the row, found null'),
        ("answers", {"group_column": "page"}, "--group_column: questions on one passage share a fold"),
        ("classes", {"group_column": "label", "folds": None}, "--group_column does nothing without --folds"),
    ],
)
def test_group_that_there_is_not_is_refused(tiny_encoder, tmp_path, kind, flags, message):
    script, words = words_of(kind, tmp_path, tiny_encoder, None, **flags)
    with pytest.raises((ArgumentError, DataError), match=message):
        script.main(words)


@pytest.mark.parametrize(
    "flags, message",
    [
        ({"fold": 3}, "--fold 3: expected 1 to 2"),
        ({"folds": 1}, "--folds 1: expected 2 or more"),
        ({"folds": None, "fold": 1}, "--fold does nothing without --folds"),
        ({"validation_share": 0.2}, "--validation_share does nothing together with"),
        ({"folds": None, "jobs": 2}, "--jobs does nothing without --folds"),
        ({"folds": 2, "fold": 1, "jobs": 2}, "--jobs does nothing together with --fold"),
        ({"push_to_hub": "true", "hub_model_id": "a/b"}, "--push_to_hub: expected one model, found --folds"),
    ],
)
def test_options_that_do_not_fit_are_refused(tiny_encoder, tmp_path, flags, message):
    script, words = words_of("classes", tmp_path, tiny_encoder, None, **flags)
    with pytest.raises(ArgumentError, match=message):
        script.main(words)


def test_more_folds_than_texts_are_refused(tiny_encoder, tmp_path):
    script, words = words_of("classes", tmp_path, tiny_encoder, None, folds=60)
    with pytest.raises(DataError, match="--folds 60: expected as many different texts or more"):
        script.main(words)
