"""Change labels at random, train folds, and count how many of the changed ones report.py --suspects finds.

    python benchmarks/planted_errors.py thucnews/dev.txt outputs/planted -- \\
        run_classification.py configs/thucnews_bert_mini.yaml --folds 5
    python benchmarks/planted_errors.py cluener/train.json outputs/planted -- \\
        run_ner.py configs/cluener_bert_mini.yaml --folds 5

Writes `planted.jsonl`, the data with a share of the classes, or of the entities' types, changed to another one, trains
on it with the command after `--`, and writes `planted.json`, the result: how many of the most suspicious labels, as
many as were changed, are changed ones (precision at the number planted), and the same for all that are listed. A run
that is there is read again.
"""

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path

from utils.options.arguments import run_script
from utils.reading.class_readers import read_classes
from utils.reporting.suspects import Suspect, rank_suspects, read_predicted
from utils.running.atomic_files import write_json, write_text
from utils.tagging.readers_ner import read_ner


def main(argv=None):
    argv = sys.argv[1:] if argv is None else argv
    own, command = (argv[: argv.index("--")], argv[argv.index("--") + 1 :]) if "--" in argv else (argv, [])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("output", type=Path)
    parser.add_argument("--share", type=float, default=0.05, help="of the labels that are changed, 0-1")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(own)
    if not command:
        parser.error("expected -- and a training with --folds after it, found none")
    entities = Path(command[0]).name == "run_ner.py"
    rows = list(read_ner(args.file) if entities else read_classes(args.file))
    planted = (plant_types if entities else plant_classes)(rows, share=args.share, seed=args.seed)
    args.output.mkdir(parents=True, exist_ok=True)
    data, run = args.output / "planted.jsonl", args.output / "folds"
    write_text(data, (json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    if not (run / "run.json").is_file():
        files = ["--train_file", str(data), "--output_dir", str(run)]
        subprocess.run([sys.executable, *command, *files], check=True)
    lines = read_predicted(run)
    suspects = rank_suspects(lines)
    places = [place_of(one, lines) for one in suspects]
    hits = sum(place in planted for place in places[: len(planted)])
    found = sum(place in planted for place in places)
    scores = {"labels": sum(map(count_labels, rows)), "planted": len(planted), "listed": len(places)}
    scores |= {"precision_at_planted": hits / len(planted), "precision": found / max(len(places), 1)}
    scores |= {"recall": found / len(planted)}
    told = {"file": Path(args.file).name, "share": args.share, "seed": args.seed, "command": command}
    write_json(args.output / "planted.json", told | scores)
    print(
        " ".join(
            f"{name} {value:.3f}" if type(value) is float else f"{name} {value}" for name, value in scores.items()
        )
    )


def plant_classes(rows: list[dict], *, share: float, seed: int) -> set:
    """Change the class of a share of the rows to another one; returns their ids."""
    draw, classes = random.Random(seed), sorted({row["label"] for row in rows})
    changed = draw.sample(rows, round(share * len(rows)))
    for row in changed:
        row["label"] = draw.choice([label for label in classes if label != row["label"]])
    return {row["id"] for row in changed}


def plant_types(rows: list[dict], *, share: float, seed: int) -> set:
    """Change the type of a share of the entities to another one; returns their rows' ids with their borders."""
    draw, spans = random.Random(seed), [(row["id"], one) for row in rows for one in row["entities"]]
    types = sorted({one["label"] for _, one in spans})
    changed = draw.sample(spans, round(share * len(spans)))
    for _, one in changed:
        one["label"] = draw.choice([label for label in types if label != one["label"]])
    return {(id, one["start"], one["end"]) for id, one in changed}


def place_of(suspect: Suspect, lines: list[dict]):
    """What `plant_classes` or `plant_types` would return of a suspect."""
    id, given = lines[suspect.row]["id"], suspect.given
    if "entities" not in lines[suspect.row]:
        return id
    return (id, given.start, given.end) if given else None


def count_labels(row: dict) -> int:
    """Labels of a row."""
    return len(row["entities"]) if "entities" in row else 1


if __name__ == "__main__":
    run_script(main)
