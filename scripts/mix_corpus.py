"""Mix a corpus for run_mlm.py: documents of some files more often than those of others, a few held out.

    python scripts/mix_corpus.py scripts/bert_mini_corpus.yaml path/to/corpus outputs/corpus

Reads files of documents with blank lines between them. Writes train/ with one file for each, and dev.txt with one
document in a hundred, which is held out from training. The same seed writes the same bytes. Takes some seconds.
"""

import argparse
import random
import sys
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

import yaml

HELD_OUT = 0.01
LONGEST = 5_000  # characters of a held-out document, so that no book fills dev.txt


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "weights",
        type=Path,
        help="YAML: pattern of file names -> how often a document is taken; the first match counts",
    )
    parser.add_argument("corpus", type=Path, help="folder of .txt files")
    parser.add_argument("output_dir", type=Path)
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn (1)")
    given = parser.parse_args(argv)
    weights = yaml.safe_load(given.weights.read_text(encoding="utf-8"))
    if not isinstance(weights, dict) or not all(isinstance(each, int | float) for each in weights.values()):
        sys.exit(f"{given.weights}: expected a number for each pattern of file names")
    files = sorted(given.corpus.glob("*.txt"))
    if not files:
        sys.exit(f"{given.corpus}: expected .txt files, found none")
    train = given.output_dir / "train"
    train.mkdir(parents=True, exist_ok=True)
    held_out = []
    for path in files:
        weight = next((weights[pattern] for pattern in weights if fnmatch(path.name, pattern)), None)
        if weight is None:
            sys.exit(f"{given.weights}: expected a pattern for {path.name}, found none")
        documents = [each.strip() for each in path.read_text(encoding="utf-8").split("\n\n") if each.strip()]
        held, taken = draw_documents(documents, weight, random.Random(f"{given.seed} {path.name}"))
        write_documents(taken, train / path.name)
        held_out += held
        print(f"{path.name}: {len(taken):,} of {len(documents):,} documents, {len(held):,} held out")
    write_documents(held_out, given.output_dir / "dev.txt")


def draw_documents(documents: list[str], weight: float, draws: random.Random) -> tuple[list[str], list[str]]:
    """The held-out documents, and the others, each `weight` times on average."""
    held, taken = [], []
    for document in documents:
        if len(document) <= LONGEST and draws.random() < HELD_OUT:
            held.append(document)
        else:
            taken += [document] * int(weight + draws.random())
    draws.shuffle(taken)
    return held, taken


def write_documents(documents: Iterable[str], path: Path) -> None:
    """Write documents with blank lines between them."""
    path.write_text("\n\n".join(documents) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
