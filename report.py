"""Put finished runs into a table with paired tests: Markdown, CSV, LaTeX and a picture; or compare two of them.

    python report.py outputs/cluener
    python report.py outputs/cluener outputs/lora --metrics eval_f1 eval_precision --output_dir outputs/report
    python report.py --compare outputs/cluener/crf outputs/cluener/softmax
    python report.py outputs/cluener --keep results/cluener.json    # without weights and texts; read like a folder
    python report.py --suspects outputs/folds    # labels of the training data that may be wrong, after --folds

Runs are found by their run.json. Those that differ only in the seed are one row: mean ± std, n. The best row is bold
only if approximate randomisation over examples separates it from every other (p < 0.05); each comparison has its 95 %
interval from a paired bootstrap. Both use the counts of each example that runs save; nothing is scored again.
"""

import argparse
import json
import sys
from pathlib import Path

import yaml

from utils.data.errors import ArgumentError, DataError
from utils.data.plain_yaml import load_yaml
from utils.options.arguments import run_script
from utils.options.option_checks import refuse_unused

OF_TABLES = ("by_folder", "per_epoch", "per_class", "published", "output_dir")
USED_WITH = {"keep": "!compare !suspects", "metrics": "!keep !suspects", "examples": "compare"}
USED_WITH |= dict.fromkeys(OF_TABLES, "!compare !keep !suspects")


def main(argv=None):
    args = parse(argv)

    # Imported here so that --help and wrong flags answer at once.
    from utils.running.atomic_files import open_whole, write_bytes
    from utils.tables import kept_runs, result_table, run_groups

    if args.suspects:
        print(list_suspects(args.suspects))
        return
    if args.compare:
        sides = [run_groups.group_runs(read_runs([path])) for path in args.compare]
        for path, groups in zip(args.compare, sides, strict=True):
            if len(groups) > 1:
                raise DataError(f"{path}: expected runs that differ only in the seed, found {len(groups)} kinds")
        one, other = run_groups.name_pair(*(groups[0] for groups in sides))
        metric = (args.metrics or result_table.choose_metrics([one, other]) or ["eval_f1"])[0]
        print("\n".join(compare(one, other, metric, most=args.examples)))
        return
    runs = read_runs(args.outputs)
    if args.keep:
        text, count = kept_runs.with_runs(args.keep, runs)
        args.keep.parent.mkdir(parents=True, exist_ok=True)
        with open_whole(args.keep) as file:
            file.write(text)
        print(f"{args.keep} holds {count} runs", file=sys.stderr)
        return
    groups = run_groups.group_runs(runs, by_folder=args.by_folder)
    metrics = args.metrics or result_table.choose_metrics(groups)
    if not metrics:
        raise DataError("expected a score that all runs have, found none; name one with --metrics")
    if missing := [name for name in metrics if not any(group.values(name) for group in groups)]:
        raise DataError(f"--metrics {missing[0]}: no run has it")
    table = result_table.ResultTable(groups, metrics, read_published(args.published))
    parts = [table.markdown()]
    if args.per_epoch:
        if not any(group.epochs(args.per_epoch) for group in groups):
            raise DataError(f"--per_epoch {args.per_epoch}: expected runs that logged it during training, found none")
        parts.append(result_table.epoch_table(groups, args.per_epoch))
    if args.per_class:
        found = [result_table.class_table(group, args.per_class) for group in groups if group.classes(args.per_class)]
        if not found:
            raise DataError(f"--per_class {args.per_class}: expected runs with a table of its classes, found none")
        parts += found
    shown = "\n".join(parts)
    print(shown, end="")
    args.output_dir.mkdir(parents=True, exist_ok=True)
    for suffix, text in {"md": shown, "csv": table.csv(), "tex": table.latex()}.items():
        with open_whole(args.output_dir / f"table.{suffix}") as file:
            file.write(text)
    write_bytes(args.output_dir / "table.png", result_table.draw_scores(table))
    print(f"\n{args.output_dir} holds table.md, table.csv, table.tex and table.png", file=sys.stderr)


def read_runs(paths):
    """The runs in folders and in files of kept runs."""
    from utils.tables import kept_runs, run_groups

    files = [path for path in paths if Path(path).is_file()]
    folders = [path for path in paths if path not in files]
    kept = [run for path in files for run in kept_runs.read_kept(path)]
    return kept + run_groups.read_runs(folders)


