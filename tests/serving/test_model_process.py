"""Models in a process of their own: answers, errors, and what happens when it is killed."""

import logging
import os
import signal
import time
from types import SimpleNamespace

import psutil
import pytest
from fastapi.testclient import TestClient

from utils.data.errors import ArgumentError, DataError
from utils.serving.model_process import AnswerFailed, ModelProcess
from utils.serving.service import ModelDied, Served, build_app

LOAD = "tests.serving.test_model_process:load"


def answer_in_capitals(ids, texts):
    for text in texts:
        if text == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if text == "bad":
            raise ValueError("expected no bad text")
        if text == "who":
            text = str(os.getpid())
        yield f'"{text.upper()}"'


def load(settings):
    """Models that need no package; `settings` says how loading fails, and a folder that counts the loadings."""
    settings["folder"].joinpath(str(os.getpid())).touch()
    if settings.get("error"):
        raise settings["error"]
    if settings.get("die"):
        os.kill(os.getpid(), signal.SIGKILL)
    task = SimpleNamespace(kind="classes", pair=False, lines=answer_in_capitals)
    return {"one": Served(task, {"kind": "classes"}), "two": Served(task, {"labels": ["a"]})}


@pytest.fixture
def process(tmp_path):
    found = ModelProcess(LOAD, {"folder": tmp_path})
    yield found
    found.close()
    assert not found.process.is_alive() and not found.ready


def test_process_answers_for_each_model_and_tells_about_it(process):
    models = process.models()
    assert {name: one.about for name, one in models.items()} == {"one": {"kind": "classes"}, "two": {"labels": ["a"]}}
    assert (models["one"].task.kind, models["one"].task.pair) == ("classes", False)
    assert list(models["two"].task.lines(None, ["a", "b"])) == ['"A"', '"B"']
    assert process.answer("one", [("who",)]) == [f'"{process.process.pid}"'] != [f'"{os.getpid()}"']


def test_error_of_the_model_is_told_and_the_next_question_answered(process):
    with pytest.raises(AnswerFailed, match=r"(?s)Traceback.*ValueError: expected no bad text"):
        process.answer("one", [("x",), ("bad",)])
    assert process.answer("one", [("x",)]) == ['"X"']


def test_killed_process_is_replaced_whether_asked_or_not(process, tmp_path):
    with pytest.raises(ModelDied):
        process.answer("one", [("x",), ("die",)])
    assert process.answer("one", [("x",)]) == ['"X"']
    killed = process.process.pid
    os.kill(killed, signal.SIGKILL)
    for _ in range(1200):  # nobody asks
        if process.ready and process.process.pid != killed:
            break
        time.sleep(0.05)
    assert process.ready and len(list(tmp_path.iterdir())) == 3
    assert process.answer("one", [("x",)]) == ['"X"']


def test_signals_to_all_processes_do_not_end_it(process):
    for each in (signal.SIGTERM, signal.SIGINT):
        os.kill(process.process.pid, each)
    time.sleep(0.2)
    assert process.answer("one", [("who",)]) == [f'"{process.process.pid}"']


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"error": DataError("found no model")}, ArgumentError, "^found no model$"),
        ({"error": OSError("no such folder")}, ArgumentError, "^no such folder$"),
        ({"error": KeyError("x")}, AnswerFailed, "(?s)Traceback.*KeyError"),
        ({"die": True}, ArgumentError, "ended with status -9; has the machine memory for them?"),
    ],
)
def test_models_that_cannot_be_loaded_are_told(tmp_path, settings, error, said):
    with pytest.raises(error, match=said):
        ModelProcess(LOAD, settings | {"folder": tmp_path})
    assert not any(each.name() == "model" for each in psutil.Process().children())


def test_one_text_that_kills_the_model_spoils_no_other(process, caplog):
    models = process.models()
    gone = []
    app = build_app({"one": models["one"]}, wait=0.2, ready=lambda: process.ready and not gone)
    with TestClient(app) as client, caplog.at_level(logging.ERROR):
        import concurrent.futures as futures

        with futures.ThreadPoolExecutor(3) as pool:
            texts = ["a", "die", "b"]
            asked = [pool.submit(client.post, "/predict", json={"text": text}) for text in texts]
            found = [each.result() for each in asked]
        assert [each.status_code for each in found] == [200, 503, 200]
        assert [found[0].json(), found[2].json()] == ["A", "B"]
        assert found[1].json()["detail"][0]["message"].startswith("the process with the model ended")
        for _ in range(600):  # the text that kills may have been the last
            if client.get("/health").status_code == 200:
                break
            time.sleep(0.05)
        assert client.get("/health").status_code == 200
        assert 'weitiao_requests_total{model="one",status="503"} 1.0' in client.get("/metrics").text
        gone.append("model")
        assert client.get("/health").status_code == 503
    assert "the process with the model ended with status -9" in caplog.text
