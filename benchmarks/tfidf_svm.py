"""Baseline: TF-IDF n-grams and a linear SVM; writes the files of a run, so that report.py can compare it with others.

    python benchmarks/tfidf_svm.py --train_file data/review_sample/train.tsv \\
        --validation_file data/review_sample/dev.tsv --output_dir outputs/svm

Runs of 1-3 characters, or with `--analyzer word` words and pairs of them. Nothing is random, so one run is enough.
The classifier is saved, too, calibrated: `predict.py outputs/svm` uses it, and `predict.py --ensemble outputs/run
outputs/svm` lets it answer together with an encoder.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets import Dataset

from utils.options.arguments import run_script
from utils.prediction.ngram_finder import WIDEST, NgramFinder
from utils.reading.class_readers import read_classes
from utils.reading.text_labels import list_labels
from utils.running.atomic_files import write_files
from utils.running.run_setup import record_run
from utils.scoring import example_counts
from utils.scoring.class_metrics import ClassScores


@dataclass
class Arguments:
    """What `run.json` keeps."""

    train_file: str
    validation_file: str | None
    test_file: str | None
    file_format: str
    analyzer: str
    seed: int
    output_dir: str


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train_file", required=True)
    parser.add_argument("--validation_file")
    parser.add_argument("--test_file")
    parser.add_argument("--file_format", default="auto")
    parser.add_argument("--analyzer", choices=list(WIDEST), default="char")
    parser.add_argument("--seed", type=int, default=1, help="seed of the split; nothing here is random")
    parser.add_argument("--output_dir", required=True)
    for flag in ("--text_column", "--text_pair_column", "--label_column"):
        parser.add_argument(flag, help="its name in the files, if it is not a usual one")
    told = vars(parser.parse_args(argv))
    columns = {name: told.pop(name) for name in list(told) if name.endswith("_column")}
    args = Arguments(**told)

    started, reading = time.time(), {"file_format": args.file_format, **columns}
    train = read_classes(args.train_file, **reading)
    labels = list_labels(train)
    positive = 1 if len(labels) == 2 else None
    model = NgramFinder.fit(train, names=labels, analyzer=args.analyzer, positive=positive)
    results, counts, errors = {}, {}, {}
    for split, path in (("validation", args.validation_file), ("test", args.test_file)):
        if path:
            rows = read_classes(path, **reading)
            pairs = rows["text_pair"][:] if "text_pair" in rows.column_names else None
            found = [labels[i] for i in model.logits(rows["text"][:], pairs).argmax(-1)]
            scores, table, counts[split] = score_classes(rows, found, labels, positive)
            prefix = "eval" if split == "validation" else split
            results |= {f"{prefix}_{name}": value for name, value in scores.items()}
            errors[split] = {"table": table}
    files = (args.train_file, args.validation_file, args.test_file)
    record = record_run([args], files=files, started=started, results=results)
    left = {example_counts.NAME: counts, "error_report.json": {"splits": errors}}
    left |= model.files() | {"all_results.json": results, "run.json": record}
    Path(args.output_dir).mkdir(parents=True, exist_ok=True)
    write_files(args.output_dir, left)
    print(f"{len(train):,} texts of {len(labels)} classes; saved in {args.output_dir}")
    if results:
        print(" ".join(f"{name} {value:.4f}" for name, value in results.items()))


def score_classes(
    rows: Dataset, found: Sequence[str], labels: Sequence[str], positive: int | None
) -> tuple[dict[str, float], dict, dict]:
    """The scores of one class for each row, 0-1 by name; their table by class; and the counts that a run keeps.

    Args:
        rows: `id`, texts, `label`.
        found: the class of each row.
        labels: names of the classes.
        positive: id of the positive class of two.
    """
    numbers = [[labels.index(label) for label in side] for side in (found, rows["label"][:])]
    scores = ClassScores(keep_in_memory=True).compute(
        predictions=numbers[0], references=numbers[1], labels=labels, positive=positive
    )
    values = {name: value for name, value in scores.items() if isinstance(value, float)}
    return values, scores["table"], example_counts.count_classes(rows, found, labels, positive)


if __name__ == "__main__":
    run_script(main)
