"""Every shell script answers --help with what its head says, and nothing else; what it does not know is refused."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
READ_BY_OTHERS = {"help.sh", "cells.sh"}
OWN_PARSER = {"push.sh"}  # argparse answers
TO_PYTEST = {"test.sh"}  # which refuses what it does not know
SCRIPTS = sorted(path for path in (ROOT / "scripts").rglob("*.sh") if path.name not in READ_BY_OTHERS)


def run(script, *words):
    return subprocess.run(["bash", str(script), *words], capture_output=True, text=True, timeout=60, cwd=ROOT)


def test_all_scripts_are_tried():
    assert len(SCRIPTS) > 14


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
    "script", [path for path in SCRIPTS if path.name not in OWN_PARSER | TO_PYTEST], ids=lambda path: path.name
)
def test_unknown_option_and_too_many_arguments_are_refused(script):
    for words in (("--nonsense",), ("a",) * 12):
        done = run(script, *words)
        assert done.returncode == 2 and done.stdout == ""
        assert "--help lists what it takes" in done.stderr and len(done.stderr.splitlines()) == 1
