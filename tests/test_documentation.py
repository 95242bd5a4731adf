"""What the documentation says is so: examples run, flags are known, paths exist."""

import argparse
import ast
import doctest
import importlib
import re
import shlex
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from scripts import option_tables
from utils.data.errors import DataError
from utils.tagging.readers_ner import read_ner

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = sorted(path.name for path in ROOT.glob("*.py"))
TOOLS = sorted(
    path.relative_to(ROOT).as_posix() for folder in ("scripts", "benchmarks") for path in ROOT.glob(f"{folder}/*.py")
)

PAGES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/*/*.md"))

FLAG = re.compile(r"(?<![\w!-])--[A-Za-z]\w*(?:-\w+)*", re.ASCII)
FENCE = re.compile(r"^[ \t]*```.*?^[ \t]*```[ \t]*$", re.DOTALL | re.MULTILINE)
SCRIPT = re.compile(r"(?:run_\w+|predict|report|search|app|serve|export_onnx)\.py", re.ASCII)
PYTHON_FILE = re.compile(r"(?<![\w./-])(?:\./)?([\w./-]+\.py)(?![\w.])", re.ASCII)
PATH = re.compile(
    r"(?<![\w./-])(?:(?:utils|data|scripts|configs|tests|benchmarks|pretrained)/[\w./*-]*|(?:run_\w+|predict|report|search|app|serve|export_onnx)\.py)",
    re.ASCII,
)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")

# Examples


def list_examples() -> list[doctest.DocTest]:
    found = []
    for path in sorted(ROOT.glob("utils/*/*.py")):
        if ">>>" in path.read_text(encoding="utf-8"):
            module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
            found += [test for test in doctest.DocTestFinder(exclude_empty=True).find(module) if test.examples]
    return found


EXAMPLES = list_examples()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_example_gives_what_it_shows(example):
    report = []
    assert doctest.DocTestRunner().run(example, out=report.append).failed == 0, "".join(report)


def test_examples_are_found_and_few_are_skipped():
    lines = [line for example in EXAMPLES for line in example.examples]
    skipped = [line for line in lines if line.options.get(doctest.SKIP)]
    assert len(EXAMPLES) >= 12
    assert len(lines) - len(skipped) >= 18
    assert len(skipped) <= 4


def test_wrong_example_is_caught():
    example = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, None)
    assert doctest.DocTestRunner(verbose=False).run(example, out=lambda text: None).failed == 1


# Flags


@cache
def known_flags(script: str) -> frozenset[str]:
    """The flags that a command of ours takes: from its parser, or (scripts/, benchmarks/) written in its folder."""
    if script in TOOLS:
        trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / script).parent.glob("*.py")]
        constants = {getattr(node, "value", None) for tree in trees for node in ast.walk(tree)}
        return frozenset(text for text in constants if isinstance(text, str) and FLAG.fullmatch(text))
    module = importlib.import_module(script.removesuffix(".py"))
    parsers = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "print_help", lambda parser, file=None: parsers.append(parser))
        with pytest.raises(SystemExit):
            module.main(["--help_all" if script.startswith("run_") else "--help"])
    flags = {flag for parser in parsers for action in parser._actions for flag in action.option_strings}
    return frozenset(flags | ({"--help_all"} if script.startswith("run_") else set()))


def check_command(line: str) -> Iterator[tuple[str, str | None]]:
    """Yield a flag and a complaint or None for all behind a script's name, up to the next command.

    What stands behind `--` is for a script that a benchmark runs.
    """
    line = re.sub(r"\"[^\"]*\"|'[^']*'", '""', line)
    for command in re.split(r"&&|[;|]|\s#\s", line):
        for match in PYTHON_FILE.finditer(command):
            script = match[1]
            if SCRIPT.fullmatch(script) and script not in SCRIPTS:
                yield script, f"there is no {script}: {command.strip()}"
            elif script in SCRIPTS or script in TOOLS:
                own, passed_on = command[match.end() :], ""
                if script in TOOLS:
                    own, _, passed_on = own.partition(" -- ")
                for flag in FLAG.findall(own):
                    yield flag, None if flag in known_flags(script) else f"{script} has no {flag}: {command.strip()}"
                yield from check_prose(passed_on)
                break  # what stands before is the launcher's


