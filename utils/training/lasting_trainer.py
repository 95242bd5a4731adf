"""A trainer for runs that survive: NaN losses, stop signals, and resuming after the last step."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from transformers import EarlyStoppingCallback, Trainer, TrainerCallback
from transformers.trainer_utils import SaveStrategy, get_last_checkpoint, rotate_checkpoints

from ..data.errors import DataError
from ..running import processes, stop_signals
from ..running.atomic_files import share
from ..running.disk_space import saving
from .nan_guard import ROW_IDS, NamedRows, NanGuard, drop_gradients


class StopWhenTold(TrainerCallback):
    """Requests a checkpoint after the step in which a stop signal arrived, and ends the program once it is written.

    After the last step of an epoch, the evaluation of the epoch comes first.
    """

    epoch_ended = False

    def on_step_end(self, args, state, control, **kwargs):
        self.epoch_ended = False
        self._ask(args, state, control)

    def on_evaluate(self, args, state, control, **kwargs):
        self._ask(args, state, control)

    def on_epoch_end(self, args, state, control, **kwargs):
        self.epoch_ended = True
        self._ask(args, state, control)

    def on_save(self, args, state, control, **kwargs):
        if not (received := self._told(args, state, control)):
            return
        message = (
            f"stopped by {stop_signals.name_of(received)} after step {state.global_step:,} of {state.max_steps:,}, "
            "with a checkpoint; continue with the same command and --resume_from_checkpoint last"
        )
        ending = stop_signals.stop(received, message if args.process_index == 0 else "")
        processes.gather(None)  # the first may still be writing, and a launcher stops all when one process ends
        raise ending

    def _ask(self, args, state, control):
        if self._told(args, state, control):
            control.should_save = True
            if args.save_strategy == SaveStrategy.BEST:  # an evaluation would reset `should_save`
                args.save_strategy = SaveStrategy.STEPS

    def _told(self, args, state, control):
        """The signal, the same in all processes; 0 for none, and while an epoch's last evaluation is still to come."""
        if not self.epoch_ended and (control.should_training_stop or float(state.epoch or 0).is_integer()):
            return 0
        return processes.highest(stop_signals.received(), device=args.device)


