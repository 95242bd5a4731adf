"""Training speed of run_classification.py compared with a stock script that pads to 128 (stock_classification.py).

    python benchmarks/text_speed.py --train_file train.tsv --validation_file dev.tsv
    python benchmarks/text_speed.py --train_file train.tsv --validation_file dev.tsv \\
        -- --pooling mean --layers weighted

Same encoder, batch size, epochs and learning rate, one after the other on the same machine, evaluation not counted;
flags after `--` are only for ours. Prints texts/s, their ratio, and the accuracy of both, to show that speed does not
cost quality.
"""

import argparse
import tempfile
from pathlib import Path

from seed_runs import ROOT, read_json, run_script


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train_file", required=True)
    parser.add_argument("--validation_file", required=True)
    parser.add_argument("--file_format", default="auto")
    parser.add_argument("--model_name_or_path", default=str(ROOT / "pretrained" / "bert-mini-zh"))
    parser.add_argument("--num_train_epochs", default="2")
    parser.add_argument("--learning_rate", default="1e-3")
    parser.add_argument("--per_device_train_batch_size", default="32")
    parser.add_argument("--seed", default="1")
    parser.add_argument("flags", nargs=argparse.REMAINDER, help="-- and further flags for our script")
    args = vars(parser.parse_args())
    flags = [word for word in args.pop("flags") if word != "--"]
    common = [word for name, value in args.items() for word in (f"--{name}", value)]

    with tempfile.TemporaryDirectory() as folder:
        whole_run = ["--eval_strategy", "no", "--save_strategy", "no", "--load_best_model_at_end", "false"]
        run_script("run_classification.py", *common, "--output_dir", f"{folder}/ours", *whole_run, *flags)
        ours = read_json(Path(folder, "ours", "all_results.json"))
        run_script("benchmarks/stock_classification.py", *common, "--output_file", f"{folder}/stock.json")
        stock = read_json(Path(folder, "stock.json"))
    fast, slow = ours["train_samples_per_second"], stock["train_samples_per_second"]
    print(f"run_classification.py     {fast:7.1f} texts/s   accuracy {ours['eval_accuracy']:.4f}")
    print(f"stock, padded to 128      {slow:7.1f} texts/s   accuracy {stock['accuracy']:.4f}")
    print(f"ratio {fast / slow:.2f}x")


if __name__ == "__main__":
    main()