def check_prose(text: str, *tools: str) -> Iterator[tuple[str, str | None]]:
    """Flags without a command must be known to one of the scripts at least, or to one of `tools`."""
    for flag in FLAG.findall(text):
        known = any(flag in known_flags(script) for script in (*SCRIPTS, *tools))
        yield flag, None if known else f"no script has {flag}: {text.strip()[:80]}"


def join_lines(text: str) -> list[str]:
    return re.sub(r"\\\n\s*", " ", text).splitlines()


def check_markdown(text: str) -> Iterator[tuple[str, str | None]]:
    tools = [name for name in PYTHON_FILE.findall(text) if name in TOOLS]
    for block in FENCE.findall(text):
        for line in join_lines(block):
            yield from check_command(line)
    prose = FENCE.sub("", text)
    for span in re.findall(r"`([^`]+)`", prose):
        if span.lstrip().startswith("--"):
            yield from check_prose(span, *tools)
        else:
            yield from check_command(span.replace("\n", " "))
    yield from check_prose(re.sub(r"`[^`]+`", "``", prose), *tools)


def check_shell(text: str) -> Iterator[tuple[str, str | None]]:
    """Commands, also in comments; and lists of flags that commands are given as `"${flags[@]}"`."""
    for line in join_lines(text):
        line = line.strip().lstrip("# ")
        if re.match(r"--|\w+=[(\"']", line):
            yield from check_prose(line)
        else:
            yield from check_command(line)


def check_docstring(text: str) -> Iterator[tuple[str, str | None]]:
    """Of a script: lines that name one are commands, the rest is prose, also about the tools that it names."""
    docstring = ast.get_docstring(ast.parse(text)) or ""
    tools = [name for name in PYTHON_FILE.findall(docstring) if name in TOOLS]
    for line in join_lines(docstring):
        yield from check_command(line) if PYTHON_FILE.search(line) else check_prose(line, *tools)


def check_config(text: str) -> Iterator[tuple[str, str | None]]:
    """A configuration names its script in a comment, and has its flags as keys."""
    named = [script for script in PYTHON_FILE.findall(text) if script in SCRIPTS]
    if not named:
        yield "", "names no script: write its command in a comment"
        return
    yield from check_command(join_lines(text)[0])
    for key in yaml.safe_load(text):
        yield key, None if f"--{key}" in known_flags(named[0]) else f"{named[0]} has no --{key}"


def check_documents() -> Iterator[tuple[str, str, str | None]]:
    """Yield document, flag, and a complaint or None."""
    kinds = [
        (check_markdown, ["README*.md", "*/README*.md", "*/*/README*.md", "docs/*/*.md"]),
        (check_shell, ["scripts/*.sh", "scripts/tables/*.sh"]),
        (
            check_config,
            ["configs/*.yaml", "configs/search/*.yaml"],
        ),  # those of a launcher: tests/processes/test_launch_files.py
        (check_docstring, ["*.py", "scripts/*.py", "benchmarks/*.py"]),
    ]
    for check, patterns in kinds:
        for path in sorted(path for pattern in patterns for path in ROOT.glob(pattern)):
            if not path.relative_to(ROOT).parts[0].startswith("."):
                for flag, complaint in check(path.read_text(encoding="utf-8")):
                    yield path.relative_to(ROOT).as_posix(), flag, complaint


def test_every_flag_in_the_documents_is_known():
    findings = list(check_documents())
    complaints = [f"{document}: {complaint}" for document, _, complaint in findings if complaint]
    assert not complaints, "\n".join(complaints)
    least = {
        "README.md": 5,
        "run_ner.py": 8,
        "predict.py": 4,
        "scripts/quickstart.sh": 3,
        "configs/quickstart.yaml": 8,
    }
    counts = Counter(document for document, _, _ in findings)
    assert [document for document in least if counts[document] < least[document]] == []


def test_parsers_know_our_flags_and_those_of_the_trainer():
    assert len(known_flags("run_ner.py")) > 100
    assert {"--head", "--fgm_epsilon", "--warmup_steps", "--precision", "--help_all"} <= known_flags("run_ner.py")
    assert {"--input_file", "--help"} <= known_flags("predict.py")
    assert "--warmup_steps" not in known_flags("predict.py")


