"""Baseline: masked-language modelling as the HuggingFace examples do it.

    python benchmarks/stock_mlm.py --train_file corpus.txt --model_name_or_path pretrained/bert-mini-zh --max_steps 60

`DataCollatorForLanguageModeling`, fp32, AdamW, the output layer at every token. Texts are joined and cut into blocks
of --max_length, or with --line_by_line padded to the longest of their batch. Prints JSON: training tokens per second,
padding not counted.
"""

import argparse
import json
import tempfile
from itertools import chain
from pathlib import Path

from datasets import load_dataset
from transformers import (
    AutoModelForMaskedLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainingArguments,
    set_seed,
)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train_file", required=True)
    parser.add_argument("--model_name_or_path", required=True)
    parser.add_argument("--max_length", type=int, default=128)
    parser.add_argument("--per_device_train_batch_size", type=int, default=32)
    parser.add_argument("--max_steps", type=int, default=60)
    parser.add_argument("--line_by_line", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output_file", type=Path)
    args = parser.parse_args()
    set_seed(args.seed)

    tokenizer = AutoTokenizer.from_pretrained(args.model_name_or_path)
    rows = load_dataset("text", data_files=args.train_file, split="train").filter(lambda row: row["text"].strip())

    def encode(batch):
        cut = {"truncation": True, "max_length": args.max_length} if args.line_by_line else {}
        return tokenizer(batch["text"], return_special_tokens_mask=True, **cut)

    def group(batch):
        joined = {name: list(chain(*values)) for name, values in batch.items()}
        ends = range(args.max_length, len(joined["input_ids"]) + 1, args.max_length)
        return {name: [values[end - args.max_length : end] for end in ends] for name, values in joined.items()}

    encoded = rows.map(encode, batched=True, remove_columns=rows.column_names)
    if not args.line_by_line:
        encoded = encoded.map(group, batched=True)
    drawn = encoded.shuffle(seed=args.seed).select(range(args.max_steps * args.per_device_train_batch_size))
    tokens = sum(map(len, drawn["input_ids"]))
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            AutoModelForMaskedLM.from_pretrained(args.model_name_or_path, dtype="float32"),
            TrainingArguments(
                folder,
                max_steps=args.max_steps,
                per_device_train_batch_size=args.per_device_train_batch_size,
                save_strategy="no",
                report_to="none",
                seed=args.seed,
            ),
            train_dataset=drawn,
            data_collator=DataCollatorForLanguageModeling(tokenizer),
            processing_class=tokenizer,
        )
        seconds = trainer.train().metrics["train_runtime"]
    found = json.dumps({"tokens_per_second": tokens / seconds})
    print(found)
    if args.output_file:
        args.output_file.write_text(found, encoding="utf-8")


if __name__ == "__main__":
    main()
