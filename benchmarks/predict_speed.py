"""Prediction speed of predict.py's finder compared with the stock pipeline on the same model.

    python benchmarks/predict_speed.py outputs/softmax cluener/train.json --count 10000 --int8

The model is a stock token classifier (run_ner.py --head softmax), which pipeline("token-classification") can load.
Further directories (--also outputs/crf outputs/span) are timed only with the finder, --rounds times in turn, and with
--int8 also as predict.py --int8 scores them. Prints texts/s and ratios.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch
import transformers
from seed_runs import write_record
from transformers import pipeline

from utils.options.fine_tuning_arguments import has_bf16
from utils.prediction.prediction_tasks import load_task
from utils.tagging.readers_ner import read_ner


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("texts", help="an NER file; its texts are predicted")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--also", nargs="*", default=[])
    parser.add_argument("--int8", action="store_true", help="also with graphs of eight-bit matrices")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--output_file", type=Path, help="write a record here (JSON)")
    args = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    texts = read_ner(args.texts)["text"][: args.count]
    bf16 = has_bf16(cpu=not torch.accelerator.is_available())

    stock = pipeline("token-classification", model=args.model, aggregation_strategy="simple")
    stock(texts[:100], batch_size=32)
    finders = {}
    for path in (args.model, *args.also):
        finder = load_task([path], output_format="jsonl", options={}, bf16=bf16).finder
        finders[finder.head] = finder
        if args.int8:
            small = load_task([path], output_format="jsonl", options={}, backend="onnx", int8=True)
            finders[f"{finder.head}, int8"] = small.finder
    for finder in finders.values():
        finder.find(texts[:100])

    rows = []
    for number in range(1, args.rounds + 1):
        slow = speed(len(texts), lambda: stock(texts, batch_size=32))
        print(f"pipeline(batch_size=32)   {slow:8.1f} texts/s   {len(texts):,} texts")
        rows.append({"what": "pipeline", "texts_per_second": round(slow, 1), "round": number})
        for what, finder in finders.items():
            fast = speed(len(texts), lambda finder=finder: sum(1 for _ in finder.find_all(texts)))
            print(f"predict.py, {what:<13} {fast:8.1f} texts/s   {fast / slow:.2f}x", flush=True)
            rows.append({"what": what, "texts_per_second": round(fast, 1), "round": number})
    write_record(args.output_file, rows)


def speed(count: int, call: Callable[[], object]) -> float:
    """Texts per second of a call that processes `count` of them."""
    start = time.perf_counter()
    call()
    return count / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
