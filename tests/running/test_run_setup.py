"""The output folder: whole files, whole checkpoints, clear refusals, and a record of the run."""

import json
import os
import shutil
import sys
import time
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertForTokenClassification, BertTokenizerFast, TrainerState

import run_ner
from utils.data.errors import ArgumentError
from utils.options.fine_tuning_arguments import FineTuningArguments
from utils.options.shared_arguments import DataArguments, ModelArguments
from utils.running import run_setup
from utils.running.atomic_files import replacing_files, write_json, write_text
from utils.running.output_folder import prepare_output_dir
from utils.running.run_setup import checkpoint_to_resume, is_whole, last_whole_checkpoint, record_run
from utils.training.saved_model import complete, save_model


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def make_checkpoint(folder, step):
    checkpoint = folder / f"checkpoint-{step}"
    checkpoint.mkdir(parents=True)
    save_file({"weight": torch.zeros(100)}, checkpoint / "model.safetensors")
    (checkpoint / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    (checkpoint / "scheduler.pt").touch()
    return checkpoint


# Files


def test_text_is_written_as_utf8_with_unix_line_ends(tmp_path):
    write_text(tmp_path / "a.txt", "北京\n上海\n")
    assert (tmp_path / "a.txt").read_bytes() == "北京\n上海\n".encode()


def test_written_file_is_readable_by_others(tmp_path):
    write_text(tmp_path / "a.txt", "x")
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o644


def test_write_that_fails_in_the_middle_leaves_the_old_file(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "a.txt", "new \ud800")
    assert (tmp_path / "a.txt").read_text() == "old"


def test_write_that_fails_in_the_middle_leaves_no_other_file(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "a.txt", "new \ud800")
    assert names_in(tmp_path) == ["a.txt"]


def test_write_that_cannot_be_put_in_place_leaves_no_other_file(tmp_path, monkeypatch):
    def refuse(*paths):
        raise PermissionError("refused")

    monkeypatch.setattr(run_setup.os, "replace", refuse)
    with pytest.raises(PermissionError):
        write_text(tmp_path / "a.txt", "new")
    assert names_in(tmp_path) == []


def test_json_is_written_readably_and_comes_back(tmp_path):
    value = {"text": "北京", "f1": 0.5, "path": tmp_path}
    write_json(tmp_path / "a.json", value)
    written = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert "北京" in written and written.count("\n") > 3
    assert json.loads(written) == value | {"path": str(tmp_path)}


def test_files_are_replaced_when_the_block_ends_well(tmp_path):
    (tmp_path / "model.bin").write_text("old")
    (tmp_path / "other.txt").write_text("stays")
    with replacing_files(tmp_path) as fresh:
        (fresh / "model.bin").write_text("new")
        assert (tmp_path / "model.bin").read_text() == "old"
    assert (tmp_path / "model.bin").read_text() == "new"
    assert names_in(tmp_path) == ["model.bin", "other.txt"]


def test_files_stay_when_the_block_fails(tmp_path):
    (tmp_path / "model.bin").write_text("old")
    with pytest.raises(RuntimeError, match="disk full"):
        with replacing_files(tmp_path) as fresh:
            (fresh / "model.bin").write_text("new")
            raise RuntimeError("disk full")
    assert (tmp_path / "model.bin").read_text() == "old"
    assert names_in(tmp_path) == ["model.bin"]


def test_configuration_is_replaced_last(tmp_path, monkeypatch):
    replaced = []

    def replace(source, target, original=os.replace):
        replaced.append(target.name)
        original(source, target)

    monkeypatch.setattr(run_setup.os, "replace", replace)
    with replacing_files(tmp_path) as fresh:
        for name in ("config.json", "a.json", "model.safetensors"):
            (fresh / name).write_text("x")
    assert sorted(replaced) == ["a.json", "config.json", "model.safetensors"]
    assert replaced[-1] == "config.json"


def test_saved_model_has_tokenizer_state_and_card_and_nothing_half_written(tmp_path):
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n北\n")
    config = BertConfig(vocab_size=6, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)
    trainer = SimpleNamespace(
        model=BertForTokenClassification(config),
        processing_class=BertTokenizerFast(str(tmp_path / "vocab.txt")),
        state=TrainerState(global_step=3),
    )
    folder = tmp_path / "out"
    folder.mkdir()
    save_model(folder, trainer)
    complete(folder, trainer, card="# card\n")
    assert {"model.safetensors", "config.json", "tokenizer.json", "trainer_state.json", "README.md"} <= {
        *names_in(folder)
    }
    assert not list(folder.glob(".unfinished-*"))
    again = BertForTokenClassification.from_pretrained(folder)
    assert torch.equal(again.classifier.weight, trainer.model.classifier.weight)


# The output folder


def test_output_folder_is_made_with_its_parents(tmp_path):
    assert prepare_output_dir(tmp_path / "a" / "b", resume=False, overwrite=False) == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()


def test_folder_with_other_files_may_be_used(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    prepare_output_dir(tmp_path, resume=False, overwrite=True)
    assert names_in(tmp_path) == ["notes.txt"]


@pytest.mark.parametrize("trace", ["checkpoint-5", "run.json"])
def test_folder_of_an_earlier_run_is_refused_with_the_ways_out(tmp_path, trace):
    (tmp_path / trace).mkdir() if trace.startswith("checkpoint") else (tmp_path / trace).write_text("{}")
    with pytest.raises(FileExistsError) as caught:
        prepare_output_dir(tmp_path, resume=False, overwrite=False)
    for part in (str(tmp_path), trace, "--resume_from_checkpoint last", "--overwrite_output_dir", "--output_dir"):
        assert part in str(caught.value)
    assert names_in(tmp_path) == [trace]


def test_overwriting_removes_what_the_earlier_run_could_be_taken_for(tmp_path):
    make_checkpoint(tmp_path, 5)
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "notes.txt").write_text("mine")
    prepare_output_dir(tmp_path, resume=False, overwrite=True)
    assert names_in(tmp_path) == ["notes.txt"]


def test_resuming_that_is_switched_off_does_not_open_the_folder_of_an_earlier_run(tmp_path, tiny_encoder, ner_files):
    make_checkpoint(tmp_path, 5)
    words = ["--model_name_or_path", tiny_encoder, "--train_file", ner_files[0], "--output_dir", str(tmp_path)]
    with pytest.raises(FileExistsError, match="holds an earlier run"):
        run_ner.main([*words, "--resume_from_checkpoint", "false", "--max_steps", "1"])


def test_resuming_keeps_the_checkpoints_even_if_overwriting_is_asked_for_too(tmp_path):
    make_checkpoint(tmp_path, 5)
    prepare_output_dir(tmp_path, resume=True, overwrite=True)
    assert names_in(tmp_path) == ["checkpoint-5"]


def test_half_written_folders_of_a_killed_run_are_removed(tmp_path):
    (tmp_path / ".unfinished-a").mkdir()
    (tmp_path / ".unfinished-a" / "model.safetensors").write_text("half")
    prepare_output_dir(tmp_path, resume=False, overwrite=False)
    assert names_in(tmp_path) == []


def test_half_written_files_of_a_killed_run_are_removed(tmp_path):
    (tmp_path / ".unfinished-b").write_text("half")
    prepare_output_dir(tmp_path, resume=False, overwrite=False)
    assert names_in(tmp_path) == []


def test_output_folder_that_is_a_file_is_refused_by_name(tmp_path):
    (tmp_path / "out").write_text("x")
    with pytest.raises(OSError, match="out"):
        prepare_output_dir(tmp_path / "out", resume=False, overwrite=True)


# Checkpoints


def test_latest_checkpoint_goes_by_number_and_not_by_name(tmp_path):
    for step in (900, 1000, 50):
        make_checkpoint(tmp_path, step)
    assert last_whole_checkpoint(tmp_path) == str(tmp_path / "checkpoint-1000")


def cut(path, share=0.5):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])


