"""error_report.html in a browser: it filters, it changes its theme, and it runs nothing that came from data."""

import pytest

from tests.reporting.reported_errors import EVIL, report, tagger
from utils.reporting.report_page import report_page

pytestmark = pytest.mark.long

SHOWN = "#validation .card:not([hidden])"


@pytest.fixture
def address(tmp_path):
    path = tmp_path / "error_report.html"
    path.write_text(report_page(report()), encoding="utf-8")
    return path.as_uri()


def test_page_loads_alone_and_without_complaints(open_page, address):
    page = open_page(address)
    assert page.complaints == [] and page.requests == [address]
    assert page.title().startswith("Errors of <script>window.broken = 1</script>")
    assert page.evaluate("window.broken") is None
    marked = page.locator("#validation mark .tag", has_text="<script>window.broken").count()
    assert marked > 0 and page.locator("script").count() == 1


def test_class_is_chosen_by_keyboard(open_page, address):
    page = open_page(address)
    total = page.locator(SHOWN).count()
    select = page.locator("#validation-class")
    names = select.locator("option").all_inner_texts()
    evil = next(i for i, name in enumerate(names) if EVIL[:30] in name)
    select.focus()
    for _ in range(evil):
        page.keyboard.press("ArrowDown")
    shown = page.locator(SHOWN).count()
    wanted = int(names[evil].rsplit("(", 1)[1].rstrip(")"))
    assert 0 < shown == wanted <= total
    assert page.locator("#validation output").inner_text() == f"{shown} of {total} shown"
    page.locator("#validation-kind").select_option(label="wrong border (1)")
    assert page.locator(SHOWN).count() == 1
    select.select_option("")
    page.locator("#validation-kind").select_option("")
    assert page.locator(SHOWN).count() == total


def test_theme_follows_the_system_until_it_is_chosen(open_page, address):
    ground = "getComputedStyle(document.body).backgroundColor"
    light, dark = open_page(address), open_page(address, color_scheme="dark")
    grounds = light.evaluate(ground), dark.evaluate(ground)
    assert grounds[0] != grounds[1]
    dark.get_by_role("button", name="Light").press("Enter")
    assert dark.evaluate(ground) == grounds[0]
    light.get_by_role("button", name="Dark").click()
    assert light.evaluate(ground) == grounds[1] and light.get_by_role("button", name="Light").count() == 1


def test_no_small_table_has_a_scroll_bar_on_a_laptop(open_page, tmp_path):
    path = tmp_path / "page.html"
    labels = ["address", "organization", "government"]
    texts = [f"text number {'x' * n} of some length" for n in range(40)]
    gold = [[(0, 4, labels[n % 3])] for n in range(40)]
    errors = tagger(texts, gold, [[(0, 4, labels[n % 2])] for n in range(40)])
    whole = report()
    path.write_text(report_page(whole | {"splits": {"validation": errors}}), encoding="utf-8")
    page = open_page(path.as_uri(), width=1280)
    tables = page.locator(".scroll").evaluate_all("all => all.map(one => [one.scrollWidth, one.clientWidth])")
    assert len(tables) > 4 and all(whole <= seen for whole, seen in tables), tables


def test_page_fits_a_phone_and_tables_scroll_by_themselves(open_page, address):
    page = open_page(address, width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator(".scroll[tabindex='0'][role='region']").count() > 3
