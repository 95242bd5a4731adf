"""run_mlm.py from raw text to a model that the other scripts take, with tiny random models."""

import gzip
import json
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from datasets import Dataset
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM, AutoTokenizer, BertConfig, BertModel

import run_mlm
import run_ner
import run_prompt
from tests.conftest import CITIES, GIVEN, SURNAMES, TAILS, VERBS
from utils.data.errors import ArgumentError, DataError
from utils.tables.run_groups import group_runs, read_runs

ROOT = Path(__file__).resolve().parent.parent
MINI = {
    "model_type": "bert",
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 64,
}


def draw_texts(count, seed=0):
    draw = random.Random(seed)
    kinds = list(SURNAMES), list(GIVEN), VERBS, CITIES, [f"{tail}。" for tail in TAILS]
    return ["".join(draw.choice(kind) for kind in kinds) for _ in range(count)]


def read_json(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


@pytest.fixture
def run(tiny_masked_lm, tmp_path):
    """Call run_mlm; keyword arguments are flags, None leaves one out, a list gives several values."""
    (tmp_path / "train.txt").write_text("\n".join(draw_texts(120)) + "\n", encoding="utf-8")
    (tmp_path / "mini.json").write_text(json.dumps(MINI), encoding="utf-8")

    def call(output_dir=tmp_path / "run", **flags):
        values = {
            "model_name_or_path": tiny_masked_lm,
            "train_file": tmp_path / "train.txt",
            "output_dir": output_dir,
            "cache_dir": tmp_path / "cache",
            "max_length": 16,
            "validation_share": 0.2,
            "num_train_epochs": 2,
            "per_device_train_batch_size": 16,
            "learning_rate": 5e-3,
            "precision": "fp32",
        } | flags
        words = []
        for name, value in values.items():
            if value is not None:
                words += [f"--{name}", *map(str, value if isinstance(value, list) else [value])]
        return run_mlm.main(words)

    return call


# What a run leaves


def test_run_learns_and_leaves_a_plain_model_for_the_other_scripts(run, tiny_masked_lm, ner_files, tmp_path, capsys):
    results = run(num_train_epochs=4, eval_on_start=True)
    folder = tmp_path / "run"
    wanted = {"model.safetensors", "config.json", "tokenizer.json", "README.md", "run.json", "all_results.json"}
    assert {path.name for path in folder.iterdir()} >= wanted | {
        "validation_ids.json",
        "trainer_state.json",
        "curves.png",
    }
    history = [
        entry["eval_loss"] for entry in read_json(folder / "trainer_state.json")["log_history"] if "eval_loss" in entry
    ]
    assert results["eval_loss"] < 0.8 * history[0]
    assert results["eval_perplexity"] == pytest.approx(2.718281828 ** results["eval_loss"], rel=1e-5)
    assert 0 < results["eval_accuracy"] <= 1
    assert read_json(folder / "all_results.json") == results
    assert read_json(folder / "run.json")["arguments"]["masking"] == "whole_word"
    assert set(load_file(folder / "model.safetensors")) == set(load_file(f"{tiny_masked_lm}/model.safetensors"))
    assert read_json(folder / "config.json")["architectures"] == ["BertForMaskedLM"]
    assert "pipeline_tag: fill-mask" in (folder / "README.md").read_text(encoding="utf-8")

    capsys.readouterr()
    run_prompt.main(["--model_name_or_path", str(folder), "--fill", "张伟在北[MASK]开会。"])
    assert re.search(r"张伟在北\[MASK\]开会。\n  0\.\d+  \S", capsys.readouterr().err)
    words = ["--model_name_or_path", str(folder), "--train_file", ner_files[0], "--validation_file", ner_files[1]]
    words += ["--output_dir", str(tmp_path / "ner"), "--num_train_epochs", "1", "--precision", "fp32"]
    assert "eval_f1" in run_ner.main(words)


@pytest.mark.parametrize("masking", ["token", "ngram"])
def test_other_masks_learn_too(run, masking):
    assert run(masking=masking, num_train_epochs=1)["eval_loss"] < 4.6  # 4.75 before


def test_loss_is_the_mean_over_hidden_tokens_whatever_the_batch(run, tmp_path):
    run()
    folder = tmp_path / "run"
    losses = set()
    for size in (3, 64):
        flags = {"model_name_or_path": folder, "learning_rate": 0, "num_train_epochs": 1, "eval_on_start": True}
        results = run(tmp_path / f"again{size}", **flags, per_device_eval_batch_size=size)
        losses.add(round(results["eval_loss"], 4))
        log = read_json(tmp_path / f"again{size}" / "trainer_state.json")["log_history"]
        found = [round(entry["eval_loss"], 4) for entry in log if "eval_loss" in entry]
        assert len(found) == 3 and set(found) == losses  # the same masks at each evaluation
    assert len(losses) == 1


# From nothing


def test_new_model_with_its_own_vocabulary_from_neighbours_by_muon(run, tmp_path):
    flags = {"model_name_or_path": None, "train_from_config": tmp_path / "mini.json", "train_tokenizer": 60}
    results = run(**flags, init="neighbours", optimizer="muon", dropout=0, num_train_epochs=20)
    folder = tmp_path / "run"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert {"京", "伟", "[MASK]"} <= set(tokenizer.get_vocab())
    config = AutoModelForMaskedLM.from_pretrained(folder).config
    assert (config.vocab_size, config.hidden_dropout_prob) == (len(tokenizer), 0.1)  # dropout was for training here
    assert results["eval_loss"] < 3.7  # that of the frequencies of characters
    assert "base_model" not in (folder / "README.md").read_text(encoding="utf-8")


def test_encoder_without_an_output_layer_gets_one_tied_to_its_embeddings(run, tiny_encoder, tiny_masked_lm, tmp_path):
    with pytest.raises(ArgumentError, match=r"found none of its .*let run_mlm\.py --new_output_layer train one"):
        run(model_name_or_path=tiny_encoder)
    results = run(model_name_or_path=tiny_encoder, new_output_layer=True, num_train_epochs=6)
    model = AutoModelForMaskedLM.from_pretrained(tmp_path / "run")
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert results["eval_perplexity"] < model.config.vocab_size / 2  # it has learnt something
    before = load_file(Path(tiny_encoder) / "model.safetensors")["embeddings.word_embeddings.weight"]
    assert not torch.equal(model.get_input_embeddings().weight, before)
    run(tmp_path / "again", model_name_or_path=tmp_path / "run", num_train_epochs=1)
    with pytest.raises(ArgumentError, match="expected no output layer yet, found one; leave out --new_output_layer"):
        run(tmp_path / "third", model_name_or_path=tiny_masked_lm, new_output_layer=True)


def test_record_of_a_new_model_tells_its_configuration(run, tiny_masked_lm, tmp_path):
    flags = {"model_name_or_path": None, "train_from_config": tmp_path / "mini.json", "num_train_epochs": 1}
    for width in (8, 16):  # the file is changed between two runs
        (tmp_path / "mini.json").write_text(json.dumps(MINI | {"hidden_size": width}), encoding="utf-8")
        run(tmp_path / f"width-{width}", **flags, tokenizer_name=tiny_masked_lm)
    run(tmp_path / "trained", model_name_or_path=tiny_masked_lm, num_train_epochs=1)
    told = {path.parent.name: read_json(path)["arguments"]["fields"] for path in tmp_path.glob("*/run.json")}
    assert told == {"width-8": MINI | {"hidden_size": 8}, "width-16": MINI | {"hidden_size": 16}, "trained": {}}
    groups = group_runs(read_runs([tmp_path / "width-8", tmp_path / "width-16"]))
    assert [group.name for group in groups] == ["width-8", "width-16"]  # the fields would take too long a name


def test_configuration_may_be_yaml_and_its_tokenizer_another_models(run, tiny_masked_lm, tmp_path):
    lines = [f"{name}: {value}\n" for name, value in (MINI | {"model_type": "electra"}).items()]
    (tmp_path / "mini.yaml").write_text("".join(lines), encoding="utf-8")
    flags = {"model_name_or_path": None, "train_from_config": tmp_path / "mini.yaml"}
    run(**flags, tokenizer_name=tiny_masked_lm, num_train_epochs=1)
    assert read_json(tmp_path / "run" / "config.json")["architectures"] == ["ElectraForMaskedLM"]


# Going on


@pytest.mark.parametrize(
    "own",
    [
        {"num_train_epochs": 3},
        {"optimizer": "muon", "num_train_epochs": 3, "ema_decay": 0.9},
        {"streaming": True, "max_steps": 12, "num_train_epochs": 1},
        {"masking": "ngram", "dataloader_num_workers": 1, "gradient_accumulation_steps": 2},
    ],
    ids=["epochs", "muon", "stream", "workers"],
)
def test_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(run, tmp_path, own):
    steps = {"eval_strategy": "no", "load_best_model_at_end": False, "save_strategy": "steps", "save_steps": 4}
    run(tmp_path / "whole", **steps, **own, keep_checkpoints=True)
    whole = load_file(tmp_path / "whole" / "model.safetensors")
    last = sorted((tmp_path / "whole").glob("checkpoint-*"), key=lambda path: int(path.name[11:]))
    shutil.copytree(last[0], tmp_path / "broken" / last[0].name)
    run(tmp_path / "broken", **steps, **own, resume_from_checkpoint="last")
    again = load_file(tmp_path / "broken" / "model.safetensors")
    assert int(last[0].name[11:]) < read_json(tmp_path / "whole" / "trainer_state.json")["global_step"]
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_resumed_run_keeps_the_vocabulary_that_it_built(run, tmp_path):
    flags = {"model_name_or_path": None, "train_from_config": tmp_path / "mini.json", "train_tokenizer": 60}
    run(**flags, num_train_epochs=1, keep_checkpoints=True)
    before = (
        (tmp_path / "run" / "tokenizer.json").stat().st_mtime_ns,
        load_file(tmp_path / "run" / "model.safetensors"),
    )
    shutil.copy(tmp_path / "run" / "tokenizer.json", tmp_path / "kept.json")
    (tmp_path / "run" / "run.json").unlink()
    run(**flags, num_train_epochs=1, resume_from_checkpoint="last")
    after = load_file(tmp_path / "run" / "model.safetensors")
    assert read_json(tmp_path / "run" / "tokenizer.json") == read_json(tmp_path / "kept.json")
    assert all(torch.equal(before[1][name], after[name]) for name in after)


def test_second_start_finds_the_tokenised_corpus(run, tmp_path, monkeypatch):
    first = run(num_train_epochs=1)
    monkeypatch.setattr("utils.encoding.packing.SequencePacker.__call__", None)
    monkeypatch.setattr("utils.reading.readers_corpus.read_documents", None)
    again = run(tmp_path / "again", num_train_epochs=1)
    assert again["eval_loss"] == first["eval_loss"]


# What it reads


def test_folders_gzip_json_lines_and_tables_are_read_together(run, tmp_path, capsys):
    folder = tmp_path / "corpus"
    (folder / "deep").mkdir(parents=True)
    texts = draw_texts(200)
    (folder / "a.txt").write_text("\n".join(texts[:50]), encoding="utf-8")
    (folder / "deep" / "b.txt.gz").write_bytes(gzip.compress("\n".join(texts[50:100]).encode()))
    rows = [json.dumps({"id": 1, "body": text}) for text in texts[100:150]]
    (tmp_path / "c.jsonl").write_text("\n".join(rows), encoding="utf-8")
    (tmp_path / "d.tsv").write_text(
        "\n".join(["body\tlabel", *(f"{text}\tx" for text in texts[150:])]), encoding="utf-8"
    )
    (folder / "notes.bin").write_bytes(b"\xff\xfe")  # not read: no text
    run(train_file=[folder, tmp_path / "c.jsonl", tmp_path / "d.tsv"], text_column="body", num_train_epochs=1)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "run")
    tokens = sum(len(tokenizer(text, add_special_tokens=False)["input_ids"]) + 1 for text in texts)
    full = tokens // 14
    counts = [
        int(line.split()[1])
        for line in capsys.readouterr().err.splitlines()
        if re.match(r"(train|validation): \d", line)
    ]
    assert abs(sum(counts) - full) <= 1
    assert len(read_json(tmp_path / "run" / "run.json")["data"]) == 4


