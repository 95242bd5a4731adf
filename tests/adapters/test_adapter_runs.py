"""--adapter on every script: what a run leaves, that it goes on where it stopped, and that others can use it."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM

import predict
from utils.data.errors import ArgumentError, DataError
from utils.prediction.answer_finder import AnswerFinder
from utils.prediction.entity_finder import EntityFinder
from utils.prediction.label_finder import LabelFinder
from utils.scoring.example_counts import metrics_of, read_counts

pytestmark = pytest.mark.long


def finder_of(name, folder):
    load = EntityFinder if name in ("crf", "softmax", "span") else AnswerFinder if name == "answers" else LabelFinder
    return load.load(str(folder), device="cpu")


def predictions(folder):
    return [json.loads(line) for line in (folder / "predictions.jsonl").read_text(encoding="utf-8").splitlines()]


SCORING = dict.fromkeys(("train_file", "head", "num_train_epochs", "per_device_train_batch_size", "max_length"))
KIND_OF = {"crf": "lora", "softmax": "bottleneck", "span": "bitfit", "classes": "prefix", "fusion": "lora"}
KIND_OF |= {"faq": "p_tuning", "answers": "layernorm", "cloze": "prompt", "mlm": "ia3"}


@pytest.mark.parametrize(("name", "kind"), KIND_OF.items())
def test_run_leaves_an_adapter_that_answers_as_the_run_did(run, files, ner_files, tmp_path, name, kind):
    results = run(name, adapter=kind, learning_rate=1e-2)
    folder = tmp_path / "run"
    assert (folder / "adapter_model.safetensors").is_file() and not (folder / "model.safetensors").exists()
    assert "eval_loss" in results or "eval_f1" in results or "eval_accuracy" in results
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["arguments"]["adapter"] == kind
    if name == "mlm":
        return
    for metric, (counts, score) in metrics_of(read_counts(folder)["validation"]).items():
        assert float(score(counts.sum(0))) == pytest.approx(results[f"eval_{metric}"], abs=1e-6)
    finder, rows = finder_of(name, folder), predictions(folder)
    if name == "answers":
        found = finder.find([row["question"] for row in rows], [f"{w}在北京开会。" for w in "张王李赵陈" * 4])
        assert [one[0].text for one in found] == [row["answer"] for row in rows]
    elif hasattr(finder, "types") or name in ("crf", "softmax", "span"):
        found = finder.find([row["text"] for row in rows])
        assert [[each.start for each in one] for one in found] == [
            [e["start"] for e in row["entities"]] for row in rows
        ]
    else:
        found = finder.find([row["text"] for row in rows])
        assert [one.ranked[0][1] for one in found] == pytest.approx([row["score"] for row in rows], abs=1e-4)


@pytest.mark.parametrize(("name", "kind"), [("crf", "lora"), ("cloze", "bitfit"), ("mlm", "bottleneck")])
def test_interrupted_run_ends_the_same(run, tmp_path, name, kind):
    flags = {"adapter": kind, "learning_rate": 1e-2, "save_total_limit": 9, "num_train_epochs": 3}
    wanted = run(name, tmp_path / "whole", **flags)
    run(name, tmp_path / "broken", **flags, keep_checkpoints=True)
    numbered = sorted((tmp_path / "broken").glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    assert len(numbered) == 3
    weights = (numbered[0] / "model.safetensors").stat().st_size
    assert weights < (tmp_path / "broken" / "adapter_model.safetensors").stat().st_size + 5_000  # what learns
    for path in numbered[1:]:
        shutil.rmtree(path)
    (tmp_path / "broken" / "adapter_model.safetensors").unlink()
    (tmp_path / "broken" / "run.json").unlink()
    found = run(name, tmp_path / "broken", **flags, resume_from_checkpoint="last")
    same = [key for key in wanted if key.startswith("eval_") and not key.endswith(("runtime", "per_second"))]
    assert {key: found[key] for key in same} == {key: wanted[key] for key in same}
    one, other = ((tmp_path / each / "adapter_model.safetensors").read_bytes() for each in ("whole", "broken"))
    assert one == other


@pytest.mark.parametrize("kind", ["lora", "prompt", "bottleneck"])
def test_layers_that_run_again_teach_the_same(run, tmp_path, kind):
    flags = {"adapter": kind, "learning_rate": 1e-2, "num_train_epochs": 1}
    run("crf", tmp_path / "plain", **flags)
    run("crf", tmp_path / "again", **flags, gradient_checkpointing=True)
    one, other = (load_file(tmp_path / name / "adapter_model.safetensors") for name in ("plain", "again"))
    for name, value in one.items():
        torch.testing.assert_close(other[name], value, rtol=0, atol=1e-6)


def test_learning_rate_suits_the_method_where_none_is_given(run, tmp_path, capfd):
    run("crf", adapter="lora", num_train_epochs=1)
    arguments = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["arguments"]
    assert arguments["learning_rate"] == pytest.approx(5e-4)
    told = capfd.readouterr().err
    assert "--learning_rate 0.0005: 10 x that of full fine-tuning" in told
    assert "weights are trained" in told and "MB on disk" in told


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"adapter": "lora", "bottleneck_size": 8}, "--bottleneck_size does nothing with --adapter lora"),
        ({"lora_rank": 4}, "--lora_rank does nothing with --adapter none; .* use --adapter lora"),
        ({"adapter": "lora", "lora_rank": 0}, "--lora_rank 0: expected 1 or more"),
        ({"adapter": "lora", "lora_dropout": 1}, "--lora_dropout 1.0: expected 0 or more and below 1"),
        ({"adapter": "prefix", "gradient_checkpointing": True}, "would lack the vectors of --adapter prefix"),
        ({"adapter": "lora", "fgm_epsilon": 1}, "--fgm_epsilon moves word embeddings"),
        (
            {"adapter": "lora", "train_file": None},
            "does nothing if no model is trained; leave it out, or give data",
        ),
    ],
)
def test_options_that_would_do_nothing_are_refused(run, flags, message):
    with pytest.raises(ArgumentError, match=message):
        run("crf", **flags)


def test_new_masked_language_model_has_nothing_to_adapt(run, files, tmp_path):
    (tmp_path / "mini.json").write_text('{"model_type": "bert"}')
    flags = {"model_name_or_path": None, "train_from_config": tmp_path / "mini.json", "train_tokenizer": 60}
    with pytest.raises(ArgumentError, match="expected a pretrained model"):
        run("mlm", **flags, adapter="lora")


def test_predict_reads_merges_and_combines_adapters(run, ner_files, tmp_path, capsys):
    run("crf", tmp_path / "ner", adapter="lora", learning_rate=1e-2)
    run("fusion", tmp_path / "reviews", adapter="bottleneck", learning_rate=1e-2)
    texts = [word for text in ("张伟在北京开会。", "王芳去了上海看病。") for word in ("--text", text)]

    def lines(*argv):
        capsys.readouterr()
        predict.main([*argv, *texts, "--precision", "fp32", "--device", "cpu"])
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    names = str(tmp_path / "ner"), str(tmp_path / "reviews")
    entities, classes = (lines(name) for name in names)
    for row, one, other in zip(lines("--adapter", *names), entities, classes, strict=True):
        assert row["text"] == one["text"] and row[names[0]] == {"entities": one["entities"]}
        assert row[names[1]] == {key: value for key, value in other.items() if key != "text"}

    predict.main([names[0], "--merge", str(tmp_path / "merged")])
    assert not (tmp_path / "merged" / "adapter_config.json").exists()
    merged = lines(str(tmp_path / "merged"))
    assert [[each["start"] for each in row["entities"]] for row in merged] == [
        [each["start"] for each in row["entities"]] for row in entities
    ]
    scored = [
        run("crf", tmp_path / "scored" / str(i), model_name_or_path=model, **SCORING)["eval_f1"]
        for i, model in enumerate((names[0], tmp_path / "merged"))
    ]
    assert scored[0] == scored[1]
    with pytest.raises(DataError, match="expected an adapter that changes weights"):
        predict.main([names[1], "--merge", str(tmp_path / "other")])
    with pytest.raises(DataError, match="expected an adapter trained with --adapter, found a full model"):
        predict.main([str(tmp_path / "merged"), "--merge", str(tmp_path / "other")])


def test_masked_language_model_merges_into_one_for_the_other_scripts(run, tiny_masked_lm, tmp_path):
    run("mlm", tmp_path / "mlm", adapter="lora", learning_rate=1e-2)
    predict.main([str(tmp_path / "mlm"), "--merge", str(tmp_path / "whole")])
    models = (AutoModelForMaskedLM.from_pretrained(each) for each in (tiny_masked_lm, tmp_path / "whole"))
    before, after = (model.state_dict() for model in models)
    changed = {name for name, value in before.items() if not torch.equal(after[name], value)}
    assert before.keys() == after.keys()
    assert changed and all(name.endswith(("query.weight", "value.weight")) for name in changed)
    run("cloze", tmp_path / "cloze", model_name_or_path=tmp_path / "whole", num_train_epochs=1)
