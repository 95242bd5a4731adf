"""The trainer of runs that survive: losses that are no numbers, signals to stop, a resumption behind the last step."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from transformers import EarlyStoppingCallback, Trainer, TrainerCallback
from transformers.trainer_utils import SaveStrategy, get_last_checkpoint, rotate_checkpoints

from ..data.errors import DataError
from ..running import processes, stop_signals
from ..running.disk_space import saving
from .nan_guard import ROW_IDS, NamedRows, NanGuard, drop_gradients


class StopWhenTold(TrainerCallback):
    """Asks for a checkpoint behind the step in which the program was told to stop, and ends when it is written; behind
    the last step of an epoch, what is evaluated there comes first.
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
            f"stopped by {stop_signals.name_of(received)} behind step {state.global_step:,} of {state.max_steps:,}, "
            "with a checkpoint; go on with the same command and --resume_from_checkpoint last"
        )
        ending = stop_signals.stop(received, message if args.process_index == 0 else "")
        processes.gather(None)  # a launcher that sees one process end stops all, and the first still writes
        raise ending

    def _ask(self, args, state, control):
        if self._told(args, state, control):
            control.should_save = True
            if args.save_strategy == SaveStrategy.BEST:  # by which an evaluation would decide anew
                args.save_strategy = SaveStrategy.STEPS

    def _told(self, args, state, control):
        """The signal, the same in all processes; 0 for none, and while the end of the epoch is still to come."""
        if not self.epoch_ended and (control.should_training_stop or float(state.epoch or 0).is_integer()):
            return 0
        return processes.highest(stop_signals.received(), device=args.device)


class LastingTrainer(Trainer):
    """`Trainer` that looks at each step before it is taken, and at signals behind it.

    Args:
        nan_guard: decides what becomes of steps whose loss or gradient is no number; by default training stops.
        **trainer: arguments of `Trainer`.
    """

    def __init__(self, *, nan_guard: NanGuard | None = None, **trainer):
        super().__init__(**trainer)
        self.nan_guard = nan_guard or NanGuard(skip=False)
        if self.nan_guard.skip and self.is_deepspeed_enabled:
            raise ValueError("--on_nan skip: DeepSpeed takes its step before gradients can be looked at; leave it out")
        self.staging: Path | None = None  # where a checkpoint is being written
        self.resumed_from: str | None = None
        self.add_callback(StopWhenTold())

    def train(self, resume_from_checkpoint=None, **kwargs):
        if resume_from_checkpoint is True:
            resume_from_checkpoint = get_last_checkpoint(self.args.output_dir) or True  # of which Trainer says more
        self.resumed_from = resume_from_checkpoint
        if isinstance(resume_from_checkpoint, str) and hasattr(self.model, "config"):
            refuse_other_labels(resume_from_checkpoint, self.model.config.id2label)
        with stop_signals.deferred():
            output = super().train(resume_from_checkpoint=resume_from_checkpoint, **kwargs)
        if self.nan_guard.skip:  # of the whole run, however often it was stopped and went on
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
        """What rows without ids begin with."""
        decode = self.processing_class.decode if self.processing_class else str
        return [f"{decode(row)} ..." for row in inputs["input_ids"].flatten(1)[:, :12]]

    def _get_grad_norm(self, model, grad_norm=None):
        # No callback: on_pre_optimizer_step comes behind clipping, which makes zeros of a gradient of infinite norm.
        norm = super()._get_grad_norm(model, grad_norm)
        step = {"step": self.state.global_step + 1, "first": self.args.process_index == 0}
        entry = self.nan_guard.judge(norm, **step, scaled=getattr(self.accelerator, "scaler", None) is not None)
        if entry is None:
            return norm
        drop_gradients(model)
        self.state.log_history.append(entry)
        return None

    def _learn(self, model, inputs, num_items_in_batch):
        """What `Trainer` does with a batch; tricks do it twice."""
        return super().training_step(model, inputs, num_items_in_batch)

    def _run_epoch(self, **options):
        # Trainer would take one step more from a checkpoint behind which nothing is left to do. No callback: whatever
        # on_train_begin and on_epoch_begin ask for is heeded behind that step.
        patient = [each for each in self.callback_handler.callbacks if isinstance(each, EarlyStoppingCallback)]
        if self.state.global_step >= self.state.max_steps or any(
            each.early_stopping_patience_counter >= each.early_stopping_patience for each in patient
        ):
            self.control.should_training_stop = True
            return
        super()._run_epoch(**options)

    def _get_output_dir(self, trial):
        # No callback knows it; a changed `args.output_dir` would be written into the checkpoint.
        return str(self.staging) if self.staging else super()._get_output_dir(trial)

    def _save_checkpoint(self, model, trial):
        """As `Trainer` does; the folder has its name when all is in it, and before older ones are removed.

        No callback: on_save comes behind both.
        """
        if self.is_fsdp_enabled or self.is_deepspeed_enabled:  # their parts know their places
            self._write_checkpoint(model, trial)
            return
        folder = Path(self.args.output_dir)
        name = f"checkpoint-{self.state.global_step}"
        advice = "and go on with the same command and --resume_from_checkpoint last"
        self.staging = folder / f".unfinished-{name}"
        try:
            with saving(f"{name} (older ones are whole)", folder=folder, advice=advice):
                self._write_checkpoint(model, trial)
                if self.state.best_model_checkpoint == str(self.staging / name):
                    self.state.best_model_checkpoint = str(folder / name)
                    if self.args.should_save:
                        self.state.save_to_json(str(self.staging / name / "trainer_state.json"))
            processes.gather(None)  # all have written
            if self.args.process_index == 0:
                self._move_checkpoint(self.staging / name, folder / name)
            processes.gather(None)
            if self.args.local_process_index == 0 and self.args.process_index > 0:  # where disks are not shared
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
        """What `Trainer` writes."""
        super()._save_checkpoint(model, trial)

    def _move_checkpoint(self, fresh, place):
        if not fresh.is_dir():  # another machine, whose disk this one shares, has done it
            return
        if place.is_dir():  # saved twice, or left half-written by an earlier version
            os.replace(place, fresh.parent / "earlier")
        os.replace(fresh, place)


def refuse_other_labels(checkpoint: str, id2label: Mapping[int, str]) -> None:
    """See whether a run goes on with the labels that it began with: weights know them by their places.

    Raises:
        DataError: the checkpoint has others, or has them in another order.
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