def test_saved_data_set_with_a_validation_split_is_read(run, tmp_path):
    rows = {"sentence": draw_texts(100), "label": [0] * 100}
    Dataset.from_dict(rows).save_to_disk(tmp_path / "saved")
    results = run(train_file=None, dataset_name=tmp_path / "saved", num_train_epochs=1)
    assert results["eval_loss"] > 0


def test_stream_evaluates_on_its_validation_file(run, tmp_path):
    (tmp_path / "dev.txt").write_text("\n".join(draw_texts(30, seed=1)), encoding="utf-8")
    flags = {"validation_file": tmp_path / "dev.txt", "validation_share": None, "streaming": True}
    flags |= {"max_steps": 40, "save_steps": 20}
    results = run(**flags)
    log = read_json(tmp_path / "run" / "trainer_state.json")["log_history"]
    assert [entry["step"] for entry in log if "eval_loss" in entry][:2] == [20, 40]
    assert results["eval_loss"] < 4
    assert not (tmp_path / "run" / "validation_ids.json").exists()


# What it refuses


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"mlm_probability": 1.5}, "--mlm_probability 1.5: expected a number between 0 and 1"),
        ({"dropout": 1}, "--dropout 1.0: expected 0 or more and below 1"),
        ({"streaming": True}, "--streaming: expected --max_steps"),
        ({"train_file": None}, "--train_file, --dataset_name: expected exactly one of them"),
        ({"model_name_or_path": None}, "--model_name_or_path, --train_from_config: expected exactly one of them"),
        ({"train_tokenizer": 50}, "--train_tokenizer does nothing without --train_from_config"),
        ({"init": "neighbours"}, "--init neighbours does nothing without --train_from_config"),
        ({"r_drop_alpha": 1}, "--r_drop_alpha compares class scores"),
        ({"optimizer": "muon", "layer_decay": 0.9}, "--layer_decay does nothing to what Muon trains"),
        ({"optimizer": "muon", "head_learning_rate": 1e-3}, "--head_learning_rate does nothing to what Muon trains"),
        ({"label_smoothing_factor": 0.1}, "--label_smoothing_factor: expected 0"),
        ({"max_length": 2}, "max_length 2: expected 3 to"),
        ({"mlm_probabilty": 0.1}, "unknown option --mlm_probabilty; did you mean --mlm_probability?"),
    ],
)
def test_wrong_flags_are_refused(run, flags, message):
    with pytest.raises(ArgumentError, match=message):
        run(**flags)