@pytest.mark.parametrize(
    ("check", "text", "wrong"),
    [
        (check_markdown, "```bash\npython run_ner.py \\\n    --head crf \\\n    --no_such 1\n```", ["--no_such"]),
        (check_markdown, "```\npython run_ner.py --text a | python predict.py d --head b\n```", ["--text", "--head"]),
        (check_markdown, "```\npython run_nothing.py --head crf\n```", ["run_nothing.py"]),
        (check_markdown, "Give `--fgm_epsilon 1`, or --no_such.", ["--no_such"]),
        (check_markdown, "With `--no_such 1`, or `python predict.py d --head crf`.", ["--no_such", "--head"]),
        (check_shell, "# python predict.py d --head crf\nflags=(--no_such 1)", ["--head", "--no_such"]),
        (check_config, "# python run_ner.py configs/a.yaml\nhead: crf\nheads: 2", ["heads"]),
        (check_config, "head: crf", [""]),
        (check_docstring, '"""Runs.\n\n    python run_ner.py --heads 2 \\\\\n        --seeds 3\n\nSee --no_such."""',
         ["--heads", "--seeds", "--no_such"]),
        (check_docstring, '"""    python benchmarks/stock_crf.py --no_such"""', ["--no_such"]),
        (check_docstring, '"""    python benchmarks/text_speed.py --no_such -- --pooling mean --nor_this"""',
         ["--no_such", "--nor_this"]),
    ],
)  # fmt: skip
def test_wrong_flag_is_caught(check, text, wrong):
    assert [flag for flag, complaint in check(text) if complaint] == wrong


@pytest.mark.parametrize(
    ("check", "text", "count"),
    [
        (
            check_markdown,
            "```\naccelerate launch --num_processes 2 run_ner.py --head crf --learning_rate=1e-3\n```",
            2,
        ),
        (
            check_markdown,
            "```\npip install --upgrade pip\n```\n`pip install --user`, a -- b, <!-- note -->, `--seed 1`",
            1,
        ),
        (check_markdown, '```\npython predict.py d --text "a; b --no_such"  # --no_such\n```', 1),
        (check_shell, '.venv/bin/python run_ner.py configs/a.yaml --head "$head" "$@"', 1),
    ],
)
def test_right_flag_is_not(check, text, count):
    findings = list(check(text))
    assert len(findings) == count
    assert not [complaint for _, complaint in findings if complaint]


# Paths

HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")


def missing_paths(text: str, page: str = "README.md") -> tuple[list[str], list[str]]:
    """All paths of the repository that a document names, and those that are neither there nor made by a script."""
    folder = (ROOT / page).parent
    links = [(folder / match).resolve() for match in LINK.findall(FENCE.sub("", text))]
    named = {match.rstrip(".-") for match in PATH.findall(re.sub(r"\]\([^)]*\)", "]()", text))}
    named |= {path.relative_to(ROOT).as_posix() for path in links if path.is_relative_to(ROOT)}
    made = tuple((ROOT / ".gitignore").read_text(encoding="utf-8").split())
    return sorted(named), sorted(path for path in named if not path.startswith(made) and not any(ROOT.glob(path)))


def missing_headings(text: str, page: str) -> tuple[list[str], list[str]]:
    """All links to a heading, of this page or another one, and those to a heading that is not there."""
    found = re.findall(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)", FENCE.sub("", text))
    missing = []
    for target, anchor in found:
        path = (ROOT / page).parent / target if target else ROOT / page
        headings = HEADING.findall(FENCE.sub("", path.read_text(encoding="utf-8") if target else text))
        if anchor not in map(slug, headings):
            missing.append(f"{target}#{anchor}")
    return [f"{target}#{anchor}" for target, anchor in found], missing


LEAST_PATHS = {"README.md": 8, "README_zh.md": 8, **dict.fromkeys(PAGES, 1)}


@pytest.mark.parametrize(("name", "least"), LEAST_PATHS.items())
def test_every_path_in_a_document_exists(name, least):
    text = (ROOT / name).read_text(encoding="utf-8")
    named, missing = missing_paths(text, name)
    assert missing == []
    assert missing_headings(text, name)[1] == []
    assert len(named) >= least


