"""Score trained models that answer together; writes the files of a run, so that report.py can compare it with others.

    python benchmarks/ensemble_scores.py outputs/run outputs/svm --validation_file dev.tsv \\
        --output_dir outputs/both
    python benchmarks/ensemble_scores.py outputs/a outputs/b outputs/c \\
        --validation_file cluener/dev.json --output_dir outputs/three

Models of classes or of entities; one alone is scored, too. Members are joined as `predict.py --ensemble` joins them.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

from tfidf_svm import score_classes

from utils.data.errors import DataError
from utils.options.arguments import run_script
from utils.prediction.prediction_tasks import load_task
from utils.reading.class_readers import read_classes
from utils.running.atomic_files import write_files
from utils.running.run_setup import record_run
from utils.scoring import example_counts
from utils.scoring.entity_evaluator import score_entities
from utils.tagging.readers_ner import read_ner


@dataclass
class Arguments:
    """What `run.json` keeps."""

    members: list[str]
    validation_file: str
    seed: int
    output_dir: str


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("members", nargs="+", help="trained directories of one task")
    parser.add_argument("--validation_file", required=True)
    parser.add_argument("--seed", type=int, default=1, help="of the members, to pair runs by; nothing here is random")
    parser.add_argument("--output_dir", required=True)
    args = Arguments(**vars(parser.parse_args(argv)))

    started = time.time()
    task = load_task(args.members, output_format="jsonl", options={}, together=len(args.members) > 1)
    if task.kind == "entities":
        rows = read_ner(args.validation_file)
        found = task.finder.find(rows["text"][:])
        scores = score_entities(found, rows)
        table, counts = scores.pop("table"), example_counts.count_entities(rows, found)
    else:
        rule = getattr(task.finder, "rule", None)
        if rule is None or rule.scored != "classes" or rule.multi_label:
            raise DataError("expected models of entities or of one class for each text, found others")
        rows = read_classes(args.validation_file, labels=rule.labels)
        pairs = rows["text_pair"][:] if "text_pair" in rows.column_names else None
        verdicts = task.finder.find(rows["text"][:], pairs)
        found = [(one.labels or [one.ranked[0][0]])[0] for one in verdicts]  # the likeliest where none is given
        scores, table, counts = score_classes(rows, found, rule.labels, rule.positive)
    results = {f"eval_{name}": value for name, value in scores.items()}
    record = record_run([args], files=[args.validation_file], started=started, results=results)
    left = {example_counts.NAME: {"validation": counts}, "all_results.json": results, "run.json": record}
    left |= {"error_report.json": {"splits": {"validation": {"table": table}}}}
    Path(args.output_dir).mkdir(parents=True, exist_ok=True)
    write_files(args.output_dir, left)
    print(" ".join(f"{name} {value:.4f}" for name, value in results.items()))


if __name__ == "__main__":
    run_script(main)
