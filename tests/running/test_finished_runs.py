"""A finished run holds its model once; its command, given again, does nothing; other options are told what helps."""

import json

import pytest
import torch
from safetensors.torch import save_file

import run_ner
from utils.data.errors import ArgumentError
from utils.running.finished_runs import OPTIONS, Finished, find_finished, remove_checkpoints
from utils.running.seed_runs import run_seeds

AGAIN = ["--resume_from_checkpoint", "last"]


@pytest.fixture
def call(tiny_encoder, ner_files, tmp_path):
    def run(*flags, epochs=2):
        files = [
            "--train_file",
            ner_files[0],
            "--validation_file",
            ner_files[1],
            "--output_dir",
            str(tmp_path / "run"),
        ]
        own = ["--num_train_epochs", str(epochs), "--precision", "fp32", *flags]
        return run_ner.main(["--model_name_or_path", tiny_encoder, *files, *own])

    return run


def weights_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.safetensors"))


def test_finished_run_holds_its_weights_once_and_no_optimizer(call, tmp_path):
    call()
    folder = tmp_path / "run"
    assert weights_in(folder) == ["model.safetensors"]
    assert not [path.name for path in folder.rglob("*") if path.is_dir() or path.suffix in (".pt", ".pth")]


def test_keep_checkpoints_keeps_them_and_more_epochs_go_on_from_the_last(call, tmp_path, capsys):
    call("--keep_checkpoints")
    assert weights_in(tmp_path / "run") == [f"checkpoint-{step}/model.safetensors" for step in (2, 4)] + [
        "model.safetensors"
    ]
    call(*AGAIN, "--keep_checkpoints", epochs=3)
    assert "resuming from" in capsys.readouterr().err
    state = json.loads((tmp_path / "run" / "trainer_state.json").read_text(encoding="utf-8"))
    assert state["epoch"] == 3


def test_same_command_finds_nothing_left_to_do(call, tmp_path, capsys):
    results = call()
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "run").iterdir()}
    with pytest.raises(Finished) as ended:
        call(*AGAIN, "--logging_steps", "1", "--keep_checkpoints")
    assert ended.value.code == 0 and ended.value.results["eval_f1"] == results["eval_f1"]
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "run").iterdir()} == before
    assert f"{tmp_path / 'run'}: the run is finished, nothing is left to do" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "epochs", "named"),
    [([], 3, "--num_train_epochs"), (["--head", "softmax", "--max_steps", "1"], 2, "--head, --max_steps")],
)
def test_finished_run_without_checkpoints_cannot_go_on_and_the_error_says_what_can(
    call, tmp_path, flags, epochs, named
):
    call()
    with pytest.raises(ArgumentError) as refused:
        call(*AGAIN, *flags, epochs=epochs)
    folder = tmp_path / "run"
    assert str(refused.value).startswith(f"{folder}: the run is finished, with other options ({named}), and its check")
    for advice in (f"--model_name_or_path {folder} and another --output_dir", "--overwrite_output_dir"):
        assert advice in str(refused.value)
    assert "--keep_checkpoints" in str(refused.value)


@pytest.mark.parametrize("finished", [True, False])
def test_run_with_checkpoints_goes_on_for_longer_and_with_the_options_that_it_began_with(call, tmp_path, finished):
    call("--learning_rate", "1e-3", "--keep_checkpoints", epochs=1)
    run = tmp_path / "run"
    assert not (run / OPTIONS).exists()
    if not finished:  # as it is when it was killed
        record = json.loads((run / "run.json").read_text(encoding="utf-8"))
        (run / OPTIONS).write_text(json.dumps(record["options"]), encoding="utf-8")
        (run / "run.json").unlink()
    for flags in (["--learning_rate", "1e-6"], ["--learning_rate", "1e-3", "--crf_learning_rate", "0.5"]):
        with pytest.raises(ArgumentError, match=rf"the run began with other options \({flags[-2]}\), and what they"):
            call(*AGAIN, *flags, "--keep_checkpoints", epochs=2)
    assert call(*AGAIN, "--learning_rate", "1e-3", "--keep_checkpoints", epochs=2)["epoch"] == 2


def test_option_that_is_left_out_the_second_time_is_another_option(call):
    call("--max_steps", "1")
    with pytest.raises(ArgumentError, match=r"other options \(--max_steps\)"):
        call(*AGAIN)


def test_finished_run_of_an_earlier_version_goes_on_if_it_has_checkpoints(tmp_path):
    record = {"argv": ["run_ner.py"], "arguments": {}}
    (tmp_path / "run.json").write_text(json.dumps(record), encoding="utf-8")
    (tmp_path / "all_results.json").write_text('{"eval_f1": 0.5}', encoding="utf-8")
    (tmp_path / ".unfinished-checkpoint-9").mkdir()  # as a run leaves it that is killed at its very end
    assert find_finished(tmp_path, {"head": "crf"}, {"head"}) == {"eval_f1": 0.5}
    assert not list(tmp_path.glob(".unfinished-*"))
    checkpoint = tmp_path / "checkpoint-5"
    checkpoint.mkdir()
    save_file({"weight": torch.zeros(2)}, checkpoint / "model.safetensors")
    (checkpoint / "trainer_state.json").write_text("{}", encoding="utf-8")
    (checkpoint / "scheduler.pt").touch()
    assert find_finished(tmp_path, {"head": "crf"}, {"head"}) is None


def test_finished_seeds_are_not_trained_again(tmp_path):
    trained = []

    def main(argv):
        seed = int(argv[argv.index("--seed") + 1])
        if seed == 3:
            raise Finished({"eval_f1": 0.3})
        trained.append(seed)
        return {"eval_f1": seed / 10}

    results = run_seeds(main, [], first=3, count=2, output_dir=str(tmp_path))
    assert results["eval_f1_runs"] == [0.3, 0.4] and trained == [4]


def test_secrets_are_not_recorded_among_the_options(call, tmp_path):
    call("--max_steps", "1", "--hub_license", "mit")
    options = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["options"]
    assert options["hub_license"] == "mit" and options["head"] == "crf" and "output_dir" not in options
    assert not [name for name in options if name.endswith("_token")]


def test_only_checkpoints_are_removed(tmp_path):
    for name in ("checkpoint-3", "checkpoint-mine", ".unfinished-checkpoint-4", "fold-1"):
        (tmp_path / name).mkdir()
    (tmp_path / "checkpoint-7").write_text("a file")
    remove_checkpoints(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-7", "checkpoint-mine", "fold-1"]
    remove_checkpoints(tmp_path / "nowhere")
