"""data/ner_sample is what its README says, and scripts/make_ner_sample.py makes it again byte for byte."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "data" / "ner_sample"
TYPES = {"address", "book", "company", "game", "government", "movie", "name", "organization", "position", "scene"}


def read_rows(name: str) -> list[dict]:
    return [json.loads(line) for line in (SAMPLE / name).read_text(encoding="utf-8").splitlines()]


def list_words(rows: list[dict]) -> list[str]:
    """One entry a mention, without title marks."""
    return [
        word.strip("《》")
        for row in rows
        for words in row["label"].values()
        for word, spans in words.items()
        for _ in spans
    ]


@pytest.fixture(scope="module")
def made_again(tmp_path_factory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("ner sample")
    command = [sys.executable, str(ROOT / "scripts" / "make_ner_sample.py"), "--output_dir", str(folder)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, env={"PYTHONUTF8": "1"})
    return folder, done.stdout


@pytest.mark.parametrize(("name", "least"), [("train.json", 900), ("dev.json", 200)])
def test_every_span_is_its_word_and_all_ten_types_occur(name, least):
    rows = read_rows(name)
    assert len(rows) >= least
    assert {entity_type for row in rows for entity_type in row["label"]} == TYPES
    checked = 0
    for row in rows:
        taken = set()
        for words in row["label"].values():
            for word, spans in words.items():
                for start, end in spans:
                    assert row["text"][start : end + 1] == word
                    assert taken.isdisjoint(range(start, end + 1))
                    taken.update(range(start, end + 1))
                    checked += 1
    assert checked > 2 * least


def test_no_sentence_occurs_twice_in_the_two_files():
    texts = [row["text"] for name in ("train.json", "dev.json") for row in read_rows(name)]
    assert len(texts) == len(set(texts))


def test_some_sentences_hold_no_entity():
    for name in ("train.json", "dev.json"):
        rows = read_rows(name)
        assert 0.05 <= sum(not row["label"] for row in rows) / len(rows) <= 0.11


def test_most_validation_names_are_new():
    known = set(list_words(read_rows("train.json")))
    words = list_words(read_rows("dev.json"))
    assert sum(word not in known for word in words) / len(words) >= 0.6


def test_script_makes_the_same_bytes_again(made_again):
    folder, _ = made_again
    for name in ("train.json", "dev.json"):
        assert (folder / name).read_bytes() == (SAMPLE / name).read_bytes()


def test_readme_states_the_counts_that_the_script_prints(made_again):
    _, printed = made_again
    lines = [line for line in printed.splitlines() if line]
    readme = (SAMPLE / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 15
    assert [line for line in lines if line not in readme] == []
