"""The last lines of a run, and which pages it leaves."""

import pytest
from transformers import TrainerState

from tests.reporting.reported_errors import HISTORY, classifier, tagger
from utils.reporting.run_summary import pages, summarize_run

RESULTS = {
    "eval_f1": 0.5,
    "eval_precision": 0.25,
    "eval_loss": 1.25,
    "test_f1": 0.4,
    "train_runtime": 75.0,
    "epoch": 3.0,
}


def record(**changed):
    arguments = {
        "model_name_or_path": "pretrained/some",
        "output_dir": "outputs/a b",
        "head": "crf",
        "adapter": "none",
    }
    arguments |= {"metric_for_best_model": "f1", "seed": 1} | changed
    told = {"argv": ["/where/run_ner.py"], "started": "2026-01-02T03:04:05Z", "seed": 1}
    return told | {"arguments": arguments, "results": RESULTS}


@pytest.fixture
def state():
    return TrainerState(log_history=HISTORY, global_step=15, best_global_step=10, epoch=3.0)


@pytest.fixture
def errors():
    return {"validation": tagger(["ab", "cd"], [[(0, 2, "A")]] * 2, [[(0, 2, "A")], []])}


def test_summary_says_what_was_trained_and_what_to_do_next(state, errors):
    lines = summarize_run(record(), errors, state, trained="outputs/a b").splitlines()
    assert [line.split()[0] for line in lines] == [
        *("model", "trained", "best", "validation", "test", "saved", "errors", "next")
    ]
    assert all(line[11] == " " and line[12] != " " for line in lines)  # aligned
    assert lines[0].endswith("pretrained/some, head crf") and lines[1].endswith("15 steps, 3 epochs, 1 min 15 s")
    assert lines[2].endswith("epoch 2, by f1")
    assert lines[3].split()[1:5] == ["f1", "0.5000", "precision", "0.2500"]
    assert lines[3].endswith("1 of 2 texts have an error")
    assert lines[-1].endswith("python predict.py 'outputs/a b' --interactive")
    assert "\x1b" not in "".join(lines)
    lines = summarize_run(record(test_file="data/test.json"), errors, state).splitlines()
    assert lines[-2] == "predictions outputs/a b/predictions.jsonl"


def test_summary_of_a_model_that_may_say_nothing_leads_with_accuracy_and_counts_what_it_answers(state, monkeypatch):
    monkeypatch.setitem(RESULTS, "eval_accuracy", 0.6667)
    logits = [[4.0, 0.0], [0.0, 4.0], [0.1, 0.0]]  # right, wrong, not sure enough
    found = {"validation": classifier(["a", "b"], ["a", "a", "a"], logits, abstain_below=0.9)}
    lines = summarize_run(record(), found, state).splitlines()
    assert lines[3].split()[1:5] == ["accuracy", "0.6667", "f1", "0.5000"]
    assert lines[3].endswith("2 of 3 answered, 1 of them right")


def test_summary_of_a_run_that_only_scored_has_no_training(errors):
    for state in (None, TrainerState()):
        lines = summarize_run(record(), errors, state).splitlines()
        assert [line.split()[0] for line in lines] == ["model", "validation", "test", "saved", "errors"]


def test_pages_are_left_where_there_is_something_to_show(state, errors):
    assert set(pages(record(), errors, state)) == {"error_report.json", "error_report.html", "curves.png"}
    assert set(pages(record(), errors, None)) == {"error_report.json", "error_report.html"}
    assert set(pages(record(), {}, state)) == {"curves.png"}
    assert pages(record(), {}, TrainerState()) == {}
    short = TrainerState(log_history=HISTORY[:2], global_step=5)
    assert set(pages(record(), errors, short)) == {"error_report.json", "error_report.html"}  # one point is no curve
    report = pages(record(model_name_or_path="/home/me/model", template=["{text}"]), errors, state)[
        "error_report.json"
    ]
    assert report["run"]["model"] == "model" and report["run"]["template"] == "{text}"