def compare(one, other, metric, *, most):
    """Lines that compare two groups: scores, difference with interval and p, examples that changed."""
    from utils.scoring.score_names import describe_score
    from utils.scoring.significance import mcnemar_p
    from utils.tables.paired_examples import changed_examples, compare_groups, describe_changes, pair_examples

    better, worse = changed_examples(one, other, metric)
    found, share = compare_groups(one, other, metric), describe_score(metric).share
    for group, score in ((one, found.one), (other, found.other)):
        shown = f"{100 * score:.2f}" if share else f"{score:.4f}"
        yield f"{group.name}: {metric} {shown} (runs: {len(group.runs)})"
    yield f"difference: {found.describe(share=share)}"
    first, second = pair_examples(one, other, metric)
    if share and first.counts.shape[1] == 2 and len(one.runs) == len(other.runs) == 1:
        yield f"McNemar's test: p = {mcnemar_p(first.counts[:, 0] == 1, second.counts[:, 0] == 1):.3f}"
    for word, changed in (("better", better), ("worse", worse)):
        yield f"\n{word} with {one.name}: {len(changed):,} of {len(first.ids):,} examples"
        yield from describe_changes(changed, one, other, most=most)


def list_suspects(folder):
    """Write `suspects.html` and the rows as a file into the folder of a run with `--folds`; say what was found."""
    from utils.reporting.report_page import suspects_page
    from utils.reporting.suspects import rank_suspects, read_predicted, suspect_errors, suspect_rows, table_of
    from utils.running.atomic_files import write_text
    from utils.tables.run_groups import read_runs

    lines = read_predicted(folder)
    arguments = read_runs([folder])[0].arguments
    suspects = rank_suspects(lines)
    if not suspects:
        return f"{len(lines):,} rows: no label is suspect"
    rows = list(suspect_rows(lines, suspects, arguments))
    suffix = Path((arguments.get("train_file") or "").removesuffix(".gz")).suffix
    delimiter = {".csv": ",", ".tsv": "\t"}.get(suffix if "entities" not in lines[0] else "")
    file = folder / f"suspects{suffix if delimiter else '.jsonl'}"
    if delimiter:
        write_text(file, table_of(rows, delimiter=delimiter, separator=arguments.get("label_separator") or "|"))
    else:
        write_text(file, (json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    facts = {"rows": f"{len(lines):,}", "to look at": f"{len(rows):,}"}
    page = suspects_page(suspect_errors(lines, suspects), title=folder.resolve().name, facts=facts, file=file.name)
    write_text(folder / "suspects.html", page)
    found = f"{len(rows):,} of {len(lines):,} rows to look at again, the most suspicious first:"
    return f"{found}\n  {file}\n  {folder / 'suspects.html'}"


def read_published(path):
    """Read YAML: name of a row -> what others have reported, with its source, as one text."""
    if path is None:
        return {}
    try:
        found = load_yaml(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DataError(f"{path}: expected YAML, found: {error}") from error
    if not isinstance(found, dict):
        raise DataError(f"{path}: expected a mapping such as `crf: 80.1 (its source)`, found {type(found).__name__}")
    return {str(name): str(value) for name, value in found.items()}


def parse(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("outputs", nargs="*", help="folders of runs, their parent folders, or files written by --keep")
    parser.add_argument("--compare", nargs=2, metavar=("A", "B"), help="explain the difference between two")
    parser.add_argument(
        "--suspects", type=Path, metavar="DIR", help="list labels that may be wrong, of a run with --folds"
    )
    parser.add_argument("--metrics", nargs="+", help="scores to show, such as eval_f1; the first one is tested")
    parser.add_argument(
        "--by_folder", action="store_true", help="make a row of the runs in each folder, named after it"
    )
    parser.add_argument("--per_epoch", metavar="SCORE", help="also show this score after each epoch")
    parser.add_argument("--per_class", metavar="SPLIT", help="also show the scores of each class: validation or test")
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="add these runs to a small JSON file, and write no table"
    )
    parser.add_argument("--published", help="YAML file: name of a row -> what others have reported, with its source")
    parser.add_argument(
        "--output_dir", type=Path, default=Path("outputs/report"), help="where the table is written (outputs/report)"
    )
    parser.add_argument("--examples", type=int, default=10, help="changed examples that --compare shows (10)")
    args = parser.parse_args(argv)
    if sum(map(bool, (args.outputs, args.compare, args.suspects))) != 1:
        raise ArgumentError("expected folders of runs, --compare with two of them, or --suspects with one")
    refuse_unused(parser, vars(args), USED_WITH)
    if args.compare and len(args.metrics or ()) > 1:
        raise ArgumentError("--metrics: expected one score with --compare, found several")
    return args


if __name__ == "__main__":
    run_script(main)
