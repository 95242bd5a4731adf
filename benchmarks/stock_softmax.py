"""Baseline: NER as the HuggingFace examples do it, stock classes and stock defaults.

    python benchmarks/stock_softmax.py --model_name_or_path pretrained/bert-mini-zh \\
        --train_file data/ner_sample/train.json --validation_file data/ner_sample/dev.json \\
        --num_train_epochs 8 --learning_rate 1e-3 --per_device_train_batch_size 32

AutoModelForTokenClassification, DataCollatorForTokenClassification (padding to the longest text of a batch), random
batches, fp32, AdamW, linear decay without warm-up; strict and default seqeval F1 after every epoch. Prints JSON.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

import torch
from stock_data import build_parser, collect_results, encode, list_labels, read_ner_file, score
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    Trainer,
    TrainingArguments,
    set_seed,
)


def main(argv: Sequence[str] | None = None) -> dict:
    args = build_parser(__doc__).parse_args(argv)
    set_seed(args.seed)

    dataset = {
        "train": read_ner_file(args.train_file, max_samples=args.max_train_samples),
        "validation": read_ner_file(args.validation_file),
    }
    labels = list_labels(dataset["train"])
    tokenizer = AutoTokenizer.from_pretrained(args.model_name_or_path)
    encoded = {split: encode(rows, tokenizer, labels, args.max_length) for split, rows in dataset.items()}

    model = AutoModelForTokenClassification.from_pretrained(
        args.model_name_or_path,
        id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)},
        dtype=torch.float32,
    )
    with tempfile.TemporaryDirectory() as output_dir:
        trainer = Trainer(
            model=model,
            args=TrainingArguments(
                output_dir=output_dir,
                num_train_epochs=args.num_train_epochs,
                learning_rate=args.learning_rate,
                per_device_train_batch_size=args.per_device_train_batch_size,
                per_device_eval_batch_size=32,
                eval_strategy="epoch",
                save_strategy="no",
                seed=args.seed,
                report_to="none",
            ),
            train_dataset=encoded["train"],
            eval_dataset=encoded["validation"],
            data_collator=DataCollatorForTokenClassification(tokenizer),
            processing_class=tokenizer,
            compute_metrics=lambda p: score(p.predictions.argmax(-1), p.label_ids, labels),
        )
        trainer.train()
    return collect_results(args, trainer, dataset["validation"])


if __name__ == "__main__":
    main()
