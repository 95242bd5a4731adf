"""Write the tables of options in docs/ from the parsers of the scripts, in both languages.

    python scripts/option_tables.py            # after a change of an option
    python scripts/option_tables.py --check    # status 1 if a page is out of date, or Chinese is missing

A page marks the place: `<!-- options: run_ner.py | named-entity recognition -->`, and `<!-- end of options -->` after
it. Several scripts share a table; `training defaults` and `own fields` stand for the options of transformers that
differ here, and for ours among them. docs/zh/options.yaml has each help text in Chinese. Takes ten seconds.
"""

import argparse
import contextlib
import re
import runpy
import sys
from pathlib import Path
from unittest import mock

from utils.data.plain_yaml import load_yaml
from utils.options.training_defaults import OWN_FIELDS, TRAINING_DEFAULTS
from utils.running.atomic_files import write_text

ROOT = Path(__file__).resolve().parent.parent
CHINESE = ROOT / "docs" / "zh" / "options.yaml"
TABLE = re.compile(r"(<!-- options: (.*?) -->\n).*?(<!-- end of options -->)", re.DOTALL)
REQUIRED = "required"
HEADS = {
    "en": "| option | default, choices | what it does |\n|---|---|---|\n",
    "zh": "| 选项 | 默认值与可选值 | 作用 |\n|---|---|---|\n",
}


def read_parser(script: str) -> argparse.ArgumentParser:
    """The parser with which a script answers `--help`."""
    shown = []
    main = runpy.run_path(str(ROOT / script))["main"]
    with mock.patch.object(argparse.ArgumentParser, "print_help", lambda parser, file=None: shown.append(parser)):
        with contextlib.suppress(SystemExit):
            main(["--help"])
    return shown[0]


def read_options(script: str, group: str | None) -> dict[str, argparse.Action]:
    """The options of a group by name, or those of all groups."""
    groups = [each for each in read_parser(script)._action_groups if group in (None, each.title)]
    actions = [action for each in groups for action in each._group_actions]
    named = {
        (action.option_strings or [action.dest])[-1 if "-h" in action.option_strings else 0]: action
        for action in actions
    }
    return {name: action for name, action in named.items() if name != "--help" and action.help != argparse.SUPPRESS}


def describe_default(action: argparse.Action) -> str:
    """The default in bold and the other choices, in code; REQUIRED where there is none and one must be given."""
    default = action.default
    if "must be given" in str(default) or (action.required and action.option_strings):
        return REQUIRED
    if default is None or default is argparse.SUPPRESS or isinstance(default, list) or not action.option_strings:
        told = []
    else:
        told = [f"**`{str(default).lower() if isinstance(default, bool) else default}`**"]
    return ", ".join(told + [f"`{choice}`" for choice in action.choices or () if choice != default])


def make_rows(source: str) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Name, default, English help, and the scripts that have the option, if not all that are named have it."""
    if source == "training defaults":
        return [(f"--{name}", f"**`{value}`**", reason, ()) for name, (value, reason) in TRAINING_DEFAULTS.items()]
    if source == "own fields":
        return [
            (f"--{name}", f"**`{default}`**" if default else "", text, ())
            for name, (_, default, _, text) in OWN_FIELDS.items()
        ]
    names, _, group = (part.strip() for part in source.partition("|"))
    scripts = names.split()
    found: dict[str, list] = {}
    for script in scripts:
        for name, action in read_options(script, group or None).items():
            found.setdefault(name, [action, []])[1].append(script)
    return [
        (
            name,
            describe_default(action),
            (action.help or "").replace("%%", "%"),
            () if having == scripts else tuple(having),
        )
        for name, (action, having) in found.items()
    ]


def make_table(source: str, language: str, chinese: dict[str, str], missing: list[str]) -> str:
    """The table in Markdown; help texts without a translation are added to `missing`."""
    lines = []
    for name, default, text, having in make_rows(source):
        if language == "zh" and text not in chinese:
            missing.append(text)
        told = chinese.get(text, text) if language == "zh" else text
        if having:
            scripts = ", ".join(f"`{script}`" for script in having)
            told += f"（{scripts}）" if language == "zh" else f" ({scripts})"
        if default == REQUIRED and language == "zh":
            default = "必填"
        cells = [f"`{name}`" if name.startswith("-") else name, default, told]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    if not lines:
        raise SystemExit(f"option_tables.py: no options in {source}")
    return HEADS[language] + "".join(lines)


def main(argv=None) -> None:
    """Write the tables, or check them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; status 1 if something would change")
    args = parser.parse_args(argv)
    chinese = load_yaml(CHINESE.read_text(encoding="utf-8")) if CHINESE.exists() else {}
    missing: list[str] = []
    stale = []
    made: dict[tuple[str, str], str] = {}
    for page in sorted(ROOT.glob("docs/*/*.md")):
        language = page.parent.name

        def table(match, language=language):
            key = (match[2], language)
            if key not in made:
                made[key] = make_table(*key, chinese, missing)
            return f"{match[1]}\n{made[key]}\n{match[3]}"

        text = page.read_text(encoding="utf-8")
        if (wanted := TABLE.sub(table, text)) != text:
            stale.append(page.relative_to(ROOT).as_posix())
            if not args.check:
                write_text(page, wanted)
    for text in dict.fromkeys(missing):
        print(f"docs/zh/options.yaml: expected a line in Chinese for: {text}", file=sys.stderr)
    for page in stale:
        print(f"{page}: {'out of date; python scripts/option_tables.py' if args.check else 'written'}")
    if missing or (stale and args.check):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
