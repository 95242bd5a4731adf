"""Every training script, killed at seeded moments and resumed, ends as an uninterrupted run does, byte for byte; full
disks are said, and what was saved loads.
"""

import json
import os
import random
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from safetensors.torch import load_file
from transformers import BertModel

import run_ner
from tests.sample_encoders import write_encoder
from utils.data.errors import TrainingError
from utils.running.run_setup import is_whole, last_whole_checkpoint

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = {
    "run_ner.py": "--train_file ner_sample/train.json --validation_file ner_sample/dev.json --head crf",
    "run_classification.py": "--train_file review_sample/train.tsv --validation_file review_sample/dev.tsv "
    "--pooling fusion --ema_decay 0.9 --threshold_metric f1",
    "run_qa_cls.py": "--train_file faq_sample/questions.txt --pooling mean --layers weighted "
    "--class_sampling square_root",
    "run_qa_span.py": "--train_file qa_sample/train.json --validation_file qa_sample/dev.json --max_length 64",
    "run_prompt.py": "--train_file review_sample/train.tsv --validation_file review_sample/dev.tsv --mlm_weight 0.1 "
    '--max_train_samples 200 --template {soft:4}{text}很{mask} --verbalizer {"positive":"好","negative":"差"} '
    "--soft_encoder lstm",
    "run_mlm.py": "--train_file review_sample/train.tsv --validation_file review_sample/dev.tsv --max_length 32 "
    "--masking ngram --optimizer muon --max_train_samples 192 --max_eval_samples 32 --num_train_epochs 1 "
    "--eval_steps 2 --save_steps 2",  # few steps: Muon's bfloat16 products take seconds where a CPU has none
}
MASKED_LM = dict.fromkeys(
    ("run_prompt.py", "run_mlm.py"), "pretrained/bert-mini-zh"
)  # the tiny encoder has no output layer
SETTINGS = (
    "--precision fp32 --seed 3 --per_device_train_batch_size 16 --num_train_epochs 4 --learning_rate 1e-3 "
    "--eval_strategy steps --eval_steps 30 --save_strategy steps --save_steps 30"
)
SAME = ("model.safetensors", "config.json", "predictions.jsonl", "report.json")  # where the script writes them
MOMENTS = ("train", "evaluate", "save", "final")  # 4 in each of 6 scripts: 24
SECONDS = 600


@pytest.fixture(scope="module")
def sample_encoder(tiny_encoder, tmp_path_factory):
    return write_encoder(tiny_encoder, tmp_path_factory.mktemp("sample_encoder"), BertModel)


def start(script, sample_encoder, output_dir, *flags, event="none", number=0, delay=0.0):
    """Run a script, killed at a moment (see `kill_moment.py`); its exit status and what it said."""
    words = [f"data/{word}" if "_sample/" in word else word for word in SCRIPTS[script].split()]
    model = MASKED_LM.get(script, sample_encoder)
    given = ["--model_name_or_path", model, "--output_dir", str(output_dir), *SETTINGS.split(), *words, *flags]
    command = [sys.executable, "-m", "tests.kill_moment", event, str(number), str(delay), script, *given]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS)
    return done.returncode, done.stdout.splitlines(), done.stderr


def files_of(output_dir):
    return {name: (output_dir / name).read_bytes() for name in SAME if (output_dir / name).exists()}


def scores_of(output_dir):
    results = json.loads((output_dir / "all_results.json").read_text(encoding="utf-8"))
    apart = ("_runtime", "_per_second", "_time", "_memory_mb", "train_loss", "total_flos")  # of the last start alone
    return {name: value for name, value in results.items() if not name.endswith(apart)}


