"""The repository keeps the rules of its architecture. Every rule is also shown a file that breaks it."""

import re
from collections.abc import Callable
from importlib.metadata import requires

import pytest
import torch
import transformers

from tests.architecture_rules import (
    BROUGHT_ALONG,
    LIBRARY_METHODS,
    WINGS,
    assertions,
    bare_excepts,
    circles,
    docstrings,
    forbidden_calls,
    imports_of_scripts,
    imports_of_wings,
    lengths,
    module_names,
    names_from_elsewhere,
    package_files,
    packages,
    prints,
    required,
    sizes_of_wings,
    state_at_import,
)
from tests.script_rules import nested_functions, shared_lines, sizes_of_main, written_arguments
from tests.source_tree import parse, read_sources

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
    sizes_of_wings: 30,
    docstrings: 140,
    packages: 250,
    sizes_of_main: 12,
    nested_functions: 5,
    written_arguments: 15,
    shared_lines: 30,
}

LONG = "a_line_of_more_than_twenty_characters = 1\n"
BAD_FILES = [
    (imports_of_wings, {"utils/data/a.py": "import torch"}, 1),
    (imports_of_wings, {"utils/data/a.py": "from ..training.b import c", "utils/training/b.py": "c = 1"}, 1),
    (imports_of_wings, {"utils/encoding/a.py": "def f():\n    import sklearn.metrics"}, 1),
    (imports_of_wings, {"utils/encoding/a.py": "from ..data.splits import b"}, 1),
    (imports_of_wings, {"utils/modeling/a.py": "from ..data.tag_schemes import b"}, 1),
    (imports_of_wings, {"utils/modeling/a.py": "from .span_tagger import b"}, 1),
    (imports_of_wings, {"utils/modeling/a.py": "from utils.modeling.crf import b"}, 1),
    (imports_of_wings, {"utils/training/a.py": "from ..data import splits", "utils/data/splits.py": ""}, 1),
    (imports_of_wings, {"utils/scoring/a.py": "from ..training import b", "utils/training/b.py": ""}, 1),
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
    (forbidden_calls, {"utils/scoring/a.py": "import evaluate\nevaluate.load('f1')"}, 1),
    (forbidden_calls, {"a.py": "import importlib\nimportlib.import_module('a')"}, 1),
    (forbidden_calls, {"a.py": "import numpy as np\nnp.load('a', allow_pickle=True)"}, 1),
    (state_at_import, {"a.py": "import sys\ndef f():\n    sys.path.insert(0, '.')\n    sys.path += ['.']"}, 2),
    (state_at_import, {"a.py": "from sys import path\npath.append('.')\npath[:] = []"}, 2),
    (state_at_import, {"a.py": "import os\nif True:\n    os.environ['A'] = '1'\nos.environ.setdefault('B', '1')"}, 2),
    (assertions, {"utils/data/a.py": "def f(b):\n    assert b"}, 1),
    (prints, {"utils/data/a.py": "print(1)", "run_a.py": "def main():\n    print(1)"}, 2),
    (prints, {"utils/options/arguments.py": "def other():\n    print(1)"}, 1),
    (bare_excepts, {"a.py": "try:\n    pass\nexcept:\n    pass"}, 1),
    (lengths, {"run_a.py": "\n" * 270, "utils/data/a.py": "\n" * 301, "utils/modeling/a.py": "\n" * 401}, 3),
    (sizes_of_wings, {f"utils/data/a{i}.py": "" for i in range(21)}, 1),
    (sizes_of_wings, {f"utils/{wing}/a.py": "\n" * (9 if wing == "data" else 1) for wing in WINGS}, 1),
    (docstrings, {"utils/data/a.py": "def f():\n    pass\nclass A:\n    def g(self):\n        pass"}, 4),
    (
        docstrings,
        {"utils/a/b.py": '"""."""\nfrom torch import nn\nclass A(nn.Module):\n    """."""\n    def go(self): pass'},
        1,
    ),
    (sizes_of_main, {"run_a.py": "def main():\n" + "    go()\n" * 120}, 1),
    (sizes_of_main, {"run_a.py": "def main():\n" + "\n".join(f"    a{i} = 1" for i in range(46))}, 1),
    (nested_functions, {"run_a.py": "def main():\n    def f():\n        def g(): ..."}, 1),
    (
        written_arguments,
        {"run_a.py": "def main():\n    parsed = go()\n    a, b = parsed\n    b.size = 1"},
        1,
    ),
    (written_arguments, {"utils/options/a.py": "@dataclass\nclass A:\n    size: int = option(1, 'Size.')"}, 1),
    (shared_lines, {"run_a.py": f"{LONG}def main(): ...", "run_b.py": f"{LONG}def main(): go()"}, 2),
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
