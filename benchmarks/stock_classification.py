"""Baseline: text classification as the HuggingFace examples do it, every text padded to one length.

    python benchmarks/stock_classification.py --train_file train.tsv --validation_file dev.tsv \\
        --model_name_or_path pretrained/bert-mini-zh --learning_rate 1e-3

AutoModelForSequenceClassification, `padding="max_length"` of 128 as in the GLUE example, random batches, fp32, AdamW,
linear decay without warm-up. Prints JSON: accuracy and macro F1 of the last epoch, training speed without evaluation.
"""

import argparse
import json
import tempfile
from pathlib import Path

import torch
from sklearn.metrics import accuracy_score, f1_score
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    Trainer,
    TrainingArguments,
    default_data_collator,
    set_seed,
)

from utils.reading.class_readers import read_classes
from utils.reading.text_labels import list_labels


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train_file", required=True)
    parser.add_argument("--validation_file", required=True)
    parser.add_argument("--model_name_or_path", required=True)
    parser.add_argument("--file_format", default="auto")
    parser.add_argument("--num_train_epochs", type=float, default=3)
    parser.add_argument("--learning_rate", type=float, default=5e-5)
    parser.add_argument("--per_device_train_batch_size", type=int, default=32)
    parser.add_argument("--max_length", type=int, default=128)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--output_file", type=Path)
    args = parser.parse_args()
    set_seed(args.seed)

    dataset = {
        split: read_classes(getattr(args, f"{split}_file"), file_format=args.file_format)
        for split in ("train", "validation")
    }
    labels = list_labels(dataset["train"])
    label2id = {label: i for i, label in enumerate(labels)}
    tokenizer = AutoTokenizer.from_pretrained(args.model_name_or_path)

    def encode(batch):
        inputs = tokenizer(batch["text"], padding="max_length", max_length=args.max_length, truncation=True)
        inputs["labels"] = [label2id[label] for label in batch["label"]]
        return inputs

    encoded = {
        split: rows.map(encode, batched=True, remove_columns=rows.column_names, load_from_cache_file=False)
        for split, rows in dataset.items()
    }
    names = {"id2label": dict(enumerate(labels)), "label2id": label2id}
    model = AutoModelForSequenceClassification.from_pretrained(args.model_name_or_path, **names, dtype=torch.float32)
    with tempfile.TemporaryDirectory() as output_dir:
        trainer = Trainer(
            model=model,
            args=TrainingArguments(
                output_dir=output_dir,
                num_train_epochs=args.num_train_epochs,
                learning_rate=args.learning_rate,
                per_device_train_batch_size=args.per_device_train_batch_size,
                save_strategy="no",
                seed=args.seed,
                report_to="none",
            ),
            train_dataset=encoded["train"],
            data_collator=default_data_collator,
        )
        speed = trainer.train().metrics["train_samples_per_second"]
        predicted = trainer.predict(encoded["validation"]).predictions.argmax(-1)
    gold = encoded["validation"]["labels"][:]
    macro_f1 = f1_score(gold, predicted, average="macro", zero_division=0)
    scores = {"accuracy": accuracy_score(gold, predicted), "macro_f1": macro_f1}
    record = json.dumps({**scores, "train_samples_per_second": speed}, indent=2)
    print(record)
    if args.output_file:
        args.output_file.write_text(record, encoding="utf-8")


if __name__ == "__main__":
    main()
