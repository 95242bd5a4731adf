"""What the source may contain and who may import whom. Every rule is also shown a file that breaks it."""

import ast
import graphlib
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import requires
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
import transformers

ROOT = Path(__file__).resolve().parent.parent
SCRIPT_LINES, MODULE_LINES = 260, 430

# Wing of utils/ -> packages beside the standard library, and modules of utils/ (a wing's name stands for all of it).
WINGS = {
    "data": ({"datasets", "pyarrow", "yaml"}, {"data"}),
    "encoding": ({"datasets", "torch", "transformers"}, {"data.tag_schemes", "encoding"}),
    "modeling": ({"torch", "transformers"}, {"modeling.crf"}),
    "training": (
        {"accelerate", "datasets", "peft", "safetensors", "torch", "tqdm", "transformers", "yaml"},
        {"data.errors", "training"},
    ),
    "evaluation": (
        {"datasets", "evaluate", "numpy", "seqeval", "sklearn", "torch", "transformers", "yaml"},
        {"data", "encoding", "evaluation", "modeling"},
    ),
    "prompting": ({"numpy", "torch"}, {"prompting"}),
}
IMPORT_NAMES = {"scikit-learn": "sklearn", "pyyaml": "yaml"}
BROUGHT_ALONG = {"pyarrow": "datasets", "numpy": "transformers"}  # package -> the requirement that always installs it
VAGUE_NAMES = {"common", "helper", "helpers", "misc", "util", "utils"}
PICKLING = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
FORBIDDEN = {"eval", "exec", "__import__", "importlib.import_module", "torch.load", "evaluate.load"}
ENVIRONMENT_EDITS = {"os.putenv", "os.unsetenv", *(f"os.environ.{name}" for name in ("update", "setdefault", "pop"))}
MAY_PRINT = ("predict.py", "report.py", "scripts/", "benchmarks/")
# Methods that a library documents, by the class that ours inherits from: they need no docstring.
LIBRARY_METHODS = {
    "torch.nn.Module": {"forward", "extra_repr"},
    "transformers.Trainer": {
        *("compute_loss", "create_optimizer", "create_scheduler", "evaluate", "get_train_dataloader", "log"),
        *("predict", "prediction_step", "train", "training_step"),
    },
}
CALLBACKS = {"transformers.TrainerCallback", "transformers.ProgressCallback", "transformers.PrinterCallback"}  # on_...


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


# The rules: each yields a place and a complaint, or None, for everything that it looks at.

Findings = Iterator[tuple[str, str | None]]


def imports_of_wings(sources: dict[str, Source]) -> Findings:
    for source in shipped(sources, "utils/"):
        if source.path == "utils/__init__.py":
            continue
        parts = source.path.split("/")
        if len(parts) != 3 or parts[1] not in WINGS:
            yield source.path, f"expected a module in a wing: utils/{{{','.join(WINGS)}}}/"
            continue
        packages, rooms = WINGS[parts[1]]
        for each in list_imports(source, sources):
            head, _, room = each.target.partition(".")
            if head in sys.stdlib_module_names:
                fine = True
            elif head == "utils":
                fine = room in rooms or room.split(".")[0] in rooms
                if parts[1] == "modeling":
                    fine = fine and each.level == 1  # the Hub takes along what is imported with one dot
            else:
                fine = head in packages
            yield f"{source.path}:{each.line}", None if fine else f"utils/{parts[1]}/ may not import {each.target}"


def imports_of_scripts(sources: dict[str, Source]) -> Findings:
    scripts = {source.module for source in sources.values() if source.is_script}
    for source in shipped(sources):
        for each in list_imports(source, sources):
            wrong = each.target.split(".")[0] in scripts
            yield f"{source.path}:{each.line}", f"imports the script {each.target}" if wrong else None


def circles(sources: dict[str, Source]) -> Findings:
    modules = {source.module for source in sources.values()}
    graph: dict[str, set[str]] = {}
    for source in shipped(sources):
        for each in list_imports(source, sources):
            if each.target not in modules:
                continue
            yield f"{source.path}:{each.line}", None
            graph.setdefault(source.module, set()).add(each.target)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        yield error.args[1][0], f"imports in a circle: {' <- '.join(error.args[1])}"


def names_from_elsewhere(sources: dict[str, Source]) -> Findings:
    """No re-exports: a name is imported from the module that defines it."""
    by_module = {source.module: source for source in sources.values()}
    for source in sources.values():
        for each in list_imports(source, sources):
            if each.name is None or each.target not in by_module:
                continue
            passed_on = {
                alias.asname or alias.name
                for node in ast.walk(by_module[each.target].tree)
                if isinstance(node, ast.Import | ast.ImportFrom)
                for alias in node.names
            }
            wrong = each.name in passed_on or each.name == "*"
            yield f"{source.path}:{each.line}", f"{each.target} does not define {each.name}" if wrong else None


