"""A script of ours beside TF-IDF n-grams and a linear SVM on the same splits: mean ± std over splits or seeds.

    PYTHONPATH=. python benchmarks/text_scores.py --script run_qa_cls.py --data_file Taipei_QA_new.txt \\
        --file_format faq --seeds 1 2 3 --output_dir outputs/taipei -- --learning_rate 1e-3 --num_train_epochs 10
    PYTHONPATH=. python benchmarks/text_scores.py --script run_classification.py --train_file dev.txt \\
        --test_file test.txt --seeds 1 2 3 --output_dir outputs/thucnews -- --learning_rate 1e-3

With --data_file each seed makes its own 90/10 split, stratified by class, equal texts on one side; both learn from the
90 %. What stands behind `--` goes to the script. Nothing is chosen on the held-out part: the script runs to its last
epoch and is scored once. Finished runs are not run again. Prints a Markdown table, leaves scores.json in --output_dir.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from seed_runs import ROOT, read_json, run_script, spread, write_rows
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from utils.data.readers_text import read_classes
from utils.data.splits import split_by_class

LAST_EPOCH = ["--eval_strategy", "no", "--save_strategy", "no", "--load_best_model_at_end", "false"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--script", required=True, choices=["run_classification.py", "run_qa_cls.py"])
    parser.add_argument("--data_file", help="split it by seed")
    parser.add_argument("--train_file", help="or give both sides")
    parser.add_argument("--test_file")
    parser.add_argument("--file_format", default="auto")
    parser.add_argument(
        "--analyzer", choices=["char", "word"], default="char", help="of the baseline: 1-3 or 1-2-grams"
    )
    parser.add_argument("--model_name_or_path", default=str(ROOT / "pretrained" / "bert-mini-zh"))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("flags", nargs=argparse.REMAINDER, help="-- and what the script is told")
    args = parser.parse_args()
    flags = [word for word in args.flags if word != "--"]

    results: dict[str, list[dict]] = {"TF-IDF + linear SVM": [], args.script: []}
    for seed in args.seeds:
        folder = args.output_dir / f"seed-{seed}"
        sides = write_sides(args, seed, folder)
        results["TF-IDF + linear SVM"].append(score_baseline(*sides, analyzer=args.analyzer))
        results[args.script].append(score_script(args, flags, seed, folder, *sides))
        print(f"{time.strftime('%H:%M:%S')} seed {seed}: {[each[-1] for each in results.values()]}", file=sys.stderr)
    print("| | accuracy | macro F1 | accuracy by seed |\n|---|---|---|---|")
    for name, scores in results.items():
        table = " | ".join(spread([one[name] for one in scores]) for name in ("accuracy", "macro_f1"))
        each = ", ".join(f"{100 * one['accuracy']:.2f}" for one in scores)
        print(f"| {name} | {table} | {each} |")
    record = {"seeds": args.seeds, "flags": flags, "results": results}
    (args.output_dir / "scores.json").write_text(json.dumps(record, indent=2), encoding="utf-8")


def write_sides(args, seed: int, folder: Path) -> tuple[Path, Path]:
    """Train and test rows as json lines."""
    if args.data_file:
        rows = read_classes(args.data_file, file_format=args.file_format)
        sides = split_by_class(rows, validation_share=0.1, seed=seed)
    else:
        sides = [read_classes(path, file_format=args.file_format) for path in (args.train_file, args.test_file)]
    train, test = sides
    return write_rows(train, folder / "train.jsonl"), write_rows(test, folder / "test.jsonl")


def score_baseline(train: Path, test: Path, *, analyzer: str) -> dict:
    """Accuracy and macro F1 (0-1) of TF-IDF n-grams and a linear SVM."""
    sides = [[json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] for path in (train, test)]
    texts, labels = zip(*([[row[name] for row in side] for name in ("text", "label")] for side in sides), strict=True)
    widest = {"char": 3, "word": 2}[analyzer]
    model = make_pipeline(TfidfVectorizer(analyzer=analyzer, ngram_range=(1, widest), sublinear_tf=True), LinearSVC())
    predicted = model.fit(texts[0], labels[0]).predict(texts[1])
    return {
        "accuracy": float((predicted == labels[1]).mean()),
        "macro_f1": float(f1_score(labels[1], predicted, average="macro", zero_division=0)),
    }


def score_script(args, flags: list[str], seed: int, folder: Path, train: Path, test: Path) -> dict:
    """Accuracy, macro F1 (0-1) and training speed of our script; what is done is read, not done again."""
    result = folder / "run" / "all_results.json"
    if not result.exists():
        given = ["--model_name_or_path", args.model_name_or_path, "--train_file", train, "--validation_file", test]
        given += ["--output_dir", result.parent, "--overwrite_output_dir", "true", "--seed", seed]
        run_script(args.script, *given, *LAST_EPOCH, *flags)
    scores = read_json(result)
    speed = scores.get("train_samples_per_second")
    return {"accuracy": scores["eval_accuracy"], "macro_f1": scores["eval_macro_f1"], "texts_per_second": speed}


if __name__ == "__main__":
    main()
