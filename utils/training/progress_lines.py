"""One readable line for each report of the trainer: with a progress bar on a terminal, else with the time left."""

import sys
import time

from tqdm import tqdm
from transformers import ProgressCallback, Trainer, TrainerCallback

from ..data.durations import describe_duration
from ..scoring.score_names import shown_in


class _Bars(ProgressCallback):
    """The progress bars of `Trainer`, without the dictionaries that it prints."""

    def on_log(self, args, state, control, logs=None, **kwargs):
        pass


class ProgressLines(TrainerCallback):
    """In place of dictionaries: `epoch 3  f1 0.6801  precision 0.6712  recall 0.6892  loss 0.1082  2 min 5 s left`.

    Args:
        best: name of the metric that chooses the best epoch; shown first.
        time_left: whether lines end with the time that the other steps will take.
    """

    def __init__(self, *, best: str, time_left: bool = False):
        self.best, self.time_left = best, time_left
        self.began, self.first_step = 0.0, 0

    @classmethod
    def take_over(cls, trainer: Trainer) -> None:
        """Replace the trainer's own progress callback."""
        for callback in list(trainer.callback_handler.callbacks):
            if type(callback).__name__ in ("PrinterCallback", "ProgressCallback", "NotebookProgressCallback"):
                trainer.remove_callback(callback)
        best = trainer.args.metric_for_best_model or "loss"
        trainer.add_callback(cls(best=best.removeprefix("eval_"), time_left=trainer.args.disable_tqdm))
        if not trainer.args.disable_tqdm:
            trainer.add_callback(_Bars())

    def on_train_begin(self, args, state, control, **kwargs):
        self.began, self.first_step = time.monotonic(), state.global_step  # of this start: a resumed run has others

    def on_log(self, args, state, control, logs=None, **kwargs):
        if state.is_world_process_zero and (line := self.describe(logs or {}, state)):
            tqdm.write(line, file=sys.stderr)

    def describe(self, logs: dict[str, float], state) -> str | None:
        """The line for a log entry; None for entries that are reported elsewhere at the end of the run."""
        if any(name.startswith("eval_") for name in logs):
            scores = {name.removeprefix("eval_"): value for name, value in logs.items() if name.startswith("eval_")}
            shown = dict.fromkeys([self.best, *shown_in("epoch")])  # the deciding score first
            parts = [f"{name} {scores[name]:.4f}" for name in shown if name in scores]
            return f"epoch {logs.get('epoch', 0):.4g}  " + "  ".join(parts) + self._left(state)
        if "loss" in logs:
            rate = f"  learning rate {logs['learning_rate']:.2e}" if "learning_rate" in logs else ""
            return (
                f"step {state.global_step:,} of {state.max_steps:,}  loss {logs['loss']:.4f}{rate}{self._left(state)}"
            )
        if "train_runtime" in logs:
            seconds, speed = logs["train_runtime"], logs["train_samples_per_second"]
            return f"trained {state.global_step:,} steps in {seconds:,.0f} s, {speed:,.0f} texts/s"
        return None

    def _left(self, state) -> str:
        """The time that the other steps will take, if they take as long as those so far; nothing after the last."""
        done, rest = state.global_step - self.first_step, state.max_steps - state.global_step
        if not self.time_left or done <= 0 or rest <= 0:
            return ""
        return f"  {describe_duration((time.monotonic() - self.began) / done * rest)} left"
