"""The trials of a search: how each begins and ends, and the files that show them."""

import logging
import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, Trial, TrialState

from ..data.errors import TrainingError, counted
from ..running.atomic_files import write_bytes, write_config, write_json, write_text
from . import search_pictures, search_table
from .run_files import remove_model
from .script_process import ScriptProcess
from .search_plan import SearchPlan
from .shared_study import SharedStudy, hide_password
from .spaces import describe_drawn
from .trial_runs import Outcome, TrialRun

logger = logging.getLogger(__name__)

FEW = 3  # trials: if so many fail in one call and none has ever succeeded, the search stops
SUCCESS = (TrialState.COMPLETE, TrialState.PRUNED)


class SearchedTrials:
    """The trials of a search, and the files in its folder.

    Args:
        plan: what the search is about.
        study: has the trials.
        limit: how many there should be.
    """

    def __init__(self, plan: SearchPlan, study: SharedStudy, *, limit: int):
        self.plan, self.study, self.limit = plan, study, limit
        self._failed = 0  # trials of this call
        for each in study.trials:  # of a search that was killed before it came to this
            if each.state.is_finished():
                remove_model(self._folder(each.number))

    def describe_start(self) -> str:
        """A line about what is to be done, and what is done already."""
        plan, done = self.plan, [each for each in self.study.trials if each.state.is_finished()]
        going_on = f"; {len(done)} have ended already" if done else ""
        settings = counted(len(plan.space.settings), "setting")
        whole = "" if self._prunes else "; none is stopped early, as save_strategy: no shows no scores of epochs"
        return (
            f"{counted(self.limit, 'trial')} of {plan.script}, {settings}, compared by {plan.score.names[0]} on data "
            f"held out of {self._train_file}{going_on}{whole}; logs in {_short(plan.folder)}/trials/*/log.txt"
        )

    def start(self, trial: Trial, share) -> TrialRun | Outcome:
        """Begin a trial, or continue one; a setting that has been tried already keeps its score.

        Args:
            trial: claimed.
            share: see `ScriptProcess.start`.
        """
        drawn = self.plan.space.draw(trial)
        logger.info("trial %d: %s", trial.number, describe_drawn(drawn))
        if twin := self._find_twin(trial.number, drawn):
            for epoch, score in sorted(twin.intermediate_values.items()):
                trial.report(score, epoch)
            kept = {name: twin.user_attrs[name] for name in ("reason", "scores", "epochs") if name in twin.user_attrs}
            value = twin.value if twin.state == TrialState.COMPLETE else None
            return Outcome(twin.state, value, kept | {"repeats": twin.number})
        folder = self._folder(trial.number)
        flags = self.plan.base.trial(self.plan.space.values(drawn), folder)
        comment = f"trial {trial.number} of a search: {describe_drawn(drawn)}"
        process = ScriptProcess.start(self.plan.command, flags, folder, share=share, comment=comment)
        known = self.study.find(trial.number).intermediate_values
        return TrialRun(trial, process, folder, self.plan.score.names, known=known, pruned=self._prunes)

    def end(self, trial: Trial, outcome: Outcome) -> None:
        """Say how a trial ended, and bring the files up to date.

        Raises:
            TrainingError: the first trials have all failed.
        """
        trials = self.study.trials
        frozen, best = next(each for each in trials if each.number == trial.number), self.study.best_of(trials)
        done = sum(each.state.is_finished() for each in trials)
        told = {"done": f"{done} of {self.limit}", "best": best is not None and best.number == frozen.number}
        logger.info("%s", search_table.describe_trial(frozen, self.plan.score, **told))
        self.write(trials)
        if outcome.state == TrialState.FAIL:
            self._failed += 1
            if self._failed >= FEW and not any(each.state in SUCCESS for each in trials):
                raise self._useless(trials)

    def require_best(self) -> FrozenTrial:
        """The best trial.

        Raises:
            TrainingError: no trial has a score.
        """
        trials = self.study.trials
        if best := self.study.best_of(trials):
            return best
        raise self._useless(trials)

    def write(self, trials: Sequence[FrozenTrial], result: search_table.Result | None = None) -> None:
        """Write trials.csv and search.json and, if a trial has a score, best.yaml; with a result, also pictures."""
        plan, best = self.plan, self.study.best_of(trials)
        write_text(plan.folder / "trials.csv", search_table.write_csv(trials, list(plan.space.settings)))
        record: dict[str, Any] = {"argv": [hide_password(word) for word in sys.argv], **self.study.study.user_attrs}
        record |= {"lower_is_better": plan.score.lower_is_better, "optuna": version("optuna")}
        record["best"] = best and {"trial": best.number, "searched_score": best.value, "settings": best.params}
        weights = {}
        if result:
            weights = search_pictures.weigh_settings(self.study.study)
            record |= {"result": result.numbers(), "final_runs": result.finals, "importance": weights}
        write_json(plan.folder / "search.json", record | {"trials": search_table.list_trials(trials)})
        if best:
            self._write_best(best, result)
        if result:
            self._draw(trials, weights, result)

    def describe_end(self, result: search_table.Result) -> str:
        """The result, where it is, and the next command."""
        flags, folder = self.plan.base.flags, _short(self.plan.folder)
        files = {
            split: _name(flags[f"{split}_file"]) for split in ("validation", "test") if flags.get(f"{split}_file")
        }
        scored = sum(each.state == TrialState.COMPLETE for each in self.study.trials)
        shown = search_table.describe_result(result, held_out=self._held_out, files=files, trials=scored)
        words = ["python", _short(Path(self.plan.command[-1])), f"{folder}/best.yaml", "--output_dir", "outputs/best"]
        return f"{shown}\n\nsaved in  {folder}\nnext      {shlex.join(words)}"

    @property
    def _prunes(self) -> bool:
        """Whether trials may be stopped early, which takes checkpoints: their scores are read there."""
        return str(self.plan.base.flags.get("save_strategy")).lower() not in ("no", "false")

    @property
    def _train_file(self) -> str:
        return _name(self.plan.base.flags["train_file"])

    @property
    def _held_out(self) -> str:
        return f"data held out of {self._train_file}"

    def _folder(self, number: int) -> Path:
        return self.plan.folder / "trials" / f"{number:04d}"

    def _find_twin(self, number: int, drawn: Mapping[str, Any]) -> FrozenTrial | None:
        twins = (each for each in self.study.trials if each.state in SUCCESS and each.params == drawn)
        return next((each for each in twins if each.number != number), None)

    def _useless(self, trials: Sequence[FrozenTrial]) -> TrainingError:
        failed = [each for each in trials if each.state == TrialState.FAIL]
        folder = _short(self._folder(failed[-1].number))
        return TrainingError(
            f"expected a trial with a score, found {counted(len(failed), 'failure')} and no success: "
            f"{failed[-1].user_attrs['reason']}; its whole log is in {folder}/log.txt, and the same run is "
            f"`{shlex.join([*self.plan.command, f'{folder}/config.yaml'])}`"
        )

    def _write_best(self, best: FrozenTrial, result: search_table.Result | None) -> None:
        plan = self.plan
        comment = f"python {plan.script} {_short(plan.folder)}/best.yaml --output_dir outputs/best\n"
        comment += f"Trial {best.number} of a search, {plan.score.names[0]} {best.value:.4f} on {self._held_out}"
        if result and result.finals:
            comment += f"; {search_table.describe_spread(result.values())} with fresh seeds on the validation file"
        write_config(plan.folder / "best.yaml", plan.base.whole(plan.space.values(best.params)), comment=comment)

    def _draw(self, trials: Sequence[FrozenTrial], weights: Mapping[str, float], result: search_table.Result) -> None:
        plan, name = self.plan, self.plan.score.names[0]
        history = search_pictures.draw_history(trials, name, lower_is_better=plan.score.lower_is_better, result=result)
        write_bytes(plan.folder / "history.png", history)
        write_bytes(
            plan.folder / "settings.png", search_pictures.draw_settings(trials, name, plan.space, best=result.best)
        )
        if weights:
            done = sum(each.state == TrialState.COMPLETE for each in trials)
            write_bytes(plan.folder / "importance.png", search_pictures.draw_importance(weights, trials=done))
        else:
            logger.info("no importance.png: it takes %d complete trials whose scores differ", search_pictures.LEAST)


def _name(path: str | list[str]) -> str:
    return Path(path).name if isinstance(path, str) else ", ".join(Path(each).name for each in path)


def _short(path: Path) -> str:
    """A path as a user would type it from here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
