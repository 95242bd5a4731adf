"""Training speed of run_mlm.py compared with the stock recipe (stock_mlm.py): tokens per second, one after the other.

    python benchmarks/mlm_speed.py --train_file corpus.txt --rounds 3

Same model, sequence length, batch size and steps, on the same machine; padding is not counted as tokens. The stock
recipe is run with joined texts and with padded lines, ours with AdamW and with Muon. They take turns, so that other
work on the machine affects all of them.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from seed_runs import ROOT, read_json, run_script


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train_file", required=True)
    parser.add_argument("--model_name_or_path", default=str(ROOT / "pretrained" / "bert-mini-zh"))
    parser.add_argument("--max_length", type=int, default=128)
    parser.add_argument("--per_device_train_batch_size", type=int, default=32)
    parser.add_argument("--max_steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    args = vars(parser.parse_args())
    rounds = args.pop("rounds")
    common = [word for name, value in args.items() for word in (f"--{name}", value)]
    tokens = args["max_steps"] * args["per_device_train_batch_size"] * args["max_length"]
    kinds = {
        "stock, joined texts": ("stock", []),
        "stock, padded lines": ("stock", ["--line_by_line"]),
        "run_mlm.py": ("ours", []),
        "run_mlm.py --optimizer muon": ("ours", ["--optimizer", "muon"]),
    }
    speeds: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, (kind, flags) in kinds.items():
            with tempfile.TemporaryDirectory() as folder:
                if kind == "stock":
                    run_script("benchmarks/stock_mlm.py", *common, *flags, "--output_file", f"{folder}/stock.json")
                    speeds[name].append(read_json(Path(folder, "stock.json"))["tokens_per_second"])
                else:
                    whole = ["--eval_strategy", "no", "--save_strategy", "no", "--load_best_model_at_end", "false"]
                    whole += ["--max_eval_samples", 32, "--output_dir", folder]
                    run_script("run_mlm.py", *common, *flags, *whole)
                    speeds[name].append(tokens / read_json(Path(folder, "all_results.json"))["train_runtime"])
    slow = statistics.mean(speeds["stock, joined texts"])
    print("| | tokens/s | x |\n|---|---|---|")
    for name, values in speeds.items():
        spread = f" ± {statistics.stdev(values):.0f}" if rounds > 1 else ""
        print(f"| {name} | {statistics.mean(values):.0f}{spread} | {statistics.mean(values) / slow:.2f} |")


if __name__ == "__main__":
    main()
