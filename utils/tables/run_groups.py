"""Finished runs, grouped: those that differ only in the seed are one row of a table."""

import itertools
import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ..data.errors import DataError
from ..scoring.example_counts import read_counts

# Arguments that change between repetitions of a run, or change no result.
IGNORED = {
    "seed",
    "data_seed",
    "output_dir",
    "logging_dir",
    "run_name",
    "overwrite_output_dir",
    "cache_dir",
    "num_proc",
    "fold",
    "jobs",
}
IGNORED |= {
    "resume_from_checkpoint",
    "keep_checkpoints",
    "disable_tqdm",
    "report_to",
    "save_total_limit",
    "logging_steps",
    "push_to_hub",
}
IGNORED_PREFIXES = ("hub_", "logging_", "dataloader_", "deepspeed", "fsdp", "ddp_", "local_rank", "include_")
LONGEST_NAME = 60  # characters: if the settings of a group take more, all groups are named after their folders
NOTHING = (None, {})  # values of an option that is not set
CLASS_SCORES = ("precision", "recall", "f1", "support")


def is_setting(name: str) -> bool:
    """Whether an argument defines a run; its seed, its folder, and how much it prints do not."""
    return name not in IGNORED and not name.startswith(IGNORED_PREFIXES)


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        folder: its output directory.
        script: its name, such as `run_ner`.
        arguments: the resolved arguments.
        results: scores from `all_results.json`, and `size_mb`, the size of its weights on disk.
        files: path of each data file -> its SHA-256.
    """

    folder: Path
    script: str
    arguments: dict
    results: dict
    files: dict[str, str] = field(default_factory=dict)

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return self.arguments["seed"]

    @property
    def draws(self) -> tuple[int, int | None]:
        """What makes a run differ from its repetitions: its seed, and that of the order of its data."""
        return self.seed, self.arguments.get("data_seed")

    @cached_property
    def counts(self) -> dict[str, dict]:
        """The counts of each example by split, see `example_counts`."""
        return read_counts(self.folder)

    @cached_property
    def history(self) -> list[dict]:
        """The log of its training; empty if the run has none."""
        return _read_part(self.folder / "trainer_state.json", "log_history") or []

    @cached_property
    def tables(self) -> dict[str, dict]:
        """By split: precision, recall, f1 and support of each class, and of the averages."""
        splits = _read_part(self.folder / "error_report.json", "splits") or {}
        return {split: errors["table"] for split, errors in splits.items() if errors.get("table")}

    @property
    def data(self) -> dict[str, str]:
        """Name of each data file -> its SHA-256."""
        return {Path(name).name: digest for name, digest in self.files.items()}

    def data_hash(self, split: str) -> str | None:
        """SHA-256 of a split's file, or of the training file that it was held out from; None if it is not known."""
        files = (self.arguments.get(f"{name}_file") for name in (split, "train"))
        path = next((path for path in files if isinstance(path, str)), None)
        return self.data.get(Path(path).name) if path else None

    @property
    def settings(self) -> dict[str, str]:
        """The arguments that define a run, as text; data files are reduced to their names.

        Those without a value are left out: a run from before an option existed has none either.
        """
        found = {"script": self.script}
        for name, value in self.arguments.items():
            if not is_setting(name) or value in NOTHING:
                continue
            if name.endswith("_file") and value:
                value = [Path(each).name for each in ([value] if isinstance(value, str) else value)]
            found[name] = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
        return found


@dataclass(frozen=True)
class RunGroup:
    """Runs that differ only in the seed.

    Attributes:
        name: what distinguishes them from the other groups.
        runs: sorted by seed.
    """

    name: str
    runs: Sequence[Run]

    def values(self, metric: str) -> list[float]:
        """The values of a score, one for each run that has it."""
        return [run.results[metric] for run in self.runs if isinstance(run.results.get(metric), int | float)]

    def spread(self, metric: str) -> tuple[float, float | None] | None:
        """Mean and sample standard deviation (None for one run); None if no run has the score."""
        values = self.values(metric)
        return _spread(values) if values else None

    def epochs(self, metric: str) -> list[tuple[float, float, float | None]]:
        """(epoch, mean, deviation) of a score during training, for the epochs that all runs have scored."""
        seen = [
            {entry["epoch"]: entry[metric] for entry in run.history if isinstance(entry.get(metric), int | float)}
            for run in self.runs
        ]
        shared = sorted(set.intersection(*map(set, seen)))
        return [(epoch, *_spread([scores[epoch] for scores in seen])) for epoch in shared]

    def classes(self, split: str) -> dict[str, dict[str, tuple[float, float | None]]]:
        """Mean and deviation of precision, recall, f1 and support of each class that all runs have."""
        tables = [run.tables.get(split, {}) for run in self.runs]
        return {
            label: {key: _spread([table[label][key] for table in tables]) for key in CLASS_SCORES}
            for label in tables[0]
            if all(label in table for table in tables)
        }


def _spread(values: Sequence[float]) -> tuple[float, float | None]:
    return statistics.mean(values), statistics.stdev(values) if len(values) > 1 else None


