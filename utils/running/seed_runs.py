"""One script run with several seeds, and the mean and standard deviation of its scores."""

import logging
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..data.errors import ArgumentError
from .atomic_files import write_json
from .finished_runs import Finished
from .processes import once

logger = logging.getLogger(__name__)


def run_seeds(
    main: Callable[[Sequence[str]], dict], argv: Sequence[str] | None, *, first: int, count: int, output_dir: str
) -> dict[str, float | list[float]]:
    """Run a script with each seed in turn, in `output_dir/seed-N`, and write the result to its `all_results.json`.

    Args:
        main: of the script: command line -> results.
        argv: command line of all runs, that of the process if None; seed, folder and `--splits 1` are added.
        first, count: first seed and number of seeds, one run each.
        output_dir: folder for all of them.

    Returns:
        For each score its mean, under its name with `_std` the standard deviation, and with `_runs` the values.

    Raises:
        ArgumentError: no folder is named.
    """
    if not output_dir:
        raise ArgumentError("--output_dir: expected a folder for the runs of all splits, found none")
    argv, runs = sys.argv[1:] if argv is None else argv, []
    for seed in range(first, first + count):
        logger.info("---- seed %d", seed)
        own = ["--splits", "1", "--seed", str(seed), "--output_dir", str(Path(output_dir) / f"seed-{seed}")]
        try:
            runs.append(main([*argv, *own]))
        except Finished as finished:  # before an earlier call was stopped
            runs.append(finished.results)
    results = spread_scores(runs)
    for name in runs[0]:
        logger.info("%-28s %.4f ± %.4f", name, results[name], results[f"{name}_std"])
    results |= {f"{name}_runs": [run[name] for run in runs] for name in runs[0]}
    once(write_json, Path(output_dir) / "all_results.json", results)
    return results


def spread_scores(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Mean and, under `name_std`, sample standard deviation of each score; 0 for a single run.

    Example:
        >>> spread_scores([{"eval_f1": 0.25}, {"eval_f1": 0.5}, {"eval_f1": 0.75}])
        {'eval_f1': 0.5, 'eval_f1_std': 0.25}
    """
    results = {}
    for name in runs[0]:
        values = [run[name] for run in runs]
        results[name] = statistics.fmean(values)
        results[f"{name}_std"] = statistics.stdev(values) if len(values) > 1 else 0.0
    return results
