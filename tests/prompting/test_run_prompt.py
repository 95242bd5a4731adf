"""run_prompt.py from files to the output directory, with a tiny random masked-language model."""

import json
import shutil

import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM

import predict
import run_classification
import run_qa_cls
from tests.prompting.cloze_models import OTHER, TEMPLATE, ask_plainly
from utils.data.errors import ArgumentError, DataError
from utils.prediction.label_finder import LabelFinder
from utils.prompting.blanks import fill_blanks


def read_predictions(folder):
    return [json.loads(line) for line in (folder / "predictions.jsonl").read_text(encoding="utf-8").splitlines()]


def plain_logits(files, tokenizer, texts, template):
    written = template.replace("{mask}{mask}", "<>").replace("{mask}", "<>")
    logits = []
    for text in texts:
        sentence = written.replace("{text}", text)
        scores = ask_plainly(str(files / "model"), tokenizer, sentence, ["好", "不错", "一般"], spaced=False)
        logits.append([(scores[0] + scores[1]) / 2, scores[2]])
    return np.array(logits)


def softmax(logits):
    odds = np.exp(logits - logits.max(-1, keepdims=True))
    return odds / odds.sum(-1, keepdims=True)


def test_zero_shot_is_what_the_words_say(run, files, wordpiece):
    results = run(test_file="test.jsonl")
    rows = read_predictions(files / "out")
    texts = [row["text"] for row in rows]
    wanted = softmax(plain_logits(files, wordpiece, texts, TEMPLATE))
    found = [{each["label"]: each["score"] for each in row["top"]} for row in rows]
    np.testing.assert_allclose([[one["good"], one["bad"]] for one in found], wanted, atol=1e-4)
    gold = ["bad", "good"] * 4 + ["bad"]
    assert results["test_accuracy"] == pytest.approx(
        np.mean([r["label"] == g for r, g in zip(rows, gold, strict=True)])
    )
    left = {path.name for path in (files / "out").iterdir()}
    wanted = {"predictions.jsonl", "report.json", "example_counts.json", "all_results.json", "run.json"}
    assert left == wanted | {"error_report.html", "error_report.json"}
    errors = json.loads((files / "out" / "error_report.json").read_text(encoding="utf-8"))["splits"]["test"]
    assert errors["wrong"] == len(errors["worst"]) == sum(r["label"] != g for r, g in zip(rows, gold, strict=True))


@pytest.mark.parametrize("kind", ["content_free", "prior", "batch"])
def test_prior_is_divided_out(run, files, wordpiece, kind):
    options = {"prior_file": "train.jsonl"} if kind == "prior" else {}
    run(test_file="test.jsonl", calibrate=kind, **options)
    texts = [row["text"] for row in read_predictions(files / "out")]
    measured = {"content_free": [""], "batch": texts}
    if kind == "prior":
        measured["prior"] = [json.loads(line)["text"] for line in (files / "train.jsonl").open(encoding="utf-8")]
    prior = softmax(plain_logits(files, wordpiece, measured[kind], TEMPLATE)).mean(0)
    wanted = softmax(plain_logits(files, wordpiece, texts, TEMPLATE) - np.log(prior))
    found = [{e["label"]: e["score"] for e in row["top"]} for row in read_predictions(files / "out")]
    np.testing.assert_allclose([[one["good"], one["bad"]] for one in found], wanted, atol=1e-4)


def test_templates_are_asked_together(run, files, wordpiece):
    run(test_file="test.jsonl", template=[TEMPLATE, OTHER])
    rows = read_predictions(files / "out")
    texts = [row["text"] for row in rows]
    logs = [np.log(softmax(plain_logits(files, wordpiece, texts, each))) for each in (TEMPLATE, OTHER)]
    wanted = softmax((logs[0] + logs[1]) / 2)
    found = [{e["label"]: e["score"] for e in row["top"]} for row in rows]
    np.testing.assert_allclose([[one["good"], one["bad"]] for one in found], wanted, atol=1e-4)