def read_runs(paths: Iterable[str | Path]) -> list[Run]:
    """The finished runs in folders and their subfolders; the folds of a run are parts of it, unless they are named.

    Raises:
        DataError: a path has no run, or a file is incomplete or damaged.
    """
    found: dict[Path, Run] = {}
    for path in map(Path, paths):
        records = [path / "run.json"] if (path / "run.json").is_file() else sorted(path.rglob("run.json"))
        if not records:
            raise DataError(f"{path}: expected a run's folder with its run.json, or folders of runs, found none")
        for record in records:
            if not any((above / "run.json").is_file() for above in record.parents[1:] if above.is_relative_to(path)):
                found.setdefault(record.parent.resolve(), _read_run(record))
    return list(found.values())


def _read_part(path: Path, key: str):
    """The value of a key in a JSON file; None if there is no file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))[key] if path.exists() else None
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: expected JSON with `{key}`, found {type(error).__name__}: {error}") from error


def _read_run(path: Path) -> Run:
    results = path.with_name("all_results.json")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        scores = json.loads(results.read_text(encoding="utf-8")) if results.exists() else record["results"]
        if sizes := [weights.stat().st_size for weights in path.parent.glob("*.safetensors")]:
            scores = scores | {"size_mb": sum(sizes) / 1e6}
        arguments = record["arguments"] | {"seed": record["seed"]}
        return Run(path.parent, Path(record["argv"][0]).stem, arguments, scores, record.get("data") or {})
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: expected the record of a run, found {type(error).__name__}: {error}") from error


def group_runs(runs: Iterable[Run], *, by_folder: bool = False) -> list[RunGroup]:
    """Group the runs that differ only in the seed, in the order in which groups first appear.

    Args:
        runs: see `read_runs`.
        by_folder: group the runs of each folder instead, and name the group after it.

    Raises:
        DataError: two runs of a group have the same seed and data, so that one would count twice.
    """
    groups: dict[str, list[Run]] = {}
    for run in runs:
        key = str(run.folder.resolve().parent) if by_folder else json.dumps(run.settings, sort_keys=True)
        groups.setdefault(key, []).append(run)
    for members in groups.values():
        members.sort(key=lambda run: (run.seed, str(run.folder)))
        _refuse_twins(members)
    members = list(groups.values())
    names = _names(members)
    if by_folder:
        names = _folder_names(list(map(Path, groups)))
    elif max(map(len, names), default=0) > LONGEST_NAME:
        names = _folder_names([_folder_of(each, members) for each in members])
    return [RunGroup(name, members) for name, members in zip(names, groups.values(), strict=True)]


def name_pair(one: RunGroup, other: RunGroup) -> tuple[RunGroup, RunGroup]:
    """Two groups under names that tell them apart: by their settings, or their folders if they have the same.

    Raises:
        DataError: they have the same settings, and a run of each the same seed and data.
    """
    groups = [list(each.runs) for each in (one, other)]
    names = _names(groups)
    if one.runs[0].settings == other.runs[0].settings:
        _refuse_twins([*one.runs, *other.runs])
        names = _folder_names([_folder_of(each, groups) for each in groups])
    return RunGroup(names[0], one.runs), RunGroup(names[1], other.runs)


def _refuse_twins(runs: Sequence[Run]) -> None:
    for one, other in itertools.combinations(runs, 2):
        if one.draws == other.draws and one.data == other.data:
            raise DataError(
                f"{one.folder}, {other.folder}: expected different seeds or settings, found the same twice"
            )


def _folder_of(members: list[Run], groups: list[list[Run]]) -> Path:
    """The folder to name a group after: that of all its runs if it has no others, else that of the first."""
    parents = {run.folder.resolve().parent for run in members}
    others = {run.folder.resolve().parent for group in groups if group is not members for run in group}
    alone = len(members) > 1 and len(parents) == 1 and not parents & others
    return parents.pop() if alone else members[0].folder.resolve()


def _folder_names(folders: list[Path]) -> list[str]:
    """The last parts of each path, as many as make all of them different."""
    for count in range(1, max(len(folder.parts) for folder in folders) + 1):
        names = ["/".join(folder.parts[-count:]) for folder in folders]
        if len(set(names)) == len(names):
            break
    return names


def _names(groups: list[list[Run]]) -> list[str]:
    """A name for each group: the settings that differ among the groups of its script."""
    scripts = [members[0].script for members in groups]
    names = []
    for members in groups:
        first = members[0]
        rivals = [each[0].settings for each in groups if each[0].script == first.script]
        known = dict.fromkeys(key for settings in (first.settings, *rivals) for key in settings)
        differing = [key for key in known if len({each.get(key) for each in rivals}) > 1]
        parts = [first.script] if len(set(scripts)) > 1 or not differing else []
        if "model_name_or_path" in differing or not differing:
            parts += (
                [Path(first.arguments["model_name_or_path"]).name] if first.arguments.get("model_name_or_path") else []
            )
        for key in differing:
            if key != "model_name_or_path" and key in first.settings:
                value = first.arguments[key]
                parts.append(str(value) if key == "head" else f"{key}={value}")
        parts = parts or [f"no {key}" for key in differing if key not in first.settings]
        names.append(", ".join(parts))
    return [name if names.count(name) == 1 else f"{name} ({i})" for i, name in enumerate(names, start=1)]
