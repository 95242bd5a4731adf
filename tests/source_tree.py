"""The Python files of the repository, parsed, and what each imports."""

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent


class Source(NamedTuple):
    path: str
    text: str
    tree: ast.Module

    @property
    def module(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def is_script(self) -> bool:
        return "/" not in self.path


class Import(NamedTuple):
    line: int
    target: str  # module of ours, if there is one; else as it is written
    name: str | None  # what is taken from the module
    level: int  # dots before the name


def parse(files: dict[str, str]) -> dict[str, Source]:
    return {path: Source(path, text, ast.parse(text)) for path, text in files.items()}


def read_sources() -> dict[str, Source]:
    patterns = ["*.py", *(f"{folder}/**/*.py" for folder in ("utils", "tests", "scripts", "benchmarks"))]
    paths = sorted(path for pattern in patterns for path in ROOT.glob(pattern))
    return parse({path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths})


def shipped(sources: dict[str, Source], *folders: str) -> list[Source]:
    """Without tests; with `folders`, only the files below these."""
    chosen = [source for source in sources.values() if not source.path.startswith("tests/")]
    return [source for source in chosen if not folders or source.path.startswith(folders)]


def late_nodes(tree: ast.Module) -> set[int]:
    """The ids of the nodes inside functions: what does not run at import."""
    functions = (
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    )
    return {id(node) for function in functions for node in ast.walk(function)}


def list_imports(source: Source, sources: dict[str, Source]) -> list[Import]:
    modules = {each.module for each in sources.values()}
    package = source.module if source.path.endswith("__init__.py") else source.module.rpartition(".")[0]
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            found += [Import(node.lineno, alias.name, None, 0) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *filter(None, [node.module])])
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                target, name = (whole, None) if whole in modules else (base, alias.name)
                found.append(Import(node.lineno, target, name, node.level))
    return found


@cache
def origins(source: Source) -> dict[str, str]:
    """What the imported names of a file stand for."""
    found = {}
    for node in ast.walk(source.tree):
        for alias in node.names if isinstance(node, ast.Import | ast.ImportFrom) else ():
            module = getattr(node, "module", None)
            found[alias.asname or alias.name] = f"{module}.{alias.name}" if module else alias.name
    return found


def dotted(node: ast.expr, source: Source) -> str:
    """`np.load` -> "numpy.load", whatever the file calls numpy; "" for what is no plain name."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    origin = origins(source).get(node.id, node.id)
    return ".".join([origin, *reversed(parts)])
