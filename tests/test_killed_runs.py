"""Every training script, killed at random moments and resumed, ends as an uninterrupted run does, byte for byte."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

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
    "--masking ngram --optimizer muon",
}
MASKED_LM = dict.fromkeys(
    ("run_prompt.py", "run_mlm.py"), "pretrained/bert-mini-zh"
)  # the tiny encoder has no output layer
SETTINGS = (
    "--precision fp32 --seed 3 --per_device_train_batch_size 16 --num_train_epochs 4 --learning_rate 1e-3 "
    "--eval_strategy steps --eval_steps 30 --save_strategy steps --save_steps 30"
)
SAME = ("model.safetensors", "config.json", "predictions.jsonl", "report.json")  # where the script writes them
KILLS = 3


def start(script, tiny_encoder, output_dir, *flags):
    words = [f"data/{word}" if "_sample/" in word else word for word in SCRIPTS[script].split()]
    model = MASKED_LM.get(script, tiny_encoder)
    given = ["--model_name_or_path", model, "--output_dir", str(output_dir), *words, *SETTINGS.split(), *flags]
    log = output_dir.with_suffix(".log").open("a")
    return subprocess.Popen(
        [sys.executable, script, *given], cwd=ROOT, stdout=log, stderr=log, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )


def files_of(output_dir):
    return {name: (output_dir / name).read_bytes() for name in SAME if (output_dir / name).exists()}


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_killed_run_resumes_to_the_files_of_an_uninterrupted_one(script, tiny_encoder, tmp_path):
    began = time.monotonic()
    assert start(script, tiny_encoder, tmp_path / "whole").wait() == 0
    seconds = time.monotonic() - began
    whole = files_of(tmp_path / "whole")
    assert "model.safetensors" in whole and ("predictions.jsonl" in whole or script == "run_mlm.py")
    draw = random.Random(script)
    for attempt in range(KILLS):
        broken = tmp_path / f"broken-{attempt}"
        run = start(script, tiny_encoder, broken)
        time.sleep(seconds * draw.uniform(0.4, 1.0))
        run.send_signal(signal.SIGKILL)
        run.wait()
        for path in broken.rglob("*.json"):
            json.loads(path.read_text(encoding="utf-8"))  # whole, or not there
        resume = ["--resume_from_checkpoint", "last"] if broken.exists() else []
        assert start(script, tiny_encoder, broken, *resume).wait() == 0, broken.with_suffix(".log").read_text()
        assert files_of(broken) == whole
