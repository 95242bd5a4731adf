"""Good files, damaged at random: the reader gives a data set or a `DataError`, and nothing else."""

import gzip
import json
import random

import pytest
from datasets import Dataset

from tests.tagging.byte_damage import count_outcomes
from utils.tagging.ner_rows import FEATURES
from utils.tagging.readers_ner import read_ner

CASES = 500
KINDS = ["flip", "cut", "end", "insert", "structure", "swap"]
STRUCTURES = [b"[", b"{", b'"', b",", b"\n", b"\t", b" ", b"\0", b"-", b"\\ud800", b"null", b"9" * 20]
TAGS = ["B-PER", "I-PER", "O", "B-ORG"]


def good_files(folder):
    """One small file of each format, by name."""
    cluener = {"id": 1, "text": "叶老桂在浙商", "label": {"name": {"叶老桂": [[0, 2]]}, "company": {"浙商": [[4, 5]]}}}
    spans = {"text": "Peter came", "entities": [{"start": 0, "end": 5, "label": "PER"}]}
    tokens = {"tokens": ["Peter", "Blackburn", "of", "EU"], "ner_tags": TAGS}
    columns = [f"{token}\0{tag}" for token, tag in zip("叶桂 浙", TAGS, strict=True)] * 2 + ["", "在\0O", ""]
    records = {"cluener.json": cluener, "spans.jsonl": spans, "tokens.json": tokens}
    files = {name: "".join(json.dumps(row, ensure_ascii=False) + "\n" for _ in "123") for name, row in records.items()}
    files["cluener.json"] = files["cluener.json"].replace('"id": 1, ', "")
    files["array.json"] = json.dumps([spans, spans], indent=1)
    files |= {
        f"columns.{end}": "\n".join(columns).replace("\0", mark)
        for end, mark in [("txt", " "), ("tsv", "\t"), ("csv", ",")]
    }
    contents = {name: text.encode() for name, text in files.items()}
    contents["cluener.json.gz"] = gzip.compress(contents["cluener.json"], mtime=0)
    Dataset.from_list([tokens] * 3).to_parquet(folder / "tokens.parquet")
    contents["tokens.parquet"] = (folder / "tokens.parquet").read_bytes()
    return contents


def check(dataset):
    """What the reader lets through keeps its contract."""
    assert dataset.features == FEATURES
    assert len(set(dataset["id"])) == len(dataset) > 0
    for row in dataset:
        assert row["text"]
        assert all(0 <= one["start"] < one["end"] <= len(row["text"]) and one["label"] for one in row["entities"])


def test_good_files_are_read(tmp_path):
    files = good_files(tmp_path)
    assert len(files) == 9
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        dataset = read_ner(tmp_path / name)
        check(dataset)
        assert any(dataset["entities"]), name


@pytest.mark.parametrize("skip_bad_lines", [False, True])
def test_damaged_file_gives_a_data_set_or_a_data_error(tmp_path, skip_bad_lines):
    def read(path):
        check(read_ner(path, skip_bad_lines=skip_bad_lines))

    files, draw = good_files(tmp_path), random.Random(int(skip_bad_lines))
    outcomes = count_outcomes(read, files, tmp_path, cases=CASES // 2, draw=draw, kinds=KINDS, structures=STRUCTURES)
    assert min(outcomes.values()) > 10, outcomes  # the damage is neither harmless nor always fatal
