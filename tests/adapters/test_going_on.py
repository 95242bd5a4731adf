"""Trained directories as models of further runs: every head, adapters among them; and what merging leaves."""

import json

import pytest

import predict
from utils.adapters import directories
from utils.data.errors import DataError
from utils.prediction.answer_finder import AnswerFinder
from utils.prediction.entity_finder import EntityFinder
from utils.prediction.label_finder import LabelFinder

pytestmark = pytest.mark.long

STEP = {"max_steps": 1, "num_train_epochs": 1, "learning_rate": 1e-2}
TEXTS = ["张伟在北京开会。", "李娜去了上海", "王芳来自深圳看病。"]
# What was trained -> how; each goes on as itself, and as another head.
TRAINED = {
    "classes": ("lora", "crf"),
    "crf": ("none", "classes"),
    "span": ("none", "answers"),
    "softmax": ("layernorm", "fusion"),
    "cloze": ("none", "faq"),
}


@pytest.mark.parametrize("name", TRAINED)
def test_trained_directory_goes_on_with_its_own_head_and_with_another(run, tmp_path, capsys, name):
    method, other = TRAINED[name]
    run(name, tmp_path / "first", adapter=method, **STEP)
    for head in (name, other):
        run(head, tmp_path / f"then-{head}", model_name_or_path=tmp_path / "first", **STEP)
        assert (tmp_path / f"then-{head}" / "model.safetensors").is_file()
        assert json.loads((tmp_path / f"then-{head}" / "run.json").read_text(encoding="utf-8"))
    assert ("an adapter; training starts from" in capsys.readouterr().err) == (method != "none")


def scores_of(name, folder):
    if name == "answers":
        finder = AnswerFinder.load(str(folder), device="cpu", n_best=3)
        return [one.score for found in finder.find(["谁"] * 3, TEXTS) for one in found]
    if name in ("crf", "span", "softmax"):
        finder = EntityFinder.load(str(folder), device="cpu")
        return [score for found in finder.find(TEXTS) for *_, score in found] or [0.0]
    return LabelFinder.load(str(folder), device="cpu").logits(TEXTS).ravel().tolist()


@pytest.mark.parametrize("name", ["classes", "fusion", "crf", "span", "softmax", "answers", "cloze"])
def test_merged_directory_answers_like_the_adapter(run, tmp_path, name):
    run(name, tmp_path / "few", adapter="lora", **STEP | {"learning_rate": 5e-2})
    predict.main([str(tmp_path / "few"), "--merge", str(tmp_path / "whole")])
    assert scores_of(name, tmp_path / "whole") == pytest.approx(scores_of(name, tmp_path / "few"), abs=1e-4)


def test_merging_that_changes_answers_is_an_error_and_leaves_nothing(run, tmp_path, monkeypatch):
    run("classes", tmp_path / "few", adapter="lora", **STEP)
    plain = directories.merge_adapter

    def forget(model):
        model = plain(model)
        model.bert.pooler.dense.weight.data.mul_(-1)
        return model

    monkeypatch.setattr(directories, "merge_adapter", forget)
    with pytest.raises(DataError, match=r"few: expected the merged model to give the adapter's scores, found"):
        predict.main([str(tmp_path / "few"), "--merge", str(tmp_path / "whole")])
    assert not (tmp_path / "whole" / "model.safetensors").exists()


def test_adapter_on_an_adapter_is_refused_with_what_to_type(run, tmp_path):
    run("crf", tmp_path / "few", adapter="lora", **STEP)
    with pytest.raises(DataError, match=r"--adapter lora: expected a full model .* predict.py .*few --merge MODEL"):
        run("crf", tmp_path / "then", model_name_or_path=tmp_path / "few", adapter="lora", **STEP)


@pytest.mark.parametrize("name", ["crf", "classes"])
def test_resuming_with_other_labels_is_refused(run, files, ner_files, tmp_path, name):
    run(name, tmp_path / "run", **STEP, keep_checkpoints=True)
    rows = {"text": "张伟在北京", "label": "nowhere"}, {"text": "李娜去了上海", "label": "在"}
    if name == "crf":
        rows = [{"text": "张伟在北京", "label": {"team": {"张伟": [[0, 1]]}}}] * 2
    other = tmp_path / "other.json"
    other.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    flags = STEP | {"train_file": other, "validation_file": other, "resume_from_checkpoint": "last", "max_steps": 2}
    with pytest.raises(DataError, match=r"checkpoint-1: expected the labels that the run began with, found .*new and"):
        run(name, tmp_path / "run", **flags)
