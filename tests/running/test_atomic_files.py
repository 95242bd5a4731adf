"""Files are there whole or not at all, also those whose pieces are made while they are written."""

import json
import os

import pytest
import torch
from safetensors.torch import save_file

from utils.running.atomic_files import making_folder, replacing_files, write_files


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


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077])
def test_files_have_the_permissions_that_the_umask_leaves(tmp_path, umask):
    """safetensors writes a file that its owner alone can read, whatever the umask: others could not serve a model."""
    before = os.umask(umask)
    try:
        with making_folder(tmp_path / "made") as folder:
            save_file({"weight": torch.zeros(2)}, folder / "model.safetensors")
        with replacing_files(tmp_path / "made") as folder:
            save_file({"weight": torch.zeros(2)}, folder / "adapter.safetensors")
        write_files(tmp_path / "made", {"a.txt": "one", "b.png": b"\x89"})
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "made").iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("model.safetensors", "adapter.safetensors", "a.txt", "b.png"), 0o666 & ~umask)
