"""Baseline: a CRF on characters and their neighbours; writes the files of a run, for report.py.

    python benchmarks/feature_crf.py --train_file data/ner_sample/train.json \\
        --validation_file data/ner_sample/dev.json --output_dir outputs/feature_crf

sklearn-crfsuite (`pip install sklearn-crfsuite`) with L-BFGS: single characters up to two places away, pairs, and what
kind of character each is. Nothing is random, so one run is enough.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sklearn_crfsuite import CRF

from utils.data.tag_schemes import spans_to_tags, tags_to_spans
from utils.options.arguments import run_script
from utils.running.atomic_files import write_files
from utils.running.run_setup import record_run
from utils.scoring import example_counts
from utils.scoring.entity_evaluator import flatten
from utils.scoring.metrics import EntityF1
from utils.tagging.readers_ner import read_ner


@dataclass
class Arguments:
    """What `run.json` keeps."""

    train_file: str
    validation_file: str
    file_format: str
    iterations: int
    seed: int
    output_dir: str


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train_file", required=True)
    parser.add_argument("--validation_file", required=True)
    parser.add_argument("--file_format", default="auto")
    parser.add_argument("--iterations", type=int, default=100, help="iterations of L-BFGS")
    parser.add_argument("--seed", type=int, default=1, help="written to run.json; nothing here is random")
    parser.add_argument("--output_dir", required=True)
    args = Arguments(**vars(parser.parse_args(argv)))

    started = time.time()
    train, validation = (
        read_ner(path, file_format=args.file_format) for path in (args.train_file, args.validation_file)
    )
    model = CRF(algorithm="lbfgs", c1=0.1, c2=0.1, max_iterations=args.iterations, all_possible_transitions=True)
    model.fit([features(text) for text in train["text"]], [list(tags_of(row)) for row in train])
    gold, found = validation["entities"][:], []
    for text in validation["text"]:
        tags = model.predict_single(features(text)) if text else []
        spans = tags_to_spans(tags, scheme="bio")
        found.append([{"start": start, "end": end, "label": label} for start, end, label in spans])
    scores = EntityF1(keep_in_memory=True).compute(predictions=found, references=gold)
    results = {f"eval_{name}": value for name, value in scores.items() if isinstance(value, float)}
    counts = {"validation": example_counts.count_entities(validation, found)}
    files = (args.train_file, args.validation_file)
    record = record_run([args], files=files, started=started, results=results)
    Path(args.output_dir).mkdir(parents=True, exist_ok=True)
    errors = {"splits": {"validation": {"table": scores["table"]}}}
    left = {example_counts.NAME: counts, "error_report.json": errors, "all_results.json": results, "run.json": record}
    write_files(args.output_dir, left)
    print(" ".join(f"{name} {value:.4f}" for name, value in results.items()))


def tags_of(row) -> list[str]:
    """A BIO tag for each character; of overlapping entities, the longest."""
    spans = flatten([(one["start"], one["end"], one["label"]) for one in row["entities"]])
    return spans_to_tags(spans, len(row["text"]), scheme="bio")


def features(text: str) -> list[dict[str, str]]:
    """The features of each character: its neighbours, pairs of them, and kinds."""
    padded = ["<s>"] * 2 + list(text) + ["</s>"] * 2
    return [dict(_around(padded, place + 2)) for place in range(len(text))]


def _around(characters: list[str], place: int) -> Iterator[tuple[str, str]]:
    for shift in range(-2, 3):
        yield f"character{shift:+d}", characters[place + shift]
    for shift in range(-2, 2):
        yield f"pair{shift:+d}", characters[place + shift] + characters[place + shift + 1]
    for shift in (-1, 0, 1):
        yield f"kind{shift:+d}", kind_of(characters[place + shift])


def kind_of(character: str) -> str:
    """Border, digit, Latin letter, other letter (including Chinese characters) or sign."""
    if len(character) > 1:
        return "border"
    if character.isdigit():
        return "digit"
    if character.isascii() and character.isalpha():
        return "latin"
    return "letter" if character.isalpha() else "sign"


if __name__ == "__main__":
    run_script(main)