def assert_whole(folder):
    """Whatever has a name of its own can be read to its end."""
    for path in folder.rglob("*"):
        if not path.is_file() or ".unfinished-" in str(path):
            continue
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".safetensors":
            assert load_file(path)
        elif path.suffix in (".pt", ".pth"):
            with zipfile.ZipFile(path) as archive:
                assert archive.testzip() is None
        elif path.suffix == ".jsonl":
            assert [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for checkpoint in folder.glob("checkpoint-*"):
        assert is_whole(checkpoint), checkpoint


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_run_killed_in_training_evaluation_and_saving_ends_as_an_uninterrupted_one(script, sample_encoder, tmp_path):
    status, said, error = start(script, sample_encoder, tmp_path / "whole")
    assert status == 0, error
    counts = json.loads(said[-1])
    whole = files_of(tmp_path / "whole")
    assert "model.safetensors" in whole and ("predictions.jsonl" in whole or script == "run_mlm.py")
    assert all(counts[moment] > 4 for moment in MOMENTS), counts
    draw = random.Random(script)
    broken, resume, killed = tmp_path / "broken", [], []
    for moment in MOMENTS:
        number = draw.randint(1, max(1, int(counts[moment] * (0.9 if moment == "final" else 0.4))))
        when = {"event": moment, "number": number, "delay": draw.choice([0, 1, 5, 30])}
        status, _, error = start(script, sample_encoder, broken, *resume, **when)
        assert status in (0, -signal.SIGKILL), error
        killed += [moment] if status else []
        assert_whole(broken)
        resume = ["--resume_from_checkpoint", "last"]
    assert len(killed) >= 3, killed
    status, _, error = start(script, sample_encoder, broken, *resume)
    assert status == 0, error
    assert_whole(broken)
    assert files_of(broken) == whole
    assert scores_of(broken) == scores_of(tmp_path / "whole")
    assert not list(broken.glob(".unfinished-*"))


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of its own of two megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"mounting a small disk takes rights that are not given here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.parametrize("filled", ["from the beginning", "behind the first checkpoint"])
def test_full_disk_is_said_and_the_last_checkpoint_loads(filled, tiny_encoder, ner_files, small_disk):
    run, filler = small_disk / "run", small_disk / "filler"
    flags = ["--model_name_or_path", tiny_encoder, "--train_file", ner_files[0], "--validation_file", ner_files[1]]
    flags += ["--output_dir", str(run), "--num_train_epochs", "9", "--save_total_limit", "20", "--precision", "fp32"]
    filler.write_bytes(bytes(1_950_000 if filled == "from the beginning" else 200_000))
    with pytest.raises(TrainingError) as raised:
        run_ner.main(flags)
    message = str(raised.value)
    assert message.startswith(f"{run}: expected room for checkpoint-") and "found a full disk" in message
    checkpoint = last_whole_checkpoint(run)
    assert not list(run.glob(".unfinished-*"))
    assert (checkpoint is None) == (filled == "from the beginning")
    for path in run.glob("checkpoint-*"):
        assert is_whole(path) and load_file(path / "model.safetensors")
    filler.unlink()
    subprocess.run(["mount", "-o", "remount,size=9m", small_disk], check=True)
    results = run_ner.main([*flags, "--resume_from_checkpoint", "last", "--save_total_limit", "1"])
    assert results["eval_f1"] >= 0 and load_file(run / "model.safetensors")


@pytest.mark.slow
def test_quota_is_said_like_a_full_disk(tiny_encoder, ner_files, tmp_path):
    """A limit on the size of a file, which needs no rights."""
    flags = ["--model_name_or_path", tiny_encoder, "--train_file", ner_files[0], "--validation_file", ner_files[1]]
    flags += ["--output_dir", str(tmp_path / "run"), "--num_train_epochs", "2"]
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (30000, 30000)); import run_ner; "
    limited += "from utils.options.arguments import run_script; run_script(run_ner.main)"
    command = [sys.executable, "-c", limited, *flags]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 2 and "found a full disk or quota" in done.stderr, done.stderr[-3000:]
    assert "Traceback" not in done.stderr and not list((tmp_path / "run").glob("checkpoint-*"))
