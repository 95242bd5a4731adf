"""The tables of options in docs/ are those of the parsers, complete, and in both languages."""

import re
from pathlib import Path

import pytest

from scripts import option_tables

ROOT = Path(__file__).resolve().parent.parent
SOURCE = re.compile(r"<!-- options: (.*?) -->")


def sources_of(language: str) -> list[str]:
    pages = sorted(ROOT.glob(f"docs/{language}/*.md"))
    return [source for page in pages for source in SOURCE.findall(page.read_text(encoding="utf-8"))]


def test_tables_are_those_of_the_parsers(capsys):
    try:
        option_tables.main(["--check"])
    except SystemExit:
        pytest.fail("".join(capsys.readouterr()))


def test_every_group_of_options_has_its_table_once():
    sources = sources_of("en")
    assert len(sources) == len(set(sources)) >= 20
    shown = set()
    for source in sources:
        scripts, _, group = (part.strip() for part in source.partition("|"))
        shown |= {(script, group) for script in scripts.split()}
    classifier = {("run_qa_cls.py", "classifier"), ("run_prompt.py", "files of tags")}  # told by a link
    for script in sorted(path.name for path in ROOT.glob("*.py")):
        if (script, "") not in shown:
            groups = {each.title for each in option_tables.read_parser(script)._action_groups if each._group_actions}
            expected = {(script, group) for group in groups - {"options", "positional arguments"}}
            assert expected <= shown | classifier


def test_chinese_pages_have_the_same_tables():
    assert sorted(sources_of("en")) == sorted(sources_of("zh"))


def test_changed_table_is_caught(tmp_path, monkeypatch, capsys):
    page = tmp_path / "docs" / "en" / "a.md"
    page.parent.mkdir(parents=True)
    page.write_text("<!-- options: own fields -->\nold\n<!-- end of options -->\n", encoding="utf-8")
    monkeypatch.setattr(option_tables, "ROOT", tmp_path)
    with pytest.raises(SystemExit):
        option_tables.main(["--check"])
    assert "docs/en/a.md: out of date" in capsys.readouterr().out
    option_tables.main([])
    assert "| `--hub_license` |" in page.read_text(encoding="utf-8")
    option_tables.main(["--check"])