def test_wrong_configurations_are_refused(run, tiny_encoder, tmp_path):
    new = {"model_name_or_path": None, "train_from_config": tmp_path / "new.json"}
    for content, message in [
        ("[1]", "expected a mapping such as `model_type: bert`, found list"),
        ("{}", "new.json: expected a mapping such as `model_type: bert`, found an empty one"),
        ("{", "expected a YAML or JSON configuration file, found"),
        ('{"model_type": "vit"}', "new.json: expected a family with a masked-language model, found vit"),
        ('{"model_type": "bert", "hidden": 1}', "hidden: no field of bert"),
    ]:
        (tmp_path / "new.json").write_text(content, encoding="utf-8")
        with pytest.raises(ArgumentError, match=message):
            run(**new, tokenizer_name=tiny_encoder, overwrite_output_dir=True)
    (tmp_path / "new.json").write_text(json.dumps(MINI | {"model_type": "roberta"}), encoding="utf-8")
    with pytest.raises(ArgumentError, match="--init neighbours: expected bert"):
        run(**new, tokenizer_name=tiny_encoder, init="neighbours", overwrite_output_dir=True)
    with pytest.raises(ArgumentError, match="expected a masked-language model, found none of its"):
        run(model_name_or_path=tiny_encoder, overwrite_output_dir=True)


