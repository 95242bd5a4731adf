"""README and docs/ as a site: all pages in both languages, and no dead link."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
needs_generator = pytest.mark.skipif(
    importlib.util.find_spec("zensical") is None, reason="no zensical: pip install -r requirements-docs.txt"
)


def build(root: Path, out: Path) -> subprocess.CompletedProcess:
    environment = os.environ | {"OUT": str(out), "PYTHON": sys.executable}
    command = ["bash", str(root / "scripts" / "docs_site.sh")]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)


@pytest.fixture
def copied(tmp_path):
    """What the site is made of."""
    root = tmp_path / "copy"
    shutil.copytree(ROOT / "docs", root / "docs")
    (root / "scripts").mkdir()
    for name in ("README.md", "README_zh.md", "scripts/docs_site.sh", "scripts/help.sh"):
        shutil.copy(ROOT / name, root / name)
    return root


@needs_generator
def test_site_has_every_page_in_both_languages(tmp_path):
    done = build(ROOT, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = {path.stem for path in (ROOT / "docs" / "en").glob("*.md")} | {"index"}
    assert len(pages) >= 19
    for language, other in (("en", "zh"), ("zh", "en")):
        for page in pages:
            text = (tmp_path / language / f"{page}.html").read_text(encoding="utf-8")
            assert f'lang="{language}"' in text and f'href="../{other}/{page}.html"' in text
        assert (tmp_path / language / "images" / "error_page.png").exists()
        assert "run_ner.py" in (tmp_path / language / "search.json").read_text(encoding="utf-8")
    assert "<table>" in (tmp_path / "en" / "ner.html").read_text(encoding="utf-8")


@needs_generator
@pytest.mark.parametrize("link", ["[dead](no_such.md)", "[dead](data.md#no-such)"])
def test_dead_link_is_an_error(copied, tmp_path, link):
    page = copied / "docs" / "en" / "ner.md"
    page.write_text(page.read_text(encoding="utf-8") + f"\n{link}\n", encoding="utf-8")
    done = build(copied, tmp_path / "site")
    assert done.returncode == 1 and "ner.md" in done.stderr
    assert not (tmp_path / "site").exists()


def test_page_that_is_not_listed_is_an_error(copied, tmp_path):
    (copied / "docs" / "en" / "new.md").write_text("# New\n", encoding="utf-8")
    done = build(copied, tmp_path / "site")
    assert done.returncode == 1 and "docs/site.toml" in done.stderr
