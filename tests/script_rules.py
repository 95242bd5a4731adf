"""How large a training script's `main` may be, what it may do, and how much two scripts may have in common."""

import ast
from collections.abc import Iterator

from tests.source_tree import Source

MAIN_LINES, MAIN_NAMES = 120, 45
SHARED, SUBSTANTIAL = 0.35, 20  # of the lines with so many characters and more, imports apart
OPTIONS = "utils/options/"

Findings = Iterator[tuple[str, str | None]]


def sizes_of_main(sources: dict[str, Source]) -> Findings:
    """Three screens, and no more names than one keeps in mind; imports apart."""
    for source, main in _mains(sources):
        lines, names = main.end_lineno - main.lineno + 1, len(assigned_names(main))
        yield source.path, f"main() has {lines} lines, expected {MAIN_LINES} at most" if lines > MAIN_LINES else None
        yield source.path, f"main() has {names} names, expected {MAIN_NAMES} at most" if names > MAIN_NAMES else None


def assigned_names(function: ast.FunctionDef) -> set[str]:
    """All names that get a value in a function, and in what is nested in it."""
    return {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def nested_functions(sources: dict[str, Source]) -> Findings:
    """No function inside a function inside a function."""
    for source, main in _mains(sources):
        for outer in _functions(main):
            inner = ", ".join(each.name for each in _functions(outer))
            yield source.path, f"{outer.name} in main() has functions of its own: {inner}" if inner else None


def written_arguments(sources: dict[str, Source]) -> Findings:
    """What the command line says is read: no attribute of what `parse_arguments` gave is set."""
    for source, main in _mains(sources):
        parsed = _names_of_arguments(main)
        for node in ast.walk(main):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                name = getattr(node.value, "id", None)
                yield (
                    f"{source.path}:{node.lineno}",
                    f"sets {name}.{node.attr}; make a value of its own" if name in parsed else None,
                )
    for source in sources.values():
        if source.path.startswith(OPTIONS):
            for node in source.tree.body:
                if isinstance(node, ast.ClassDef) and any(map(_is_option, node.body)):
                    frozen = any("frozen=True" in ast.unparse(each) for each in node.decorator_list)
                    place = f"{source.path}:{node.lineno}"
                    yield place, None if frozen else f"{node.name} can be written to; add frozen=True"


def shared_lines(sources: dict[str, Source]) -> Findings:
    """How much of a script stands letter by letter in a sibling."""
    lines = {source.path: substantial_lines(source) for source, _ in _mains(sources)}
    for path, own in lines.items():
        for other, theirs in lines.items():
            if other != path:
                share = sum(line in theirs for line in own) / max(len(own), 1)
                yield path, f"{share:.0%} of it stands in {other}, too; say it once" if share > SHARED else None


def substantial_lines(source: Source) -> list[str]:
    """The lines of a script that say something, imports apart."""
    stripped = [line.strip() for line in source.text.splitlines()]
    return [line for line in stripped if len(line) >= SUBSTANTIAL and not line.startswith(("import ", "from "))]


def _mains(sources: dict[str, Source]) -> Iterator[tuple[Source, ast.FunctionDef]]:
    for source in sources.values():
        if source.is_script and source.path.startswith("run_"):
            yield from ((source, node) for node in source.tree.body if getattr(node, "name", "") == "main")


def _functions(outer: ast.FunctionDef) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(outer) if isinstance(node, ast.FunctionDef) and node is not outer]


def _is_option(node: ast.stmt) -> bool:
    return isinstance(node, ast.AnnAssign) and getattr(getattr(node.value, "func", None), "id", "") == "option"


def _names_of_arguments(main: ast.FunctionDef) -> set[str]:
    """The names that the parts of `parsed` are given."""
    names = {"parsed"}
    for node in ast.walk(main):
        if isinstance(node, ast.Assign) and getattr(node.value, "id", "") == "parsed":
            names |= {each.id for each in ast.walk(node.targets[0]) if isinstance(each, ast.Name)}
    return names
