"""Full tuning beside each --adapter on one task: score, weights that learn, size on disk, speed, memory.

    python benchmarks/adapter_scores.py --script run_ner.py --config configs/cluener_bert_mini.yaml --metric eval_f1 \\
        --output_dir outputs/adapters -- --train_file cluener/train.json --validation_file cluener/dev.json

What stands behind `--` goes to the script. Each method learns at the configuration's rate times 10, ia3 and vectors
beside the text times 100, or at `--rates method=rate`. Runs follow each other, so that speeds compare; finished ones
are not run again. Prints a Markdown table, leaves scores.json. Peak memory is that of the process, libraries included.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import yaml
from safetensors.torch import load_file
from seed_runs import ROOT, read_json, spread

METHODS = {
    "full": [],
    "lora": ["--adapter", "lora"],
    "lora, all layers": ["--adapter", "lora", "--lora_layers", "all"],
    **{
        name: ["--adapter", name]
        for name in ("bottleneck", "bitfit", "layernorm", "ia3", "prefix", "prompt", "p_tuning")
    },
}
RATES = {"full": 1, "lora": 10, "lora, all layers": 10, "bottleneck": 10, "bitfit": 10, "layernorm": 10}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--script", required=True)
    parser.add_argument("--config", required=True)
    parser.add_argument("--metric", required=True)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--rates", nargs="*", default=[], metavar="METHOD=RATE")
    parser.add_argument("--seeds", nargs="+", default=["1", "2", "3"])
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("flags", nargs=argparse.REMAINDER, help="-- and what the script is told")
    args = parser.parse_args()
    flags = [word for word in args.flags if word != "--"]
    usual = yaml.safe_load(Path(args.config).read_text(encoding="utf-8"))["learning_rate"]
    rates = {name: usual * RATES.get(name, 100) for name in METHODS}
    rates |= {name: float(rate) for name, _, rate in (each.partition("=") for each in args.rates)}

    found: dict[str, list[dict]] = {}
    for method in args.methods:
        for seed in args.seeds:
            folder = args.output_dir / f"{method.replace(', ', '-').replace(' ', '-')}-{seed}"
            own = [*METHODS[method], "--learning_rate", rates[method], "--seed", seed]
            found.setdefault(method, []).append(run(args, folder, [*flags, *own]))
            print(f"{time.strftime('%H:%M:%S')} {method} {seed}: {found[method][-1]}", file=sys.stderr, flush=True)
    whole = statistics.mean(each["weights"] for each in found["full"]) if "full" in found else None
    print(f"| | {args.metric} | learning rate | weights that learn | MB on disk | texts/s | peak MB |\n{'|---' * 7}|")
    for method, runs in found.items():
        share = f"{100 * runs[0]['weights'] / whole:.2f} %" if whole else f"{runs[0]['weights']:,}"
        speed, memory = (
            f"{statistics.mean(one[name] for one in runs):.0f}" for name in ("texts_per_second", "peak_mb")
        )
        scores = spread([one["score"] for one in runs])
        print(f"| {method} | {scores} | {rates[method]:g} | {share} | {runs[0]['disk_mb']:.2f} | {speed} | {memory} |")
    record = {"config": args.config, "flags": flags, "rates": rates, "seeds": args.seeds, "results": found}
    (args.output_dir / "scores.json").write_text(json.dumps(record, indent=1), encoding="utf-8")


def run(args, folder: Path, flags: list) -> dict:
    """Score (0-1), speed and sizes of one run; what is done is read, not done again."""
    measured = folder / "measured.json"
    if not measured.exists():
        command = [sys.executable, str(ROOT / args.script), args.config, "--output_dir", str(folder)]
        with (args.output_dir.parent / f"{args.output_dir.name}.log").open("w") as log:
            process = subprocess.Popen(
                [*command, "--overwrite_output_dir", "true", *map(str, flags)], cwd=ROOT, stdout=log, stderr=log
            )
            _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"{folder}: failed, see {log.name}")
        results = read_json(folder / "all_results.json")
        weights = next(path for path in folder.glob("*model.safetensors"))
        count = sum(value.numel() for value in load_file(weights).values())
        result = {"score": results[args.metric], "texts_per_second": results["train_samples_per_second"]}
        result |= {"weights": count, "disk_mb": weights.stat().st_size / 1e6, "peak_mb": usage.ru_maxrss / 1024}
        measured.write_text(json.dumps(result), encoding="utf-8")
    return read_json(measured)


if __name__ == "__main__":
    main()
