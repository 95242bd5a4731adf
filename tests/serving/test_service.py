"""The HTTP side: answers are those of predict.py, and what is wrong with a request is told with the repair."""

import json
import threading

import pytest
from fastapi.testclient import TestClient

from tests.small_heads import AUTOS, TEXTS, build_heads
from utils.data.errors import ArgumentError
from utils.serving.loaded_models import load_models, name_models
from utils.serving.service import Limits, Served, build_app

LOADING = {"options": {}, "together": False}


@pytest.fixture(scope="module")
def folder(tiny_encoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    build_heads(tiny_encoder, folder)
    return folder


@pytest.fixture(scope="module")
def models(folder):
    return load_models({name: str(folder / name) for name in AUTOS if name != "masked"}, **LOADING)


def serve(models, *names, **options):
    return TestClient(build_app({name: models[name] for name in names}, **options))


def expected(models, name, *columns):
    return [json.loads(line) for line in models[name].task.lines(None, *columns)]


@pytest.mark.parametrize("name", ["crf", "span", "softmax", "pooled", "cloze"])
def test_answers_are_those_of_predict(models, name):
    with serve(models, name) as client:
        assert client.post("/predict", json={"text": TEXTS}).json() == expected(models, name, TEXTS)
        assert client.post("/predict", json={"text": TEXTS[0]}).json() == expected(models, name, TEXTS[:1])[0]
        assert client.post("/predict", json={"text": []}).json() == []


def test_questions_share_a_passage(models):
    with serve(models, "answers") as client:
        one = client.post("/predict", json={"question": ["谁？", "哪里？"], "text": TEXTS[0]}).json()
        two = client.post("/predict", json={"question": ["谁？", "哪里？"], "text": TEXTS[:1] * 2}).json()
    assert one == two == expected(models, "answers", ["谁？", "哪里？"], TEXTS[:1] * 2)


def test_several_models_have_a_path_each(models):
    with serve(models, "crf", "pooled") as client:
        for name in ("crf", "pooled"):
            assert client.post(f"/predict/{name}", json={"text": TEXTS}).json() == expected(models, name, TEXTS)
        found = client.post("/predict", json={"text": "x"})
        assert found.status_code == 404
        assert found.json() == {
            "detail": [
                {
                    "field": "path",
                    "message": "expected POST /predict/NAME, with a name that /info has, or GET /health, /info, "
                    "/metrics or /docs, found POST /predict",
                }
            ]
        }
        found = client.get("/predict/crf")
        assert found.status_code == 405 and found.headers["Allow"] == "POST"
        assert found.json()["detail"][0]["message"] == "expected POST /predict/crf, found GET /predict/crf"
        told = client.get("/info").json()["models"]
    assert told["crf"] == {"kind": "entities", "two_texts": False, "labels": ["name", "place"]}
    assert told["pooled"]["labels"] == ["travel", "work", "health"]


WRONG = [
    ({"texts": "x"}, 422, "text", "expected this field, found none"),
    ({"text": "x", "id": 3}, 422, "id", "expected no such field; leave it out"),
    ({"text": 3}, 422, "text", "expected a text or a list of texts, found 3"),
    ({"text": ["x", None]}, 422, "text", 'expected a text or a list of texts, found ["x", null]'),
    ([1], 422, "", "expected an object with fields, as application/json"),
    ({"text": "\ud800"}, 422, "text", r"expected Unicode text, found half a surrogate pair, \ud800 at character 0"),
    ({"text": ["x"] * 9}, 413, "text", "expected at most 8 texts, found 9; send several requests"),
    ({"text": "x" * 101}, 413, "text", "expected at most 100 characters, found 101; send parts of the text"),
    ({"text": "x", "y": "x" * 3000}, 413, "", "expected at most 2000 bytes; send fewer texts"),
]


@pytest.mark.parametrize(("given", "status", "field", "message"), WRONG, ids=[one[3][:40] for one in WRONG])
def test_what_is_wrong_is_told_with_its_field(models, given, status, field, message):
    with serve(models, "crf", limits=Limits(2000, 8, 100, 50)) as client:
        found = client.post("/predict", content=json.dumps(given), headers={"Content-Type": "application/json"})
        assert found.status_code == status
        assert {"field": field, "message": message} in found.json()["detail"]
        assert client.post("/predict", json={"text": "x"}).status_code == 200


def test_body_that_is_no_json_is_told(models):
    with serve(models, "crf") as client:
        found = client.post("/predict", content=b'{"text"', headers={"Content-Type": "application/json"})
    assert found.status_code == 422
    assert found.json()["detail"][0]["message"].startswith("expected JSON, found: ")


def test_body_without_a_length_is_limited_too(models):
    with serve(models, "crf", limits=Limits(body=2000)) as client:
        found = client.post("/predict", content=(b"x" * 500 for _ in range(9)))
    assert found.status_code == 413


def test_lists_of_other_lengths_are_refused(models):
    with serve(models, "answers") as client:
        found = client.post("/predict", json={"question": ["a", "b", "c"], "text": ["x", "y"]})
    (told,) = found.json()["detail"]
    assert (found.status_code, told["field"]) == (422, "text")
    assert told["message"] == "expected 3 texts, one for each question, found 2"


def test_key_is_asked_for(models):
    with serve(models, "crf", keys=["secret", "other"]) as client:
        ask = {"json": {"text": "x"}}
        assert client.post("/predict", **ask).status_code == 401
        assert client.post("/predict", **ask, headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert client.post("/predict", **ask, headers={"Authorization": "Bearer secret"}).status_code == 200
        assert client.post("/predict", **ask, headers={"X-API-Key": "other"}).status_code == 200
        assert client.get("/info").status_code == client.get("/metrics").status_code == 401
        assert client.get("/health").json() == {"status": "ok"}


class Held:
    """A task that can be held up, and that fails for one text."""

    kind, pair = "entities", False

    def __init__(self):
        self.free, self.begun = threading.Event(), threading.Event()

    def lines(self, ids, texts):
        self.begun.set()
        self.free.wait(10)
        for text in texts:
            if text == "bad":
                raise RuntimeError("out of memory")
            yield json.dumps({"text": text})


def test_full_queue_gives_429_and_errors_500_and_all_are_counted():
    held = Held()
    app = build_app({"held": Served(held, {})}, limits=Limits(waiting=2), wait=0)
    with TestClient(app, raise_server_exceptions=False) as client:
        found = []
        asking = [
            threading.Thread(target=lambda: found.append(client.post("/predict", json={"text": "x"}).status_code))
            for _ in range(2)
        ]
        for each in asking:
            each.start()
        held.begun.wait(10)
        while True:  # until both wait
            refused = client.post("/predict", json={"text": ["y", "y"]})
            if refused.status_code == 429:
                break
        assert int(refused.headers["Retry-After"]) >= 1
        held.free.set()
        for each in asking:
            each.join()
        assert found == [200, 200]
        assert client.post("/predict", json={"text": "bad"}).status_code == 500
        assert client.post("/predict", json={"text": "x"}).status_code == 200
        assert client.post("/predict", json={}).status_code == 422
        counts = client.get("/metrics").text
    assert 'weitiao_requests_total{model="held",status="200"} 3.0' in counts
    assert 'weitiao_requests_total{model="held",status="500"} 1.0' in counts
    assert 'weitiao_requests_total{model="held",status="422"} 1.0' in counts
    assert client.get("/health").status_code == 503  # closed by now


def test_form_is_documented(models):
    with serve(models, "answers") as client:
        form = client.get("/openapi.json").json()["components"]["schemas"]["Question"]
    assert sorted(form["required"]) == ["question", "text"] and form["additionalProperties"] is False


def test_names_of_models():
    assert name_models(["outputs/ner", "b=outputs/reviews/"]) == {"ner": "outputs/ner", "b": "outputs/reviews/"}
    with pytest.raises(ArgumentError, match="found ner twice; give NAME=DIR"):
        name_models(["outputs/ner", "others/ner"])
