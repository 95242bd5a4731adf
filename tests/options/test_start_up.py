"""What is wrong with a command line is told at once: before torch, datasets, peft or a trainer is imported."""

import json
import subprocess
import sys

import pytest

HEAVY = ["torch", "datasets", "peft", "transformers", "accelerate", "evaluate", "sklearn", "numpy", "pyarrow"]
CODE = """
import io, json, sys
import {script}
sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
try:
    {script}.main({words!r})
    ended = "well"
except BaseException as error:
    ended = f"{{type(error).__name__}}: {{error}}"
told = sys.stdout.getvalue()
sys.__stdout__.write(json.dumps([ended, len(told), [name for name in {heavy!r} if name in sys.modules]]))
"""
TRAINED = ["--model_name_or_path", "m", "--output_dir", "o"]
CASES = [  # script, words, how it ends
    *((script, ["--help"], "SystemExit: 0") for script in ("run_ner", "run_classification", "run_qa_cls")),
    *((script, ["--help"], "SystemExit: 0") for script in ("run_qa_span", "run_prompt", "run_mlm")),
    *((script, ["--help"], "SystemExit: 0") for script in ("predict", "report", "app", "search")),
    *((script, ["--help_all"], "SystemExit: 0") for script in ("run_ner", "run_mlm", "run_prompt")),
    ("run_ner", [*TRAINED, "--hed", "crf"], "ArgumentError: unknown option --hed; did you mean --head?"),
    ("run_ner", [*TRAINED, "--head", "crff"], "ArgumentError: argument --head: invalid choice: 'crff'"),
    ("run_ner", [*TRAINED, "--train_file", "nowhere.json"], "DataError: nowhere.json: expected a file, found none"),
    ("run_ner", [*TRAINED, "--learning_rate", "fast"], "ArgumentError: argument --learning_rate/--learning-rate: inv"),
    ("run_ner", [*TRAINED, "--eval_strategy", "sometimes"], "ArgumentError: argument --eval_strategy/--eval-strategy"),
    (
        "run_ner",
        [*TRAINED, "--train_file", "README.md", "--focal_gamma", "7"],
        "ArgumentError: --focal_gamma does noth",
    ),
    (
        "run_classification",
        [*TRAINED, "--dropout", "1.5"],
        "ArgumentError: --dropout 1.5: expected 0 or more and below",
    ),
    ("run_classification", ["nowhere.yaml"], "ArgumentError: nowhere.yaml: expected a YAML or JSON file of flags"),
    ("run_qa_cls", [*TRAINED, "--ask_file", "no.txt", "--ask", "x"], "DataError: no.txt: expected a file, found none"),
    ("run_qa_span", [*TRAINED, "--batch_eval_metrics", "true"], "ArgumentError: --batch_eval_metrics: scores are"),
    (
        "run_prompt",
        ["--model_name_or_path", "m", "--text", "x"],
        "ArgumentError: expected --template and --verbalizer",
    ),
    ("run_mlm", ["--output_dir", "o"], "ArgumentError: --train_file, --dataset_name: expected exactly one of them"),
    ("run_mlm", [*TRAINED, "--train_file", "no.txt"], "DataError: no.txt: expected a file, found none"),
    ("predict", ["model", "--top_k", "0"], "SystemExit: 2"),
    (
        "predict",
        ["model", "--output_format", "csv", "--submission_columns", "id"],
        "ArgumentError: --submission_columns id: expected parts such as id=ID",
    ),
    (
        "run_classification",
        [*TRAINED, "--test_file", "README.md", "--submission_columns", "label=a,label=b"],
        "ArgumentError: --submission_columns label=a,label=b: expected each field once",
    ),
    ("run_ner", [*TRAINED, "--train_file", "README.md", "--check_options"], "SystemExit: 0"),
    ("search", ["run_nre.py", "b.yaml", "s.yaml", "--output_dir", "o"], "ArgumentError: run_nre.py: expected one of"),
    ("search", ["run_ner.py", "b", "s", "--output_dir", "o", "--jobs", "0"], "ArgumentError: --jobs 0: expected 1 or"),
]


@pytest.mark.parametrize("script, words, ended", CASES, ids=lambda value: " ".join(value)[:40] if value else "")
def test_nothing_heavy_is_imported(script, words, ended):
    code = CODE.format(script=script, words=words, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    found, told, heavy = json.loads(done.stdout)
    assert found.startswith(ended) and heavy == []
    assert told > 500 or "--help" not in words[0]
