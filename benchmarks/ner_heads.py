"""The three heads and a stock script on one data set: strict F1, mean ± std over seeds.

    python benchmarks/ner_heads.py --train_file cluener/train.json --validation_file cluener/dev.json \\
        --num_train_epochs 6 --learning_rate 1e-3 --seeds 1 2 3 --output_dir outputs/cluener

Each run is one command; finished ones are not run again. `stock` is stock_softmax.py: a plain Trainer script with the
same encoder, epochs, batch size and learning rate. Of it the best epoch is taken, as of ours.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

from seed_runs import ROOT, read_json, run_script, spread


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train_file", required=True)
    parser.add_argument("--validation_file", required=True)
    parser.add_argument("--model_name_or_path", default=str(ROOT / "pretrained" / "bert-mini-zh"))
    parser.add_argument("--num_train_epochs", default="6")
    parser.add_argument("--learning_rate", default="1e-3")
    parser.add_argument("--per_device_train_batch_size", default="32")
    parser.add_argument("--heads", nargs="+", default=["crf", "span", "softmax", "stock"])
    parser.add_argument("--seeds", nargs="+", default=["1", "2", "3"])
    parser.add_argument("--output_dir", default="outputs/ner_heads")
    args = parser.parse_args()
    shared = ["train_file", "validation_file", "model_name_or_path", "num_train_epochs", "learning_rate"]
    common = [word for name in [*shared, "per_device_train_batch_size"] for word in (f"--{name}", getattr(args, name))]

    print("| head | strict F1 (x 100) | seeds | texts/s |\n|---|---|---|---|")
    for head in args.heads:
        results = [run(head, seed, common, Path(args.output_dir)) for seed in args.seeds]
        scores = [f1 for f1, _ in results]
        each = ", ".join(f"{100 * score:.2f}" for score in scores)
        speed = statistics.mean(speed for _, speed in results)
        print(f"| {head} | {spread(scores)} | {each} | {speed:.0f} |", flush=True)


def run(head: str, seed: str, common: list[str], folder: Path) -> tuple[float, float]:
    """Train, unless it is done; best strict F1 (0-1) and training speed in texts/s, evaluation included."""
    folder.mkdir(parents=True, exist_ok=True)
    result = folder / f"stock-{seed}.json" if head == "stock" else folder / f"{head}-{seed}" / "all_results.json"
    if not result.exists():
        print(f"{time.strftime('%H:%M:%S')} {head}, seed {seed}", file=sys.stderr)
        if head == "stock":
            run_script("benchmarks/stock_softmax.py", *common, "--seed", seed, "--output_file", result)
        else:
            ours = ["--head", head, "--output_dir", result.parent, "--overwrite_output_dir"]
            run_script("run_ner.py", *common, "--seed", seed, *ours)
    scores = read_json(result)
    return scores.get("eval_f1", scores.get("best_f1_strict")), scores["train_samples_per_second"]


if __name__ == "__main__":
    main()
