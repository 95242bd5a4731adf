"""The three heads and a stock script on one data set: strict F1, mean ± std over seeds.

    python benchmarks/ner_heads.py --train_file cluener/train.json --validation_file cluener/dev.json \\
        --num_train_epochs 6 --learning_rate 1e-3 --seeds 1 2 3 --output_dir outputs/cluener

Each run is one command; finished ones are not run again. `stock` is stock_softmax.py: a plain Trainer script with the
same encoder, epochs, batch size and learning rate. Of it the best epoch is taken, as of ours.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train_file", required=True)
    parser.add_argument("--validation_file", required=True)
    parser.add_argument("--model_name_or_path", default="pretrained/bert-mini-zh")
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
        scores = [100 * f1 for f1, _ in results]
        spread = f" ± {statistics.stdev(scores):.2f}" if len(scores) > 1 else ""
        each = ", ".join(f"{score:.2f}" for score in scores)
        speed = statistics.mean(speed for _, speed in results)
        print(f"| {head} | {statistics.mean(scores):.2f}{spread} | {each} | {speed:.0f} |", flush=True)


def run(head: str, seed: str, common: list[str], folder: Path) -> tuple[float, float]:
    """Train, unless it is done; best strict F1 (0-1) and training speed in texts/s, evaluation included."""
    folder.mkdir(parents=True, exist_ok=True)
    result = folder / f"stock-{seed}.json" if head == "stock" else folder / f"{head}-{seed}" / "all_results.json"
    if not result.exists():
        if head == "stock":
            command = [ROOT / "benchmarks" / "stock_softmax.py", *common, "--seed", seed, "--output_file", result]
        else:
            command = [ROOT / "run_ner.py", *common, "--head", head, "--seed", seed, "--output_dir", result.parent]
            command.append("--overwrite_output_dir")
        print(f"{time.strftime('%H:%M:%S')} {head}, seed {seed}", file=sys.stderr)
        done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, cwd=ROOT)
        if done.returncode:
            sys.exit(done.stderr)
    scores = json.loads(result.read_text())
    return scores.get("eval_f1", scores.get("best_f1_strict")), scores["train_samples_per_second"]


if __name__ == "__main__":
    main()
