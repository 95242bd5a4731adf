"""app.py: every kind of model answers, in a browser and on this machine alone."""

import sys
from pathlib import Path

import pytest

import app
from tests.small_heads import CLASSES, TEXTS, TYPES, build_heads
from utils.data.errors import ArgumentError, DataError
from utils.reporting.answer_panels import entity_panel, verdict_panel
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
    found, fields, answer = app.load(str(heads / head))
    assert found == kind and len(fields) == len(typed)
    assert expected in answer(*typed)


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
