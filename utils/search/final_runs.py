"""The best setting of a search with fresh seeds, on the user's own validation and test files."""

import logging

from optuna.trial import FrozenTrial, Trial, TrialState

from ..data.errors import TrainingError, counted
from .script_process import ScriptProcess
from .search_plan import SearchPlan
from .search_table import Result, describe_time
from .shared_study import SharedStudy
from .trial_runs import Outcome, TrialRun

logger = logging.getLogger(__name__)


class FinalRuns:
    """Runs with the best setting, whose models are kept.

    Args:
        plan: what the search is about.
        study: has these runs, as trials without settings.
        best: the trial with the setting.
        count: how many runs there should be.
    """

    def __init__(self, plan: SearchPlan, study: SharedStudy, best: FrozenTrial, *, count: int):
        self.plan, self.study, self.best, self.count = plan, study, best, count

    def describe_start(self) -> str:
        """A line about what is to be done."""
        return f"now the setting of trial {self.best.number}, with {counted(self.count, 'fresh seed')}"

    def start(self, trial: Trial, share) -> TrialRun:
        """Begin a run, or continue one; see `SearchedTrials.start`."""
        plan, seed = self.plan, self._seed(trial.number)
        folder = plan.folder / "final" / f"trial-{self.best.number}" / f"seed-{seed}"
        flags = plan.base.whole(plan.space.values(self.best.params)) | {"seed": seed, "output_dir": str(folder)}
        comment = f"the setting of trial {self.best.number} of a search, with a fresh seed"
        process = ScriptProcess.start(plan.command, flags, folder, share=share, comment=comment)
        known = self.study.find(trial.number).intermediate_values
        return TrialRun(trial, process, folder, plan.score.names, known=known, pruned=False, keep=True)

    def end(self, trial: Trial, outcome: Outcome) -> None:
        """Say what a run has scored.

        Raises:
            TrainingError: it failed.
        """
        if outcome.state == TrialState.FAIL:
            seed = self._seed(trial.number)
            raise TrainingError(
                f"the run with the best setting and seed {seed} failed: {outcome.facts['reason']}; its log is in "
                f"{self.plan.folder}/final/trial-{self.best.number}/seed-{seed}/log.txt; the same command goes on "
                "with another seed"
            )
        done = sum(each.state == TrialState.COMPLETE for each in self.study.trials)
        took = describe_time(outcome.facts["seconds"])
        score = f"{self.plan.score.names[0]} {outcome.value:.4f}"
        logger.info("%d of %d  seed %d  %s  (%s)", done, self.count, self._seed(trial.number), score, took)

    def result(self) -> Result:
        """The searched score, and those of the runs so far."""
        done = [each for each in self.study.trials if each.state == TrialState.COMPLETE]
        finals = {self._seed(each.number): each.user_attrs["scores"] for each in done}
        return Result(self.plan.score, self.best, finals)

    def _seed(self, number: int) -> int:
        return self.plan.base.seed + 1 + number
