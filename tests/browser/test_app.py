"""app.py: every kind of model answers, in a browser and on this machine alone."""

import shutil
import sys
from pathlib import Path

import pytest

import app
from tests.small_heads import CLASSES, TEXTS, TYPES, build_heads
from utils.data.errors import ArgumentError, DataError
from utils.reporting.answer_panels import entity_panel, verdict_panel
from utils.reporting.example_inputs import EXAMPLES, TITLES
from utils.scoring.decisions import DecisionRule, Verdict

pytestmark = pytest.mark.long

LISTENING = "0A"  # state of a socket in /proc/net/tcp


@pytest.fixture(scope="module")
def heads(tiny_encoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("heads")
    build_heads(tiny_encoder, folder)
    return folder


@pytest.fixture
def serve():
    """Serve a directory as the command line would; gives its address and port."""
    pytest.importorskip("gradio", reason="no gradio: pip install -r requirements-app.txt")
    pages = []

    def call(folder, *flags):
        pages.append(app.launch(app.parse([str(folder), *flags]), block=False))
        return pages[-1].local_url, pages[-1].server_port

    yield call
    for page in pages:
        page.close(verbose=False)


def test_typed_text_is_answered_in_the_browser(heads, serve, open_page):
    address, port = serve(heads / "crf")
    bound = [line.split()[1:4] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    assert [local for local, _, state in bound if state == LISTENING and local.endswith(f":{port:04X}")] == [
        f"0100007F:{port:04X}"
    ]
    page = open_page(address)
    text = TEXTS[1] + "<script>window.broken = 1</script>"
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_role("button", name="Ask", exact=True).click()
    page.wait_for_selector(".panel")
    found = page.locator(".panel mark").count()
    assert found > 0 and page.locator(".panel tbody tr").count() == found
    assert set(page.locator(".panel tbody td:nth-child(2)").all_inner_texts()) <= set(TYPES)
    page.evaluate("document.querySelectorAll('.panel .tag').forEach((name) => name.remove())")
    assert page.locator(".panel > p").first.inner_text().replace("\n", "") == text
    assert page.evaluate("window.broken") is None and page.complaints == []
    asked = [each for each in page.requests if not each.startswith((address, "data:", "blob:"))]
    assert asked == []


@pytest.mark.parametrize(
    ("head", "kind", "typed", "expected"),
    [
        ("softmax", "entities", [TEXTS[0]], '<div class="panel"><p dir="auto">'),
        ("span", "entities", [TEXTS[0]], '<div class="panel"><p dir="auto">'),
        ("pooled", "classes", [TEXTS[0]], f"<bdi>{CLASSES[0]}</bdi>"),
        ("cloze", "classes", [TEXTS[0]], f"<bdi>{CLASSES[1]}</bdi>"),
        ("answers", "answers", ["谁？", TEXTS[1]], 'class="hue0"'),
        ("masked", "words", ["张伟在[MASK]京。"], '<th scope="col">words</th>'),
        ("masked", "words", ["张伟在北京。"], "expected a blank"),
        ("pooled", "classes", [" "], "Type something first."),
        ("crf", "entities", ["人" * 20_001], "Expected at most 20,000 characters."),
    ],
)
def test_every_kind_of_model_answers(heads, head, kind, typed, expected):
    model = app.load(str(heads / head))
    assert model.kind == kind and len(model.fields) == len(typed)
    assert expected in model.show(*typed)


@pytest.mark.parametrize(
    ("head", "asked", "keys"),
    [
        ("crf", [TEXTS[0]], {"text", "entities"}),
        ("pooled", [TEXTS[0]], {"text", "label", "score", "top"}),
        ("answers", ["谁？", TEXTS[1]], {"question", "answer", "start", "end", "score"}),
        ("masked", ["张伟在[MASK]京。"], {"words", "score"}),
    ],
)
def test_programs_get_what_predict_writes(heads, serve, head, asked, keys):
    address, _ = serve(heads / head)
    client = pytest.importorskip("gradio_client").Client(address, verbose=False)
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    assert list(endpoints) == ["/predict"] and len(endpoints["/predict"]["parameters"]) == len(asked)
    told = client.predict(*asked, api_name="/predict")
    assert set(told[0] if head == "masked" else told) >= keys
    with pytest.raises(Exception, match=r"Type something first\."):
        client.predict(*[" "] * len(asked), api_name="/predict")


def test_page_has_a_title_and_three_examples_to_click(heads, serve, open_page):
    address, _ = serve(heads / "crf")
    page = open_page(address)
    assert page.get_by_role("heading", level=1).inner_text() == "Entities in a text"
    assert page.title() == f"Entities in a text: {heads / 'crf'}"
    assert all(label in page.locator(".heading p").inner_text() for label in TYPES)
    examples = EXAMPLES["entities"]["zh"]
    for text in examples:
        page.get_by_role("button", name=text).click()
        page.wait_for_function("text => document.querySelector('textarea').value == text", arg=text)


def test_examples_are_three_of_each_kind_in_the_language_of_the_data(heads, tmp_path):
    assert all(len(texts) == 3 for kind in EXAMPLES.values() for texts in kind.values())
    assert set(TITLES) == set(EXAMPLES) - {"pairs"}
    (tmp_path / "run.json").write_text('{"language": "en"}', encoding="utf-8")
    assert app.language_of(tmp_path) == "en" and app.language_of(heads / "crf") == "zh"


def test_model_of_questions_is_known_by_its_record(heads, tmp_path):
    shutil.copytree(heads / "pooled", tmp_path / "faq")
    (tmp_path / "faq" / "run.json").write_text('{"argv": ["here/run_qa_cls.py"]}', encoding="utf-8")
    assert app.load(str(tmp_path / "faq")).kind == "questions"


def test_panels_say_when_nothing_was_decided_or_found():
    assert "Not sure enough to answer." in verdict_panel(DecisionRule(["<b>"]), Verdict([], [("<b>", 0.5)]))
    assert "&lt;b&gt;" in verdict_panel(DecisionRule(["<b>"], True), Verdict(["<b>"], [("<b>", 0.5)]))
    assert "No entities." in entity_panel("text", [], [])


def test_missing_package_is_named_with_its_requirements(heads, monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(ArgumentError, match=r"pip install -r requirements-app\.txt"):
        app.main([str(heads / "crf")])


def test_folder_without_a_model_and_wrong_port_are_refused(tiny_encoder, tmp_path):
    with pytest.raises(DataError, match="expected a model trained by"):
        app.load(tiny_encoder)
    with pytest.raises(OSError, match="expected a trained output directory"):
        app.load(str(tmp_path / "nowhere"))
    with pytest.raises(SystemExit):
        app.parse(["folder", "--port", "0"])
