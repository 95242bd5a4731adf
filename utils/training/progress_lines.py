"""One readable line for each report of the trainer, with a progress bar on a terminal."""

import sys

from tqdm import tqdm
from transformers import ProgressCallback, Trainer, TrainerCallback

from ..scoring.score_names import shown_in


class _Bars(ProgressCallback):
    """The progress bars of `Trainer`, without the dictionaries that it prints."""

    def on_log(self, args, state, control, logs=None, **kwargs):
        pass


class ProgressLines(TrainerCallback):
    """In place of dictionaries: `epoch 3  f1 0.6801  precision 0.6712  recall 0.6892  loss 0.1082`.

    Args:
        best: name of the metric that chooses the best epoch; shown first.
    """

    def __init__(self, *, best: str):
        self.best = best

    @classmethod
    def take_over(cls, trainer: Trainer) -> None:
        """Replace the trainer's own progress callback."""
        for callback in list(trainer.callback_handler.callbacks):
            if type(callback).__name__ in ("PrinterCallback", "ProgressCallback", "NotebookProgressCallback"):
                trainer.remove_callback(callback)
        best = trainer.args.metric_for_best_model or "loss"
        trainer.add_callback(cls(best=best.removeprefix("eval_")))
        if not trainer.args.disable_tqdm:
            trainer.add_callback(_Bars())

    def on_log(self, args, state, control, logs=None, **kwargs):
        if state.is_world_process_zero and (line := self.describe(logs or {}, state)):
            tqdm.write(line, file=sys.stderr)

    def describe(self, logs: dict[str, float], state) -> str | None:
        """The line for a log entry; None for entries that are reported elsewhere at the end of the run."""
        if any(name.startswith("eval_") for name in logs):
            scores = {name.removeprefix("eval_"): value for name, value in logs.items() if name.startswith("eval_")}
            shown = dict.fromkeys([self.best, *shown_in("epoch")])  # the deciding score first
            parts = [f"{name} {scores[name]:.4f}" for name in shown if name in scores]
            return f"epoch {logs.get('epoch', 0):g}  " + "  ".join(parts)
        if "loss" in logs:
            rate = f"  learning rate {logs['learning_rate']:.2e}" if "learning_rate" in logs else ""
            return f"step {state.global_step:,} of {state.max_steps:,}  loss {logs['loss']:.4f}{rate}"
        if "train_runtime" in logs:
            seconds, speed = logs["train_runtime"], logs["train_samples_per_second"]
            return f"trained {state.global_step:,} steps in {seconds:,.0f} s, {speed:,.0f} texts/s"
        return None
