"""Training speed of run_ner.py --head crf beside a plain Trainer + pytorch-crf loop (stock_crf.py).

    PYTHONPATH=. python benchmarks/train_speed.py --train_file cluener/train.json --validation_file cluener/dev.json

Same encoder, batch size, epochs and learning rate, one after the other on the same machine, evaluation not counted.
The stock loop runs as users write it: float32, random batches padded to their longest text. Prints texts/s, their
ratio, and the strict F1 of both, so that speed is not bought with quality.
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
    parser.add_argument("--seed", default="1")
    parser.add_argument("--output_file", type=Path, help="leave a record of it")
    args = vars(parser.parse_args())
    output_file = args.pop("output_file")
    common = [word for name, value in args.items() for word in (f"--{name}", value)]

    with tempfile.TemporaryDirectory() as folder:
        whole_run = ["--eval_strategy", "no", "--save_strategy", "no", "--load_best_model_at_end", "false"]
        run_script("run_ner.py", *common, "--head", "crf", "--output_dir", f"{folder}/ours", *whole_run)
        ours = read_json(Path(folder, "ours", "all_results.json"))
        run_script("benchmarks/stock_crf.py", *common, "--output_file", f"{folder}/stock.json")
        stock = read_json(Path(folder, "stock.json"))
    fast, slow = ours["train_samples_per_second"], stock["train_samples_per_second_without_eval"]
    print(f"run_ner.py --head crf     {fast:7.1f} texts/s   strict F1 {ours['eval_f1']:.4f}")
    print(f"Trainer + pytorch-crf     {slow:7.1f} texts/s   strict F1 {stock['last_f1_strict']:.4f}")
    print(f"ratio {fast / slow:.2f}x")
    mine = {"what": "run_ner.py --head crf", "texts_per_second": round(fast, 1), "f1": ours["eval_f1"]}
    other = {"what": "stock_crf.py", "texts_per_second": round(slow, 1), "f1": stock["last_f1_strict"]}
    write_record(output_file, [mine, other])


if __name__ == "__main__":
    main()
