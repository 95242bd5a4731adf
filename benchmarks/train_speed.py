"""Training speed of run_ner.py --head crf compared with a plain Trainer + pytorch-crf loop (stock_crf.py).

    python benchmarks/train_speed.py --train_file cluener/train.json --validation_file cluener/dev.json \\
        --seeds 1 2 3

Same encoder, batch size, epochs and learning rate, in turn on the same machine, evaluation not counted. The stock loop
is what users write: float32, random batches padded to their longest text. Prints texts/s, their ratio, and the strict
F1 of both, to show that speed does not cost quality.
"""

import argparse
import tempfile
from pathlib import Path

from seed_runs import ROOT, read_json, run_script, write_record


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train_file", required=True)
    parser.add_argument("--validation_file", required=True)
    parser.add_argument("--model_name_or_path", default=str(ROOT / "pretrained" / "bert-mini-zh"))
    parser.add_argument("--num_train_epochs", default="2")
    parser.add_argument("--learning_rate", default="1e-3")
    parser.add_argument("--per_device_train_batch_size", default="32")
    parser.add_argument("--seeds", nargs="+", default=["1"], help="both train once with each")
    parser.add_argument("--attention", default="padded", help="of run_ner.py")
    parser.add_argument("--output_file", type=Path, help="write a record here (JSON)")
    args = vars(parser.parse_args())
    output_file, seeds, attention = (args.pop(name) for name in ("output_file", "seeds", "attention"))
    common = [word for name, value in args.items() for word in (f"--{name}", value)]

    rows = []
    for seed in seeds:
        pair = train_both([*common, "--seed", seed], attention)
        print(f"seed {seed}")
        for row in pair:
            print(f"{row['what']:<24} {row['texts_per_second']:7.1f} texts/s   strict F1 {row['f1']:.4f}")
        fast, slow = (row["texts_per_second"] for row in pair)
        print(f"ratio {fast / slow:.2f}x", flush=True)
        rows += [row | {"seed": int(seed)} for row in pair]
        write_record(output_file, rows)


def train_both(flags: list[str], attention: str) -> list[dict]:
    """Speed (texts/s) and strict F1 of run_ner.py, then of the stock loop."""
    with tempfile.TemporaryDirectory() as folder:
        whole_run = ["--eval_strategy", "no", "--save_strategy", "no", "--load_best_model_at_end", "false"]
        own = ["--head", "crf", "--attention", attention, "--output_dir", f"{folder}/ours"]
        run_script("run_ner.py", *flags, *own, *whole_run)
        ours = read_json(Path(folder, "ours", "all_results.json"))
        run_script("benchmarks/stock_crf.py", *flags, "--output_file", f"{folder}/stock.json")
        stock = read_json(Path(folder, "stock.json"))
    speeds = ours["train_samples_per_second"], stock["train_samples_per_second_without_eval"]
    scores = ours["eval_f1"], stock["last_f1_strict"]
    names = "run_ner.py --head crf", "stock_crf.py"
    return [
        {"what": name, "texts_per_second": round(speed, 1), "f1": f1}
        for name, speed, f1 in zip(names, speeds, scores, strict=True)
    ]


if __name__ == "__main__":
    main()