def module_names(sources: dict[str, Source]) -> Findings:
    for path in sources:
        parts = path.removesuffix(".py").split("/")
        vague = VAGUE_NAMES.intersection(parts[1:] if parts[0] == "utils" and len(parts) > 1 else parts)
        yield path, f"says nothing about its content: {', '.join(vague)}" if vague else None


def package_files(sources: dict[str, Source]) -> Findings:
    for source in sources.values():
        if source.path.endswith("__init__.py"):
            yield source.path, "expected an empty __init__.py" if source.text.strip() else None


def forbidden_calls(sources: dict[str, Source]) -> Findings:
    for source in shipped(sources):
        for each in list_imports(source, sources):
            whole = f"{each.target}.{each.name}" if each.name else each.target
            wrong = each.target.split(".")[0] in PICKLING or whole in FORBIDDEN
            yield f"{source.path}:{each.line}", f"imports {whole}" if wrong else None
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call):
                name = dotted(node.func, source)
                wrong = name in FORBIDDEN or name.split(".")[0] in PICKLING
                allows_pickle = any(
                    keyword.arg == "allow_pickle" and getattr(keyword.value, "value", None) is not False
                    for keyword in node.keywords
                )
                complaint = f"calls {name}" if wrong else "allows pickle" if allows_pickle else None
                yield f"{source.path}:{node.lineno}", complaint


def state_at_import(sources: dict[str, Source]) -> Findings:
    """Edits of `sys.path` anywhere, and of the environment while a module is imported."""
    for source in shipped(sources):
        late = late_nodes(source.tree)
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call):
                changed = [dotted(node.func, source)]
                wrong = changed[0].startswith("sys.path.") or (
                    changed[0] in ENVIRONMENT_EDITS and id(node) not in late
                )
            elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Delete):
                targets = getattr(node, "targets", None) or [node.target]
                targets = [each for one in targets for each in getattr(one, "elts", [one])]
                changed = [dotted(each.value if isinstance(each, ast.Subscript) else each, source) for each in targets]
                wrong = "sys.path" in changed or ("os.environ" in changed and id(node) not in late)
            else:
                continue
            yield f"{source.path}:{node.lineno}", f"changes {', '.join(changed)}" if wrong else None


def assertions(sources: dict[str, Source]) -> Findings:
    for source in shipped(sources):
        lines = [node.lineno for node in ast.walk(source.tree) if isinstance(node, ast.Assert)]
        yield source.path, f"assert in lines {lines}; raise an error that says what to do" if lines else None


def prints(sources: dict[str, Source]) -> Findings:
    for source in shipped(sources):
        if source.path.startswith(MAY_PRINT):
            continue
        allowed = {
            id(node)
            for function in source.tree.body
            if source.path == "utils/training/arguments.py" and getattr(function, "name", "") == "run_script"
            for node in ast.walk(function)
        }
        lines = [
            node.lineno
            for node in ast.walk(source.tree)
            if isinstance(node, ast.Call) and dotted(node.func, source) == "print" and id(node) not in allowed
        ]
        yield source.path, f"print in lines {lines}; use the logger" if lines else None


def bare_excepts(sources: dict[str, Source]) -> Findings:
    for source in sources.values():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ExceptHandler):
                yield f"{source.path}:{node.lineno}", None if node.type else "bare except; name what may be raised"


def lengths(sources: dict[str, Source]) -> Findings:
    for source in shipped(sources):
        limit = SCRIPT_LINES if source.is_script else MODULE_LINES
        count = len(source.text.splitlines())
        yield source.path, f"{count} lines, expected fewer than {limit}" if count >= limit else None


def docstrings(sources: dict[str, Source]) -> Findings:
    """Of public functions, classes and methods; not where a library or a base class beside it has the method's."""
    for source in shipped(sources, "utils/"):
        if source.text.strip():
            yield source.path, None if ast.get_docstring(source.tree) else "the module has no docstring"
        classes = {node.name: node for node in source.tree.body if isinstance(node, ast.ClassDef)}
        owners = [(source.tree, "", [])]
        owners += [(node, f"{name}.", node.bases) for name, node in classes.items() if not name.startswith("_")]
        for owner, prefix, bases in owners:
            inherited = set()
            for base in bases:
                name = dotted(base, source)
                inherited |= LIBRARY_METHODS.get(name, set())
                if name in CALLBACKS:
                    inherited |= {each.name for each in owner.body if getattr(each, "name", "").startswith("on_")}
                for each in classes[name].body if name in classes else ():
                    if isinstance(each, ast.FunctionDef) and ast.get_docstring(each):
                        inherited.add(each.name)
            for node in owner.body:
                if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    continue
                if not node.name.startswith("_") and node.name not in inherited:
                    place = f"{source.path}:{node.lineno}"
                    yield place, None if ast.get_docstring(node) else f"{prefix}{node.name} has no docstring"