def test_missing_path_is_caught():
    text = (
        "见`utils/data/no_such.py`、`run_ner.py`, data/ner_sample/, [a](LICENSE), [b](docs/no_such.md). "
        "configs/*.toml pretrained/published/me5-small-zh"
    )
    named, missing = missing_paths(text)
    assert len(named) == 7
    assert missing == ["configs/*.toml", "docs/no_such.md", "utils/data/no_such.py"]
    assert missing_paths("https://example.org/data/no_such and outputs/data/x") == ([], [])
    assert missing_paths("[a](../../README.md) [b](no_such.md)", "docs/en/ner.md")[1] == ["docs/en/no_such.md"]


def test_missing_heading_is_caught():
    text = "# A `b`, c\n[x](#a-b-c) [y](#no) [z](docs/en/training.md#learning-rate) [z](docs/en/training.md#none)"
    assert missing_headings(text, "README.md")[1] == ["#no", "docs/en/training.md#none"]


# Files that commands take

WRITES = ("--output_dir", "--output_file", "--merge", "--keep", ">", "-p")
EARLIER = {
    "outputs/quickstart",
    "outputs/reviews",
    "outputs/qa",
    "outputs/cluener",
}  # of README, and pages linked there
MADE_FILE = re.compile(r"(?:outputs/[\w./*-]+|(?<![\w/])[\w-]+\.ya?ml)")


def unmade_files(text: str) -> tuple[list[str], list[str]]:
    """The folders in outputs/ and YAML files that commands name, and those that no command of the page writes."""
    made = EARLIER | set(re.findall(r"`([\w-]+\.ya?ml)`[^\n]*\n\n```yaml", text))  # a file that the page shows
    for block in re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        made |= set(re.findall(r'Path\("(outputs/[\w/]+)"\)', block))
    named, missing = [], []
    for block in re.findall(r"^[ \t]*```bash\n(.*?)^[ \t]*```", text, re.DOTALL | re.MULTILINE):
        for line in join_lines(block):
            line = re.sub(r"\$\w+", "*", re.sub(r"\s#\s.*", "", line))
            words = re.sub(r"(>)(?=\w)", r"\1 ", line).split()
            if "scripts/tables/" in line:
                made.add("outputs/tables")
            writers = {"scripts/trim_vocabulary.py", "scripts/keep_layers.py", "export_onnx.py"} & set(words)
            for before, word in zip(["", *words], words, strict=False):
                for path in MADE_FILE.findall(word):
                    if before in WRITES or (
                        writers and path.startswith("outputs/") and path != words[words.index(*writers) + 1]
                    ):
                        made.add(path)
                    named.append(path)
                    if not any(fnmatch(path, one) or path.startswith(f"{one}/") for one in made):
                        missing.append(path)
    return named, missing


def test_no_command_takes_a_file_that_nothing_makes():
    count = 0
    for page in ("README.md", *PAGES):
        named, missing = unmade_files((ROOT / page).read_text(encoding="utf-8"))
        assert missing == [], page
        count += len(named)
    assert count > 60


def test_configurations_that_a_script_takes_in_its_docstring_are_there():
    taken = []
    for script in SCRIPTS:
        docstring = ast.get_docstring(ast.parse((ROOT / script).read_text(encoding="utf-8")))
        for line in join_lines(docstring):
            words = line.split() if line.startswith("    python ") else []
            taken += [word for before, word in pairwise(words) if word.endswith(".yaml") and before not in WRITES]
    assert {name for name in taken if not (ROOT / name).is_file()} == {"base.yaml", "space.yaml"}  # which it explains
    assert len(taken) > 6


def test_file_that_nothing_makes_is_caught():
    text = "```bash\npython run_ner.py config.yaml --output_dir outputs/a\npython predict.py outputs/a\n"
    assert unmade_files(text + "python predict.py outputs/b # outputs/c\n```")[1] == ["config.yaml", "outputs/b"]
    assert unmade_files("```bash\necho 1 >outputs/a.txt\npython predict.py --input_file outputs/a.txt\n```")[1] == []


# Commands that train, checked by the scripts themselves


def commands_of(script: str) -> list[tuple[str, list[str]]]:
    """Page and words of each command in the English pages whose script has a name like this, from the script on."""
    found = []
    for page in ("README.md", *(page for page in PAGES if page.startswith("docs/en/"))):
        text = (ROOT / page).read_text(encoding="utf-8")
        for block in re.findall(r"^[ \t]*```bash\n(.*?)^[ \t]*```", text, re.DOTALL | re.MULTILINE):
            for line in join_lines(block):
                match = re.search(r"(?:^\s*python|accelerate launch .*?|torchrun .*?) (" + script + " .*)", line)
                if match and "--fill" not in line:  # which trains nothing, and takes no --check_options
                    found.append((page, shlex.split(re.sub(r"\$\w+", "1", match[1]), comments=True)))
    return found


