"""The runs that two processes and one must do alike: every head of every script."""

import json
from pathlib import Path

COUNTS = (1, 7, 13)  # fewer rows than processes, and primes
STEPS = 20
# Head -> (script, model, kind of sample, flags)
HEADS = {
    "softmax": ("run_ner", "encoder", "ner", "--head softmax"),
    "crf": ("run_ner", "encoder", "ner", "--head crf --learning_rate 5e-3"),
    "span": ("run_ner", "encoder", "ner", "--head span --learning_rate 5e-3"),
    "classes": ("run_classification", "encoder", "class", "--pooling mean"),
    "faq": ("run_qa_cls", "encoder", "faq", "--class_sampling balanced"),
    "answers": ("run_qa_span", "encoder", "qa", "--max_length 48 --stride 8 --max_question_length 16"),
    "cloze": (
        "run_prompt",
        "masked_lm",
        "class",
        '--template {text}是{mask} --verbalizer {"positive":"人","negative":"的"}',
    ),
    "masked": ("run_mlm", "masked_lm", "mlm", "--max_length 32"),
    "stream": ("run_mlm", "masked_lm", "mlm", "--max_length 32 --streaming true"),
}
PREDICTING = [head for head in HEADS if head != "stream"]  # its model is that of `masked`
SUFFIX = {"ner": "json", "class": "tsv", "faq": "txt", "qa": "json", "mlm": "txt"}
DROPOUT = ("softmax", "crf", "span", "classes", "faq")  # heads with dropout of their own


def training_jobs(
    models: Path, samples: Path, folder: Path, *, processes: int = 1, accumulation: int = 1, more: str = ""
) -> list:
    """20 steps of 32 rows for each head, as `run_jobs.py` takes them; the loss of each step stays in the state."""
    jobs = []
    for head, (script, model, kind, flags) in HEADS.items():
        words = (
            f"--model_name_or_path {models / model} --output_dir {folder / head} {flags} --precision fp32 --seed 3 "
        )
        words += (
            f"--train_file {samples}/{kind}-all.{SUFFIX[kind]} --validation_file {samples}/{kind}-13.{SUFFIX[kind]} "
        )
        words += (
            f"--per_device_train_batch_size {32 // processes // accumulation} --logging_steps 1 --max_steps {STEPS} "
        )
        words += f"--gradient_accumulation_steps {accumulation} --save_strategy no --eval_strategy no "
        words += f"--dropout 0 {more}" if head in DROPOUT else more
        jobs.append([script, words.split()])
    return jobs


def prediction_jobs(models: Path, samples: Path, folder: Path, *, trained: Path) -> list:
    """Scores and predictions of every number of rows; of run_prompt.py and run_mlm.py with the model as it is."""
    jobs = []
    for head in PREDICTING:
        script, model, kind, flags = HEADS[head]
        for count in COUNTS:
            few = f"{samples}/{kind}-{count}.{SUFFIX[kind]}"
            words = f"--output_dir {folder / head}-{count} --precision fp32 --per_device_eval_batch_size 2 "
            if head == "cloze":
                words += f"--model_name_or_path {models / model} {flags} --test_file {few}"
            elif head == "masked":  # it has to train: a step that changes nothing
                words += f"--model_name_or_path {models / model} {flags} --train_file {samples}/mlm-all.txt "
                words += (
                    f"--validation_file {few} --max_steps 1 --learning_rate 0 --save_strategy no --eval_strategy no"
                )
            else:
                words += f"--model_name_or_path {trained / head} --validation_file {few}"
            jobs.append([script, words.split()])
    return jobs


def losses_of(folder: Path) -> list[float]:
    """The loss of each step of a run."""
    state = json.loads((folder / "trainer_state.json").read_text(encoding="utf-8"))
    return [entry["loss"] for entry in state["log_history"] if "loss" in entry]
