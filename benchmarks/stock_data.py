"""What the two stock baselines share: reading, first-subtoken labels, seqeval scores, the results file.

Nothing here comes from this project's utils/: the baselines show what a user would otherwise write.
"""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path

import numpy as np
import torch
import transformers
from datasets import Dataset
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2
from transformers import PreTrainedTokenizerBase, Trainer

IGNORED = -100  # label of special tokens, padding and every sub-token after a word's first


def build_parser(description: str) -> argparse.ArgumentParser:
    """The options of both baselines, with the defaults of `TrainingArguments`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model_name_or_path", required=True, help="encoder: a folder or a Hub id")
    parser.add_argument("--train_file", required=True, help="CLUENER json lines, or two columns (token tag)")
    parser.add_argument("--validation_file", required=True, help="the same, scored at the end of every epoch")
    parser.add_argument("--num_train_epochs", type=float, default=3.0)
    parser.add_argument("--learning_rate", type=float, default=5e-5)
    parser.add_argument("--per_device_train_batch_size", type=int, default=8)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--max_length", type=int, default=512, help="longer texts are cut, as run_ner.py does")
    parser.add_argument("--max_train_samples", type=int, default=None, help="train on the first N sentences only")
    parser.add_argument("--output_file", default=None, help="write scores, speed and arguments here (JSON)")
    return parser


def read_cluener(path: str) -> list[dict]:
    """Characters and BIO tags of `{"text": ..., "label": {type: {word: [[start, end inclusive], ...]}}}` lines."""
    sentences = []
    for line in Path(path).read_text(encoding="utf-8").split("\n"):
        if not line.strip():
            continue
        row = json.loads(line)
        tags = ["O"] * len(row["text"])
        for label, words in row["label"].items():
            for spans in words.values():
                for start, end in spans:
                    tags[start : end + 1] = [f"B-{label}"] + [f"I-{label}"] * (end - start)
        sentences.append({"tokens": list(row["text"]), "tags": tags})
    return sentences


def read_two_column(path: str) -> list[dict]:
    """`token tag` lines, a blank line between sentences; BMES and BIOES tags become BIO."""
    to_bio = {"M": "I", "E": "I", "S": "B"}
    sentences, tokens, tags = [], [], []
    for line in [*Path(path).read_text(encoding="utf-8").split("\n"), ""]:
        fields = line.split()
        if len(fields) >= 2:
            prefix, _, label = fields[-1].partition("-")
            tokens.append(fields[0])
            tags.append(f"{to_bio.get(prefix, prefix)}-{label}" if label else "O")
        elif tokens:
            sentences.append({"tokens": tokens, "tags": tags})
            tokens, tags = [], []
    return sentences


def read_ner_file(path: str, *, max_samples: int | None = None) -> Dataset:
    with open(path, encoding="utf-8") as file:
        is_json = file.read(1) == "{"
    sentences = read_cluener(path) if is_json else read_two_column(path)
    return Dataset.from_list(sentences[:max_samples])


def list_labels(dataset: Dataset) -> list[str]:
    types = sorted({tag[2:] for tags in dataset["tags"] for tag in tags if tag != "O"})
    return ["O", *(f"{prefix}-{name}" for name in types for prefix in "BI")]


def encode(dataset: Dataset, tokenizer: PreTrainedTokenizerBase, labels: list[str], max_length: int) -> Dataset:
    """Sub-tokens with the label of their word on its first sub-token and `IGNORED` elsewhere."""
    label_ids = {label: i for i, label in enumerate(labels)}

    def encode_batch(batch: dict) -> dict:
        encoding = tokenizer(batch["tokens"], is_split_into_words=True, truncation=True, max_length=max_length)
        encoding["labels"] = []
        for i, tags in enumerate(batch["tags"]):
            row, previous = [], None
            for word in encoding.word_ids(i):
                first = word is not None and word != previous
                row.append(label_ids.get(tags[word], 0) if first else IGNORED)  # 0: a type that training lacks
                previous = word
            encoding["labels"].append(row)
        return encoding

    return dataset.map(encode_batch, batched=True, remove_columns=dataset.column_names, keep_in_memory=True)


def score(predicted_ids: np.ndarray, label_ids: np.ndarray, labels: list[str]) -> dict[str, float]:
    """seqeval F1 (0-1): `f1_strict` reads spans under IOB2, `f1_default` as conlleval does (lenient)."""
    gold = [[labels[j] for j in row if j != IGNORED] for row in label_ids]
    predicted = [
        [labels[p] for p, g in zip(predicted_row, gold_row, strict=True) if g != IGNORED]
        for predicted_row, gold_row in zip(predicted_ids, label_ids, strict=True)
    ]
    return {
        "f1_strict": float(f1_score(gold, predicted, mode="strict", scheme=IOB2, zero_division=0)),
        "f1_default": float(f1_score(gold, predicted, zero_division=0)),
        "gold_entities_scored": sum(tag.startswith("B-") for row in gold for tag in row),
    }


def collect_results(args: argparse.Namespace, trainer: Trainer, validation: Dataset) -> dict:
    """Everything that a comparison needs; printed, and written to `--output_file` when it is given."""
    epochs = [entry for entry in trainer.state.log_history if "eval_f1_strict" in entry]
    finish = next(entry for entry in reversed(trainer.state.log_history) if "train_runtime" in entry)
    seconds_evaluating = sum(entry["eval_runtime"] for entry in epochs)
    samples = finish["train_samples_per_second"] * finish["train_runtime"]
    results = {
        "f1_strict": [entry["eval_f1_strict"] for entry in epochs],
        "f1_default": [entry["eval_f1_default"] for entry in epochs],
        "best_f1_strict": max(entry["eval_f1_strict"] for entry in epochs),
        "last_f1_strict": epochs[-1]["eval_f1_strict"],
        # The difference of these two: gold entities lost by truncation or by characters that the tokenizer drops.
        "gold_entities": sum(tag.startswith("B-") for tags in validation["tags"] for tag in tags),
        "gold_entities_scored": epochs[-1]["eval_gold_entities_scored"],
        "train_samples_per_second": finish["train_samples_per_second"],  # Trainer's, evaluations included
        "train_samples_per_second_without_eval": samples / (finish["train_runtime"] - seconds_evaluating),
        "train_runtime": finish["train_runtime"],  # seconds
        "eval_samples_per_second": epochs[-1]["eval_samples_per_second"],
        "device": torch.cuda.get_device_name() if trainer.args.device.type == "cuda" else platform.machine(),
        "num_threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "args": vars(args),
    }
    text = json.dumps(results, indent=2, ensure_ascii=False)
    if args.output_file:
        Path(args.output_file).parent.mkdir(parents=True, exist_ok=True)
        Path(args.output_file).write_text(text + "\n", encoding="utf-8")
    print(text)
    return results