def packages(sources: dict[str, Source]) -> Findings:
    known = {IMPORT_NAMES.get(name, name) for name in required("requirements.txt")} | BROUGHT_ALONG.keys()
    ours = {source.module.split(".")[0] for source in sources.values()}
    for source in shipped(sources):
        if source.path.startswith("benchmarks/"):
            continue
        for each in list_imports(source, sources):
            package = each.target.split(".")[0]
            fine = package in known or package in ours or package in sys.stdlib_module_names
            yield f"{source.path}:{each.line}", None if fine else f"{package} is not in requirements.txt"


def required(name: str) -> set[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return {re.match(r"[\w.-]+", line)[0].lower() for line in lines if line and not line.startswith("#")}


# Each rule with the least that it must look at in this repository.
RULES: dict[Callable, int] = {
    imports_of_wings: 200,
    imports_of_scripts: 300,
    circles: 80,
    names_from_elsewhere: 100,
    module_names: 40,
    package_files: 6,
    forbidden_calls: 2000,
    state_at_import: 2500,
    assertions: 30,
    prints: 25,
    bare_excepts: 20,
    lengths: 30,
    docstrings: 140,
    packages: 250,
}

BAD_FILES = [
    (imports_of_wings, {"utils/data/a.py": "import torch"}, 1),
    (imports_of_wings, {"utils/data/a.py": "from ..training.b import c", "utils/training/b.py": "c = 1"}, 1),
    (imports_of_wings, {"utils/encoding/a.py": "def f():\n    import sklearn.metrics"}, 1),
    (imports_of_wings, {"utils/encoding/a.py": "from ..data.splits import b"}, 1),
    (imports_of_wings, {"utils/modeling/a.py": "from ..data.tag_schemes import b"}, 1),
    (imports_of_wings, {"utils/modeling/a.py": "from .span_tagger import b"}, 1),
    (imports_of_wings, {"utils/modeling/a.py": "from utils.modeling.crf import b"}, 1),
    (imports_of_wings, {"utils/training/a.py": "from ..data import splits", "utils/data/splits.py": ""}, 1),
    (imports_of_wings, {"utils/evaluation/a.py": "from ..training import b", "utils/training/b.py": ""}, 1),
    (imports_of_wings, {"utils/a.py": "", "utils/games/b.py": "", "utils/data/deep/c.py": ""}, 3),
    (imports_of_scripts, {"run_a.py": "", "run_b.py": "from run_a import main"}, 1),
    (imports_of_scripts, {"run_a.py": "", "utils/data/b.py": "def f():\n    import run_a"}, 1),
    (circles, {"utils/data/a.py": "from .b import c", "utils/data/b.py": "def f():\n    from . import a"}, 1),
    (circles, {"utils/data/a.py": "import utils.data.a"}, 1),
    (names_from_elsewhere, {"utils/data/a.py": "from .b import Path", "utils/data/b.py": "from os import Path"}, 1),
    (names_from_elsewhere, {"tests/a.py": "from utils.data.b import *", "utils/data/b.py": ""}, 1),
    (module_names, {"utils/data/common.py": "", "tests/helpers.py": "", "utils/misc/a.py": "", "utils.py": ""}, 4),
    (package_files, {"utils/data/__init__.py": "from .readers_ner import read_ner"}, 1),
    (forbidden_calls, {"a.py": "eval('1')\nexec('1')\n__import__('os')"}, 3),
    (forbidden_calls, {"a.py": "import pickle as p\np.loads(b'')"}, 2),
    (forbidden_calls, {"a.py": "import torch as t\nt.load('a')\nfrom torch import load as read\nread('a')"}, 3),
    (forbidden_calls, {"utils/evaluation/a.py": "import evaluate\nevaluate.load('f1')"}, 1),
    (forbidden_calls, {"a.py": "import importlib\nimportlib.import_module('a')"}, 1),
    (forbidden_calls, {"a.py": "import numpy as np\nnp.load('a', allow_pickle=True)"}, 1),
    (state_at_import, {"a.py": "import sys\ndef f():\n    sys.path.insert(0, '.')\n    sys.path += ['.']"}, 2),
    (state_at_import, {"a.py": "from sys import path\npath.append('.')\npath[:] = []"}, 2),
    (state_at_import, {"a.py": "import os\nif True:\n    os.environ['A'] = '1'\nos.environ.setdefault('B', '1')"}, 2),
    (assertions, {"utils/data/a.py": "def f(b):\n    assert b"}, 1),
    (prints, {"utils/data/a.py": "print(1)", "run_a.py": "def main():\n    print(1)"}, 2),
    (prints, {"utils/training/arguments.py": "def other():\n    print(1)"}, 1),
    (bare_excepts, {"a.py": "try:\n    pass\nexcept:\n    pass"}, 1),
    (lengths, {"run_a.py": "\n" * 260, "utils/data/a.py": "\n" * 430}, 2),
    (docstrings, {"utils/data/a.py": "def f():\n    pass\nclass A:\n    def g(self):\n        pass"}, 4),
    (
        docstrings,
        {"utils/a/b.py": '"""."""\nfrom torch import nn\nclass A(nn.Module):\n    """."""\n    def go(self): pass'},
        1,
    ),
    (packages, {"utils/data/a.py": "import requests", "scripts/a.py": "def f():\n    from pandas import b"}, 2),
]

GOOD_FILES = {
    "run_a.py": '''
"""Says print("a") and eval("b")."""
import os
from utils.data import a
from utils.modeling.b import Net

def main(model):
    os.environ["A"] = "1"
    model.eval()
    a.load()
''',
    "utils/data/a.py": '''
"""Module."""
import json
from .c import shown

def load():
    """Load."""
    def nested(): ...
    try:
        return json.loads(shown)
    except ValueError:
        return None
''',
    "utils/data/c.py": '"""Module."""\nshown = "1"',
    "utils/modeling/b.py": '''
"""Module."""
from torch import nn
from .crf import layer

class Base(nn.Module):
    """Base."""
    def __init__(self): ...
    def forward(self): ...
    def join(self):
        """Join."""

class Net(Base):
    """Net."""
    def join(self): ...
    def _own(self): ...
''',
    "utils/modeling/crf.py": '"""Module."""\nlayer = 1',
    "utils/__init__.py": "",
    "benchmarks/d.py": 'import torchcrf\nprint("1")',
    "tests/test_a.py": "import run_a\nimport pytest\nassert run_a",
}


@pytest.fixture(scope="module")
def sources():
    return read_sources()


@pytest.mark.parametrize(("rule", "least"), RULES.items(), ids=[rule.__name__ for rule in RULES])
def test_repository_keeps_the_rule(sources, rule, least):
    findings = list(rule(sources))
    complaints = [f"{place}: {complaint}" for place, complaint in findings if complaint]
    assert not complaints, "\n".join(complaints)
    assert len(findings) >= least


@pytest.mark.parametrize(
    ("rule", "files", "count"), BAD_FILES, ids=[f"{rule.__name__}: {' '.join(files)}" for rule, files, _ in BAD_FILES]
)
def test_rule_catches_a_file_that_breaks_it(rule, files, count):
    complaints = [complaint for _, complaint in rule(parse(files)) if complaint]
    assert len(complaints) == count, complaints


def test_every_rule_is_shown_a_file_that_breaks_it():
    assert {rule for rule, _, _ in BAD_FILES} == RULES.keys()


def test_no_rule_complains_about_good_files():
    sources = parse(GOOD_FILES)
    assert [(rule.__name__, *found) for rule in RULES for found in rule(sources) if found[1]] == []


def test_sources_are_those_of_every_folder(sources):
    for folder, least in {"utils/": 30, "tests/": 10, "scripts/": 1, "benchmarks/": 3, "": 45}.items():
        assert sum(path.startswith(folder) for path in sources) >= least, folder
    assert {
        path.split("/")[1] for path in sources if path.count("/") == 2 and path.startswith("utils/")
    } <= WINGS.keys()


@pytest.mark.parametrize(("package", "requirement"), BROUGHT_ALONG.items())
def test_package_that_is_brought_along_comes_with_its_requirement(package, requirement):
    assert requirement in required("requirements.txt")
    unconditional = [line for line in requires(requirement) if "extra ==" not in line]
    assert package in {re.match(r"[\w.-]+", line)[0].lower() for line in unconditional}


@pytest.mark.parametrize("name", LIBRARY_METHODS)
def test_methods_that_need_no_docstring_are_those_of_the_library(name):
    library = {"torch.nn.Module": torch.nn.Module, "transformers.Trainer": transformers.Trainer}[name]
    assert [method for method in LIBRARY_METHODS[name] if not hasattr(library, method)] == []
