"""Good files of texts, damaged at random: the reader gives a data set or a `DataError`, and nothing else."""

import gzip
import json
import random

import pytest
from datasets import Dataset, Value

from tests.reading.bad_text_tables import FAQ
from tests.reading.written_files import read_classes
from tests.tagging.byte_damage import count_outcomes

CASES = 440
KINDS = ["flip", "cut", "end", "insert", "structure"]
STRUCTURES = [b"[", b"{", b'"', b'""', b",", b"\n", b"\t", b" ", b"\0", b"_!_", b"\\ud800", b"null", b"9" * 20]


def good_files(folder):
    """One small file of each format, by name, with the options to read it."""
    rows = [("很好, 真的", "二", "a"), ('6" nails', "三", "b"), ("一\n二", "四", "a")]
    records = [{"text": text, "text_pair": pair, "label": label} for text, pair, label in rows]
    flat = [(text.replace("\n", " "), label) for text, _, label in rows]
    files = {
        "a.csv": 'id,text,label\n0,"很好, 真的",a\n1,"6"" nails",b\n2,"一\n二",a\n',
        "a.tsv": 'sentence\tlabel\n很好\ta\n"6"" nails"\tb\n',
        "lines.jsonl": "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in records),
        "array.json": json.dumps([{"text": text, "labels": [label, "z"]} for text, label in flat], indent=1),
        "csl.json": json.dumps({"id": 7, "abst": "很好", "keyword": ["一", "二"], "label": 1}) + "\n",
        "tab.txt": "".join(f"{text}\t{label}\n" for text, label in flat),
        "pair.txt": "".join(f"{text}\tb\t{label}\n" for text, label in flat),
        "marked.txt": "".join(f"{number}_!_100_!_{label}_!_{text}_!_\n" for number, (text, label) in enumerate(flat)),
        "faq.txt": "".join(f"{label} {text}\n" for text, label in flat),
    }
    contents = {name: text.encode() for name, text in files.items()}
    contents["a.csv.gz"] = gzip.compress(contents["a.csv"], mtime=0)
    Dataset.from_list(records).to_parquet(folder / "a.parquet")
    contents["a.parquet"] = (folder / "a.parquet").read_bytes()
    return contents


def options_of(name):
    return FAQ if name == "faq.txt" else {}


def check(dataset):
    """What the reader lets through keeps its contract."""
    assert len(set(dataset["id"])) == len(dataset) > 0
    assert list(dataset.column_names) == [
        name for name in ("id", "text", "text_pair", "label", "labels") if name in dataset.column_names
    ]
    for name, feature in dataset.features.items():
        assert (feature.feature if name == "labels" else feature) == Value("string")
    for row in dataset:
        assert row["text"].strip()
        assert row.get("text_pair", "a").strip()
        assert all(label == label.strip() != "" for label in row.get("labels", [row.get("label", "a")]))


def test_good_files_are_read(tmp_path):
    files = good_files(tmp_path)
    assert len(files) == 11
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        dataset = read_classes(tmp_path / name, **options_of(name))
        check(dataset)
        assert {"label", "labels"} & set(dataset.column_names), name


@pytest.mark.parametrize("skip_bad_lines", [False, True])
def test_damaged_file_gives_a_data_set_or_a_data_error(tmp_path, skip_bad_lines):
    def read(path):
        check(read_classes(path, skip_bad_lines=skip_bad_lines, **options_of(path.name)))

    files, draw = good_files(tmp_path), random.Random(int(skip_bad_lines))
    outcomes = count_outcomes(read, files, tmp_path, cases=CASES // 2, draw=draw, kinds=KINDS, structures=STRUCTURES)
    assert min(outcomes.values()) > 10, outcomes  # the damage is neither harmless nor always fatal