def test_templates_count_as_suits_the_validation_file(run, files, capsys):
    flags = {"template": [TEMPLATE, OTHER], "calibrate": "batch"}
    alone = [
        run(f"t{k}", **(flags | {"template": each}), test_file="test.jsonl")
        for k, each in enumerate([TEMPLATE, OTHER])
    ]
    run(**flags, validation_file="train.jsonl", test_file="test.jsonl", template_weights="validation")
    shown = [line.split("  ") for line in capsys.readouterr().err.splitlines() if line.endswith((TEMPLATE, OTHER))]
    weights = [float(weight) for weight, _ in shown]
    assert sum(weights) == pytest.approx(1, abs=2e-3) and [pattern for _, pattern in shown] == [TEMPLATE, OTHER]
    found, plain = ([row["top"] for row in read_predictions(files / name)] for name in ("out", "t0"))
    assert (found == plain) == (weights[0] == 1.0) and len(alone) == 2
    (files / "unlabelled.jsonl").write_text('{"text": "电"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="expected labels in the validation data, found none"):
        run("none", **flags, validation_file="unlabelled.jsonl", template_weights="validation")


@pytest.mark.parametrize(
    ("template", "aggregation"), [(TEMPLATE, "mean"), ("{soft:2}{text}{soft:真是}{mask}", "learned")]
)
def test_tuned_model_learns_is_saved_and_served(run, files, capsys, template, aggregation):
    results = run(
        train_file="train.jsonl",
        test_file="test.jsonl",
        template=template,
        aggregation=aggregation,
        learning_rate=5e-3,
        num_train_epochs=20,
        per_device_train_batch_size=8,
    )
    assert results["test_accuracy"] == 1.0 and results["eval_accuracy"] == 1.0
    rows = read_predictions(files / "out")
    assert (
        predict.main(
            [str(files / "out"), "--input_file", str(files / "test.jsonl"), "--device", "cpu", "--precision", "fp32"]
        )
        is None
    )
    again = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert again == rows
    finder = LabelFinder.load(str(files / "out"), device="cpu")
    assert finder.model.config.template == template and finder.rule.labels == ["good", "bad"]
    assert "Fills the blank" in (files / "out" / "README.md").read_text(encoding="utf-8")


def test_few_examples_are_drawn_and_their_ids_kept(run, files):
    flags = {"train_file": "train.jsonl", "test_file": "test.jsonl", "few_shot": 4, "num_train_epochs": 1}
    run(**flags, seed=3)
    ids = json.loads((files / "out" / "train_ids.json").read_text())
    assert len(ids) == 8 and sum(int(id.removeprefix("train")) % 2 for id in ids) == 4
    run("again", **flags, seed=3)
    assert json.loads((files / "again" / "train_ids.json").read_text()) == ids
    run("other", **flags, seed=4)
    assert json.loads((files / "other" / "train_ids.json").read_text()) != ids


@pytest.mark.parametrize("flags", [{}, {"soft_encoder": "lstm"}, {"soft_layers": "true", "aggregation": "learned"}])
def test_vectors_alone_learn_and_the_encoder_stays(run, files, wordpiece, flags):
    flags |= {"template": "{soft:4}{text}{soft:真是}{mask}", "tune": "soft", "learning_rate": 0.05}
    run(train_file="train.jsonl", num_train_epochs=1, **flags)
    before = AutoModelForMaskedLM.from_pretrained(files / "model")
    after = LabelFinder.load(str(files / "out"), device="cpu").model
    values = after.encoder.state_dict()
    assert len(values) > 10
    assert all(torch.equal(values[name], value) for name, value in before.state_dict().items())
    begun = before.get_input_embeddings().weight[wordpiece.convert_tokens_to_ids(["真", "是"])]
    assert (after.soft.weight[4:] - begun).abs().amax(1).min() > 0.01


def test_words_hidden_besides_change_what_is_learnt(run, files):
    flags = {"train_file": "train.jsonl", "num_train_epochs": 1, "learning_rate": 1e-3}
    run("plain", **flags)
    run("hidden", **flags, mlm_weight=0.5)
    run("again", **flags, mlm_weight=0.5)
    plain, hidden, again = ((files / name / "model.safetensors").read_bytes() for name in ("plain", "hidden", "again"))
    assert hidden == again != plain


def test_splits_are_drawn_by_seeds_from_the_first_on_and_averaged(run, files):
    flags = {"train_file": "train.jsonl", "test_file": "test.jsonl", "few_shot": 4, "num_train_epochs": 2}
    results = run(**flags, splits=3, seed=5)
    scores = [json.loads((files / "out" / f"seed-{seed}" / "all_results.json").read_text()) for seed in (5, 6, 7)]
    accuracies = [each["test_accuracy"] for each in scores]
    assert results["test_accuracy_runs"] == accuracies
    assert results["test_accuracy"] == pytest.approx(np.mean(accuracies))
    assert results["test_accuracy_std"] == pytest.approx(np.std(accuracies, ddof=1))
    assert json.loads((files / "out" / "all_results.json").read_text()) == results
    draws = [json.loads((files / "out" / f"seed-{seed}" / "train_ids.json").read_text()) for seed in (5, 6, 7)]
    assert len({tuple(draw) for draw in draws}) == 3
    run("alone", **flags, seed=6)
    assert json.loads((files / "alone" / "train_ids.json").read_text()) == draws[1]


@pytest.mark.parametrize("mlm_weight", [0.0, 0.5])
def test_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(run, files, mlm_weight):
    flags = {
        "train_file": "train.jsonl",
        "template": "{soft:2}{text}{mask}",
        "learning_rate": 1e-3,
        "save_total_limit": 9,
        "mlm_weight": mlm_weight,
        "per_device_train_batch_size": 8,
        "eval_strategy": "steps",
        "eval_steps": 5,
        "save_strategy": "steps",
        "save_steps": 5,  # of 8 an epoch: the run goes on in the middle of one
    }
    run("whole", num_train_epochs=3, **flags)
    run("broken", num_train_epochs=3, **flags, keep_checkpoints=True)
    checkpoints = sorted((files / "broken").glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    assert [path.name for path in checkpoints] == [f"checkpoint-{step}" for step in (5, 10, 15, 20, 24)]
    for path in checkpoints[2:]:
        shutil.rmtree(path)
    (files / "broken" / "model.safetensors").unlink()
    (files / "broken" / "run.json").unlink()
    run("broken", num_train_epochs=3, resume_from_checkpoint="last", **flags)
    whole, broken = ((files / name / "model.safetensors").read_bytes() for name in ("whole", "broken"))
    assert whole == broken


def test_texts_are_explained_by_their_words(run, files, wordpiece, capsys):
    run(text=["电影", "般"], output_file=str(files / "shown.json"))
    shown = [json.loads(line) for line in (files / "shown.json").read_text(encoding="utf-8").splitlines()]
    wanted = softmax(plain_logits(files, wordpiece, ["电影", "般"], TEMPLATE))
    for row, probabilities in zip(shown, wanted, strict=True):
        assert row["scores"]["good"] == pytest.approx(probabilities[0], abs=1e-5)
        assert row["words"][0].keys() == {"good", "bad"} and row["words"][0]["good"].keys() == {"好", "不错"}
    told = capsys.readouterr().err
    assert "电影\n  0." in told and "不错 -" in told
    assert not (files / "out").exists()


def test_blanks_are_filled(run, files, wordpiece, capsys):
    run(
        template=None,
        verbalizer=None,
        fill=["真是[MASK]了", "很{mask}{mask}"],
        top_k=2,
        output_file=str(files / "f.json"),
    )
    shown = [json.loads(line) for line in (files / "f.json").read_text(encoding="utf-8").splitlines()]
    model = AutoModelForMaskedLM.from_pretrained(files / "model").eval()
    for row, sentence in zip(shown, ["真是[MASK]了", "很[MASK][MASK]"], strict=True):
        wanted = fill_blanks(model, wordpiece, sentence, top_k=2)
        assert [each["words"] for each in row["fillings"]] == [each.words for each in wanted]
    assert "真是[MASK]了\n  0." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "error", "message"),
    [
        ({}, ArgumentError, "nothing to do: give --fill, --text"),
        ({"text": "电", "template": None}, ArgumentError, "expected --template and --verbalizer"),
        ({"text": "电", "template": "{text}"}, ArgumentError, r"several in a row, found none"),
        ({"text": "电", "template": "真{mask}"}, ArgumentError, r"expected \{text\}, and \{text_pair\} or"),
        ({"text": "电", "template": "{text}{span}{mask}"}, DataError, "expected a class O for spans that"),
        ({"text": "电", "template": "{soft:2}{text}{mask}"}, ArgumentError, "trainable vectors need --train_file"),
        ({"text": "电", "template": "{text}" + "真" * 600 + "{mask}"}, ArgumentError, "leaves no room for text"),
        ({"text": "电", "verbalizer": "{good: 龘, bad: 好}"}, ArgumentError, "the word '龘' is unknown to this model"),
        ({"text": "电", "verbalizer": "{good: 好}"}, ArgumentError, "expected two classes or more"),
        ({"text": "电", "verbalizer": "none.yaml"}, DataError, "none.yaml: expected a file, found none"),
        ({"text": "电", "text_pair": ["影", "真"]}, ArgumentError, "--text_pair: expected as many texts as"),
        ({"text": "电", "text_pair": ["影"]}, ArgumentError, r"the template has no \{text_pair\}"),
        ({"text": "电", "template": "{text}{text_pair}{mask}"}, ArgumentError, r"expected --text_pair"),
        ({"test_file": "test.jsonl", "template": "{text}{text_pair}{mask}"}, DataError, "test data: expected pairs"),
        ({"test_file": "test.jsonl", "verbalizer": "{good: 好, poor: 一般}"}, DataError, "found bad"),
        ({"test_file": "test.jsonl", "few_shot": 4}, ArgumentError, "--few_shot does nothing without --train_file"),
        ({"test_file": "test.jsonl", "calibrate": "prior"}, ArgumentError, "--calibrate prior and --prior_file"),
        ({"train_file": "train.jsonl", "few_shot": 99}, DataError, "expected 99 rows or more of each class, found 32"),
        ({"train_file": "train.jsonl", "calibrate": "batch"}, ArgumentError, "--calibrate is for zero-shot"),
        ({"train_file": "train.jsonl", "template": [TEMPLATE, OTHER]}, ArgumentError, "expected one template"),
        ({"train_file": "train.jsonl", "splits": 2}, ArgumentError, "--splits does nothing without --few_shot"),
        ({"train_file": "train.jsonl", "tune": "soft"}, ArgumentError, "--tune soft: expected a template with train"),
        ({"train_file": "train.jsonl", "soft_encoder": "mlp"}, ArgumentError, "--soft_encoder: expected a template"),
        ({"train_file": "train.jsonl", "tune": "soft", "adapter": "lora"}, ArgumentError, "lora: expected --tune all"),
        ({"train_file": "train.jsonl", "adapter": "lora", "fgm_epsilon": 1}, ArgumentError, "which are frozen here"),
        ({"test_file": "test.jsonl", "adapter": "lora"}, ArgumentError, "expected a pretrained model"),
        ({"train_file": "train.jsonl", "mlm_weight": -1}, ArgumentError, "--mlm_weight -1.0: expected 0 or more"),
        ({"test_file": "test.jsonl", "tune": "soft"}, ArgumentError, "--tune soft does nothing if no model"),
        (
            {"validation_file": "test.jsonl", "template_weights": "validation"},
            ArgumentError,
            "expected several templates",
        ),
        ({"fill": "真好", "template": None, "verbalizer": None}, ArgumentError, "'真好': expected a blank"),
        ({"text": "电", "top_k": 0}, ArgumentError, "expected 1 or more"),
        (
            {"text": "电", "template": "{text}{span}{mask}", "verbalizer": "{a: 好, O: 一般}", "top_k": 2},
            ArgumentError,
            r"--top_k: expected a template without \{span\}",
        ),
    ],
)  # fmt: skip
def test_wrong_input_is_an_error_before_anything_runs(run, flags, error, message):
    with pytest.raises(error, match=message):
        run(**flags)


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_several_labels_for_a_text_are_refused_in_every_split(run, files, split):
    rows = '{"text": "电", "label": ["good", "bad"]}\n{"text": "般", "label": ["bad"]}\n'
    (files / "several.jsonl").write_text(rows, encoding="utf-8")
    with pytest.raises(DataError, match=r"several\.jsonl: expected one label for each text, found several"):
        run(**({"train_file": "train.jsonl"} | {f"{split}_file": "several.jsonl"}))


