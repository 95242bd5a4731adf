"""scripts/average_weights.py: one model from runs that share a start, or a reason why there is none."""

import json
import shutil
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file

import predict
import run_classification
import run_ner
from scripts import average_weights
from utils.data.errors import ArgumentError, DataError

TEXTS = {"张伟在北京开会": "no", "李娜去了上海": "yes", "王芳在北京看病": "no", "赵敏去了深圳": "yes"}


@pytest.fixture(scope="module")
def trained(tiny_encoder, tmp_path_factory):
    """Folder with three runs that differ in the order of their data, and the data."""
    root = tmp_path_factory.mktemp("soups")
    lines = [json.dumps({"text": text, "label": label}) + "\n" for text, label in list(TEXTS.items()) * 6]
    (root / "data.jsonl").write_text("".join(lines), encoding="utf-8")
    for name, words in {
        "one": ["--data_seed", "1"],
        "two": ["--data_seed", "2"],
        "lora": ["--adapter", "lora"],
    }.items():
        train(tiny_encoder, root, name, *words)
    return root


def train(encoder, root, name, *words):
    data = str(root / "data.jsonl")
    argv = ["--model_name_or_path", encoder, "--train_file", data, "--validation_file", data, "--precision", "fp32"]
    argv += ["--max_steps", "4", "--learning_rate", "5e-3", "--per_device_train_batch_size", "8"]
    run_classification.main([*argv, "--threshold_metric", "f1", "--output_dir", str(root / name), *words])


@pytest.fixture
def runs(trained, tmp_path):
    """Copies of the runs; `edit(run, file, **changes)` changes one of its JSON files."""
    for name in ("one", "two", "lora"):
        shutil.copytree(trained / name, tmp_path / name)
    shutil.copyfile(trained / "data.jsonl", tmp_path / "data.jsonl")
    return tmp_path


def edit(path, change):
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def average(root, *names, words=()):
    average_weights.main([*(str(root / name) for name in names), "--output_dir", str(root / "soup"), *words])
    return root / "soup"


def test_runs_of_one_seed_begin_alike_and_end_apart_in_the_order_of_their_data(trained):
    one, two = (load_file(trained / name / "model.safetensors") for name in ("one", "two"))
    assert not one["classifier.weight"].equal(two["classifier.weight"])
    assert (one["classifier.weight"] - two["classifier.weight"]).abs().max() < 0.1  # heads of two seeds: far more


def test_mean_of_two_runs_is_an_ordinary_model(runs, capsys):
    soup = average(runs, "one", "two")
    one, two, mean = (load_file(each / "model.safetensors") for each in (runs / "one", runs / "two", soup))
    assert mean.keys() == one.keys()
    for name in mean:
        torch.testing.assert_close(mean[name], (one[name] + two[name]) / 2, rtol=0, atol=1e-7)
    said = capsys.readouterr().out
    assert "dropped what was tuned on each run (decision): give --validation_file" in said
    config = json.loads((soup / "config.json").read_text(encoding="utf-8"))
    assert config.get("decision", {}).keys() <= {"positive"}
    record = json.loads((soup / "run.json").read_text(encoding="utf-8"))
    assert [(each["run"], each["kept"]) for each in record["averaged"]] == [
        (str(runs / name), True) for name in ("one", "two")
    ]
    assert "The mean of the weights of 2 runs (uniform soup" in (soup / "README.md").read_text(encoding="utf-8")
    assert not list(runs.glob(".unfinished*"))
    predict.main([str(soup), "--text", "张伟在北京开会"])
    assert json.loads(capsys.readouterr().out)["label"] in ("no", "yes")


