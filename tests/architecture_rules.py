"""What the source may contain and who may import whom."""

import ast
import graphlib
import re
import sys
from collections.abc import Iterator

from tests.source_tree import ROOT, Source, dotted, late_nodes, list_imports, shipped

SCRIPT_LINES, MODULE_LINES, HEAD_LINES, OTHER_LINES = 260, 301, 401, 431
WING_SHARE, WING_FILES = 0.14, 20  # of the lines of utils/, and how many modules a wing has at most

# Wing of utils/ -> packages beside the standard library, and modules of utils/ (a wing's name stands for all of it).
# Each stands above those that it may import, so that imports only go down.
WINGS = {
    "data": ({"datasets", "sklearn", "yaml"}, {"data"}),
    "files": ({"datasets", "pyarrow", "yaml"}, {"data.errors", "data.plain_yaml", "files"}),
    "tagging": ({"datasets"}, {"data", "files", "tagging"}),
    "reading": ({"datasets", "yaml"}, {"data", "files", "reading", "tagging"}),
    "modeling": (
        {"torch", "transformers"},
        {f"modeling.{task}_pipeline" for task in ("class", "cloze", "entity")}
        | {
            f"modeling.{part}"
            for part in (
                "crf",
                "encoder_body",
                "encoders",
                "joined_windows",
                "label_rows",
                "pretrained_weights",
                "soft_prompts",
                "tag_rules",
                "token_inputs",
            )
        },
    ),
    "encoding": (
        {"datasets", "jieba", "numpy", "tokenizers", "torch", "transformers"},
        {
            "data.tag_schemes",
            "encoding",
            "modeling.encoders",
            "modeling.joined_windows",
            "modeling.pretrained_weights",
            "modeling.token_inputs",
        },
    ),
    "adapters": (
        {"peft", "safetensors", "torch", "transformers"},
        {"adapters"} | {f"modeling.{part}" for part in ("encoders", "pretrained_weights", "soft_prompts")},
    ),
    "layers": ({"torch", "transformers"}, {"layers", "modeling.encoders", "modeling.soft_prompts"}),
    "prompting": ({"numpy", "torch"}, {"encoding", "modeling.token_inputs", "prompting"}),
    "scoring": (
        {"datasets", "evaluate", "numpy", "scipy", "seqeval", "sklearn", "torch", "transformers"},
        {"data", "encoding", "modeling.joined_windows", "prompting.span_selection", "scoring"},
    ),
    "prediction": (
        {"datasets", "numpy", "onnx", "onnxruntime", "sklearn", "torch", "transformers"},
        {"adapters", "data", "encoding", "modeling", "prediction", "prompting", "reading", "scoring", "tagging"},
    ),
    "distillation": (
        {"datasets", "filelock", "numpy", "scipy", "torch", "tqdm", "transformers"},
        {"data.errors", "distillation", "encoding", "modeling", "prediction", "reading", "scoring"},
    ),
    "reporting": (
        {"datasets", "huggingface_hub", "jinja2", "matplotlib", "numpy", "transformers"},
        {"data", "encoding", "modeling.joined_windows", "prediction", "reporting", "scoring"},
    ),
    "tables": ({"matplotlib", "numpy", "scipy"}, {"data", "scoring", "tables"}),
    "running": (
        {"datasets", "huggingface_hub", "ray", "safetensors", "torch", "transformers", "yaml"},
        {"data.errors", "data.private_words", "running"},
    ),
    "options": (
        {"torch", "transformers", "yaml"},
        {
            "adapters.methods",
            "data",
            "files.raw_files",
            "options",
            "running.processes",
            "running.stop_signals",
            "running.trackers",
        },
    ),
    "search": (
        {"filelock", "matplotlib", "optuna", "psutil", "ray", "torch"},
        {
            *("data.errors", "options.arguments", "options.training_fields", "scoring.score_names", "search"),
            *("running.atomic_files", "running.cluster_address", "running.finished_runs", "running.model_files"),
            *("running.machine_parts", "running.stop_signals"),
        },
    ),
    "serving": (
        {"fastapi", "filelock", "prometheus_client", "pydantic", "torch"},
        {"data.errors", "prediction.prediction_tasks", "serving"},
    ),
    "training": (
        {"accelerate", "datasets", "safetensors", "torch", "tqdm", "transformers"},
        {
            *("adapters", "data.durations", "data.errors", "layers", "modeling.class_pipeline", "options", "running"),
            *("scoring.score_names", "training"),
        },
    ),
    "tasks": (
        {"datasets", "numpy", "ray", "torch", "tqdm", "transformers"},
        {
            *("adapters", "data", "distillation", "encoding", "files.prompt_files", "files.text_lines", "modeling"),
            *("options", "prediction", "prompting", "reading", "reporting", "running", "scoring", "tagging", "tasks"),
            "training",
        },
    ),
}
IMPORT_NAMES = {"scikit-learn": "sklearn", "pyyaml": "yaml"}
# Package -> the requirement that always installs it.
BROUGHT_ALONG = {
    "filelock": "huggingface_hub",
    "jinja2": "torch",
    "numpy": "transformers",
    "psutil": "accelerate",
    "pyarrow": "datasets",
    "scipy": "scikit-learn",
    "tokenizers": "transformers",
}
VAGUE_NAMES = {"common", "helper", "helpers", "misc", "util", "utils"}
PICKLING = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
FORBIDDEN = {"eval", "exec", "__import__", "importlib.import_module", "torch.load", "evaluate.load"}
ENVIRONMENT_EDITS = {"os.putenv", "os.unsetenv", *(f"os.environ.{name}" for name in ("update", "setdefault", "pop"))}
MAY_PRINT = ("predict.py", "report.py", "serve.py", "export_onnx.py", "scripts/", "benchmarks/")
# Methods that a library documents, by the class that ours inherits from: they need no docstring.
LIBRARY_METHODS = {
    "torch.nn.Module": {"forward", "extra_repr"},
    "transformers.Trainer": {
        *(
            "compute_loss",
            "create_optimizer",
            "create_scheduler",
            "evaluate",
            "evaluation_loop",
            "get_eval_dataloader",
            "get_test_dataloader",
            "get_train_dataloader",
            "log",
        ),
        *("predict", "prediction_step", "train", "training_step"),
    },
}
CALLBACKS = {"transformers.TrainerCallback", "transformers.ProgressCallback", "transformers.PrinterCallback"}  # on_...


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
            checks = (
                source.path == "utils/__init__.py" and "import_module" not in source.text
            )  # packages that are missing
            exports = any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(source.tree))
            full = source.text.strip() and (exports or not checks)
            yield source.path, "expected an empty __init__.py" if full else None


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
            if source.path == "utils/options/arguments.py" and getattr(function, "name", "") == "run_script"
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
    """Of files; a head is longer than others, since it travels alone."""
    for source in shipped(sources):
        limit = MODULE_LINES if source.path.startswith("utils/") else OTHER_LINES
        limit = HEAD_LINES if source.path.startswith("utils/modeling/") else limit
        limit = SCRIPT_LINES if source.is_script else limit
        count = len(source.text.splitlines())
        yield source.path, f"{count} lines, expected fewer than {limit}" if count >= limit else None