DAMAGE = {
    "no trainer state": lambda folder: (folder / "trainer_state.json").unlink(),
    "half a trainer state": lambda folder: cut(folder / "trainer_state.json"),
    "empty trainer state": lambda folder: cut(folder / "trainer_state.json", 0),
    "half the weights": lambda folder: cut(folder / "model.safetensors"),
    "all but the last byte": lambda folder: cut(folder / "model.safetensors", 0.999),
    "empty weights": lambda folder: cut(folder / "model.safetensors", 0),
    "no weights": lambda folder: (folder / "model.safetensors").unlink(),
    "binary trainer state": lambda folder: (folder / "trainer_state.json").write_bytes(b"\xff\xfe\x00"),
    "half the second weights": lambda folder: (folder / "raw_weights.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_checkpoint_is_passed_over_for_the_one_before(tmp_path, damage, caplog):
    make_checkpoint(tmp_path, 5)
    DAMAGE[damage](make_checkpoint(tmp_path, 10))
    assert last_whole_checkpoint(tmp_path) == str(tmp_path / "checkpoint-5")
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path / 'checkpoint-10'}: incomplete checkpoint, skipped"
    ]


def test_no_whole_checkpoint_is_none(tmp_path):
    DAMAGE["no weights"](make_checkpoint(tmp_path, 10))
    assert last_whole_checkpoint(tmp_path) is None


def test_folder_that_does_not_exist_has_no_checkpoint(tmp_path):
    assert last_whole_checkpoint(tmp_path / "nowhere") is None


def test_other_names_are_no_checkpoints(tmp_path):
    shutil.move(make_checkpoint(tmp_path, 1), tmp_path / "checkpoint-best")
    shutil.move(make_checkpoint(tmp_path, 1), tmp_path / "old-checkpoint-9")
    (tmp_path / "checkpoint-7").write_text("a file")
    assert last_whole_checkpoint(tmp_path) is None


def test_checkpoint_of_an_adapter_is_whole_without_full_weights(tmp_path):
    checkpoint = make_checkpoint(tmp_path, 5)
    shutil.move(checkpoint / "model.safetensors", checkpoint / "adapter_model.safetensors")
    assert is_whole(checkpoint)