def test_encoder_without_its_output_layer_is_an_error(run, tiny_encoder):
    with pytest.raises(ArgumentError, match="expected a masked-language model, found none of its"):
        run(model=tiny_encoder, text="北京", verbalizer="{a: 北, b: 京}")
    with pytest.raises(ArgumentError, match="expected a masked-language model, found none of its"):
        run(model=tiny_encoder, template=None, verbalizer=None, fill="北[MASK]")


@pytest.mark.parametrize("flags", [{"text": "电"}, {"fill": "电[MASK]", "template": None, "verbalizer": None}])
def test_trained_directory_is_sent_to_predict(run, files, flags):
    run(train_file="train.jsonl", few_shot=2, num_train_epochs=1)
    message = "expected a masked-language model, found cloze-classifier; use predict.py for a trained directory"
    with pytest.raises(ArgumentError, match=message):
        run(model=files / "out", **flags)


def test_trained_directory_may_learn_more_and_then_explain_texts(run, files, capsys):
    flags = {"train_file": "train.jsonl", "few_shot": 2, "num_train_epochs": 1}
    run(**flags)
    run("more", model=files / "out", text="电", **flags)
    assert "电\n  " in capsys.readouterr().err


@pytest.mark.parametrize("script", [run_classification, run_qa_cls])
@pytest.mark.parametrize(
    ("template", "aggregation"), [(TEMPLATE, "max"), ("{soft:2}{text}{soft:真是}{mask}", "learned")]
)
def test_trained_directory_is_scored_alike_by_the_other_scripts(run, files, script, template, aggregation):
    wanted = run(
        train_file="train.jsonl",
        validation_file="test.jsonl",
        test_file="test.jsonl",
        template=template,
        aggregation=aggregation,
        num_train_epochs=1,
    )
    words = ["--model_name_or_path", str(files / "out"), "--output_dir", str(files / "scored")]
    words += ["--test_file", str(files / "test.jsonl"), "--use_cpu", "true", "--precision", "fp32"]
    found = script.main(words)
    scores = {name: value for name, value in wanted.items() if name.startswith("test_")}
    assert {"test_accuracy", "test_f1", "test_ece"} <= scores.keys()
    assert {name: found[name] for name in scores} == pytest.approx(scores, abs=1e-4)
    for row, other in zip(read_predictions(files / "scored"), read_predictions(files / "out"), strict=True):
        assert (row["id"], row["label"]) == (other["id"], other["label"])
        assert row["score"] == pytest.approx(other["score"], abs=2e-4)


def test_trained_directory_answers_questions(run, files, capsys):
    run(train_file="train.jsonl", few_shot=2, num_train_epochs=1)
    run_qa_cls.main(["--model_name_or_path", str(files / "out"), "--ask", "电影", "--use_cpu", "true"])
    assert "电影\n  1. " in capsys.readouterr().err
