"""Several encoders of one size on five Chinese tasks, with frozen recipes: mean ± std over seeds, paired test.

    python benchmarks/encoder_scores.py --encoders random=pretrained/bert-mini-zh \\
        shipped=pretrained/bert-mini-zh --data_dir data --seeds 1 2 3 --output_dir outputs/encoders
    python benchmarks/encoder_scores.py --encoders shipped=pretrained/bert-mini-zh \\
        adapted=outputs/adapted --tasks cluener --seeds 1 2 3 4 5 --data_dir data --output_dir outputs/adaptation

An encoder named random has the configuration of the one it points to, with new random weights for each seed.
--data_dir contains cluener/, peoples_daily/, taipei_qa/, thucnews/ and fewclue/eprstmt/. Recipes are those of
configs/. CLUENER and peoples_daily are scored at the best epoch on dev, the others at the last one, as nothing is
chosen there. --jobs runs go in parallel, with one thread each; finished runs are not repeated. Prints a Markdown
table and writes scores.json.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scipy.stats import ttest_rel
from seed_runs import ROOT, read_json, spread, write_rows
from transformers import AutoConfig, AutoModelForMaskedLM, AutoTokenizer, set_seed

from utils.data.splits import split_by_class
from utils.reading.class_readers import read_classes

LAST_EPOCH = ["--eval_strategy", "no", "--save_strategy", "no", "--load_best_model_at_end", "false"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoders", nargs="+", required=True, metavar="NAME=FOLDER")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=[each.__name__ for each in TABLE])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--data_dir", type=Path, required=True)
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    args = parser.parse_args()
    encoders = dict(each.split("=", 1) for each in args.encoders)
    asked = [(task, name, seed) for task in args.tasks for name in encoders for seed in args.seeds]
    for task, _, seed in asked:  # make splits before several runs read them
        TASKS[task](args.data_dir, seed, args.output_dir / "splits")
    with ThreadPoolExecutor(args.jobs) as pool:
        done = list(pool.map(lambda each: score(*each, encoders[each[1]], args), asked))
    scores = {task: {name: [] for name in encoders} for task in args.tasks}
    for (task, name, _), value in zip(asked, done, strict=True):
        scores[task][name].append(value)
    print("\n".join(table(scores, list(encoders))))
    record = {"encoders": encoders, "seeds": args.seeds, "scores": scores}
    (args.output_dir / "scores.json").write_text(json.dumps(record, indent=1), encoding="utf-8")


def table(scores: dict[str, dict[str, list[float]]], names: list[str]) -> Iterable[str]:
    """Markdown: a row for each task, a column for each encoder, and the last one compared with the one before it."""
    yield f"| | {' | '.join(names)} | {names[-1]} - {names[-2]} |" if len(names) > 1 else f"| | {names[0]} |"
    yield "|---" * (len(names) + 1 + (len(names) > 1)) + "|"
    for task, by_name in scores.items():
        row = f"| {task} | " + " | ".join(spread(by_name[name]) for name in names) + " |"
        if len(names) > 1:
            one, other = by_name[names[-1]], by_name[names[-2]]
            row += f" {100 * (sum(one) - sum(other)) / len(one):+.2f}"
            if len(one) > 1:
                row += f" (paired t-test over seeds: p = {ttest_rel(one, other).pvalue:.3f})"
            row += " |"
        yield row


def score(task: str, name: str, seed: int, model: str, args) -> float:
    """The score (0-1) of one run."""
    folder = args.output_dir / task / f"{name}-{seed}"
    result = folder / "all_results.json"
    script, flags, key = TASKS[task](args.data_dir, seed, args.output_dir / "splits")
    if not result.exists():
        if name == "random":
            model = write_random(model, seed, args.output_dir / f"random-{seed}")
        given = ["--model_name_or_path", model, "--output_dir", folder, "--overwrite_output_dir", "true"]
        command = [sys.executable, str(ROOT / script), *map(str, flags), *map(str, given), "--seed", str(seed)]
        threads = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
        run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=os.environ | threads)
        if run.returncode:
            raise SystemExit(run.stderr)
    found = read_json(result)[key]
    print(f"{time.strftime('%H:%M:%S')} {task} {name} {seed}: {found:.4f}", file=sys.stderr, flush=True)
    return found


def write_random(like: str, seed: int, folder: Path) -> str:
    """Write a masked-language model of the same configuration, with random weights; returns its folder."""
    if not (folder / "tokenizer.json").exists():
        set_seed(seed)
        AutoModelForMaskedLM.from_config(AutoConfig.from_pretrained(like)).save_pretrained(folder)
        AutoTokenizer.from_pretrained(like).save_pretrained(folder)
    return str(folder)


def cluener(data: Path, seed: int, splits: Path):
    """Strict F1 of a CRF on the official dev split."""
    files = ["--train_file", data / "cluener/train.json", "--validation_file", data / "cluener/dev.json"]
    return "run_ner.py", ["configs/cluener_bert_mini.yaml", *files], "eval_f1"


def cluener_1000(data: Path, seed: int, splits: Path):
    """As `cluener`, with the labels of the first 1,000 sentences only: ten epochs, the last one is scored."""
    script, flags, key = cluener(data, seed, splits)
    return script, [*flags, "--max_train_samples", 1000, "--num_train_epochs", 10, *LAST_EPOCH], key


def peoples_daily(data: Path, seed: int, splits: Path):
    """Strict F1 of a CRF, with CLUENER's recipe; trained on test.txt, as there is no training split."""
    files = ["--train_file", data / "peoples_daily/test.txt", "--validation_file", data / "peoples_daily/dev.txt"]
    return "run_ner.py", ["configs/cluener_bert_mini.yaml", *files], "eval_f1"


