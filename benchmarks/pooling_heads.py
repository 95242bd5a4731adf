"""Poolings of run_classification.py beside each other: test scores with decisions as they come, and tuned.

    PYTHONPATH=. python benchmarks/pooling_heads.py --train_file csl/train_0.json --validation_file csl/dev_0.json \\
        --test_file csl/test_public_1000.json --seeds 1 2 3 --output_dir outputs/csl -- --threshold_metric f1
    PYTHONPATH=. python benchmarks/pooling_heads.py --data_file csl/test_public_1000.json \\
        --seeds 1 2 3 --output_dir outputs/csl_1000

With --data_file each seed makes its own split, 70/10/20, stratified by class. Decisions are tuned on validation. What
stands behind `--` goes to the script. Each run is one command and leaves a submission.csv; finished ones are not run
again. Prints a Markdown table, leaves scores.json in --output_dir.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from seed_runs import ROOT, read_json, run_script, spread, write_rows

from utils.data.readers_text import read_classes
from utils.data.splits import split_by_class

SIDES = ("train", "validation", "test")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_file", help="split it by seed")
    for side in SIDES:
        parser.add_argument(f"--{side}_file", help="or give all three sides" if side == "train" else None)
    parser.add_argument("--model_name_or_path", default=str(ROOT / "pretrained" / "bert-mini-zh"))
    parser.add_argument("--poolings", nargs="+", default=["cls", "fusion"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("flags", nargs=argparse.REMAINDER, help="-- and what the script is told")
    args = parser.parse_args()
    flags = [word for word in args.flags if word != "--"]

    results: dict[str, list[dict]] = {pooling: [] for pooling in args.poolings}
    for seed in args.seeds:
        files = {side: getattr(args, f"{side}_file") for side in SIDES}
        if args.data_file:
            files = write_sides(args.data_file, seed, args.output_dir / f"data-{seed}")
        for pooling in args.poolings:
            given = ["--model_name_or_path", args.model_name_or_path, "--pooling", pooling, "--seed", seed, *flags]
            given += [word for side, path in files.items() for word in (f"--{side}_file", path)]
            results[pooling].append(score(given, args.output_dir / f"{pooling}-{seed}"))
            print(f"{time.strftime('%H:%M:%S')} {pooling}, seed {seed}: {results[pooling][-1]}", file=sys.stderr)
    print("| pooling | accuracy | F1 | accuracy, tuned | F1, tuned |\n|---|---|---|---|---|")
    for pooling, scores in results.items():
        cells = [
            spread([one[kind][name] for one in scores]) for kind in ("untuned", "tuned") for name in ("accuracy", "f1")
        ]
        print(f"| {pooling} | {' | '.join(cells)} |")
    record = {"seeds": args.seeds, "flags": flags, "results": results}
    (args.output_dir / "scores.json").write_text(json.dumps(record, indent=2), encoding="utf-8")


def write_sides(path: str, seed: int, folder: Path) -> dict[str, Path]:
    """The rows as json lines: 70 % to train, 10 % to validate, 20 % to test."""
    rest, test = split_by_class(read_classes(path), validation_share=0.2, seed=seed)
    train, validation = split_by_class(rest, validation_share=0.125, seed=seed)
    sides = zip(SIDES, (train, validation, test), strict=True)
    return {side: write_rows(rows, folder / f"{side}.jsonl") for side, rows in sides}


def score(given: list, output_dir: Path) -> dict[str, dict[str, float]]:
    """Test accuracy and F1 (0-1) with the decisions as they come and tuned; what is done is read, not done again."""
    if not (output_dir / "run.json").exists():  # written last
        run_script("run_classification.py", *given, "--output_dir", output_dir, "--overwrite_output_dir")
    test = read_json(output_dir / "report.json")["test"]
    kinds = {"tuned": test["scores"], "untuned": test["untuned"]["scores"]}
    return {kind: {name: scores[name] for name in ("accuracy", "f1")} for kind, scores in kinds.items()}


if __name__ == "__main__":
    main()
