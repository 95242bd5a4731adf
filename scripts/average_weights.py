"""Average the weights of runs that share a start: one model that is as fast as each (soups, Wortsman et al., 2022).

    python scripts/average_weights.py outputs/a outputs/b outputs/c --output_dir outputs/soup
    python scripts/average_weights.py outputs/? --output_dir soup --greedy --validation_file dev.tsv

The runs may differ in the order of their data (`--seed 1 --data_seed 2`), in learning rate, epochs and tricks; not in
model, labels, tokenizer, start, or the seed that their heads began with. Adapters are merged into their encoders.
With --greedy, runs are added from the best one on, each only if the score on --validation_file does not fall. What
was tuned on each run (temperature, thresholds) is tuned again on that file; without one, it is dropped. Prints what is
kept, and scores; --output_dir then holds an ordinary model with its card and run.json.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from utils.data.errors import ArgumentError, DataError
from utils.options.arguments import run_script
from utils.options.decision_arguments import DecisionArguments

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = {"entities": "run_ner.py", "classes": "run_classification.py", "answers": "run_qa_span.py"}  # score a kind
TEXTS = ("file_format", "columns", "separator", "encoding", "text_column", "text_pair_column", "label_column")
TEXTS += ("id_column", "class_file", "label_separator", "label_columns", "skip_bad_lines")  # how files are read
TAGS = ("file_scheme", "repair_tags", "tag_column", "label_names")  # those of entities
TUNED = ("decision", "null_threshold", "entity_threshold")  # fields of a configuration that fit one set of weights
FREE = ("transformers_version", "adapter_base", "_name_or_path")  # which may differ, like those of dropout


@dataclass(frozen=True)
class Member:
    """A run whose weights are averaged."""

    name: str  # as it was given
    folder: Path  # of the full model: that of the run, or of its merged adapter
    config: dict
    record: dict  # its run.json

    def argument(self, name: str):
        """A value of the run's command line."""
        return self.record.get("arguments", {}).get(name)

    def given(self, *names: str) -> dict:
        """Those of some options of the run that were given."""
        return {name: value for name in names if (value := self.argument(name)) not in (None, "auto", False)}


def main(argv=None):
    args, started = parse(argv), time.time()

    # Imported here so that --help and wrong flags answer at once.
    import transformers

    from utils.running.atomic_files import making_folder, write_json, write_text
    from utils.running.run_setup import record_run
    from utils.scoring.score_names import describe_score
    from utils.training.weight_soups import choose_greedily

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    members = [load_member(name) for name in args.runs]
    check_members(members)
    first, results, scores = members[0], {}, {}
    metric = args.metric or (first.argument("metric_for_best_model") or "loss").removeprefix("eval_")
    with tempfile.TemporaryDirectory() as rooms:

        def score(chosen: Sequence[Member]) -> float:
            folder = write_soup(chosen, Path(tempfile.mkdtemp(dir=rooms)))
            settle_decisions(folder, first, args)  # as in the end
            return score_of(score_folder(folder, first, args), metric)

        kept = members
        if args.greedy:
            scores = {each.name: score([each]) for each in members}
            for each in members:
                print(f"{metric} {scores[each.name]:.4f}  {each.name}")
            order = {each.name: each for each in members}
            kept = choose_greedily(
                scores,
                lambda names: score([order[name] for name in names]),
                lower=describe_score(metric).lower_is_better,
                tell=print,
            )
            kept = [order[name] for name in kept]
        with making_folder(args.output_dir) as folder:
            write_soup(kept, folder)
            tuned, said = settle_decisions(folder, first, args)
            if said:
                print(said)
            if args.validation_file:
                results = score_folder(folder, first, args)
                print(f"{metric} {score_of(results, metric):.4f}  the mean of {len(kept)} runs: {args.output_dir}")
            names = [each.name for each in kept]
            told = Told((first.record.get("arguments") or {}) | vars(args) | {"averaged": names})
            record = record_run([told], files=[args.validation_file], started=started, results=results)
            record["averaged"] = [
                {"run": each.name, "kept": each in kept, "validation": scores.get(each.name), "seed": seed_of(each)}
                for each in members
            ]
            write_json(folder / "all_results.json", results)
            write_text(folder / "README.md", card(args, kept, members, results=results, tuned=tuned))
            write_json(folder / "run.json", record)
    print(f"{args.output_dir} holds the mean of {', '.join(each.name for each in kept)}")


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", help="output directories of one run_*.py script")
    parser.add_argument("--output_dir", required=True, help="new folder for the averaged model")
    parser.add_argument("--greedy", action="store_true", help="add a run only if the validation score does not fall")
    parser.add_argument("--validation_file", help="labelled data: scores the mean, and its decisions are tuned on it")
    parser.add_argument("--metric", help="score of the run script, such as f1; that which chose the best epoch")
    args = parser.parse_args(argv)
    if len(args.runs) < 2:
        raise ArgumentError(f"expected two runs or more, found {args.runs[0]} alone; name the others, too")
    if len({os.path.realpath(name) for name in args.runs}) < len(args.runs):
        raise ArgumentError("expected different runs, found one of them twice; name each once")
    if args.greedy and not args.validation_file:
        raise ArgumentError("--greedy: expected --validation_file, found none; runs are chosen by their score on it")
    if args.metric and not args.validation_file:
        raise ArgumentError("--metric does nothing without --validation_file; leave it out, or give both")
    if args.validation_file and not Path(args.validation_file).is_file():
        raise DataError(f"{args.validation_file}: expected a file, found none; correct --validation_file")
    if Path(args.output_dir).exists():
        raise ArgumentError(f"{args.output_dir}: expected a new folder, found one; remove it or name another")
    return args


