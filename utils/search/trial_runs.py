"""Runs of a script side by side, one for each trial: started, watched, stopped early, scored."""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import Trial, TrialState

from ..data.errors import counted
from ..running import stop_signals
from ..running.finished_runs import remove_checkpoints
from .run_files import pick_score, read_epochs, read_log_end, read_results, remove_model
from .script_process import ScriptProcess, end_processes
from .shared_study import SharedStudy

logger = logging.getLogger(__name__)

POLL = 0.5  # seconds between two looks at the runs
PRUNED_PATIENCE = 10.0  # seconds for a run that is not needed any more


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    Attributes:
        state: complete, pruned or failed.
        value: its score, if it is complete.
        facts: attributes to keep with it: `reason`, `seconds`, `scores`, `log_end`, ...
    """

    state: TrialState
    value: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


class TrialRun:
    """A run of a trial.

    Args:
        trial: claimed by this process.
        process: the run; None if it has finished in an earlier search, which did not come to score it.
        folder: of the run.
        names: of the score, see `pick_score`.
        known: epoch -> score that the study has already.
        pruned: whether it may be stopped early.
        keep: whether the model is kept.
    """

    def __init__(
        self,
        trial: Trial,
        process: ScriptProcess | None,
        folder: Path,
        names: Sequence[str],
        *,
        known: Mapping[int, float],
        pruned: bool,
        keep: bool = False,
    ):
        self.trial, self.process, self.folder = trial, process, folder
        self._names, self._pruned, self._keep = names, pruned, keep
        self._known = dict(known)
        self._seen = 0  # epochs
        self._doubted = False
        self._began = time.monotonic()

    def look(self) -> Outcome | None:
        """Report new epochs; how the trial ended, or None while it goes on."""
        ended = self.process is None or self.process.status is not None  # asked before files are read
        if verdict := self._report_epochs():
            if self.process:
                end_processes([self.process], patience=PRUNED_PATIENCE)
            return self._end(TrialState.PRUNED, reason=verdict)
        if not ended:
            return None
        if self.process and self.process.told_to_stop and not self._doubted:
            self._doubted = True  # whoever ends all processes of a machine may not have come to this one yet
            return None
        results = read_results(self.folder)
        if self.process and self.process.status != 0:
            return self._fail(self.process.explain_end())
        if results is None:
            return self._fail("expected all_results.json and run.json in its folder, found none")
        value = pick_score(results, self._names)
        if value is None:
            scores = ", ".join(name.removeprefix("eval_") for name in results if name.startswith("eval_")) or "none"
            return self._fail(f"expected a score {self._names[0]} on validation data, found {scores}")
        if not math.isfinite(value):
            return self._fail(f"{self._names[0]} is {value}")
        scores = {name: score for name, score in results.items() if name.startswith(("eval_", "test_"))}
        return self._end(TrialState.COMPLETE, value, scores=scores)

    def _report_epochs(self) -> str:
        """Report the epochs that the study does not know yet; why the trial is stopped early, if it is.

        Each epoch is judged by itself, however many are found at once, so that the same trials are stopped at the same
        epochs whenever one looks. The last epoch ends the trial anyway.
        """
        epochs = read_epochs(self.folder, self._names)
        for number, score in enumerate(epochs.scores, start=1):
            if number <= self._seen:
                continue
            self._seen = number
            if number not in self._known:
                self.trial.report(score, number)
            last = epochs.last and number == len(epochs.scores)
            judged = number < max(self._known, default=0)
            if self._pruned and not last and not judged and self.trial.should_prune():
                return f"stopped after epoch {number} with {self._names[0]} {score:.4f}, worse than the median"
        return ""

    def _fail(self, reason: str) -> Outcome:
        return self._end(TrialState.FAIL, reason=reason, log_end=read_log_end(self.folder))

    def _end(self, state: TrialState, value: float | None = None, **facts: Any) -> Outcome:
        seconds = round(time.monotonic() - self._began, 1)
        return Outcome(state, value, facts | {"epochs": self._seen, "seconds": seconds})

    def give_up(self) -> Outcome:
        """End the run of a trial that other searches have given up."""
        end_processes([self.process] if self.process else [], patience=PRUNED_PATIENCE)
        return self._end(TrialState.FAIL, reason="given up by another search")

    def clean(self) -> None:
        """Remove the checkpoints of a trial that has ended, and its model if it is not kept."""
        remove_checkpoints(self.folder) if self._keep else remove_model(self.folder)


def run_trials(
    study: SharedStudy,
    limit: int,
    begin: Callable[[Trial, Any], TrialRun | Outcome],
    shares: Sequence,
    *,
    ended: Callable[[Trial, Outcome], None],
) -> None:
    """Run trials side by side until there are as many as there should be, over all processes that share the study.

    Args:
        study: gives the trials.
        limit: how many there should be, with those that are there already.
        begin: starts the run of a trial with a share, or says how it ended without one.
        shares: what each run gets, one for each that may run at once, see `machine_shares`, `ray_cluster`.
        ended: called for each trial that ends in this process; what it raises ends the search.
    """
    active: dict[int, TrialRun] = {}
    waited = False
    with stop_signals.deferred():
        try:
            while not stop_signals.received():
                while free := sorted(set(range(len(shares))) - active.keys()):
                    if not (trial := study.claim(limit)):
                        break
                    begun = begin(trial, shares[free[0]])
                    if isinstance(begun, TrialRun):
                        active[free[0]] = begun
                    else:
                        _finish(study, trial, begun, ended)
                for job, run in list(active.items()):
                    try:
                        outcome = run.look()
                    except UpdateFinishedTrialError:
                        outcome = run.give_up()
                    if outcome:
                        del active[job]
                        _finish(study, run.trial, outcome, ended, clean=run.clean)
                study.beat([run.trial for run in active.values()])
                others = not active and study.waits()
                if not active and not others and study.is_full(limit):
                    return
                if others and not waited:
                    logger.info("waiting for trials of other searches in the same study")
                    waited = True
                time.sleep(POLL)
        finally:
            processes = [run.process for run in active.values() if run.process]
            if processes:
                logger.info("ending %s; the next call continues them", counted(len(processes), "running trial"))
                end_processes(processes)


def _finish(
    study: SharedStudy,
    trial: Trial,
    outcome: Outcome,
    ended: Callable[[Trial, Outcome], None],
    *,
    clean: Callable[[], None] = lambda: None,
) -> None:
    still_ours = study.tell(trial, outcome.state, outcome.value, **outcome.facts)
    clean()
    if still_ours:
        ended(trial, outcome)
    else:
        logger.warning("trial %d was given up by another search in the meantime, and does not count", trial.number)
