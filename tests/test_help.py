"""Every script prints its help from anywhere, and the defaults that this tells are those of a run."""

import argparse
import dataclasses
import importlib
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from scripts import option_tables
from utils.options import arguments

ROOT = Path(__file__).resolve().parent.parent
RUNS = sorted(path.name for path in ROOT.glob("run_*.py"))
OTHERS = sorted({path.name for path in ROOT.glob("*.py")} - set(RUNS))
TOOLS = sorted(f"scripts/{path.name}" for path in ROOT.glob("scripts/*.py"))


read_parser = cache(option_tables.read_parser)


@cache
def print_help(script: str, flag: str = "--help") -> str:
    """What a script prints as a user calls it, from another folder and without a PYTHONPATH."""
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"COLUMNS": "200"}
    command = [sys.executable, str(ROOT / script), flag]
    done = subprocess.run(command, cwd="/", env=own, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def options_in(text: str) -> dict[str, str]:
    """The text of each option of a printed help, by name."""
    found, name = {}, None
    for line in text.splitlines():
        if match := re.match(r"  (?:-\w, )?--([a-z_0-9]+)", line):
            name = match[1]
            found[name] = line.strip()
        elif name and line.startswith(" " * 20):
            found[name] += f" {line.strip()}"
        elif line and not line.startswith(" "):
            name = None
    return found


def test_all_scripts_are_tried():
    assert len(RUNS) == 6 and len(OTHERS) >= 6 and len(TOOLS) >= 10


@pytest.mark.parametrize("script", [*RUNS, *OTHERS, *TOOLS])
def test_help_is_printed_anywhere_and_has_every_option_once(script):
    text = print_help(script)
    shown = options_in(text)
    names = {
        each[2:]
        for action in read_parser(script)._actions
        for each in action.option_strings[:1]
        if action.help != argparse.SUPPRESS and each.startswith("--")
    }
    assert text.startswith("usage: ") and names <= shown.keys() | {"help"}
    assert len(re.findall(r"^  (?:-h, )?--\w+", text, re.MULTILINE)) >= len(shown)


@pytest.mark.parametrize("script", [*OTHERS, *TOOLS])
def test_help_tells_every_default(script):
    shown = options_in(print_help(script))
    for action in read_parser(script)._actions:
        if action.option_strings and action.default not in (None, False, [], "==SUPPRESS=="):
            name, default = action.option_strings[0][2:], action.default
            said = {str(default), f"{default:g}" if isinstance(default, float) else "", "default"}
            if isinstance(default, Path) and default.is_relative_to(ROOT):
                said.add(default.relative_to(ROOT).as_posix())
            brackets = " ".join(re.findall(r"\(([^)]*)\)", shown[name]))
            assert any(each and each in brackets for each in said), f"{script} --{name} {default}: {shown[name]}"


@cache
def parsed_by(script: str) -> tuple:
    """The arguments of a run in which only what must be given is given."""
    seen = []
    parse = arguments.parse_arguments

    def watch(*classes, argv=None, **told):
        seen.append(parse(*classes, argv=argv, **told))
        raise SystemExit(0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arguments, "parse_arguments", watch)
        with pytest.raises(SystemExit):
            importlib.import_module(script.removesuffix(".py")).main(["--model_name_or_path", "encoder"])
    return seen[0]


@pytest.mark.parametrize("script", RUNS)
@pytest.mark.parametrize("flag", ["--help", "--help_all"])
def test_defaults_that_are_told_are_those_of_a_run(script, flag):
    *ours, choices = parsed_by(script)
    real = {each.name: getattr(one, each.name) for one in ours for each in dataclasses.fields(one)}
    if flag == "--help_all":
        real |= choices.values
    shown = options_in(print_help(script, flag))
    count = 0
    for name, value in real.items():
        if name == "model_name_or_path" or name not in shown:
            continue
        told = re.search(r"\(default: (.*)\)$", shown[name])
        assert told, shown[name]
        same = {str(value), "no" if value is False else ""}  # "no" is how transformers writes False once
        assert told[1] in same, f"--{name}: the help tells {told[1]}, a run has {value}"
        count += 1
    assert count == len(real.keys() & shown.keys() - {"model_name_or_path"}) > (100 if flag == "--help_all" else 20)


@pytest.mark.parametrize("script", RUNS)
def test_training_defaults_that_are_told_are_those_of_the_trainer(script, tmp_path):
    built = parsed_by(script)[-1].build(output_dir=str(tmp_path), use_cpu=True)
    told = dict(
        re.findall(r"^  --(\w+) (\S+): ", print_help(script).partition("training options that")[2], re.MULTILINE)
    )
    assert len(told) > 12
    for name, value in told.items():
        real = getattr(built, name)
        real = getattr(real, "value", real)  # of an enumeration
        assert value in (str(real), "none" if real in (None, []) else ""), f"--{name}"


def test_wrong_default_is_caught():
    shown = options_in("usage: x\n\ndata:\n  --head {a,b}\n                        A head (of two). (default: a)\n")
    assert shown == {"head": "--head {a,b} A head (of two). (default: a)"}


def test_missing_package_is_told_with_what_helps():
    """As in a Python in which nothing is installed."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); import predict"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1 and done.stderr.startswith("error: yaml is missing in this Python; ")
    assert "source .venv/bin/activate" in done.stderr and "Traceback" not in done.stderr