COMMANDS = commands_of(r"run_\w+\.py")
OTHER_COMMANDS = commands_of(r"(?:(?:predict|report|search|app|serve|export_onnx)|scripts/\w+)\.py")


@pytest.mark.parametrize(("page", "words"), COMMANDS, ids=[f"{page}-{words[0]}" for page, words in COMMANDS])
def test_command_that_trains_is_accepted_by_its_script(page, words, monkeypatch):
    script, *rest = words
    if rest[0].startswith("outputs/"):
        pytest.skip("a configuration that an earlier command writes")
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("utils.options.arguments.require_file", lambda path: None)  # most are not in the repository
    monkeypatch.setattr("utils.running.trackers.find_spec", lambda name: True)
    with pytest.raises(SystemExit) as stopped:
        importlib.import_module(script.removesuffix(".py")).main([*rest, "--check_options"])
    assert not stopped.value.code


@cache
def parser_of(script: str) -> argparse.ArgumentParser:
    return option_tables.read_parser(script)


@pytest.mark.parametrize(("page", "words"), OTHER_COMMANDS, ids=[f"{page}-{one[0]}" for page, one in OTHER_COMMANDS])
def test_other_command_is_accepted_by_its_parser(page, words):
    parser_of(words[0]).parse_args(words[1:])


def test_commands_are_found():
    assert len(COMMANDS) >= 45 and len(OTHER_COMMANDS) >= 36
    others = {words[0] for _, words in OTHER_COMMANDS}
    assert others >= {f"{name}.py" for name in ("predict", "report", "search", "app", "serve", "export_onnx")}
    assert others >= {"scripts/average_weights.py", "scripts/trim_vocabulary.py"}
    assert {words[0] for _, words in COMMANDS} >= {
        f"run_{task}.py" for task in ("ner", "qa_cls", "qa_span", "prompt", "mlm")
    }


def test_errors_of_a_file_are_told_as_the_page_shows(tmp_path, monkeypatch):
    (tmp_path / "train.json").write_text(
        '{"text": "张三在北京", "label": {"name": {"张四": [[0, 1]]}}}\n'
        '{"text": "张三在北京", "label": {"name": {"张三": [[0, 9]]}}}\nx\n',
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as error:
        read_ner("train.json")
    assert f"error: {error.value}\n```" in (ROOT / "docs" / "en" / "data.md").read_text(encoding="utf-8")


# README, and both languages


def test_readme_is_short_and_begins_with_how_to_set_up():
    for name in ("README.md", "README_zh.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert len(text.encode()) <= 14_000
        screen = "\n".join(text.splitlines()[:12])
        assert "scripts/setup.sh" in screen and "scripts/test.sh" in screen


def test_readme_leads_to_every_page():
    for name, language in (("README.md", "en"), ("README_zh.md", "zh")):
        text = (ROOT / name).read_text(encoding="utf-8")
        pages = [page for page in PAGES if page.startswith(f"docs/{language}/")]
        assert [page for page in pages if f"]({page}" not in text] == []
        assert len(pages) >= 18


NUMBER = re.compile(r"\d+\.\d+")
PAIRS = [
    ("README.md", "README_zh.md"),
    *((page, page.replace("/en/", "/zh/")) for page in PAGES if page.startswith("docs/en/")),
]


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_page_shows_the_same_in_both_languages(english, chinese):
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in (english, chinese)]
    blocks = [FENCE.findall(text) for text in texts]
    assert blocks[0] == blocks[1]
    prose = [
        re.sub(r"<!-- options: .*?<!-- end of options -->", "", FENCE.sub("", text), flags=re.DOTALL) for text in texts
    ]
    assert Counter(NUMBER.findall(prose[0])) == Counter(NUMBER.findall(prose[1]))
    headings = [[len(level) for level in re.findall(r"^(#+) ", FENCE.sub("", text), re.MULTILINE)] for text in texts]
    assert headings[0] == headings[1]