class LastingTrainer(Trainer):
    """`Trainer` that checks for NaN before each step, and for stop signals after it.

    Args:
        nan_guard: decides what happens to steps whose loss or gradient is NaN; by default training stops.
        **trainer: arguments of `Trainer`.
    """

    def __init__(self, *, nan_guard: NanGuard | None = None, **trainer):
        super().__init__(**trainer)
        self.nan_guard = nan_guard or NanGuard(skip=False)
        if self.nan_guard.skip and self.is_deepspeed_enabled:
            raise ValueError("--on_nan skip: DeepSpeed takes its step before gradients can be checked; leave it out")
        self.staging: Path | None = None  # where a checkpoint is being written
        self.resumed_from: str | None = None
        self.add_callback(StopWhenTold())

    def train(self, resume_from_checkpoint=None, **kwargs):
        if resume_from_checkpoint is True:
            resume_from_checkpoint = get_last_checkpoint(self.args.output_dir) or True  # Trainer refuses True
        self.resumed_from = resume_from_checkpoint
        if isinstance(resume_from_checkpoint, str) and hasattr(self.model, "config"):
            refuse_other_labels(resume_from_checkpoint, self.model.config.id2label)
        with stop_signals.deferred():
            output = super().train(resume_from_checkpoint=resume_from_checkpoint, **kwargs)
        if self.nan_guard.skip:  # counted over the whole run, however often it was stopped and resumed
            output.metrics["train_skipped_steps"] = sum("skipped" in entry for entry in self.state.log_history)
        return output

    def get_train_dataloader(self):
        collator, self.data_collator = self.data_collator, NamedRows(self.data_collator)
        try:
            return super().get_train_dataloader()
        finally:
            self.data_collator = collator

    def training_step(self, model, inputs, num_items_in_batch=None):
        rows = inputs.pop(ROW_IDS, None)
        loss = self._learn(model, inputs, num_items_in_batch)
        self.nan_guard.see(loss, lambda: rows or self._beginnings(inputs))
        return loss

    def _beginnings(self, inputs):
        """The first tokens of each row, to name rows without ids."""
        decode = self.processing_class.decode if self.processing_class else str
        return [f"{decode(row)} ..." for row in inputs["input_ids"].flatten(1)[:, :12]]

    def _get_grad_norm(self, model, grad_norm=None):
        # No callback: on_pre_optimizer_step comes after clipping, which turns a gradient of infinite norm into zeros.
        norm = super()._get_grad_norm(model, grad_norm)
        step = {"step": self.state.global_step + 1, "first": self.args.process_index == 0}
        entry = self.nan_guard.judge(norm, **step, scaled=getattr(self.accelerator, "scaler", None) is not None)
        if entry is None:
            return norm
        drop_gradients(model)
        self.state.log_history.append(entry)
        return None

    def _learn(self, model, inputs, num_items_in_batch):
        """One forward and backward pass, as in `Trainer`; tricks override it to do two."""
        return super().training_step(model, inputs, num_items_in_batch)

    def _run_epoch(self, **options):
        # Trainer would take one more step when resumed from a checkpoint after which nothing is left to do. No
        # callback: what on_train_begin and on_epoch_begin request takes effect only after that step.
        patient = [each for each in self.callback_handler.callbacks if isinstance(each, EarlyStoppingCallback)]
        if self.state.global_step >= self.state.max_steps or any(
            each.early_stopping_patience_counter >= each.early_stopping_patience for each in patient
        ):
            self.control.should_training_stop = True
            return
        super()._run_epoch(**options)

    def _get_output_dir(self, trial):
        # No callback can set it; a changed `args.output_dir` would be written into the checkpoint.
        return str(self.staging) if self.staging else super()._get_output_dir(trial)

    def _save_checkpoint(self, model, trial):
        """As `Trainer` does, but the folder gets its name once it is complete, and before older ones are removed.

        No callback: on_save comes after both.
        """
        if self.is_fsdp_enabled or self.is_deepspeed_enabled:  # each process writes its part to the final folder
            self._write_checkpoint(model, trial)
            return
        folder = Path(self.args.output_dir)
        name = f"checkpoint-{self.state.global_step}"
        advice = "and continue with the same command and --resume_from_checkpoint last"
        self.staging = folder / f".unfinished-{name}"
        try:
            with saving(f"{name} (older ones are intact)", folder=folder, advice=advice):
                self._write_checkpoint(model, trial)
                if self.state.best_model_checkpoint == str(self.staging / name):
                    self.state.best_model_checkpoint = str(folder / name)
                    if self.args.should_save:
                        self.state.save_to_json(str(self.staging / name / "trainer_state.json"))
            processes.gather(None)  # all have written
            if self.args.process_index == 0:
                self._move_checkpoint(self.staging / name, folder / name)
            processes.gather(None)
            if self.args.local_process_index == 0 and self.args.process_index > 0:  # if disks are not shared
                self._move_checkpoint(self.staging / name, folder / name)
        finally:
            if self.args.local_process_index == 0:
                shutil.rmtree(self.staging, ignore_errors=True)
            self.staging = None
        if self.args.should_save:
            rotate_checkpoints(
                str(folder),
                save_total_limit=self.args.save_total_limit,
                best_model_checkpoint=self.state.best_model_checkpoint,
                use_mtime=True,
            )

    def _write_checkpoint(self, model, trial):
        """Write a checkpoint as `Trainer` does."""
        super()._save_checkpoint(model, trial)

    def _move_checkpoint(self, fresh, place):
        if not fresh.is_dir():  # another machine has moved it on a shared disk
            return
        if place.is_dir():  # saved twice, or left incomplete by an earlier version
            os.replace(place, fresh.parent / "earlier")
        share(fresh)
        os.replace(fresh, place)


def refuse_other_labels(checkpoint: str, id2label: Mapping[int, str]) -> None:
    """Check that a resumed run has the labels that it began with, as rows of weights belong to labels by position.

    Raises:
        DataError: the checkpoint has other labels, or another order.
    """
    path = Path(checkpoint) / "config.json"
    if not path.is_file():
        return
    before = json.loads(path.read_text(encoding="utf-8")).get("id2label") or {}
    if before and list(before.values()) != list(id2label.values()):
        new = [label for label in id2label.values() if label not in before.values()]
        gone = [label for label in before.values() if label not in id2label.values()]
        found = (
            f"{', '.join(new) or 'none'} new and {', '.join(gone) or 'none'} gone" if new or gone else "another order"
        )
        raise DataError(
            f"{checkpoint}: expected the labels that the run began with, found {found}; resume with the same data, or "
            "give the trained directory as --model_name_or_path, with an --output_dir of its own"
        )