@pytest.mark.parametrize("own", [{}, {"streaming": True, "max_steps": 2}], ids=["map", "stream"])
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"\n\n \n", "a.txt: expected text, found none"),
        (
            "a.txt",
            "好".encode() + b"\n\xc4\xe3\n",
            "a.txt:2: expected UTF-8, found the byte 0xc4 at byte 1 of the line",
        ),
        ("a.jsonl", b'{"label": "a"}\n', "expected a column text or .*, found label; name it with --text_column"),
        ("a.txt.gz", b"\x1f\x8b\x08nothing", "a.txt.gz: expected a complete gzip file"),
        ("none.txt", None, "none.txt: expected a file, found none"),
        ("folder", None, "folder: expected files of text in the folder, found none"),
    ],
)
def test_bad_files_are_one_clear_error(run, tmp_path, own, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match=message):
        run(train_file=tmp_path / name, **own)


def test_too_little_text_says_what_to_do(run, tmp_path):
    (tmp_path / "one.txt").write_text("张伟", encoding="utf-8")
    with pytest.raises(ArgumentError, match="expected text for two sequences or more"):
        run(train_file=tmp_path / "one.txt")


def test_bad_lines_are_left_out_on_demand(run, tmp_path, capsys):
    lines = [text.encode() for text in draw_texts(60)]
    (tmp_path / "bad.txt").write_bytes(b"\n".join([*lines[:30], b"\xc4\xe3", *lines[30:]]))
    run(train_file=tmp_path / "bad.txt", skip_bad_lines=True, num_train_epochs=1)
    assert "left out 1 bad row" in capsys.readouterr().err


