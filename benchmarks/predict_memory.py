"""Resident memory of evaluation and prediction as the number of texts grows, in addition to what the model needs.

    python benchmarks/predict_memory.py --rows 1000000

Writes labelled rows of some 16 characters to a temporary folder, trains a tagger and a classifier with random weights
(two layers, 32 wide) for one step, and runs predict.py, run_ner.py and run_classification.py on 100 rows, to measure
the model alone, and on a tenth and all of the rows. Prints the peak of each process above that for 100 rows, and
its curve, ten numbers over its time.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from transformers import BertConfig, BertModel, BertTokenizerFast

LIMIT = 2000  # MB above the model
VERBS, CITIES = ["在", "去了", "来自"], ["北京", "上海", "广州", "深圳"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", nargs="+", choices=["predict", "run_ner", "run_classification"])
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_encoder(folder / "encoder")
        quick = "--max_steps 1 --save_strategy no --eval_strategy no --load_best_model_at_end false"
        for script in ("run_ner", "run_classification"):
            write_rows(folder / f"{script}-100.json", 100, script)
            flags = f"--model_name_or_path {folder}/encoder --train_file {folder}/{script}-100.json {quick}"
            measure([f"{script}.py", *flags.split(), "--output_dir", f"{folder}/{script}"])
        for script in args.only or ("predict", "run_ner", "run_classification"):
            base = None
            for count in (100, args.rows // 10, args.rows):
                rows, output = folder / f"{script}-{count}.json", folder / f"{script}-{count}"
                if not rows.exists():
                    write_rows(rows, count, script)
                if script == "predict":
                    words = [f"{folder}/run_ner", "--input_file", rows, "--output_file", output]
                else:
                    words = ["--model_name_or_path", f"{folder}/{script}", "--validation_file", rows]
                    words += ["--output_dir", output, "--per_device_eval_batch_size", "256"]
                curve = measure([f"{script}.py", *map(str, words)])
                peak = max(curve)
                base = base or peak
                shown = " ".join(f"{curve[len(curve) * i // 10]:,.0f}" for i in range(10))
                fits = "" if peak - base < LIMIT else f"  MORE THAN {LIMIT:,}"
                print(f"{script:<19} {count:>9,} texts  {peak - base:7,.0f} MB above{fits}  curve {shown}", flush=True)


def make_encoder(folder: Path) -> None:
    """Save a random BERT whose vocabulary has the characters of the rows."""
    characters = sorted(set("".join(VERBS + CITIES) + "张王李赵陈伟芳娜敏静开会看病。0123456789"))
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters]) + "\n")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=len(characters) + 5, **size)).save_pretrained(folder)


def write_rows(path: Path, count: int, script: str) -> None:
    """Write texts with what the script reads: a label, or two entities."""
    draw = random.Random(0)
    with path.open("w", encoding="utf-8") as file:
        for i in range(count):
            name, city = draw.choice("张王李赵陈") + draw.choice("伟芳娜敏静"), draw.choice(CITIES)
            row = {"text": f"{name}{draw.choice(VERBS)}{city}开会{i}。"}
            start = row["text"].index(city)
            if script == "run_classification":
                row["label"] = city
            else:
                spans = (0, 2, "name"), (start, start + 2, "city")
                row["entities"] = [dict(zip(("start", "end", "label"), span, strict=True)) for span in spans]
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def measure(words: list[str]) -> list[float]:
    """Run Python with these arguments; returns its resident memory in MB, five times per second."""
    environment = os.environ | {"PYTHONPATH": "."}
    process = subprocess.Popen(
        [sys.executable, *words], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    curve = []
    os.set_blocking(process.stderr.fileno(), False)
    said = b""
    while process.poll() is None:
        try:
            pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
            curve.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
        except (OSError, IndexError):
            break
        said += process.stderr.read() or b""
        time.sleep(0.2)
    said += process.stderr.read() or b""
    if process.wait():
        sys.exit(f"{words[0]}: failed\n{said.decode(errors='replace')[-2000:]}")
    return curve


if __name__ == "__main__":
    main()
