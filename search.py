"""Search for good settings of a script: Optuna draws them, and each trial is a run of the script as it is.

    pip install -r requirements-search.txt
    python search.py run_ner.py configs/search/base_ner_sample.yaml configs/search/ner.yaml --output_dir outputs/search
    python search.py run_classification.py base.yaml space.yaml --trials 50 --jobs 4 --output_dir outputs/search

base.yaml and space.yaml stand for your own files. The first file has what all runs share, the second what varies:
`learning_rate: {log: [1e-5, 1e-3]}`, `head: [crf, span]`, `num_train_epochs: {int: [2, 6]}`, `dropout: {uniform: [0,
0.3]}`. Trials never see the validation file: they are scored on a share that is held out of the training data (the
script's --validation_share). As the best of many scores is too good, the best setting is run again with fresh seeds
and scored on the validation file, and both numbers stand side by side. As in any run, the best epoch of these is
chosen on the validation file; nothing is chosen on a test_file of the base, whose score stands below. --output_dir
then holds best.yaml, which the script takes, trials.csv, search.json, pictures, the log of each trial, and the last
runs with their models.

Stopped or killed, the same command goes on: trials that have ended are not repeated, others continue from their
checkpoints. Several machines work on one search if they share its --storage; or one call sends its trials to a Ray
cluster: --ray_address auto --jobs 8. With --jobs 1, the same seed gives the same trials.
"""

import argparse
import logging
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path

from utils.data.errors import ArgumentError
from utils.options.arguments import run_script
from utils.options.option_checks import check_ranges

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parent
RANGES = {"trials": {"low": 1}, "jobs": {"low": 1}, "final_seeds": {"low": 0}, "seed": {"low": 0}}


def main(argv=None):
    args = parse(argv)
    script = find_script(args.script)
    try:
        import optuna
    except ImportError as error:
        raise ArgumentError("optuna is missing: pip install -r requirements-search.txt") from error

    if args.ray_address and find_spec("ray") is None:
        raise ArgumentError("--ray_address: ray is missing: pip install -r requirements-ray.txt")

    # Imported here so that --help and wrong flags answer at once.
    from utils.search import checked_settings, run_configs, score_choice, search_plan, shared_study, spaces

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    # ---- 1. Settings: what varies, what does not, and the score; the script itself checks them before any trial
    space = spaces.read_space(args.space)
    base = run_configs.read_base(args.base, space.settings, space=args.space, scored=args.final_seeds > 0)
    score = score_choice.choose_score(
        script.name, asked=args.metric, chosen=base.flags.get("metric_for_best_model"), varied=space.settings
    )
    base = base.scored_by(args.metric and score.names[0])
    checked_settings.check_settings(script, base, space, space_file=args.space)
    launch = shlex.split(args.launch) if args.launch else [sys.executable]
    plan = search_plan.SearchPlan(args.output_dir.absolute(), [*launch, str(script)], base, space, score)
    with shared_study.reached():
        return search(args, plan)


def search(args, plan):
    """Run the trials and the best setting, and write what they show.

    Args:
        args: see `parse`.
        plan: what the search is about.

    Returns:
        The searched score and what the setting is worth, see `Result.numbers`.
    """
    from optuna.pruners import MedianPruner

    from utils.search import final_runs, machine_shares, searched_trials, shared_study, trial_runs

    # ---- 2. Study: the trials so far, in a storage that other machines may share
    plan.folder.mkdir(parents=True, exist_ok=True)
    storage = shared_study.open_storage(args.storage or f"sqlite:///{plan.folder / 'study.db'}")
    sharing = {"lower_is_better": plan.score.lower_is_better, "folder": plan.folder, "seed": args.seed}
    pruner = MedianPruner(n_warmup_steps=2) if args.pruning == "median" else None  # from the second epoch on
    study = shared_study.SharedStudy(storage, args.study_name, pruner=pruner, **sharing)
    study.settle(plan.facts(seed=args.seed))
    shares = machine_shares.share_machine(args.jobs)
    if args.ray_address:
        from utils.search.ray_cluster import share_cluster

        shares = share_cluster(args.ray_address, args.jobs)

    # ---- 3. Trials: each is a run that holds its validation data out of the training data
    trials = searched_trials.SearchedTrials(plan, study, limit=args.trials)
    logger.info("%s", trials.describe_start())
    try:
        trial_runs.run_trials(study, args.trials, trials.start, shares, ended=trials.end)
    finally:
        trials.write(study.trials)
    best = trials.require_best()

    # ---- 4. Result: the best setting with fresh seeds, on the user's own validation file
    name = f"{args.study_name}, best trial {best.number}"
    again = shared_study.SharedStudy(storage, name, failed_count=False, **sharing)
    finals = final_runs.FinalRuns(plan, again, best, count=args.final_seeds)
    if args.final_seeds:
        logger.info("%s", finals.describe_start())
    trial_runs.run_trials(again, args.final_seeds, finals.start, shares, ended=finals.end)
    result = finals.result()
    trials.write(study.trials, result)
    logger.info("\n%s", trials.describe_end(result))
    return result.numbers()


def find_script(name):
    """The path of a script: as given, or beside this one."""
    for path in (Path(name), ROOT / name):
        if path.suffix == ".py" and path.is_file():
            return path.absolute()
    known = sorted(path.name for path in ROOT.glob("run_*.py"))
    raise ArgumentError(f"{name}: expected one of {', '.join(known)}, or the path of a copy, found no such script")


def parse(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("script", help="script to search settings for, such as run_ner.py")
    parser.add_argument("base", help="YAML or JSON file of options that all runs share: model, files, ...")
    parser.add_argument("space", help="YAML or JSON file of options that vary, with their choices or ranges")
    parser.add_argument("--output_dir", type=Path, required=True, help="folder for all that the search leaves")
    parser.add_argument(
        "--trials", type=int, default=20, help="how many trials there are in all, not in this call (20)"
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=1,
        help="trials side by side on this machine (1); each gets its share of the GPUs, if there are any, and cores",
    )
    parser.add_argument(
        "--final_seeds",
        type=int,
        default=3,
        help="runs with the best setting, scored on the validation file (3); 0 for none, and so no result",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of what is drawn, not of the runs (0)")
    parser.add_argument(
        "--metric", help="score to search by, such as macro_f1; if not given, that by which the script picks epochs"
    )
    parser.add_argument(
        "--pruning",
        choices=["median", "none"],
        default="median",
        help="stop a trial that is worse than the median after its second or a later epoch, once five are complete "
        "(median)",
    )
    parser.add_argument(
        "--storage",
        metavar="URL",
        help="database of the trials, such as postgresql://user:password@host/name, or the path of a journal file on "
        "a disk that machines share; study.db in --output_dir if not given",
    )
    parser.add_argument(
        "--ray_address",
        metavar="ADDRESS",
        help="run trials on this Ray cluster (host:port, or auto), --jobs at a time; its machines share a disk",
    )
    parser.add_argument("--study_name", default="search", help="name of this search in the storage (search)")
    parser.add_argument(
        "--launch",
        metavar="WORDS",
        help="command that runs the script, such as `accelerate launch --num_processes 2`; this Python if not given",
    )
    args = parser.parse_args(argv)
    check_ranges(vars(args), RANGES)
    return args


if __name__ == "__main__":
    run_script(main)
