"""The page of errors as HTML: what is from data stays data, whatever it is."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from tests.reporting.reported_errors import HISTORY, classifier, report, tagger
from utils.modeling.joined_windows import Entity
from utils.reporting.answer_panels import answer_panel, entity_panel, message_panel, verdict_panel
from utils.reporting.curves import draw_curves, read_curves
from utils.reporting.jinja_templates import PAGES
from utils.reporting.marked_text import Mark
from utils.reporting.report_page import report_page
from utils.reporting.score_meanings import explain_scores
from utils.reporting.svg_charts import nice_ticks
from utils.scoring.answer_ranking import Answer
from utils.scoring.decisions import DecisionRule, Verdict
from utils.scoring.score_names import shown_in

MARKED = PAGES.get_template("marked_text.html.jinja").module
TEMPLATES = ("{{ 7 * 7 }}", "{% raw %}", "{# gone #}", "{%- if x -%}", "{{ self.__init__ }}", "# for x in y:")
VOID = {"meta", "link", "br", "img", "input", "line", "rect", "circle", "polyline"}


class Outline(HTMLParser):
    """Collects elements with their attributes and text, and what is open that should not be."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.texts, self.wrong = [], [], [], []
        self.feed(page)
        self.wrong += self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"/{tag}")

    def handle_data(self, text):
        if not {"script", "style"} & set(self.open):
            self.texts.append(text)


