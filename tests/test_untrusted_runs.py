"""Data that was made to do harm: runs write below their output folder alone, and start nothing."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EVIL = [
    "../../outside",
    "/tmp/outside",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "\u202etxt.exe",
    "a\x1b[2Jb",
    "$(touch outside)",
    "{{7*7}} {mask} {text}",
    "|a|b|\n---",
    "!!python/object/apply:os.system [id]",
]
FINE = ("/dev/", "/proc/", "/sys/")


def audited(tmp_path, script, *words):
    """What a script did to the machine, see `audited_run`; a folder of temporary files belongs to it."""
    own = tmp_path / "own"
    own.mkdir(exist_ok=True)
    homes = dict.fromkeys(
        ("HOME", "TMPDIR", "HF_HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR", "TORCHINDUCTOR_CACHE_DIR"), str(own)
    )
    command = [sys.executable, "-m", "tests.audited_run", str(own / "result.json"), script, *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | homes, capture_output=True, timeout=300)
    return json.loads((own / "result.json").read_text(encoding="utf-8")), done.stdout + done.stderr


def assert_harmless(told, shown, tmp_path, *folders):
    written = [path for path in told["written"] if not path.startswith(FINE)]
    allowed = [str(folder.resolve()) for folder in (*folders, tmp_path / "own")]
    assert [path for path in written if not any(path.startswith(folder) for folder in allowed)] == []
    assert len(written) > 5  # the look-out sees something
    assert {Path(name).name for name in told["started"]} <= {"git", "ldconfig", "gcc", "uname", "lscpu", "sh"}
    assert not any(sign in shown.decode() for sign in "\x1b\u202e")
    assert not (ROOT / "outside").exists() and not Path("/tmp/outside").exists()


def test_labels_and_texts_of_classes_do_no_harm(tiny_encoder, tmp_path):
    rows = [{"id": f"{EVIL[i % 10]}{i}", "text": f"{EVIL[i % 10]} 北京 {i}", "label": EVIL[i % 10]} for i in range(60)]
    for name in ("train.json", "test.json"):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / name).write_text(text, encoding="utf-8")
    run = tmp_path / "run"
    flags = ["--model_name_or_path", tiny_encoder, "--train_file", tmp_path / "train.json", "--max_steps", 2]
    flags += ["--validation_file", tmp_path / "test.json", "--test_file", tmp_path / "test.json", "--output_dir", run]
    told, shown = audited(tmp_path, "run_classification", *flags, "--save_strategy", "no", "--eval_strategy", "no")
    assert told["ended"] == 0, shown.decode()[-3000:]
    assert_harmless(told, shown, tmp_path, run)
    labels = json.loads((run / "config.json").read_text(encoding="utf-8"))["label2id"]
    assert set(labels) == {each.strip() for each in EVIL}
    with open(run / "submission.csv", encoding="utf-8", newline="") as file:
        cells = [cell for row in list(csv.reader(file))[1:] for cell in row]
    assert len(cells) == 3 * len(rows) and "=cmd|' /C calc'!A02" in cells  # as it is: a scorer compares it
    card = (run / "README.md").read_text(encoding="utf-8")
    assert "<script>" not in card and "&lt;script&gt;" in card and "\u202e" not in card
    lines = [json.loads(line) for line in (run / "predictions.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in lines] == [row["id"] for row in rows]


@pytest.mark.slow
def test_entity_types_and_texts_do_no_harm(tiny_encoder, tmp_path):
    rows = [
        {"text": f"北京{EVIL[i % 10]}", "entities": [{"start": 0, "end": 2, "label": EVIL[i % 10]}]} for i in range(40)
    ]
    (tmp_path / "train.json").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    run = tmp_path / "run"
    flags = ["--model_name_or_path", tiny_encoder, "--train_file", tmp_path / "train.json", "--max_steps", 2]
    flags += ["--output_dir", run, "--save_strategy", "no", "--eval_strategy", "no", "--head", "crf"]
    told, shown = audited(tmp_path, "run_ner", *flags)
    assert told["ended"] == 0, shown.decode()[-3000:]
    assert_harmless(told, shown, tmp_path, run)
    assert "<script>" not in (run / "README.md").read_text(encoding="utf-8")
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join([*(each.replace("\n", " ") for each in EVIL), "北京" * 200_000]), encoding="utf-8")
    told, shown = audited(tmp_path, "predict", run, "--input_file", texts, "--output_file", run / "found.jsonl")
    assert told["ended"] == 0, shown.decode()[-3000:]
    assert len((run / "found.jsonl").read_text(encoding="utf-8").splitlines()) == len(EVIL) + 1


def test_data_that_is_refused_is_shown_without_commanding_the_terminal(tiny_encoder, tmp_path):
    (tmp_path / "train.json").write_text('{"text": 1, "label": "\x1b[2J\u202e"}\n', encoding="utf-8")
    flags = ["--model_name_or_path", tiny_encoder, "--train_file", tmp_path / "train.json"]
    told, shown = audited(tmp_path, "run_ner", *flags, "--output_dir", tmp_path / "run")
    assert told["ended"] == 2 and shown.startswith(b"error: ") and b"Traceback" not in shown
    assert b"\x1b" not in shown and "\u202e" not in shown.decode()