def test_greedy_soup_leaves_out_a_bad_run_and_tunes_its_decisions_again(runs, monkeypatch, capsys):
    bad = load_file(runs / "two" / "model.safetensors")
    shutil.copytree(runs / "two", runs / "bad")
    save_file({name: -value for name, value in bad.items()}, runs / "bad" / "model.safetensors", {"format": "pt"})
    weights = load_file(runs / "one" / "model.safetensors")

    def near(folder, *_):
        found = load_file(folder / "model.safetensors")
        return {"eval_f1": -sum((found[name] - weights[name]).norm().item() for name in found)}

    monkeypatch.setattr(average_weights, "score_folder", near)  # the nearer to one run, the better
    words = ["--greedy", "--validation_file", str(runs / "data.jsonl"), "--metric", "f1"]
    soup = average(runs, "bad", "one", words=words)
    said = capsys.readouterr().out
    assert f"kept     0.0000  {runs / 'one'}" in said.replace("-0.0000", "0.0000") and "left out" in said
    assert load_file(soup / "model.safetensors")["classifier.weight"].equal(weights["classifier.weight"])
    tuned, before = (json.loads((each / "config.json").read_text(encoding="utf-8")) for each in (soup, runs / "one"))
    assert "decisions, tuned on" in said and len(tuned["decision"]["thresholds"]) == len(
        before["decision"]["thresholds"]
    )
    assert tuned["decision"]["temperature"] == pytest.approx(before["decision"]["temperature"], rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("adapter", [False, True])
def test_scores_are_those_of_the_run_script(runs, capsys, adapter):
    words = ["--greedy", "--validation_file", str(runs / "data.jsonl")]
    soup = average(runs, *(["two", "lora"] if adapter else ["one", "two"]), words=words)
    results = json.loads((soup / "all_results.json").read_text(encoding="utf-8"))
    record = json.loads((soup / "run.json").read_text(encoding="utf-8"))
    assert 0 <= results["eval_f1"] <= 1 and record["results"] == results
    assert all(0 <= each["validation"] <= 1 for each in record["averaged"])
    assert f"f1 {results['eval_f1']:.4f}  the mean of" in capsys.readouterr().out


@pytest.mark.slow
def test_taggers_are_scored_by_their_own_script(tiny_encoder, ner_files, tmp_path, capsys):
    files = ["--train_file", ner_files[0], "--validation_file", ner_files[1]]
    for seed in "12":
        words = ["--max_steps", "4", "--data_seed", seed, "--precision", "fp32", "--output_dir", str(tmp_path / seed)]
        run_ner.main(["--model_name_or_path", tiny_encoder, *files, *words])
    soup = average(tmp_path, "1", "2", words=["--greedy", "--validation_file", ner_files[1]])
    results = json.loads((soup / "all_results.json").read_text(encoding="utf-8"))
    assert {"eval_f1", "eval_lenient_f1"} <= results.keys() and "dropped" not in capsys.readouterr().out
    predict.main([str(soup), "--text", "张伟在北京"])
    assert "entities" in json.loads(capsys.readouterr().out)


def test_adapters_are_merged_before_they_are_averaged(runs, tmp_path):
    edit(runs / "lora" / "config.json", lambda config: None)
    predict.main([str(runs / "lora"), "--merge", str(tmp_path / "whole")])
    soup = load_file(average(runs, "one", "lora") / "model.safetensors")
    one, whole = (load_file(each / "model.safetensors") for each in (runs / "one", tmp_path / "whole"))
    for name in soup:
        torch.testing.assert_close(soup[name], (one[name] + whole[name]) / 2, rtol=0, atol=1e-6)


def swap_labels(config):
    config["id2label"] = dict(zip(config["id2label"], reversed(config["id2label"].values()), strict=True))


REFUSED = [
    ("run.json", lambda record: record["arguments"].update(seed=7), "found seeds 42 and 7; .* vary --data_seed"),
    (
        "run.json",
        lambda record: record["arguments"].update(model_name_or_path="other"),
        "expected one start, found .*other",
    ),
    (
        "run.json",
        lambda record: record["arguments"].update(model_revision="v2"),
        r"expected one start, found .*\(v2\)",
    ),
    ("config.json", swap_labels, "expected equal labels, found in another order"),
    ("config.json", lambda config: config["id2label"].update({"0": "c"}), "expected equal labels, found others"),
    (
        "config.json",
        lambda config: config.update(architectures=["T"]),
        "expected models of one class, found Bert.* and T",
    ),
    ("config.json", lambda config: config.update(input_length=9), "found input_length .* and 9; train both with the"),
    ("config.json", lambda config: config.update(num_attention_heads=4), "found num_attention_heads 2 and 4"),
    (
        "tokenizer.json",
        lambda content: content["model"]["vocab"].update(zzz=999),
        "expected equal tokenizers, found dif",
    ),
]


@pytest.mark.parametrize("file, change, said", REFUSED)
def test_runs_that_have_no_mean_are_refused(runs, file, change, said):
    edit(runs / "two" / file, change)
    with pytest.raises(DataError, match=said):
        average(runs, "one", "two")
    assert not (runs / "soup").exists()


def test_other_dropout_and_decisions_are_no_obstacle(runs):
    edit(
        runs / "two" / "config.json",
        lambda config: config.update(classifier_dropout=0.4, decision={"temperature": 9.0}),
    )
    assert average(runs, "one", "two").is_dir()


def test_seeds_may_differ_where_the_head_comes_from_the_start(runs):
    for name, seed in (("one", 1), ("two", 2)):
        more = {"seed": seed, "model_name_or_path": str(runs / "lora" / ".." / "one")}
        edit(runs / name / "run.json", lambda record, more=more: record["arguments"].update(more))
    assert average(runs, "one", "two").is_dir()


@pytest.mark.parametrize("lacking", [True, False])
def test_seeds_may_not_differ_where_a_part_of_the_head_began_at_random(runs, lacking):
    shutil.copytree(runs / "one", runs / "start")
    weights = load_file(runs / "start" / "model.safetensors")
    if lacking:
        del weights["classifier.bias"]
    else:
        weights["classifier.weight"] = weights["classifier.weight"][:, :-1].contiguous()
    save_file(weights, runs / "start" / "model.safetensors", {"format": "pt"})
    for name, seed in (("one", 1), ("two", 2)):
        more = {"seed": seed, "model_name_or_path": str(runs / "start")}
        edit(runs / name / "run.json", lambda record, more=more: record["arguments"].update(more))
    with pytest.raises(DataError, match="expected heads that began alike, found seeds 1 and 2"):
        average(runs, "one", "two")


def test_candidates_of_a_greedy_soup_are_scored_with_decisions_of_their_own(runs, monkeypatch):
    seen = []

    def scored(folder, *_):
        seen.append(json.loads((folder / "config.json").read_text(encoding="utf-8"))["decision"]["temperature"])
        return {"eval_f1": 0.5}

    monkeypatch.setattr(average_weights, "score_folder", scored)
    average(runs, "one", "two", words=["--greedy", "--validation_file", str(runs / "data.jsonl"), "--metric", "f1"])
    own = [json.loads((runs / name / "config.json").read_text(encoding="utf-8")) for name in ("one", "two")]
    assert seen[:2] == pytest.approx([each["decision"]["temperature"] for each in own], rel=0.01)
    assert len(seen) >= 3


def test_options_of_taggers_are_told_to_taggers_alone(runs, monkeypatch):
    asked = []

    def note(command, **_):
        asked.extend(command)
        return SimpleNamespace(returncode=1, stderr="no")

    for name in ("one", "two"):
        told = {"label_names": ["start_positions"], "text_column": "text"}
        edit(runs / name / "run.json", lambda record, told=told: record["arguments"].update(told))
    monkeypatch.setattr(average_weights.subprocess, "run", note)
    with pytest.raises(DataError, match="expected scores from run_classification"):
        average(runs, "one", "two", words=["--validation_file", str(runs / "data.jsonl")])
    assert "--text_column=text" in asked and "--label_names" not in asked


@pytest.mark.parametrize("missing", ["run.json", "config.json", "model.safetensors"])
def test_folder_that_is_no_finished_run_is_refused(runs, missing):
    (runs / "two" / missing).unlink()
    with pytest.raises(DataError, match=f"two: expected .*{missing.partition('.')[0]}"):
        average(runs, "one", "two")


@pytest.mark.parametrize(
    "names, words, said",
    [
        (["one"], [], "expected two runs or more"),
        (["one", "lora/../one"], [], "one of them twice"),
        (["one", "two"], ["--greedy"], "--greedy: expected --validation_file"),
        (["one", "two"], ["--metric", "f1"], "--metric does nothing without --validation_file"),
        (["one", "two"], ["--validation_file", "nowhere.tsv"], "nowhere.tsv: expected a file"),
    ],
)
def test_wrong_wishes_are_refused(runs, names, words, said):
    with pytest.raises((ArgumentError, DataError), match=said):
        average(runs, *names, words=words)


def test_folder_that_exists_is_never_overwritten(runs):
    (runs / "soup").mkdir()
    with pytest.raises(ArgumentError, match="soup: expected a new folder"):
        average(runs, "one", "two")