@pytest.mark.parametrize("asked", [None, "", "false", "False"])
def test_nothing_is_resumed_unless_asked(tmp_path, asked):
    make_checkpoint(tmp_path, 5)
    assert checkpoint_to_resume(asked, tmp_path) is None


@pytest.mark.parametrize("asked", ["last", "true", "True"])
def test_last_is_the_latest_whole_checkpoint_of_the_output_folder(tmp_path, asked):
    make_checkpoint(tmp_path, 5)
    DAMAGE["half the weights"](make_checkpoint(tmp_path, 10))
    assert checkpoint_to_resume(asked, tmp_path) == str(tmp_path / "checkpoint-5")


def test_last_in_a_folder_without_checkpoints_starts_from_the_beginning(tmp_path):
    assert checkpoint_to_resume("last", tmp_path) is None


def test_named_checkpoint_is_taken_wherever_it_lies(tmp_path):
    checkpoint = make_checkpoint(tmp_path / "elsewhere", 5)
    assert checkpoint_to_resume(str(checkpoint), tmp_path) == str(checkpoint)


@pytest.mark.parametrize("damage", [None, "half the weights"])
def test_named_checkpoint_that_is_missing_or_damaged_is_an_error(tmp_path, damage):
    checkpoint = tmp_path / "checkpoint-5"
    if damage:
        DAMAGE[damage](make_checkpoint(tmp_path, 5))
    with pytest.raises(FileNotFoundError, match="checkpoint-5: expected a complete checkpoint; try `last`"):
        checkpoint_to_resume(str(checkpoint), tmp_path)


# The record of a run


@pytest.fixture
def record(tmp_path, monkeypatch):
    """`record(*words)`: describe a run that was called with these words."""
    (tmp_path / "train.json").write_bytes(b"abc")

    def describe(*words):
        monkeypatch.setattr(sys, "argv", ["run_ner.py", *words])
        data = DataArguments(train_file=str(tmp_path / "train.json"))
        training = FineTuningArguments(str(tmp_path / "out"), seed=7, hub_token="hf_secret", use_cpu=True)
        return record_run(
            [data, ModelArguments("tiny"), training],
            files=[tmp_path / "train.json", None, tmp_path / "missing.json"],
            started=time.time() - 60,
            results={"eval_f1": 0.5},
        )

    return describe


def test_record_has_the_digest_of_every_data_file(record, tmp_path):
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of "abc", FIPS 180-2, appendix B.1
    assert record()["data"] == {str(tmp_path / "train.json"): digest}


def test_record_has_the_installed_versions(record):
    versions = record()["versions"]
    assert versions["torch"] == torch.__version__
    assert versions["python"] == sys.version.split()[0].rstrip("+")
    assert {*run_setup.PACKAGES} < {*versions}


def test_record_has_command_arguments_seed_and_results(record):
    found = record("--head", "crf")
    assert found["argv"] == ["run_ner.py", "--head", "crf"]
    assert (found["seed"], found["results"]) == (7, {"eval_f1": 0.5})
    arguments = found["arguments"]
    assert (arguments["max_length"], arguments["model_name_or_path"], arguments["seed"]) == (512, "tiny", 7)


def test_record_has_start_and_duration(record):
    found = record()
    assert 59 <= found["wall_time_seconds"] <= 3600
    assert time.strptime(found["started"], "%Y-%m-%dT%H:%M:%SZ")


def test_record_has_processor_and_cores(record):
    hardware = record()["hardware"]
    assert hardware["cores"] == os.cpu_count()
    assert isinstance(hardware["processor"], str)


def test_record_can_be_written_as_json(record, tmp_path):
    write_json(tmp_path / "run.json", record())
    assert json.loads((tmp_path / "run.json").read_text())["seed"] == 7


def test_record_holds_no_token_from_the_arguments(record):
    assert "hf_secret" not in json.dumps(record(), default=str)


@pytest.mark.parametrize(
    "words", [("--hub_token", "hf_secret"), ("--hub_token=hf_secret",), ("--hub-token", "hf_secret")]
)
def test_record_holds_no_token_from_the_command_line(record, words):
    assert "hf_secret" not in json.dumps(record(*words), default=str)


def test_record_keeps_arguments_that_only_mention_tokens(record):
    assert "average_tokens_across_devices" in record()["arguments"]


def test_record_names_the_commit_that_the_run_began_with(record, monkeypatch):
    monkeypatch.setattr(run_setup, "git_commit", lambda: "another one, checked out since")
    assert record()["git_commit"] == run_setup.COMMIT != "another one, checked out since"


def test_commit_is_none_outside_a_checkout(monkeypatch, tmp_path):
    monkeypatch.setattr(run_setup, "__file__", str(tmp_path / "utils" / "training" / "run_setup.py"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert run_setup.git_commit() is None


def test_commit_is_none_without_git(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert run_setup.git_commit() is None


def test_missing_output_directory_is_an_error():
    with pytest.raises(ArgumentError, match="--output_dir: expected a folder for the run's model and results"):
        prepare_output_dir("", resume=False, overwrite=False)