def taipei_qa(data: Path, seed: int, splits: Path):
    """Accuracy on a tenth of the questions, held out by the seed."""
    folder = splits / f"taipei-{seed}"
    if not (folder / "test.jsonl").exists():
        rows = read_classes(data / "taipei_qa/Taipei_QA_new.txt", file_format="faq")
        train, test = split_by_class(rows, validation_share=0.1, seed=seed)
        write_rows(train, folder / "train.jsonl")
        write_rows(test, folder / "test.jsonl")
    files = ["--train_file", folder / "train.jsonl", "--validation_file", folder / "test.jsonl"]
    return "run_qa_cls.py", ["configs/taipei_bert_mini.yaml", *files, *LAST_EPOCH], "eval_accuracy"


def thucnews(data: Path, seed: int, splits: Path):
    """Accuracy on test.txt, trained on dev.txt."""
    files = ["--train_file", data / "thucnews/dev.txt", "--validation_file", data / "thucnews/test.txt"]
    return "run_classification.py", ["configs/thucnews_bert_mini.yaml", *files, *LAST_EPOCH], "eval_accuracy"


def eprstmt(data: Path, seed: int, splits: Path):
    """Accuracy of a tuned prompt on test_public; draw seed - 1 of the 32 examples."""
    folder, draw = data / "fewclue/eprstmt", seed - 1
    files = ["--train_file", folder / f"train_{draw}.json", "--validation_file", folder / f"dev_{draw}.json"]
    files += ["--test_file", folder / "test_public.json", "--per_device_train_batch_size", 8]
    learning = ["--learning_rate", "3e-4", "--num_train_epochs", 15]
    return "run_prompt.py", ["configs/eprstmt_prompt.yaml", *files, *learning], "test_accuracy"


TABLE = cluener, peoples_daily, taipei_qa, thucnews, eprstmt
TASKS: dict[str, Callable] = {each.__name__: each for each in (*TABLE, cluener_1000)}


if __name__ == "__main__":
    main()