def test_page_is_well_formed_and_made_for_everybody():
    outline = Outline(report_page(report()))
    assert outline.wrong == []
    levels = [int(tag[1]) for tag, _ in outline.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1 and len(levels) > 8
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    assert all(attributes.get("scope") in ("col", "row") for tag, attributes in outline.elements if tag == "th")
    charts = [attributes for tag, attributes in outline.elements if tag == "svg" and attributes.get("role") == "img"]
    assert len(charts) == 3 and all(len(each["aria-label"]) > 20 for each in charts)
    ids = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {each["for"] for tag, each in outline.elements if tag == "label"} <= set(ids)
    assert ("html", {"lang": "en"}) in outline.elements


def test_what_comes_from_data_is_shown_and_never_run():
    page = report_page(report())
    outline = Outline(page)
    assert [tag for tag, _ in outline.elements].count("script") == 1
    assert "<script>window" not in page and not [c for c in page if c in "\u202e\u200b\x07"]
    text = "".join(outline.texts)
    assert "<script>window.broken = 1</script>\"'&U+202EU+200BU+0007]]><!--" in text
    assert not any(name.startswith("on") or name == "style" for _, each in outline.elements for name in each)


@pytest.mark.parametrize("text", [*TEMPLATES, "</style></script><!--", "a'\"&amp;<b>", "\0\ud800", "é😀\u200f" * 500])
def test_text_is_no_template_and_no_markup_wherever_it_stands(text):
    given = report(("name", "PLACE"))
    given["run"] = {"run": "PLACE", "PLACE": "PLACE"}
    given["splits"]["validation"]["about"] = given["curves"]["charts"][0]["title"] = "PLACE"
    given = json.loads(json.dumps(given).replace("PLACE", json.dumps(text)[1:-1]))
    given["splits"]["test"]["worst"][0] |= {"id": text, "text": text, "length": len(text)}
    page = report_page(given)
    outline, shown = Outline(page), "".join(Outline(page).texts)
    assert outline.wrong == []
    assert [tag for tag, _ in outline.elements if tag in ("script", "style", "b")] == ["style", "b", "script"]
    assert page.encode() and not set(page) & {"\0", "\u200f"}
    assert shown.count(text) > 20 or not text.isprintable()


@pytest.mark.parametrize("text", [*TEMPLATES, "<script>", "\0\ud800"])
def test_panels_show_text_as_it_is(text):
    panels = [
        entity_panel(text, [Entity(0, len(text), text)], [text]),
        verdict_panel(DecisionRule([text]), Verdict([text], [(text, 0.5)])),
        answer_panel(text, [Answer(text, 0, len(text), 0.5)]),
        message_panel(text),
    ]
    for panel in panels:
        outline = Outline(panel)
        assert outline.wrong == [] and not {"script"} & {tag for tag, _ in outline.elements}
        assert panel.encode() and "\0" not in panel
        assert text in outline.texts or not text.isprintable()


def test_page_loads_nothing_and_admits_only_its_own_code():
    page = report_page(report())
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none';")
    for tag in ("script", "style"):
        (code,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not re.findall(r"(?:https?:)?//\w|url\(|@import", page)


@pytest.mark.parametrize("count", [0, 1])
def test_page_of_nothing_is_a_page(count):
    errors = {"test": tagger(["ab"] * count, [[]] * count, [[]] * count)}
    empty = {"run": {"run": "r"}, "splits": errors, "curves": read_curves([], metric="f1")}
    outline = Outline(report_page(empty))
    assert outline.wrong == [] and "Nothing is wrong here." in outline.texts


def test_page_stays_small_where_data_is_large():
    labels = [f"class {i}" for i in range(90)]
    logits = [[float(k == (i * 7) % 90) for k in range(90)] for i in range(900)]
    errors = classifier(labels, [labels[i % 90] for i in range(900)], logits, texts=["字" * 3000] * 900)
    large = {"run": {"run": "r"}, "splits": {"test": errors}, "curves": read_curves([], metric="f1")}
    page = report_page(json.loads(json.dumps(large)))
    assert len(page.encode()) < 500_000 and page.count('<li class="card"') == 50


def test_overlapping_spans_are_marked_each_with_its_name():
    marks = [Mark(0, 3, "a", "gold"), Mark(2, 5, "b", "wrong"), Mark(3, 4, "c", "right"), Mark(9, 99, "d", "gold")]
    shown = MARKED.mark_spans("0123456789", marks)
    assert Outline(shown).wrong == []
    assert [shown.count(f"<bdi>{name}</bdi>") for name in "abcd"] == [1, 1, 1, 1]
    text = "".join(part for part in Outline(shown).texts if part not in "abcd")
    assert text == "0123456789"
    assert MARKED.mark_spans("56", [Mark(5, 7, "x", "gold"), Mark(0, 5, "y", "gold")], offset=5).startswith("<mark")


def test_characters_without_a_shape_are_shown():
    visible = MARKED.visible
    assert "U+202E" in visible("\u202e") and "U+0000" in visible("\0") and "U+D800" in visible("\ud800")
    assert "↵</span>\n" in visible("\n") and visible("张 a") == "张 a"


def test_curves_end_with_training_and_leave_out_what_is_no_number():
    curves = read_curves(HISTORY, metric="f1", best_step=10)
    assert (curves["unit"], curves["best"]) == ("epoch", 2.0)
    loss, score = curves["charts"]
    assert loss["lines"][0] == {"name": "training", "points": [[1.0, 2.0], [2.0, 1.0]]}
    assert score["lines"] == [{"name": "validation", "points": [[1.0, 0.25], [2.0, 0.5], [3.0, 0.25]]}]
    assert draw_curves(curves).startswith(b"\x89PNG")
    steps = read_curves([{"epoch": 0.1, "step": i, "loss": 1.0} for i in range(2000)], metric="loss")
    assert steps["unit"] == "step" and len(steps["charts"][0]["lines"][0]["points"]) <= 300


def test_one_point_is_told_as_a_number_and_not_drawn():
    point = {"name": "validation", "points": [[1.0, 0.25]]}
    curves = {"unit": "epoch", "best": None, "charts": [{"title": "Loss", "lines": [point]}]}
    shown = report_page(report() | {"curves": curves}).partition('id="training-title"')[2]
    assert "<svg" not in shown and "<td>0.25</td>" in shown and "<details>" not in shown


def test_every_score_on_a_page_is_explained():
    names = shown_in("page")
    assert len(names) > 15 and list(explain_scores(names, "entities")) == names
    whole = report()
    whole["splits"]["validation"]["scores"]["precision"] = 0.5
    page = report_page(whole)
    assert "share of the entities found that are right" in page
    assert explain_scores(["f1"], "answers") != explain_scores(["f1"], "entities")


@pytest.mark.parametrize(("low", "high"), [(0, 0), (3, 3), (-1, 1), (0.001, 0.0011), (0, 54321), (-5, -5)])
def test_ticks_span_the_range(low, high):
    ticks = nice_ticks(low, high)
    assert ticks[0] <= low and ticks[-1] >= high and 2 <= len(ticks) <= 12 and ticks == sorted(set(ticks))
