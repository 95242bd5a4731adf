"""Two processes learn from a teacher as one does: the first asks it, and both read what it said."""

import json
from pathlib import Path

import pytest

from tests.processes import run_jobs
from tests.processes.jobs import HEADS, SUFFIX, training_jobs
from tests.processes.launching import torchrun
from tests.processes.run_jobs import SCRIPTS

pytestmark = pytest.mark.long

TAUGHT = {"classes": "class", "softmax": "ner", "span": "ner"}


def taught_jobs(models, samples, folder, teachers, *, processes):
    """3 steps of 32 rows, of which a fifth have labels."""
    jobs = []
    for (script, words), head in zip(training_jobs(models, samples, folder, processes=processes), HEADS, strict=True):
        if head in TAUGHT:
            more = (
                f"--teacher {teachers / head} --teacher_cache {folder / 'cache'} --max_train_samples 32 --max_steps 3 "
            )
            more += f"--unlabeled_file {folder.parent / TAUGHT[head]}.{SUFFIX[TAUGHT[head]]}"
            jobs.append([script, [*words, *more.split()]])
    return jobs


def losses_of(folder, head):
    state = json.loads((folder / head / "trainer_state.json").read_text(encoding="utf-8"))
    return [entry["loss"] for entry in state["log_history"] if "loss" in entry]


@pytest.mark.slow
def test_two_processes_learn_from_a_teacher_as_one_does(still_models, samples, tmp_path):
    teachers, one, two = tmp_path / "teachers", tmp_path / "one", tmp_path / "two"
    for kind in TAUGHT.values():
        lines = (samples / f"{kind}-all.{SUFFIX[kind]}").read_text(encoding="utf-8").splitlines(keepends=True)
        (tmp_path / f"{kind}.{SUFFIX[kind]}").write_text("".join(lines[:160]), encoding="utf-8")
    for script, words in training_jobs(still_models, samples, teachers):
        if Path(words[words.index("--output_dir") + 1]).name in TAUGHT:
            SCRIPTS[script]([*words, "--max_steps", "2", "--seed", "5", "--max_train_samples", "64"])
    for script, words in taught_jobs(still_models, samples, one, teachers, processes=1):
        SCRIPTS[script](words)
    two.mkdir()
    jobs = taught_jobs(still_models, samples, two, teachers, processes=2)
    (two / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
    done = torchrun(Path(run_jobs.__file__), two / "jobs.json", two / "results.json")
    assert done.returncode == 0, done.stderr[-4000:]
    first, second = json.loads((two / "results.json").read_text(encoding="utf-8"))
    assert first["world_size"] == 2 and not any(name.startswith("cache") for name in second["written"])
    assert len(jobs) == 3 and not [each for each in first["ended"] if isinstance(each, str)]
    for head in TAUGHT:
        alone = losses_of(one, head)
        assert len(alone) == 3 and losses_of(two, head) == pytest.approx(
            alone, rel=0.05 if head == "softmax" else 1e-3
        )
