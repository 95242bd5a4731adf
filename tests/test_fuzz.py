"""scripts/fuzz.py finds what breaks a reader, and keeps the file."""

import pytest

from scripts import fuzz


def break_at_brackets(path):
    if b"[[" in path.read_bytes():
        raise KeyError("brackets")


def hang_at_brackets(path):
    while b"[[" in path.read_bytes():
        pass


def test_error_that_no_user_should_see_is_found_and_its_file_kept(tmp_path):
    target = fuzz.Target(break_at_brackets, {"a.txt": "[good] file"})
    count, found = fuzz.fuzz("broken", target, seconds=20, start=0, findings=tmp_path / "findings")
    assert count > 1 and found.startswith("KeyError: 'brackets' (")
    (kept,) = (tmp_path / "findings").iterdir()
    assert b"[[" in kept.read_bytes() and len(kept.read_bytes()) < 20


def test_file_that_hangs_a_reader_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz, "SECONDS", 1)
    monkeypatch.setattr(fuzz, "SHRINKING", False)
    target = fuzz.Target(hang_at_brackets, {"a.txt": "[[ file"})
    _, found = fuzz.fuzz("slow", target, seconds=20, start=0, findings=tmp_path)
    assert found.startswith("TimeoutError: more than 1 s")


@pytest.mark.parametrize("name", fuzz.list_targets())
def test_good_files_of_every_reader_are_good(name, tmp_path):
    target = fuzz.list_targets()[name]
    assert target.samples
    for sample, text in target.samples.items():
        if not sample.endswith(".gz"):
            (tmp_path / sample).write_text(text, encoding="utf-8")
            target.read(tmp_path / sample)
