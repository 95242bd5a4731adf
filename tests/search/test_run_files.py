"""What a search reads in the folder of a run."""

import json

from utils.search import run_files


def write_state(folder, scores, *, step, steps, extra=()):
    folder.mkdir(parents=True, exist_ok=True)
    history = [{"loss": 1.0}, *({"eval_f1": score, "epoch": i} for i, score in enumerate(scores, 1)), *extra]
    state = {"log_history": history, "global_step": step, "max_steps": steps}
    (folder / "trainer_state.json").write_text(json.dumps(state))


def test_epochs_are_those_of_the_newest_checkpoint(tmp_path):
    assert run_files.read_epochs(tmp_path, ["f1"]) == ([], False)
    write_state(tmp_path / "checkpoint-9", [0.1], step=9, steps=30)
    write_state(tmp_path / "checkpoint-10", [0.1, 0.2], step=10, steps=30)
    (tmp_path / "checkpoint-20").mkdir()  # just being removed
    assert run_files.read_epochs(tmp_path, ["f1"]) == ([0.1, 0.2], False)
    write_state(tmp_path / "checkpoint-30", [0.1, 0.2, 0.3], step=30, steps=30)
    assert run_files.read_epochs(tmp_path, ["f1"]) == ([0.1, 0.2, 0.3], True)


def test_evaluation_of_the_best_state_is_no_epoch(tmp_path):
    write_state(tmp_path, [0.1, 0.3], step=20, steps=20, extra=[{"train_runtime": 3.0}, {"eval_f1": 0.3}])
    assert run_files.read_epochs(tmp_path, ["f1"]) == ([0.1, 0.3], True)


def test_first_score_that_is_there_counts():
    assert run_files.pick_score({"eval_pearson": 0.5, "f1": 1}, ["f1", "pearson"]) == 0.5
    assert run_files.pick_score({"eval_loss": 0.5}, ["f1", "pearson"]) is None


def test_run_has_results_once_its_record_is_written(tmp_path):
    (tmp_path / "all_results.json").write_text('{"eval_f1": 0.5}')
    assert run_files.read_results(tmp_path) is None
    (tmp_path / "run.json").write_text("{}")
    assert run_files.read_results(tmp_path) == {"eval_f1": 0.5}


def test_end_of_a_log_has_its_last_lines_and_no_controls(tmp_path):
    assert run_files.read_log_end(tmp_path) == []
    lines = [f"line {number}" for number in range(9000)]
    (tmp_path / run_files.LOG).write_bytes("\n".join([*lines, "", "红\x1b[31m"]).encode() + b"\xff")
    found = run_files.read_log_end(tmp_path)
    assert found[-2:] == ["line 8999", "红\\x1b[31m\ufffd"] and len(found) == run_files.LINES


def test_model_of_a_trial_goes_and_its_records_stay(tmp_path):
    kept = ["run.json", "all_results.json", "trainer_state.json", "log.txt", "config.yaml", "error_report.html"]
    gone = ["model.safetensors", "model-00001-of-00002.safetensors", "adapter_model.safetensors", "config.json"]
    gone += ["tokenizer.json", "vocab.txt", "crf_tagger.py", "README.md", ".unfinished-x"]
    for name in kept + gone:
        (tmp_path / name).write_text("")
    for name in ("checkpoint-12", ".unfinished-checkpoint-13"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "optimizer.pt").write_text("")
    run_files.remove_model(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)
