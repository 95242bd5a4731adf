"""scripts/tables: their cells, what is skipped, what goes on after a failure; with a stand-in for Python."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import report
import run_classification
import run_ner
import run_prompt
import run_qa_cls
import run_qa_span
from utils.data.errors import DataError

ROOT = Path(__file__).resolve().parent.parent
TABLES = sorted(path for path in (ROOT / "scripts" / "tables").glob("*.sh") if path.name != "cells.sh")
CELLS = {
    "people": 10,
    "cluener": 13,
    "sarcasm": 10,
    "taipei": 10,
    "glue": 19,
    "sts": 3,
    "cmrc": 3,
    "thucnews": 4,
    "abstracts": 9,
    "few_shot": 120,
}
CELLS |= {"adapters": 99, "folds": 24, "distill": 6, "search": 14}
NEEDED = {"distill": {"TEACHER": "teacher"}}  # without which a script does nothing
MAINS = {
    f"{each.__name__}.py": each.main for each in (run_classification, run_ner, run_prompt, run_qa_cls, run_qa_span)
}


def run(script, *given, **environment):
    command = ["bash", str(ROOT / "scripts" / "tables" / f"{script}.sh"), *map(str, given)]
    usual = {
        name: value
        for name, value in os.environ.items()
        if name not in ("MODELS", "SEEDS", "OUT", "EXTRA", "KEPT", "CONFIG", "RATE", "HEAD_RATE", "EPOCHS")
    }
    surroundings = usual | NEEDED.get(script, {}) | environment
    return subprocess.run(command, capture_output=True, text=True, env=surroundings, cwd=ROOT)


def commands(script, *given, **environment):
    done = run(script, *given, DRY_RUN="1", **environment)
    assert done.returncode == 0, done.stderr
    return [words for line in done.stdout.splitlines() if "--output_dir" in (words := shlex.split(line))]


@pytest.mark.parametrize("script", [path.stem for path in TABLES])
def test_dry_run_prints_a_command_for_each_cell_and_one_for_the_table(script, tmp_path):
    found = commands(script, tmp_path)
    trained, reports = (
        [each for each in found if each[1] != "report.py"],
        [each for each in found if each[1] == "report.py"],
    )
    assert len(trained) == CELLS[script] and len(reports) == {
        "glue": 5,
        "few_shot": 2,
        "adapters": 3,
        "folds": 3,
        "search": 2,
    }.get(script, 1)
    folders = [each[each.index("--output_dir") + 1] for each in trained]
    assert len(set(folders)) == len(folders)
    assert all((ROOT / each[1]).is_file() for each in found)
    for each in reports:
        report.parse(each[2:])


def test_similarity_is_learnt_as_a_number_though_the_scores_of_the_file_are_whole(tmp_path):
    *trained, _ = commands("sts", tmp_path, MODELS="hfl/rbt3")
    assert all(each[each.index("--task") + 1] == "regression" for each in trained)


def test_each_student_learns_with_a_teacher_and_by_the_same_recipe_without_it(tmp_path):
    tasks = {"TASKS": "thucnews cluener few taipei", "SEEDS": "2"}
    found = [each for each in commands("distill", tmp_path, **tasks, TEACHER="one two") if each[1] != "report.py"]
    assert len(found) == 8
    for alone, taught in zip(found[::2], found[1::2], strict=True):
        begin, end = taught.index("--teacher"), taught.index("--output_dir")
        own = taught[begin:end]
        assert [each.replace("_alone", "_taught") for each in alone] == taught[:begin] + taught[end:]
        assert own[1:3] == (["one/seed-2", "--teacher_weight"] if alone[1] == "run_qa_cls.py" else ["one", "two"])


def test_models_and_seeds_are_chosen(tmp_path):
    found = commands(
        "people", tmp_path, MODELS="hfl/rbt3 bert-base-chinese", SEEDS="7", OUT="outputs/other", EXTRA="--max_steps 2"
    )
    folders = [each[each.index("--output_dir") + 1] for each in found[:2]]
    assert folders == ["outputs/other/people/hfl-rbt3/seed-7", "outputs/other/people/bert-base-chinese/seed-7"]
    assert found[0][-2:] == ["--max_steps", "2"] and "--max_steps" not in found[2]


@pytest.mark.parametrize("script", ["sarcasm", "cluener", "cmrc"])
def test_recipe_is_the_tables_own_or_a_configuration_file_and_single_values_win(script, tmp_path):
    def told(**environment):
        trained = commands(script, tmp_path, SEEDS="1", MODELS="hfl/rbt3", **environment)[0]
        flags = trained[trained.index("--model_name_or_path") :]
        return trained[2 : -len(flags)], flags

    own = {
        "sarcasm": "configs/sarcasm_bert_mini.yaml",
        "cluener": "--learning_rate 1e-3 --num_train_epochs 6 --per_device_train_batch_size 32",
        "cmrc": "--learning_rate 5e-4 --head_learning_rate 5e-3 --num_train_epochs 4 --max_length 384 "
        "--empty_windows drop --per_device_train_batch_size 16",
    }
    assert " ".join(told()[0]) == own[script]
    given, flags = told(CONFIG="configs/quickstart.yaml", EPOCHS="2")
    assert given == ["configs/quickstart.yaml", "--num_train_epochs", "2"]
    rates = {"--learning_rate", "--head_learning_rate", "--num_train_epochs"}
    assert not (rates | set(re.findall(r"--\w+", own[script]))) & set(flags)


def test_heads_beside_lora_of_all_layers_learn_as_under_full_tuning_whatever_its_rate(tmp_path):
    trained, _ = commands("adapters", tmp_path, TASKS="cluener", METHODS="lora_all", SEEDS="1", FULL_RATE="2e-5")
    rates = {flag: float(trained[trained.index(flag) + 1]) for flag in ("--head_learning_rate", "--crf_learning_rate")}
    assert rates == pytest.approx({"--head_learning_rate": 2e-5, "--crf_learning_rate": 2e-4})


def test_long_runs_have_more_epochs_small_batches_and_lower_rates(tmp_path):
    _, trained, _ = commands("adapters", tmp_path, TASKS="cluener", METHODS="lora_all_long", SEEDS="1 2", EPOCHS="10")
    flags = "--num_train_epochs --per_device_train_batch_size --learning_rate --head_learning_rate --crf_learning_rate"
    assert [trained[trained.index(flag) + 1] for flag in flags.split()] == ["25", "8", "1e-03", "7e-04", "7e-03"]
    assert all(trained.count(flag) == 1 for flag in trained if flag.startswith("--"))


def test_chosen_heads_alone_are_trained(tmp_path):
    *trained, _ = commands("cluener", tmp_path, HEADS="bilstm_crf span", SEEDS="1", MODELS="hfl/rbt3")
    assert [command[command.index("--head") + 1] for command in trained] == ["crf", "span"]
    assert ["--lstm_hidden" in command for command in trained] == [True, False]


@pytest.mark.parametrize(
    "script, name",
    [("adapters", "METHODS"), ("adapters", "TASKS"), ("cluener", "HEADS"), ("few_shot", "TASKS"), ("glue", "TASKS")],
)
def test_a_misspelt_choice_is_refused_before_anything_runs(script, name, tmp_path):
    done = run(script, tmp_path, **{name: "lora_al"})
    assert done.returncode == 2 and not done.stdout
    assert done.stderr.startswith(f"{name}: expected some of ") and done.stderr.endswith(", found lora_al\n")


@pytest.fixture
def python(tmp_path):
    """Stands for Python: notes its words; a run leaves run.json, except that the second one fails."""
    path = tmp_path / "python"
    path.write_text(f"""#!/usr/bin/env bash
