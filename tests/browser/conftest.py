"""A headless Chromium; tests that need it are skipped where there is none."""

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="module")
def chromium():
    """The browser, for the tests of a module."""
    api = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install -r tests/requirements.txt")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no browser: apt-get install chromium")
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses root with its sandbox
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """Opens an address in a window of its own; what went wrong in it, and what it asked for, is noted on the page.

    Attributes of a page: `complaints`, errors and warnings of the console and of scripts; `requests`, addresses.
    """
    contexts = []

    def call(address, *, width=1200, color_scheme="light"):
        contexts.append(chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=color_scheme))
        page = contexts[-1].new_page()
        page.complaints, page.requests = [], []
        page.on(
            "console", lambda line: page.complaints.append(line.text) if line.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda request: page.requests.append(request.url))
        page.goto(address)
        return page

    yield call
    for context in contexts:
        context.close()
