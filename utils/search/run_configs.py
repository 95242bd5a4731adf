"""The configuration files of the runs of a search: the user's base with other values, data and folders."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..data.errors import ArgumentError
from ..options.arguments import read_mapping
from ..options.training_fields import read_training_fields

# Option -> why neither the base nor the space may set it.
REFUSED = {
    "dataset_name": "its own validation split would be shown to the trials; give files: train_file, validation_file",
    "push_to_hub": "no trial is pushed; push a finished run with scripts/push.sh",
    "resume_from_checkpoint": "trials that were stopped are continued anyway; leave it out",
    "overwrite_output_dir": "each run has a folder of its own; leave it out",
    "check_options": "every setting is checked anyway; leave it out",
    "few_shot": "it holds no data out to score trials on; give a file of these examples as train_file, and a "
    "validation_share of 0.5",
    "splits": "a trial is one run; leave it out",
    "folds": "a trial is one run, scored on a validation_share of its training data; leave it out",
    "test_share": "another seed holds out other rows, which trials have learnt; cut the file once with "
    "scripts/split_rows.py, and give the parts as train_file and test_file",
    "search": "it finds words and templates and trains nothing; leave it out",
}
OWN = {  # of each run, set by the search
    "output_dir": "each run gets a folder of its own in --output_dir",
    "seed": "all trials have one seed, so that they are scored on the same texts; the base may set it",
    "data_seed": "all trials have one seed; the base may set it",
    "train_file": "all trials are scored on the same texts; the base sets it",
    "validation_file": "all trials are scored on the same texts; the base sets it",
    "test_file": "all trials are scored on the same texts; the base sets it",
    "validation_share": "all trials are scored on the same texts; the base may set it",
    "metric_for_best_model": "all trials are compared by the same score; the base may set it, or --metric",
}
# Trials do not see these files, nor options that are only about them.
EVALUATION = ("validation_file", "test_file", "submission_columns", "submission_labels")


def as_flag(name: str, value: Any, written: Any) -> Any:
    """What a configuration file holds so that an option is read as it was written in another one.

    Args:
        name: of the option.
        value, written: its value, with numbers and booleans, and as text; see `read_mapping`.
    """
    if isinstance(value, list):
        return [as_flag(name, *each) for each in zip(value, written, strict=True)]
    typed = isinstance(value, dict) and name in read_training_fields() and "dict" in read_training_fields()[name].kinds
    plain = str(value).lower() if isinstance(value, bool) else str(value)
    return value if value is None or typed or written == plain else written


@dataclass(frozen=True)
class Base:
    """What all runs of a search have in common.

    Attributes:
        path: of the file.
        flags: option -> value for a configuration file.
    """

    path: str
    flags: Mapping[str, Any]

    @property
    def seed(self) -> int:
        """The seed of all trials, as the scripts read it."""
        return 42 if self.flags.get("seed") is None else int(self.flags["seed"])

    def scored_by(self, metric: str | None) -> "Base":
        """The same, with a score that also chooses the best epoch of each run; None changes nothing."""
        return replace(self, flags={**self.flags, "metric_for_best_model": metric}) if metric else self

    def trial(self, settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        """The configuration of a trial, which holds validation data out of its training data."""
        kept = {name: value for name, value in self.flags.items() if name not in EVALUATION}
        return kept | dict(settings) | {"output_dir": str(folder)}

    def whole(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration of a run with the user's validation and test files; nothing is held out beside these."""
        left_out = "validation_share" if _is_set(self.flags.get("validation_file")) else None
        return {name: value for name, value in self.flags.items() if name != left_out} | dict(settings)


def read_base(path: str, settings: Mapping[str, Any], *, space: str, scored: bool) -> Base:
    """Read the options that all runs share.

    Args:
        path: a YAML or JSON file of options, as the scripts take it.
        settings: what is searched, by name.
        space: file of these settings, for messages.
        scored: whether runs with the best setting are scored on `validation_file`.

    Raises:
        ArgumentError: the file cannot be read, options are in both files, or would spoil the search; all such are
            reported together.
    """
    values, written = read_mapping(path, "file of flags", example="model_name_or_path: pretrained/bert-mini-zh")
    pairs = zip(values.items(), written.values(), strict=True)
    flags = {str(name): as_flag(str(name), value, plain) for (name, value), plain in pairs}
    problems = [f"{path}: {name}: {reason}" for name, reason in REFUSED.items() if _is_set(flags.get(name))]
    problems += [f"{space}: {name}: {reason}" for name, reason in {**REFUSED, **OWN}.items() if name in settings]
    for name in flags.keys() & settings.keys() - OWN.keys():
        problems.append(f"{name}: expected it in {path} or in {space}, found it in both; leave it out of one")
    if not _is_set(flags.get("train_file")):
        problems.append(f"{path}: expected train_file, with texts to train on, found none; add it")
    if scored and not _is_set(flags.get("validation_file")):
        problems.append(
            f"{path}: expected validation_file, on which the best setting is scored in the end, found none; add it, "
            "or search without a result: --final_seeds 0"
        )
    if problems:
        raise ArgumentError("\n".join(sorted(problems)))
    return Base(path, flags)


def _is_set(value: Any) -> bool:
    return value not in (None, "", []) and str(value).lower() not in ("false", "none")
