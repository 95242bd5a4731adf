"""A folder with a base, a space and files for searches over a script that stands in for a training script."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from utils.options.arguments import run_script

FAKE = Path(__file__).with_name("fake_run.py")


@pytest.fixture
def bench(tmp_path):
    """Files of a search: `write(base=..., space=...)` changes them, `words(...)` are its command line."""
    base = {"train_file": str(tmp_path / "train.tsv"), "validation_file": str(tmp_path / "dev.tsv")}
    for path in base.values():
        Path(path).write_text("text\tlabel\n", encoding="utf-8")

    def write(base=(), space=None):
        known = own.base | dict(base)
        (tmp_path / "base.yaml").write_text(yaml.safe_dump({k: v for k, v in known.items() if v is not None}))
        (tmp_path / "space.yaml").write_text(yaml.safe_dump(own.space if space is None else space))

    def words(*more, output_dir="out", trials=3, final_seeds=1, journal=True):
        files = [str(FAKE), str(tmp_path / "base.yaml"), str(tmp_path / "space.yaml")]
        own_flags = ["--output_dir", str(tmp_path / output_dir), "--trials", str(trials)]
        storage = ["--storage", str(tmp_path / f"{output_dir}.journal")] if journal else []  # faster than a database
        return [*files, *own_flags, "--final_seeds", str(final_seeds), *storage, *more]

    def journal():
        path = tmp_path / "journal.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    own = SimpleNamespace(folder=tmp_path, base=base, space={"x": {"uniform": [0, 1]}}, out=tmp_path / "out")
    own.write, own.words, own.journal = write, words, journal
    write()
    return own


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Looks at runs more often, and neither for GPUs nor draws pictures, which take a second; these have own tests."""
    from utils.search import search_pictures, trial_runs

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(trial_runs, "POLL", 0.01)
    for name in ("draw_history", "draw_settings", "draw_importance"):
        monkeypatch.setattr(search_pictures, name, lambda *args, name=name, **options: name.encode())


@pytest.fixture
def fork():
    """Run a script's `main` in a copy of this process; returns a function that waits for its exit status."""

    def run(main, *, before=lambda: None):
        if child := os.fork():
            return lambda: os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        status = 1
        try:
            before()
            run_script(main)
            status = 0
        except SystemExit as end:
            status = end.code
        finally:
            os._exit(status)

    return run
