"""One readable line for each report of the trainer, with a progress bar on a terminal."""

import sys

from tqdm import tqdm
from transformers import ProgressCallback, Trainer

from ..scoring.score_names import shown_in


class ProgressLines(ProgressCallback):
    """Replaces the dictionaries that `Trainer` prints: `epoch 3  f1 0.6801  precision 0.6712  recall 0.6892  loss
    0.1082`.

    Args:
        bars: also draw progress bars.
        best: name of the metric that chooses the best epoch; shown first.
    """

    def __init__(self, *, bars: bool, best: str):
        super().__init__()
        self.bars, self.best = bars, best

    @classmethod
    def take_over(cls, trainer: Trainer) -> None:
        """Replace the trainer's own progress callback."""
        for callback in list(trainer.callback_handler.callbacks):
            if type(callback).__name__ in ("PrinterCallback", "ProgressCallback", "NotebookProgressCallback"):
                trainer.remove_callback(callback)
        best = trainer.args.metric_for_best_model or "loss"
        trainer.add_callback(cls(bars=not trainer.args.disable_tqdm, best=best.removeprefix("eval_")))

    def on_train_begin(self, args, state, control, **kwargs):
        if self.bars:
            super().on_train_begin(args, state, control, **kwargs)

    def on_step_end(self, args, state, control, **kwargs):
        if self.bars:
            super().on_step_end(args, state, control, **kwargs)

    def on_prediction_step(self, args, state, control, **kwargs):
        if self.bars:
            super().on_prediction_step(args, state, control, **kwargs)

    def on_train_end(self, args, state, control, **kwargs):
        if self.bars:
            super().on_train_end(args, state, control, **kwargs)

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
