"""Every shell script answers --help with what its head says, and nothing else; what it does not know is refused."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
READ_BY_OTHERS = {"help.sh", "cells.sh"}
OWN_PARSER = {"push.sh"}  # argparse answers
PASSED_ON = {"test.sh", "gpu.sh"}  # to pytest or argparse, which refuse what they do not know
FOLDERS = ("scripts", "scripts/tables", "benchmarks")
SCRIPTS = sorted(
    path for folder in FOLDERS for path in (ROOT / folder).glob("*.sh") if path.name not in READ_BY_OTHERS
)
CELLS = (ROOT / "scripts" / "tables" / "cells.sh").read_text(encoding="utf-8")


def head_of(text):
    """The comment at the top of a script."""
    return "\n".join(re.match(r"(?:#.*\n)+", text)[0].splitlines())


def run(script, *words):
    return subprocess.run(["bash", str(script), *words], capture_output=True, text=True, timeout=60, cwd=ROOT)


def test_all_scripts_are_tried():
    assert len(SCRIPTS) > 20


@pytest.mark.parametrize(
    "script", [path for path in SCRIPTS if path.name not in OWN_PARSER], ids=lambda path: path.name
)
@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_is_the_head_of_the_script(script, word):
    done = run(script, word)
    head = script.read_text(encoding="utf-8").splitlines()[1].removeprefix("# ")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == head and "set -euo" not in done.stdout


@pytest.mark.parametrize(
    "script", [path for path in SCRIPTS if path.name not in OWN_PARSER | PASSED_ON], ids=lambda path: path.name
)
def test_unknown_option_and_too_many_arguments_are_refused(script):
    for words in (("--nonsense",), ("a",) * 12):
        done = run(script, *words)
        assert done.returncode == 2 and done.stdout == ""
        assert "--help lists what it takes" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_each_variable_that_a_head_tells_is_read(script):
    text = script.read_text(encoding="utf-8")
    told = set(re.findall(r"\b([A-Z][A-Z_]+)=", head_of(text)))
    read = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", text + (CELLS if "cells.sh" in text else "")))
    assert not told - read


def test_defaults_that_the_head_of_the_tables_tells_are_those_of_a_run():
    told = dict(re.findall(r'^#   (SEEDS|OUT)="?(.*?)"?  ', head_of(CELLS), re.M))
    used = dict(re.findall(r"^(SEEDS|OUT)=\$\{\w+:-(?:\$\{usual_seeds:-)?([^}]*)\}", CELLS, re.M))
    assert told == used and len(told) == 2
