"""The notebooks run from top to bottom, and both languages have the same code."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))


def cells(path: Path, kind: str) -> list[dict]:
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def test_both_languages_have_the_same_code():
    english, chinese = ([cell["source"] for cell in cells(path, "code")] for path in NOTEBOOKS)
    assert english == chinese and len(english) >= 8
    assert [path.name for path in NOTEBOOKS] == ["quickstart.ipynb", "quickstart_zh.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_lead_to_pages_and_outputs_name_no_folder_of_a_machine(path):
    text = "".join("".join(cell["source"]) for cell in cells(path, "markdown"))
    links = re.findall(r"\]\(([^)#]+)", text)
    assert len(links) >= 4 and all((path.parent / link).exists() for link in links)
    outputs = [cell["outputs"] for cell in cells(path, "code")]
    assert sum(map(bool, outputs)) >= 6  # what a reader sees before running it
    assert str(ROOT) not in json.dumps(outputs) and "Traceback" not in json.dumps(outputs)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path):
    pytest.importorskip("nbmake", reason="no nbmake: pip install -r tests/requirements.txt")
    command = [sys.executable, "-m", "pytest", "--nbmake", "--nbmake-timeout=3600", "-o", "addopts=", str(path)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "JUPYTER_PLATFORM_DIRS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stdout[-4000:]