def test_help_waits_for_no_library_and_error_is_one_line():
    code = """
import sys, run_mlm
try:
    run_mlm.main(["--help"])
except SystemExit:
    sys.exit("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "--masking" in done.stdout
    words = ["run_mlm.py", "--model_name_or_path", "x", "--train_file", "y", "--mlm_probability", "2"]
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "error: --mlm_probability 2.0: expected a number between 0 and 1\n"


# A teacher


@pytest.fixture
def teacher(tiny_encoder, tmp_path):
    """An encoder of another width."""
    shutil.copytree(tiny_encoder, tmp_path / "teacher")
    torch.manual_seed(3)
    fields = {"hidden_size": 24, "num_attention_heads": 2, "intermediate_size": 24}
    BertModel(BertConfig.from_pretrained(tiny_encoder, **fields)).save_pretrained(tmp_path / "teacher")
    return str(tmp_path / "teacher")


def test_states_of_a_teacher_are_learnt_and_leave_a_plain_model(run, teacher, tmp_path):
    results = run(teacher=teacher, num_train_epochs=3)
    alone = run(tmp_path / "alone", num_train_epochs=3)
    assert results["train_loss"] > alone["train_loss"] + 0.3  # the teacher's part is in it
    weights = [load_file(folder / "model.safetensors") for folder in (tmp_path / "run", tmp_path / "alone")]
    assert weights[0].keys() == weights[1].keys()
    assert any(not torch.equal(value, weights[1][name]) for name, value in weights[0].items())
    AutoModelForMaskedLM.from_pretrained(tmp_path / "run")
    history = read_json(tmp_path / "run" / "trainer_state.json")["log_history"]
    losses = [entry["loss"] for entry in history if "loss" in entry]
    assert losses == sorted(losses, reverse=True)
    assert read_json(tmp_path / "run" / "run.json")["arguments"]["teacher"] == teacher


def test_resumed_run_with_a_teacher_ends_with_the_same_weights(run, teacher, tmp_path):
    run(teacher=teacher)
    run(tmp_path / "stopped", teacher=teacher, keep_checkpoints=True)
    last = sorted((tmp_path / "stopped").glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    assert len(last) == 2
    shutil.rmtree(last[1])
    (tmp_path / "stopped" / "run.json").unlink()
    run(tmp_path / "stopped", teacher=teacher, resume_from_checkpoint="last")
    weights = [load_file(folder / "model.safetensors") for folder in (tmp_path / "run", tmp_path / "stopped")]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def test_new_model_and_a_stream_learn_from_a_teacher_too(run, teacher, tmp_path):
    start = {"model_name_or_path": None, "train_from_config": tmp_path / "mini.json", "train_tokenizer": 60}
    flags = {
        "streaming": True,
        "max_steps": 6,
        "optimizer": "muon",
        "ema_decay": 0.5,
        "gradient_accumulation_steps": 2,
    }
    results = run(**start, teacher=teacher, teacher_weight=0.5, **flags)
    assert results["train_loss"] > 0
    assert not any("teacher" in name for name in load_file(tmp_path / "run" / "model.safetensors"))


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"teacher_weight": 2}, "--teacher_weight does nothing without --teacher"),
        ({"teacher": "x", "adapter": "lora"}, "expected all weights to learn, found --adapter lora"),
    ],
)
def test_teacher_options_that_cannot_be_used_are_refused(run, flags, said):
    with pytest.raises(ArgumentError, match=said):
        run(**flags)


def test_missing_teacher_is_an_error_with_its_name(run):
    with pytest.raises(OSError, match="no/such/teacher"):
        run(teacher="no/such/teacher")
