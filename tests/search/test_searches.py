"""search.py over a script that takes a tenth of a second: trials, result, going on, what fails, what is refused."""

import csv
import json
import math
import sys

import pytest
import yaml

import search
from utils.data.errors import ArgumentError, TrainingError


def rows_of(folder):
    with open(folder / "trials.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def settings_of(folder):
    return [(row["x"], row["state"], row["score"]) for row in rows_of(folder)]


def test_searched_score_and_result_stand_side_by_side(bench, info):
    bench.write({"num_train_epochs": 3, "test_file": bench.base["validation_file"]}, {"x": {"uniform": [0, 1]}})
    numbers = search.main(bench.words(trials=3, final_seeds=2, journal=False))
    rows = rows_of(bench.out)
    assert [row["state"] for row in rows] == ["complete"] * 3
    best = max(rows, key=lambda row: float(row["score"]))
    assert numbers["searched_f1"] == float(best["score"]) > numbers["eval_f1"] > numbers["test_f1"]
    assert len(numbers["eval_f1_runs"]) == 2 and numbers["eval_f1_std"] > 0
    assert f"{numbers['searched_f1']:.4f}" in info.text and f"{numbers['eval_f1']:.4f} ± " in info.text
    record = json.loads((bench.out / "search.json").read_text())
    assert record["result"] == numbers and list(record["final_runs"]) == ["43", "44"]
    assert [len(each["epoch_scores"]) for each in record["trials"]] == [3, 3, 3]
    found = yaml.safe_load((bench.out / "best.yaml").read_text())
    assert found.pop("x") == float(best["x"])
    assert found == bench.base | {"num_train_epochs": 3, "test_file": bench.base["validation_file"]}
    assert (bench.out / "history.png").read_bytes() == b"draw_history"


def test_trials_see_neither_validation_nor_test_file_and_leave_no_model(bench):
    bench.write({"test_file": bench.base["validation_file"], "validation_share": 0.2})
    search.main(bench.words(trials=2))
    for number in range(2):
        folder = bench.out / "trials" / f"{number:04d}"
        config = yaml.safe_load((folder / "config.yaml").read_text())
        assert not {"validation_file", "test_file"} & config.keys() and config["validation_share"] == 0.2
        left = {path.name for path in folder.iterdir()}
        assert left == {"all_results.json", "config.yaml", "log.txt", "run.json", "trainer_state.json"}
    (final,) = (bench.out / "final").glob("*/*")
    config = yaml.safe_load((final / "config.yaml").read_text())
    assert {"validation_file", "test_file"} <= config.keys() and "validation_share" not in config
    assert (final / "model.safetensors").exists()


def test_same_command_goes_on_and_repeats_nothing(bench):
    first = search.main(bench.words(trials=2))
    begun = bench.journal()
    assert search.main(bench.words(trials=2)) == first
    assert bench.journal() == begun
    search.main(bench.words(trials=4))
    runs = [each["run"] for each in bench.journal() if "seed" in each]
    assert [run for run in runs if run.isdecimal()] == ["0000", "0001", "0002", "0003"]
    assert len(rows_of(bench.out)) == 4


def test_same_seed_gives_the_same_trials(bench):
    for folder, seed in (("one", "5"), ("two", "5"), ("three", "6")):
        search.main(bench.words("--seed", seed, output_dir=folder, trials=2, final_seeds=0))
    one, two, three = (settings_of(bench.folder / name) for name in ("one", "two", "three"))
    assert one == two != three


def test_setting_that_was_tried_is_not_run_again(bench, info):
    bench.write(space={"head": ["a", "b"]})
    numbers = search.main(bench.words(trials=5, final_seeds=0))
    assert len({each["run"] for each in bench.journal()}) == 2
    assert len(rows_of(bench.out)) == 5 and "not run again" in info.text
    assert numbers == {"searched_f1": pytest.approx(0.675)}
    assert "a searched score is too good" in info.text


def test_without_checkpoints_no_trial_is_stopped_early_and_epochs_are_known_at_the_end(bench, info):
    bench.write({"save_strategy": "no", "num_train_epochs": 3})
    search.main(bench.words(trials=8, final_seeds=0))
    assert [row["state"] for row in rows_of(bench.out)] == ["complete"] * 8
    record = json.loads((bench.out / "search.json").read_text())
    assert {len(each["epoch_scores"]) for each in record["trials"]} == {3}
    assert "none is stopped early, as save_strategy: no" in info.text


def test_trials_that_fall_behind_are_stopped_early(bench):
    bench.write({"num_train_epochs": 3})
    search.main(bench.words(trials=8, final_seeds=0))
    rows = rows_of(bench.out)
    assert [row["state"] for row in rows[:5]] == ["complete"] * 5
    assert {(row["state"], row["epochs"]) for row in rows[5:]} == {("complete", "3"), ("pruned", "2")}


def test_failed_trials_are_recorded_and_the_search_goes_on(bench, info):
    bench.write({"num_train_epochs": 2}, {"ending": ["fine", "error", "killed", "nan"], "x": {"uniform": [0, 1]}})
    search.main(bench.words("--seed", "12", trials=4))
    reasons = {
        each["settings"]["ending"]: each for each in json.loads((bench.out / "search.json").read_text())["trials"]
    }
    assert "its rows (1)" in reasons["error"]["reason"] and "Some line before" in reasons["error"]["log_end"]
    assert reasons["killed"]["reason"].startswith("ended by SIGKILL, as when memory runs out")
    assert reasons["nan"]["reason"] == "f1 is nan"
    assert {reasons[name]["state"] for name in ("error", "killed", "nan")} == {"failed"}
    assert reasons["fine"]["state"] == "complete" and len(rows_of(bench.out)) == 4


def test_search_stops_and_says_why_if_the_first_trials_all_fail(bench):
    bench.write({"ending": "error"})
    with pytest.raises(TrainingError, match=r"3 failures and no success: error: step 3: the loss is nan"):
        search.main(bench.words(trials=9))
    assert [row["state"] for row in rows_of(bench.out)] == ["failed"] * 3
    with pytest.raises(TrainingError, match="no success"):
        search.main(bench.words(trials=4))  # one more
    assert len(rows_of(bench.out)) == 4


def test_failed_final_run_is_said_and_the_next_call_takes_another_seed(bench):
    bench.write({"bad_seed": 43})
    with pytest.raises(
        TrainingError, match=r"best setting and seed 43 failed: error: not with this seed; its log is in"
    ):
        search.main(bench.words(trials=1))
    assert rows_of(bench.out)[0]["state"] == "complete"
    assert math.isfinite(search.main(bench.words(trials=1))["eval_f1"])
    assert [each["seed"] for each in bench.journal() if each["run"].startswith("seed-") and "seed" in each] == [43, 44]


def test_trials_side_by_side_are_as_many_as_asked_for(bench):
    numbers = search.main(bench.words("--jobs", "3", trials=5, final_seeds=2))
    assert len(rows_of(bench.out)) == 5 and math.isfinite(numbers["eval_f1"])
    assert sorted({each["run"] for each in bench.journal() if each["run"].isdecimal()}) == [
        f"000{i}" for i in range(5)
    ]


def test_other_score_is_searched_by(bench):
    numbers = search.main(bench.words("--metric", "accuracy", trials=2, final_seeds=1))
    assert numbers["searched_accuracy"] < 0.5
    config = yaml.safe_load((bench.out / "trials" / "0000" / "config.yaml").read_text())
    assert config["metric_for_best_model"] == "accuracy"


def test_lower_loss_is_better(bench):
    numbers = search.main(bench.words("--metric", "loss", trials=3, final_seeds=0))
    assert numbers["searched_loss"] == min(float(row["score"]) for row in rows_of(bench.out))


def test_script_is_started_by_the_words_of_launch(bench):
    search.main(bench.words("--launch", f"{sys.executable} -X utf8", trials=1, final_seeds=0))
    log = (bench.out / "trials" / "0000" / "log.txt").read_text()
    assert log.startswith(f"$ {sys.executable} -X utf8 ")


BAD = [  # base, space, words, what is said
    ({}, {"x": {"uniform": [0, 2]}}, [], r"space\.yaml: --x 2\.0: expected a number from 0 to 1"),
    ({}, {"z": [1, 2]}, [], r"space\.yaml: unknown option --z; did you mean --"),
    ({"w": 1}, None, [], r"base\.yaml: unknown option --w; did you mean --"),
    ({"x": 0.5}, None, [], r"x: expected it in .*base\.yaml or in .*space\.yaml, found it in both"),
    ({}, {}, [], r"space\.yaml: expected settings to search, such as `learning_rate: .*found none"),
    (
        {},
        {"head": ["a", "b"], "y": [1, 2]},
        [],
        r"--y does nothing with --head a.* \(with head a, y 1; `when` can rule that out\)",
    ),
    ({}, {"seed": [1, 2]}, [], r"space\.yaml: seed: all trials have one seed"),
    ({"push_to_hub": True}, None, [], r"base\.yaml: push_to_hub: no trial is pushed"),
    ({"dataset_name": "some/set"}, None, [], r"dataset_name: its own validation split would be shown"),
    ({"train_file": None}, None, [], r"base\.yaml: expected train_file"),
    ({"validation_file": None}, None, [], r"expected validation_file, .* or search without a result: --final_seeds 0"),
    ({}, None, ["--metric", "f2"], r"--metric f2: expected a score of fake_run\.py: .*did you mean f1\?"),
    ({"metric_for_best_model": "f1"}, None, ["--metric", "accuracy"], r"leave one of them out"),
    (
        {},
        None,
        ["--storage", "nosuch://me:secret@host/x"],
        r"--storage nosuch://me:\*\*\*@host/x: expected a database",
    ),
    ({}, None, ["--trials", "0"], r"--trials 0: expected 1 or more"),
]


@pytest.mark.parametrize(("base", "space", "words", "said"), BAD, ids=[each[-1][:40] for each in BAD])
def test_bad_input_is_refused_before_any_trial(bench, base, space, words, said):
    bench.write(base, space)
    with pytest.raises(ArgumentError, match=said):
        search.main(bench.words(*words))
    assert bench.journal() == []


def test_other_space_or_data_is_refused_in_a_folder_of_a_search(bench):
    search.main(bench.words(trials=1, final_seeds=0))
    bench.write(space={"x": {"uniform": [0, 0.5]}})
    with pytest.raises(ArgumentError, match="this search began with another space"):
        search.main(bench.words(trials=2, final_seeds=0))
    bench.write()
    (bench.folder / "train.tsv").write_text("text\tlabel\nmore\t1\n")
    with pytest.raises(ArgumentError, match="this search began with another content of the training file"):
        search.main(bench.words(trials=2, final_seeds=0))


def test_runs_of_another_search_in_the_folder_are_not_taken_for_trials(bench):
    search.main(bench.words("--seed", "1", trials=1, final_seeds=0))
    (bench.folder / "out.journal").unlink()
    with pytest.raises(ArgumentError, match=r"trials/0000: expected a run of this search, found one of another"):
        search.main(bench.words("--seed", "2", trials=1, final_seeds=0))


def test_missing_optuna_is_said_with_the_command_that_installs_it(bench, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ArgumentError, match=r"pip install -r requirements-search\.txt"):
        search.main(bench.words())
