"""Split a file of texts with classes by a seed: train.jsonl, test.jsonl and, on request, validation.jsonl.

    python scripts/split_rows.py headlines.json outputs/splits/1 --seed 1 --test_share 0.1
    python scripts/split_rows.py headlines.json outputs/splits/1 --seed 1 --test_share 0.2 \\
        --validation_share 0.1

Splits are stratified by class and keep equal texts together, as in the scripts; shares are of the whole file (0-1).
"""

import argparse
import json
from pathlib import Path

from utils.data.errors import ArgumentError
from utils.data.splits import split_by_class
from utils.options.arguments import run_script
from utils.options.option_checks import check_ranges
from utils.reading.class_readers import read_classes
from utils.running.atomic_files import write_files

SHARE = {"above": 0, "below": 1}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("output", type=Path)
    parser.add_argument("--file_format", default="auto", help="found by content and extension if not given (auto)")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--test_share", type=float, required=True)
    parser.add_argument("--validation_share", type=float, help="no validation split is made without it")
    args = parser.parse_args(argv)
    check_ranges(vars(args), {"test_share": SHARE, "validation_share": SHARE})
    if args.validation_share and args.test_share + args.validation_share >= 1:
        raise ArgumentError(
            f"--test_share {args.test_share:g} --validation_share {args.validation_share:g}: expected a sum below 1, "
            "as the rest is the training data"
        )
    sides = {}
    rest, sides["test"] = split_by_class(
        read_classes(args.file, file_format=args.file_format), validation_share=args.test_share, seed=args.seed
    )
    if args.validation_share:
        share = args.validation_share / (1 - args.test_share)
        rest, sides["validation"] = split_by_class(rest, validation_share=share, seed=args.seed)
    sides["train"] = rest
    lines = {
        f"{side}.jsonl": "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        for side, rows in sides.items()
    }
    args.output.mkdir(parents=True, exist_ok=True)
    write_files(args.output, lines)
    print(", ".join(f"{side}: {len(rows):,}" for side, rows in sides.items()))


if __name__ == "__main__":
    run_script(main)
