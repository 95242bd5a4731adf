"""Peak memory of runs with small and large training data: a stream, and files that are read completely.

    python benchmarks/stream_memory.py --rows 5000000

Writes rows of some 20 characters to a temporary folder (260 MB for 5 million), removed at the end. run_mlm.py
--streaming takes 20 steps; one process reads a stream to its end, as it is prepared for training;
run_classification.py reads, tokenises and takes 2 steps. Prints the peak resident memory of each process.
"""

import argparse
import csv
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

DRAIN = """
import sys
from utils.reading.readers_corpus import read_documents
from utils.encoding.packing import SequencePacker
from utils.encoding.packing import SequenceStream
from utils.encoding.tokenization import load_tokenizer
tokenizer, _ = load_tokenizer(sys.argv[1])
packer = SequencePacker(tokenizer, 128, whole_words=False)
left = int(sys.argv[3])

def read():
    global left
    for text in read_documents([sys.argv[2]]):
        left -= 1
        yield text

for row in SequenceStream(read, packer, seed=0):
    if left <= 0:
        break
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000, help="number of rows of the large stream")
    parser.add_argument("--model_name_or_path", default="pretrained/bert-mini-zh")
    args = parser.parse_args()
    model = args.model_name_or_path
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small, large = folder / "small.tsv", folder / "large.tsv"
        for path, count in ((small, 20_000), (large, args.rows)):
            write_rows(path, count)
        for path, count in ((small, 20_000), (large, args.rows)):
            report("the stream alone", count, ["-c", DRAIN, model, str(path), str(count)])
            flags = f"--streaming true --train_file {path} --max_steps 20 --masking token --save_strategy no"
            report("run_mlm.py --streaming", count, command("run_mlm.py", model, folder, flags, path))
        for count in (20_000, 100_000):
            path = folder / f"{count}.tsv"
            write_rows(path, count)
            flags = f"--train_file {path} --validation_file {folder / 'dev.tsv'} --max_steps 2 --save_strategy no"
            write_rows(folder / "dev.tsv", 100)
            report("run_classification.py", count, command("run_classification.py", model, folder, flags, path))


def write_rows(path: Path, count: int) -> None:
    """Write a table of texts and labels."""
    draw = random.Random(0)
    sample = Path(__file__).resolve().parent.parent / "data/review_sample/train.tsv"
    texts = [line.split("\t")[0] for line in sample.read_text(encoding="utf-8").splitlines()[1:]]
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, delimiter="\t", lineterminator="\n")
        rows.writerow(["text", "label"])
        rows.writerows([f"{i} {draw.choice(texts)[:16]}", draw.choice("ab")] for i in range(count))


def command(script: str, model: str, folder: Path, flags: str, path: Path) -> list[str]:
    """The arguments for a run of a script on one of the files."""
    words = (
        f"{script} --model_name_or_path {model} --output_dir {folder / script}-{path.stem} --precision fp32 {flags}"
    )
    words += " --per_device_train_batch_size 8 --max_length 64"
    return [*words.split(), "--eval_strategy", "no", "--text_column", "text"]


def report(what: str, count: int, words: list[str]) -> None:
    """Run Python with these arguments and print its peak memory."""
    process = subprocess.Popen([sys.executable, *words], env=os.environ | {"PYTHONPATH": "."})
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{what}: failed")
    print(f"{what:<24} {count:>11,} rows   {used.ru_maxrss / 1024:8,.0f} MB   {used.ru_utime:6,.0f} s", flush=True)


if __name__ == "__main__":
    main()