def sizes_of_wings(sources: dict[str, Source]) -> Findings:
    """A wing that grows beyond its share is several."""
    lines: dict[str, list[int]] = {}
    for source in shipped(sources, "utils/"):
        if not source.path.endswith("__init__.py") and source.path.count("/") == 2:
            lines.setdefault(source.path.split("/")[1], []).append(len(source.text.splitlines()))
    total = sum(map(sum, lines.values()))
    for wing, counts in lines.items():
        place, share = f"utils/{wing}/", sum(counts) / max(total, 1)
        yield place, f"{len(counts)} files, expected {WING_FILES} at most" if len(counts) > WING_FILES else None
        if len(lines) > 1 / WING_SHARE:  # of few wings each must have more
            yield (
                place,
                f"{share:.0%} of the lines of utils/, more than {WING_SHARE:.0%}" if share > WING_SHARE else None,
            )


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
    optional = {"scripts/fuzz.py": required("tests/requirements.txt")}
    optional |= dict.fromkeys(
        (f"utils/prediction/onnx_{part}.py" for part in ("export", "model")), required("requirements-onnx.txt")
    )
    optional |= {"app.py": required("requirements-app.txt")}
    serving = {name.replace("-", "_") for name in required("requirements-serve.txt")} | {"pydantic"}
    optional |= dict.fromkeys(("serve.py", "utils/serving/"), serving)
    optional |= dict.fromkeys(("search.py", "utils/search/"), required("requirements-search.txt"))
    on_ray = ("search/ray_cluster", "running/cluster_address", "tasks/cluster_prediction")
    optional |= dict.fromkeys((f"utils/{name}.py" for name in on_ray), required("requirements-ray.txt"))
    ours = {source.module.split(".")[0] for source in sources.values()}
    for source in shipped(sources):
        if source.path.startswith("benchmarks/"):
            continue
        extra = {name for folder, names in optional.items() if source.path.startswith(folder) for name in names}
        for each in list_imports(source, sources):
            package = each.target.split(".")[0]
            fine = package in known | extra or package in ours or package in sys.stdlib_module_names
            yield f"{source.path}:{each.line}", None if fine else f"{package} is not in requirements.txt"


def required(name: str) -> set[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return {re.match(r"[\w.-]+", line)[0].lower() for line in lines if line and not line.startswith("#")}