def load_member(name: str) -> Member:
    """Find a run's model; an adapter is merged into its encoder, in a folder that is removed in the end.

    Raises:
        DataError: the folder holds no finished run, or an adapter that cannot be merged.
        OSError: its weights are a pickle.
    """
    from utils.modeling.weight_files import require_safetensors
    from utils.prediction.merged_models import start_of
    from utils.training.weight_soups import INDEX, WEIGHTS

    folder = Path(name)
    if not (folder / "config.json").is_file():
        raise DataError(f"{name}: expected an output directory of a run_*.py script, found no config.json there")
    require_safetensors(name)
    if not (folder / "run.json").is_file():
        raise DataError(f"{name}: expected run.json, which says how the run began, found none; average finished runs")
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    whole = Path(start_of(name))
    config = json.loads((whole / "config.json").read_text(encoding="utf-8"))
    if not any((whole / each).is_file() for each in (WEIGHTS, INDEX)):
        raise DataError(f"{name}: expected {WEIGHTS}, found none; train the run to its end")
    return Member(name, whole, config, record)


def check_members(members: Sequence[Member]) -> None:
    """Check that the weights of runs can be averaged.

    Raises:
        DataError: they differ in class, labels, configuration, tokenizer, start, or in how their heads began.
    """
    first = members[0]
    for other in members[1:]:
        both = f"{first.name} and {other.name}"
        shown = [(each.config.get("architectures") or ["none"])[0] for each in (first, other)]
        if shown[0] != shown[1]:
            raise DataError(
                f"{both}: expected models of one class, found {' and '.join(shown)}; average each kind alone"
            )
        labels = [list((each.config.get("id2label") or {}).values()) for each in (first, other)]
        if labels[0] != labels[1]:
            how = "in another order" if sorted(labels[0]) == sorted(labels[1]) else "others"
            raise DataError(f"{both}: expected equal labels, found {how}; train both on files with the same labels")
        if different := find_difference(first.config, other.config):
            name, *found = different
            found = [json.dumps(each, ensure_ascii=False)[:60] for each in found]
            raise DataError(
                f"{both}: expected equal configurations, found {name} {found[0]} and {found[1]}; train both with the "
                "same options for it"
            )
        if name := find_other_file(first.folder, other.folder):
            raise DataError(f"{both}: expected equal tokenizers, found different {name}; train both from one encoder")
        starts = [start_of_run(each) for each in (first, other)]
        if starts[0] != starts[1]:
            raise DataError(
                f"{both}: expected one start, found {' and '.join(starts)}; weights that began at several have no mean"
            )
        seeds = [seed_of(each) for each in (first, other)]
        if seeds[0] != seeds[1] and not starts_with_head(first):
            raise DataError(
                f"{both}: expected heads that began alike, found seeds {seeds[0]} and {seeds[1]}; heads that began at "
                f"different random weights have no mean: train with --seed {seeds[0]}, and vary --data_seed"
            )