echo "$@" >>"{tmp_path}/called.txt"
if [ "$1" = report.py ]; then exit 0; fi
if [ "$(wc -l <"{tmp_path}/called.txt")" = 2 ]; then echo "no memory left" >&2; exit 3; fi
while [ "$1" != --output_dir ]; do shift; done
echo '{{}}' >"$2/run.json"
""")
    path.chmod(0o755)
    return path


def test_failed_cell_is_told_the_others_go_on_and_only_it_is_repeated(tmp_path, python):
    settings = {"PYTHON": str(python), "OUT": str(tmp_path / "out"), "SEEDS": "1 2", "MODELS": "hfl/rbt3"}
    done = run("people", tmp_path, **settings)
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == "people: 3 runs, 3 to do"
    assert re.search(r"\[1/3\] hfl-rbt3/seed-1: \d+ min \d+ s, about \d+ min \d+ s left", done.stdout)
    assert "[2/3] hfl-rbt3/seed-2: FAILED" in done.stderr and "no memory left" in done.stderr
    assert "people: 1 of 3 runs failed; run the script again to repeat them" in done.stderr
    assert len((tmp_path / "called.txt").read_text().splitlines()) == 4  # three runs and the table

    done = run("people", tmp_path, **settings)
    assert done.returncode == 0 and not done.stderr
    assert done.stdout.splitlines()[0] == "people: 3 runs, 1 to do"
    assert "[1/3] hfl-rbt3/seed-1: finished before" in done.stdout
    called = (tmp_path / "called.txt").read_text().splitlines()[4:]
    assert [line.split()[0] for line in called] == ["run_ner.py", "report.py"]
    assert "--resume_from_checkpoint last" in called[0]


def test_kept_runs_count_as_finished_and_new_ones_are_kept(tmp_path, python):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "people.json").write_text(
        '{"examples": {\n}, "runs": [\n{"cell": "hfl-rbt3/seed-1", "a": 0}\n]}'
    )
    settings = {
        "PYTHON": str(python),
        "OUT": str(tmp_path / "out"),
        "MODELS": "hfl/rbt3",
        "KEPT": str(tmp_path / "kept"),
    }
    done = run("people", tmp_path, SEEDS="1 2", **settings)
    assert done.stdout.splitlines()[:2] == ["people: 3 runs, 2 to do", "[1/3] hfl-rbt3/seed-1: finished before"]
    called = (tmp_path / "called.txt").read_text().splitlines()
    assert called[1] == f"report.py {tmp_path}/out/people/hfl-rbt3/seed-2 --keep {tmp_path}/kept/people.json"
    assert called[-1].startswith(f"report.py {tmp_path}/kept/people.json --by_folder")


def test_missing_data_folder_is_told(tmp_path):
    done = run("people")
    assert done.returncode != 0 and "the folder with train.txt and dev.txt" in done.stderr


@pytest.mark.parametrize("script", [path.stem for path in TABLES])
def test_scripts_of_the_cells_take_their_flags(script, tmp_path):
    """Up to the data, which is not there: no flag is unknown, contradicts another or would do nothing."""
    seen = set()
    for command in commands(script, tmp_path, SEEDS="1", OUT=str(tmp_path / "out"), PYTHON=sys.executable):
        flags = tuple(word for word in command[2:] if word.startswith("--") or word.endswith(".yaml"))
        if not command[1].startswith("run_") or (command[1], flags) in seen:
            continue
        seen.add((command[1], flags))
        if command[2].endswith(".yaml") and not Path(ROOT, command[2]).exists():
            continue  # another cell writes it
        with pytest.raises((DataError, OSError)):
            MAINS[command[1]](command[2:])
    assert seen
