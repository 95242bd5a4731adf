"""Files are there whole or not at all, also those whose pieces are made while they are written."""

import json

import pytest

from utils.running.atomic_files import write_files


def test_text_in_pieces_bytes_and_values_are_written_as_what_they_are(tmp_path):
    files = {"a.txt": "one\n", "b.jsonl": iter(["1\n", "2\n"]), "c.png": b"\x89", "d.json": {"名": [1, "二"]}}
    write_files(tmp_path, files)
    assert (tmp_path / "a.txt").read_text() == "one\n" and (tmp_path / "b.jsonl").read_text() == "1\n2\n"
    assert (tmp_path / "c.png").read_bytes() == b"\x89"
    written = (tmp_path / "d.json").read_text(encoding="utf-8")
    assert json.loads(written) == {"名": [1, "二"]} and "名" in written and written.endswith("}\n")


def test_a_fault_in_the_pieces_leaves_the_file_of_before_and_no_other(tmp_path):
    def pieces():
        yield "new\n"
        raise RuntimeError("in the middle")

    (tmp_path / "lines.jsonl").write_text("old\n")
    with pytest.raises(RuntimeError):
        write_files(tmp_path, {"lines.jsonl": pieces()})
    assert [path.name for path in tmp_path.iterdir()] == ["lines.jsonl"]
    assert (tmp_path / "lines.jsonl").read_text() == "old\n"