def seed_of(member: Member) -> int | None:
    """The seed that a run's new weights were drawn with."""
    return member.argument("seed")


def start_of_run(member: Member) -> str:
    """The model that a run started from."""
    revision = member.argument("model_revision") or "main"
    path = os.path.normpath(str(member.argument("model_name_or_path")))
    return path if revision == "main" else f"{path} ({revision})"


def starts_with_head(member: Member) -> bool:
    """Whether all of a run's weights come from the model that it started from, for the same labels."""
    from utils.training.weight_soups import shapes_of_weights

    folder = Path(str(member.argument("model_name_or_path")))
    if not (folder / "config.json").is_file():
        return False
    start = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if any(start.get(name) != member.config.get(name) for name in ("architectures", "id2label")):
        return False
    return shapes_of_weights(member.folder).items() <= shapes_of_weights(folder).items()


def find_difference(one: Mapping, other: Mapping) -> tuple | None:
    """The first field in which two configurations differ, apart from those that may, and its values in both."""
    for name in sorted({*one, *other} - {*TUNED, *FREE}):
        mine, theirs = one.get(name), other.get(name)
        if name == "encoder_config" and mine and theirs:
            if inner := find_difference(mine, theirs):
                return inner
        elif mine != theirs and "dropout" not in name:
            return name, mine, theirs
    return None


def find_other_file(one: Path, other: Path) -> str | None:
    """The name of the first file of the tokenizer that differs."""
    names = ("tokenizer.json", "vocab.txt", "vocab.json", "merges.txt", "spiece.model", "sentencepiece.bpe.model")
    for name in names:
        contents = [(folder / name).read_bytes() if (folder / name).is_file() else None for folder in (one, other)]
        if name == "tokenizer.json" and None not in contents:  # without what calls leave behind
            contents = [
                {key: value for key, value in json.loads(each).items() if key not in ("padding", "truncation")}
                for each in contents
            ]
        if contents[0] != contents[1]:
            return name
    return None


def write_soup(members: Sequence[Member], folder: Path) -> Path:
    """Write the averaged model: weights, tokenizer, code and configuration, in which nothing is tuned."""
    from safetensors.torch import save_file

    from utils.running.atomic_files import write_json
    from utils.running.model_files import BESIDE_WEIGHTS
    from utils.training.weight_soups import INDEX, WEIGHTS, mean_of_weights

    save_file(mean_of_weights([each.folder for each in members]), folder / WEIGHTS, metadata={"format": "pt"})
    first = members[0]
    for path in sorted(first.folder.iterdir()):
        beside = re.fullmatch(rf"{BESIDE_WEIGHTS}|\w+\.py", path.name)
        if path.is_file() and beside and path.name not in ("config.json", "adapter_config.json", INDEX):
            shutil.copyfile(path, folder / path.name)
    config = {name: value for name, value in first.config.items() if name not in (*TUNED, "adapter_base")}
    if (positive := (first.config.get("decision") or {}).get("positive")) is not None:
        config["decision"] = {"positive": positive}  # whom scores refer to; it was not tuned
    write_json(folder / "config.json", config)
    return folder


def score_folder(folder: Path, member: Member, args) -> dict[str, float]:
    """The scores of a model on the validation file, from the script that trains such models."""
    with tempfile.TemporaryDirectory() as out:
        script = find_script(member, folder)
        command = [sys.executable, str(ROOT / script), "--model_name_or_path", str(folder)]
        command += ["--validation_file", args.validation_file, "--output_dir", str(Path(out) / "scored")]
        for name, value in member.given(*TEXTS, *(TAGS if script == SCRIPTS["entities"] else ())).items():
            command += [f"--{name}", *map(str, value)] if isinstance(value, list) else [f"--{name}={value}"]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
        if done.returncode:
            reason = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "no reason")
            raise DataError(f"{args.validation_file}: expected scores from {Path(command[1]).name}, found: {reason}")
        results = json.loads((Path(out) / "scored" / "all_results.json").read_text(encoding="utf-8"))
    return {name: value for name, value in results.items() if name.startswith("eval_")}


def find_script(member: Member, folder: Path) -> str:
    """The script that scores a model of this kind: the run's own where it can, else by the kind."""
    from utils.prediction.model_kinds import find_kind

    own = Path((member.record.get("argv") or [""])[0]).name
    return own if own in (*SCRIPTS.values(), "run_qa_cls.py") else SCRIPTS[find_kind(str(folder))]


