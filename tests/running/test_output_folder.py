"""What an earlier run left is gone before the next begins, and nothing else is; what was learnt is never lost."""

import json
from pathlib import Path

import pytest
from transformers import AutoModelForSequenceClassification

import predict
import run_classification
import run_ner
from utils.data.errors import ArgumentError
from utils.running.output_folder import prepare_output_dir, remove_run
from utils.tasks import run_folder
from utils.training import saved_model

LEFT = [  # a name that each kind of run leaves
    *("model.safetensors", "model-00001-of-00002.safetensors", "model.safetensors.index.json", "config.json"),
    *("adapter_model.safetensors", "adapter_config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"),
    *("crf_tagger.py", "crf.py", "span_tagger.py", "text_classifier.py", "cloze_classifier.py", "entity_pipeline.py"),
    *("README.md", "run.json", "all_results.json", "report.json", "example_counts.json", "trainer_state.json"),
    *("error_report.html", "error_report.json", "curves.png", "predictions.jsonl", "submission.csv"),
    *("validation_ids.json", "train_ids.json", "test_ids.json"),
]
MINE = ["notes.txt", "my_model.py", "model.bin", "checkpoint-mine", "predictions-old.jsonl", "train.json"]


def test_all_that_a_run_may_leave_is_removed_and_nothing_else(tmp_path):
    for name in LEFT + MINE:
        (tmp_path / name).write_text("x")
    (tmp_path / "checkpoint-7").mkdir()
    remove_run(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(MINE)


def test_model_that_lies_in_the_output_folder_is_refused_before_it_is_removed(tmp_path):
    (tmp_path / "checkpoint-7").mkdir()
    (tmp_path / "model.safetensors").write_text("x")
    for model in (tmp_path, tmp_path / "checkpoint-7", f"{tmp_path}/../{tmp_path.name}/"):
        with pytest.raises(ArgumentError, match=r"holds the model that the run starts from .*choose another folder"):
            prepare_output_dir(tmp_path, resume=False, overwrite=True, model=str(model))
    assert (tmp_path / "model.safetensors").exists() and (tmp_path / "checkpoint-7").exists()


def test_folder_with_a_model_and_no_record_is_an_earlier_run(tmp_path):
    (tmp_path / "model.safetensors").write_text("x")
    with pytest.raises(FileExistsError, match=r"holds an earlier run \(model.safetensors\)"):
        prepare_output_dir(tmp_path, resume=False, overwrite=False)


@pytest.mark.parametrize("first, second", [("lora", "none"), ("none", "lora")])
def test_full_run_over_an_adapter_and_the_other_way_round_answer_as_a_run_of_their_own(
    first, second, tiny_encoder, ner_files, tmp_path, capsys
):
    words = ["--model_name_or_path", tiny_encoder, "--train_file", ner_files[0], "--validation_file", ner_files[1]]
    words += ["--max_steps", "2", "--precision", "fp32", "--overwrite_output_dir"]
    answers = {}
    for folder, adapters in {"over": (first, second), "alone": (second,)}.items():
        for adapter in adapters:
            run_ner.main([*words, "--adapter", adapter, "--output_dir", str(tmp_path / folder)])
        capsys.readouterr()
        predict.main([str(tmp_path / folder), "--text", "张伟在北京大学教书。"])
        answers[folder] = capsys.readouterr().out
    assert answers["over"] == answers["alone"] != ""
    names = {folder: {path.name for path in (tmp_path / folder).iterdir()} for folder in answers}
    assert names["over"] == names["alone"]


@pytest.fixture
def train(tiny_encoder, tmp_path):
    """Train a classifier for a step or two; gives its folder."""

    def call(*words):
        rows = [
            {"text": f"{name}在北京开会。", "label": label} for name, label in (("张伟", "good"), ("王芳", "bad"))
        ] * 8
        file = tmp_path / "rows.jsonl"
        file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        argv = ["--model_name_or_path", tiny_encoder, "--train_file", str(file), "--validation_file", str(file)]
        argv += ["--test_file", str(file), "--output_dir", str(tmp_path / "out"), "--max_steps", "2", *words]
        run_classification.main(argv)
        return tmp_path / "out"

    return call


def test_model_is_on_disk_before_anything_is_predicted(train, tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr("utils.training.tricks.TrickTrainer.predict", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        train("--pooling", "mean")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names >= {"model.safetensors", "config.json", "tokenizer.json", "text_classifier.py"}
    monkeypatch.undo()
    predict.main([str(tmp_path / "out"), "--text", "张伟在北京开会。"])


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_completed_folder_is_what_saving_at_the_end_would_have_left(train, tmp_path, monkeypatch, pooling):
    trainers = []
    complete = saved_model.complete

    def remember(output_dir, trainer, **card):
        trainers.append(trainer)
        complete(output_dir, trainer, **card)

    monkeypatch.setattr(run_folder, "complete", remember)
    folder = train("--pooling", pooling)
    (tmp_path / "whole").mkdir()
    saved_model.save_model(tmp_path / "whole", trainers[0])
    for path in (tmp_path / "whole").iterdir():
        if path.is_file():
            assert (folder / path.name).read_bytes() == path.read_bytes(), path.name
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["decision"]["temperature"] > 0 and Path(folder / "README.md").exists()
    if pooling == "cls":
        assert AutoModelForSequenceClassification.from_pretrained(folder).config.num_labels == 2


def test_a_folder_named_like_a_fold_stays_unless_a_run_of_folds_made_it(tmp_path):
    for name, left in (("fold-1", "fold_ids.json"), ("fold-2", "validation_ids.json"), ("fold-x", "fold_ids.json")):
        (tmp_path / name).mkdir()
        (tmp_path / name / left).write_text("[]")
    prepare_output_dir(tmp_path, resume=False, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fold-2", "fold-x"]
