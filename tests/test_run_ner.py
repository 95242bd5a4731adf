"""run_ner.py from files to the output directory, with a tiny random encoder."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModel, AutoTokenizer

import predict
import run_ner
from utils.data.errors import ArgumentError, DataError

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def run(tiny_encoder, ner_files, tmp_path):
    """Call run_ner on the tiny encoder and files; keyword arguments are flags, None leaves one out."""

    def call(output_dir=tmp_path / "run", **flags):
        train, validation = ner_files
        values = {
            "model_name_or_path": tiny_encoder,
            "train_file": train,
            "validation_file": validation,
            "output_dir": output_dir,
            "num_train_epochs": 2,
            "per_device_train_batch_size": 8,
            "learning_rate": 5e-3,
            "precision": "fp32",
        } | flags
        words = [str(word) for name, value in values.items() if value is not None for word in (f"--{name}", value)]
        return run_ner.main(words)

    return call


def read_json(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


def read_lines(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def read_gold(path):
    """Entities of a CLUENER file as (start, end, label), by line."""
    rows = []
    for row in read_lines(path):
        labels = row["label"].items()
        rows.append({(s, e + 1, label) for label, words in labels for spans in words.values() for s, e in spans})
    return rows


@pytest.mark.parametrize("head", ["softmax", "crf", "span"])
def test_a_run_leaves_the_model_its_card_scores_predictions_and_record(run, ner_files, tmp_path, head):
    results = run(head=head, num_train_epochs=6)
    folder = tmp_path / "run"
    names = {path.name for path in folder.iterdir()}
    code = {"softmax": set(), "crf": {"crf_tagger.py", "crf.py", "tag_rules.py"}, "span": {"span_tagger.py"}}[head]
    wanted = {"model.safetensors", "config.json", "tokenizer.json", "README.md", "run.json", "all_results.json"}
    assert names >= wanted | code | {"predictions.jsonl", "trainer_state.json", "error_report.html", "curves.png"}
    errors = read_json(folder / "error_report.json")["splits"]["validation"]
    assert errors["scores"]["f1"] == results["eval_f1"] and set(errors["errors"]) == {"name", "address"}
    assert not [name for name in names if name.startswith(".unfinished") or name.endswith(".bin")]

    predictions, gold = read_lines(folder / "predictions.jsonl"), read_gold(ner_files[1])
    found = [{(one["start"], one["end"], one["label"]) for one in row["entities"]} for row in predictions]
    correct = sum(len(a & b) for a, b in zip(found, gold, strict=True))
    total = sum(map(len, found)) + sum(map(len, gold))
    assert results["eval_f1"] == pytest.approx(2 * correct / total)
    assert results["eval_f1"] > 0.3  # it has learnt something
    assert [row["id"] for row in predictions] == [str(i) for i in range(len(gold))]
    assert all(row["text"][one["start"] : one["end"]] == one["text"] for row in predictions for one in row["entities"])
    assert all(0 < one["score"] <= 1 for row in predictions for one in row["entities"])
    assert read_json(folder / "all_results.json")["eval_f1"] == results["eval_f1"]
    record = read_json(folder / "run.json")
    assert record["arguments"]["head"] == head and len(record["data"]) == 2 and record["versions"]["torch"]
    assert f"{results['eval_f1']:.4f}" in (folder / "README.md").read_text(encoding="utf-8")


def test_rate_and_seed_of_zero_are_no_missing_ones(run, tmp_path):
    still = {}
    for seed in (0, 42, None):
        flags = {"num_train_epochs": 2, "crf_learning_rate": 0, **({} if seed is None else {"data_seed": seed})}
        run(tmp_path / f"data-{seed}", head="crf", **flags)
        still[seed] = load_file(tmp_path / f"data-{seed}" / "model.safetensors")
    assert all(torch.equal(still[0][f"crf.{name}"], still[42][f"crf.{name}"]) for name in ("transitions", "starts"))
    body = next(name for name in still[0] if name.endswith("query.weight"))
    assert torch.equal(still[42][body], still[None][body]) and not torch.equal(still[0][body], still[42][body])


@pytest.mark.parametrize("head", ["softmax", "crf", "span"])
def test_prediction_from_the_saved_directory_equals_the_run(run, ner_files, tmp_path, capsys, head):
    run(head=head, num_train_epochs=6)
    capsys.readouterr()
    texts = tmp_path / "texts.txt"
    texts.write_text("".join(row["text"] + "\n" for row in read_lines(ner_files[1])), encoding="utf-8")
    predict.main([str(tmp_path / "run"), "--input_file", str(texts), "--precision", "fp32", "--batch_size", "3"])
    again = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    wanted = read_lines(tmp_path / "run" / "predictions.jsonl")
    for row, other in zip(again, wanted, strict=True):
        assert [one | {"score": 0} for one in row["entities"]] == [one | {"score": 0} for one in other["entities"]]
        for one, two in zip(row["entities"], other["entities"], strict=True):
            assert one["score"] == pytest.approx(two["score"], abs=2e-4)


@pytest.mark.parametrize("head", ["softmax", "crf", "span"])
def test_every_option_of_the_body_and_every_trick_trains_with_each_head(run, head):
    tricks = {
        "fgm_epsilon": 0.5,
        "r_drop_alpha": 1.0,
        "ema_decay": 0.9,
        "layer_decay": 0.9,
        "head_learning_rate": 0.01,
    }
    body = {"layers": "weighted", "lstm_hidden": 8, "gradient_accumulation_steps": 2, "early_stopping_patience": 1}
    own = {
        "softmax": {
            "constrained_decoding": True,
            "loss": "focal",
            "class_weights": "auto",
            "label_smoothing_factor": 0.1,
        },
        "crf": {"crf_learning_rate": 0.05, "scheme": "bioes"},
        "span": {"nested": "yes", "loss": "focal", "class_weights": "auto"},
    }[head]
    assert 0 <= run(head=head, **tricks, **body, **own)["eval_f1"] <= 1


def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(run, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    results = run(whole, num_train_epochs=3, save_total_limit=5, keep_checkpoints=True)
    broken.mkdir()
    first, second = sorted(whole.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))[:2]
    shutil.copytree(first, broken / first.name)
    (broken / second.name).mkdir()  # a checkpoint that was being written when the run was killed
    (broken / second.name / "model.safetensors").write_bytes((second / "model.safetensors").read_bytes()[:1000])
    again = run(broken, num_train_epochs=3, save_total_limit=5, resume_from_checkpoint="last")
    assert again["eval_f1"] == results["eval_f1"]
    one, other = load_file(whole / "model.safetensors"), load_file(broken / "model.safetensors")
    assert one.keys() == other.keys() and all(one[name].equal(other[name]) for name in one)


def test_the_same_seed_gives_the_same_predictions(run, tmp_path):
    run(tmp_path / "one", seed=3)
    run(tmp_path / "two", seed=3)
    one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two


def test_a_folder_with_an_earlier_run_is_refused_unless_it_may_be_overwritten(run):
    run(num_train_epochs=1)
    with pytest.raises(FileExistsError, match=r"holds an earlier run .* --resume_from_checkpoint last"):
        run(num_train_epochs=1)
    run(num_train_epochs=1, overwrite_output_dir=True)


def test_without_validation_file_a_tenth_is_held_out_and_its_ids_are_saved(run, ner_files, tmp_path):
    run(validation_file=None, num_train_epochs=1)
    held_out = read_json(tmp_path / "run" / "validation_ids.json")
    assert len(held_out) == round(0.1 * len(read_gold(ner_files[0])))
    assert [row["id"] for row in read_lines(tmp_path / "run" / "predictions.jsonl")] == held_out


def concatenate(rows, size):
    """CLUENER lines, each of them `size` rows put together."""
    lines = []
    for start in range(0, len(rows), size):
        text, label = "", {}
        for row in rows[start : start + size]:
            for kind, words in row["label"].items():
                for word, spans in words.items():
                    shifted = [[s + len(text), e + len(text)] for s, e in spans]
                    label.setdefault(kind, {}).setdefault(word, []).extend(shifted)
            text += row["text"]
        lines.append(json.dumps({"text": text, "label": label}, ensure_ascii=False) + "\n")
    return "".join(lines)


@pytest.mark.parametrize("head", ["softmax", "crf", "span"])
def test_long_texts_are_cut_into_windows_and_scored_on_every_gold_entity(run, ner_files, tmp_path, head):
    train, long = tmp_path / "train.json", tmp_path / "long.json"
    train.write_text(concatenate(read_lines(ner_files[0]), 4), encoding="utf-8")
    long.write_text(concatenate(read_lines(ner_files[1]), 1000), encoding="utf-8")
    results = run(head=head, train_file=train, test_file=long, max_length=24, stride=8, num_train_epochs=15)
    predictions = read_lines(tmp_path / "run" / "predictions.jsonl")
    (gold,) = read_gold(long)
    (found,) = [{(one["start"], one["end"], one["label"]) for one in row["entities"]} for row in predictions]
    assert len(gold) == sum(map(len, read_gold(ner_files[1])))
    assert results["test_recall"] == pytest.approx(len(found & gold) / len(gold))
    assert results["test_recall"] > 0.3
    assert len(found) == len(predictions[0]["entities"])  # none twice


def test_a_trained_directory_is_scored_and_applied_without_training(run, ner_files, tmp_path):
    trained = run(head="span", num_train_epochs=4)
    flags = {"train_file": None, "model_name_or_path": tmp_path / "run", "num_train_epochs": None}
    scored = run(tmp_path / "scored", **flags)
    assert scored["eval_f1"] == pytest.approx(trained["eval_f1"])
    unlabelled = tmp_path / "unlabelled.json"
    unlabelled.write_text("".join(json.dumps({"text": row["text"]}) + "\n" for row in read_lines(ner_files[1])))
    results = run(tmp_path / "applied", **flags, validation_file=None, test_file=unlabelled)
    assert results == {}
    one, other = (read_lines(tmp_path / name / "predictions.jsonl") for name in ("scored", "applied"))
    assert one == other


def test_other_formats_train_too(run, ner_files, tmp_path):
    lines = []
    for row, gold in zip(read_lines(ner_files[0]), read_gold(ner_files[0]), strict=True):
        tags = ["O"] * len(row["text"])
        for start, end, label in gold:
            tags[start:end] = [f"B-{label}", *[f"M-{label}"] * (end - start - 2), f"E-{label}"][: end - start]
            if end - start == 1:
                tags[start] = f"S-{label}"
        lines += [f"{character} {tag}" for character, tag in zip(row["text"], tags, strict=True)] + [""]
    path = tmp_path / "train.bmes"
    path.write_text("\n".join(lines), encoding="utf-8")
    from_columns = run(tmp_path / "columns", train_file=path)
    assert from_columns["eval_f1"] == run(tmp_path / "json")["eval_f1"]


def test_unknown_labels_in_validation_are_an_error_with_their_place(run, tmp_path):
    path = tmp_path / "bad.json"
    path.write_text('{"text": "张三", "label": {"animal": {"张三": [[0, 1]]}}}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"bad\.json:1: .*animal"):
        run(validation_file=path)


def test_a_folder_that_is_no_model_is_an_error_with_its_name(run, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "config.json").write_text("{}")
    with pytest.raises(OSError, match="empty: expected an encoder that transformers knows"):
        run(model_name_or_path=tmp_path / "empty")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"head": "crf", "loss": "focal"}, "--loss focal does nothing with --head crf"),
        ({"head": "span", "scheme": "bioes"}, "--scheme bioes does nothing with --head span"),
        ({"head": "crf", "label_smoothing_factor": 0.1}, "--label_smoothing_factor does nothing with --head crf"),
        ({"head": "softmax", "crf_learning_rate": 0.1}, "--crf_learning_rate does nothing with --head softmax"),
    ],
)
def test_options_that_a_head_would_ignore_are_refused(run, flags, message):
    with pytest.raises(ArgumentError, match=message):
        run(**flags)


@pytest.mark.parametrize("kind", ["albert", "electra", "deberta-v2", "modernbert"])
@pytest.mark.parametrize("head", ["softmax", "crf"])
def test_other_encoders_train_from_files_to_predictions(run, tiny_encoder, tmp_path, kind, head):
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    own = {"modernbert": {"local_attention": 16, "cls_token_id": 2, "sep_token_id": 3}}.get(
        kind, {"embedding_size": 16}
    )
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = AutoConfig.for_model(
        kind, vocab_size=len(tokenizer), pad_token_id=0, max_position_embeddings=64, **shape, **own
    )
    AutoModel.from_config(config).save_pretrained(tmp_path / kind)
    tokenizer.save_pretrained(tmp_path / kind)
    run(model_name_or_path=tmp_path / kind, head=head, num_train_epochs=1, layer_decay=0.9)
    assert (tmp_path / "run" / "predictions.jsonl").is_file()


def test_constrained_decoding_is_kept_for_scoring_and_prediction(run, tmp_path):
    trained = run(head="softmax", constrained_decoding=True, scheme="bioes", num_train_epochs=3)
    assert read_json(tmp_path / "run" / "config.json")["constrained"] is True
    flags = {"train_file": None, "model_name_or_path": tmp_path / "run", "num_train_epochs": None}
    assert run(tmp_path / "scored", **flags)["eval_f1"] == trained["eval_f1"]


def test_windows_never_exceed_what_the_encoder_takes_and_must_advance(run, tmp_path):
    run(num_train_epochs=1, max_length=100_000)
    config = read_json(tmp_path / "run" / "config.json")
    assert (config["window_length"], config["window_stride"]) == (128, 32)
    with pytest.raises(ArgumentError, match="--stride 30: expected 0 to 17, as a window holds 18 tokens"):
        run(tmp_path / "other", max_length=20, stride=30)


def test_training_data_without_entities_is_refused(run, tmp_path):
    path = tmp_path / "none.json"
    path.write_text('{"text": "没有", "label": {}}\n', encoding="utf-8")
    with pytest.raises(DataError, match="the training data: expected entities to learn from, found none"):
        run(train_file=path)


def test_user_errors_end_in_one_line_and_status_2(tmp_path):
    command = [sys.executable, str(ROOT / "run_ner.py"), "--model_name_or_path", "x", "--output_dir", str(tmp_path)]
    done = subprocess.run([*command, "--train_file", "nowhere.json"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: nowhere.json: expected a file, found none")
    assert "Traceback" not in done.stderr


def test_numbered_and_broken_tags_are_read_as_the_options_say(run, ner_files, tmp_path, capfd):
    names = ["O", "B-name", "I-name", "B-address", "I-address"]
    lines = ["# counted tokens, numbers, and entities that begin with I-"]
    for row, gold in zip(read_lines(ner_files[0]), read_gold(ner_files[0]), strict=True):
        tags = ["O"] * len(row["text"])
        for start, end, label in gold:
            tags[start:end] = [f"I-{label}"] * (end - start)
        lines += [
            f"{i}\t{one}\t{names.index(tag)}" for i, (one, tag) in enumerate(zip(row["text"], tags, strict=True))
        ]
        lines.append("")
    path = tmp_path / "train.conll"
    path.write_text("\n".join(lines), encoding="utf-8")
    reading = {"label_names": ",".join(names), "repair_tags": True, "file_scheme": "bio", "num_train_epochs": 1}
    run(tmp_path / "columns", train_file=path, validation_file=None, **reading)
    count = sum(map(len, read_gold(ner_files[0])))
    assert f"{count} broken tags, the first in line 2: read as conlleval does" in capfd.readouterr().err
    record = read_json(tmp_path / "columns" / "run.json")["arguments"]
    assert (record["repair_tags"], record["file_scheme"]) == (True, "bio")
    labels = read_json(tmp_path / "columns" / "config.json")["id2label"]
    assert sorted(labels.values()) == sorted(names)
    with pytest.raises(DataError, match="name them in the order of their numbers: --label_names"):
        run(tmp_path / "other", train_file=path, validation_file=None)
    with pytest.raises(ArgumentError, match="--label_names: expected different names"):
        run(tmp_path / "other", train_file=path, label_names="O,O")