def score_of(results: Mapping[str, float], metric: str) -> float:
    """One of the scores.

    Raises:
        ArgumentError: the script does not give it.
    """
    if f"eval_{metric}" not in results:
        names = ", ".join(sorted(name.removeprefix("eval_") for name in results if "per_second" not in name))
        raise ArgumentError(f"--metric {metric}: expected one of {names}; choose one of these")
    return results[f"eval_{metric}"]


def settle_decisions(folder: Path, member: Member, args) -> tuple[bool, str]:
    """Tune again what was tuned on each run, if there is validation data: whether it was done, and what to say."""
    from utils.running.atomic_files import write_json

    had = [name for name in TUNED if member.config.get(name) is not None]
    if not had:
        return False, ""
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    if args.validation_file and had == ["decision"]:
        rule = tune(folder, member, args.validation_file)
        write_json(path, config | {"decision": rule.to_config()})
        return True, f"decisions, tuned on {args.validation_file}: {rule.describe()}"
    if args.validation_file and had == ["null_threshold"]:
        threshold = score_folder(folder, member, args).get("eval_best_f1_threshold")
        if threshold is not None:
            write_json(path, config | {"null_threshold": threshold})
            return True, f"no answer above a score of {threshold:.4f}, tuned on {args.validation_file}"
    repair = "decide by hand" if args.validation_file else "give --validation_file to tune them again"
    return False, f"dropped what was tuned on each run ({', '.join(had)}): {repair}"


def tune(folder: Path, member: Member, validation_file: str):
    """The decision rule of a classifier, tuned on a file as its script does."""
    from utils.encoding.encoded_dataset import encode_dataset
    from utils.prediction.label_finder import LabelFinder
    from utils.reading.readers_text import TextReader
    from utils.scoring.calibration import tune_answers, tune_rule
    from utils.scoring.class_evaluator import ClassEvaluator
    from utils.tasks.text_labels import Target

    accuracy = member.argument("target_accuracy")  # of run_qa_cls.py
    finder = LabelFinder.load(str(folder))
    target = Target.known_to(finder)
    options = {"plain": "faq", "text_pair_column": "none"} if accuracy is not None else {}
    rows = TextReader(**(member.given(*TEXTS) | options)).read(validation_file, labels=target.labels)
    rows = target.match({"validation": rows})["validation"]
    finder.encoder.label2id = target.label2id
    encoded = encode_dataset(rows, finder.encoder, by_length=True)
    evaluator = ClassEvaluator(encoded, finder.rule)
    if evaluator.targets is None:
        raise DataError(f"{validation_file}: expected labels, found none; give labelled data")
    logits = evaluator.logits(finder.score_rows(list(encoded)))
    if accuracy is not None:
        return tune_answers(finder.rule, logits, evaluator.targets, accuracy=accuracy)
    names = ("temperature_scaling", "threshold_metric", "threshold_scope", "target_precision", "positive_share")
    asked = DecisionArguments(**{name: member.argument(name) for name in names if member.argument(name) is not None})
    return tune_rule(finder.rule, logits, evaluator.targets, temperature=asked.temperature_scaling, **asked.tuning)


class Told(dict):
    """Arguments, for `record_run`."""

    def to_dict(self) -> dict:
        """They are a dict already."""
        return dict(self)


def card(args, kept: Sequence[Member], members: Sequence[Member], *, results: Mapping[str, float], tuned: bool) -> str:
    """The model card."""
    from utils.data.private_words import hide_folders
    from utils.reporting.jinja_templates import CARDS
    from utils.scoring.score_names import SCORES

    how = f"greedy soup of {len(members)} runs" if args.greedy else "uniform soup"
    shown = [f"{name} {results[f'eval_{name}']:.4f}" for name in SCORES if f"eval_{name}" in results]
    return CARDS.get_template("soup_card.md.jinja").render(
        title=Path(args.output_dir).name,
        path=hide_folders(args.output_dir),
        start=hide_folders(start_of_run(members[0])),
        seed=seed_of(members[0]),
        kept=[(Path(each.name).name, each.argument("data_seed")) for each in kept],
        how=how,
        greedy=args.greedy,
        tuned=tuned,
        scores=shown,
    )


if __name__ == "__main__":
    run_script(main)
