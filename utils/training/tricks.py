"""Changes to the training step that work with every head: FGM, R-Drop, EMA.

`TrickTrainer` is `Trainer` plus these tricks, learning rates by part of the model, evaluation in the order of the
data, and checkpoints that are complete or absent.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Sampler
from transformers import EarlyStoppingCallback, PreTrainedModel, TrainerCallback

from ..data.errors import ArgumentError
from ..layers.fast_dropout import use_fast_dropout
from ..layers.unpadded import leave_out_padding
from ..options.fine_tuning_arguments import FineTuningArguments
from ..options.shared_arguments import TrickArguments
from .averaged_weights import AveragedWeights, Averaging
from .batch_size import Batches
from .best_metric import settle_best_metric
from .fast_gradient import FastGradient
from .lasting_trainer import LastingTrainer
from .nan_guard import NanGuard
from .optimizer_choice import check_optimizer
from .parameter_groups import parameter_groups
from .progress_lines import ProgressLines
from .regularized_dropout import RegularizedDropout
from .samplers import LengthSampler

logger = logging.getLogger(__name__)


class _Epochs(TrainerCallback):
    """Pass the epoch on to a sampler or a collator.

    accelerate does not pass it on to collators, nor on several devices to the sampler of a run resumed mid-epoch.
    """

    def __init__(self, listener: Sampler | Callable):
        self.listener = listener

    def on_epoch_begin(self, args, state, control, **kwargs):
        self.listener.set_epoch(int(state.epoch))


class TrickTrainer(LastingTrainer):
    """`LastingTrainer` with parameter groups and, where given, FGM, R-Drop and EMA.

    Args:
        groups: optimizer groups, see `parameter_groups`.
        fast_gradient, regularized_dropout, averaged_weights: None for off.
        lessons: what is learnt from a teacher beside the labels, see `distillation.lessons`; None for nothing.
        train_sampler: draws the training rows, and has a `set_epoch`; None for that of `--train_sampling_strategy`.
        **trainer: arguments of `LastingTrainer`.
    """

    def __init__(
        self,
        *,
        groups: list[dict],
        fast_gradient: FastGradient | None = None,
        regularized_dropout: RegularizedDropout | None = None,
        averaged_weights: AveragedWeights | None = None,
        lessons: Any = None,
        train_sampler: Sampler | None = None,
        **trainer,
    ):
        super().__init__(**trainer)
        ProgressLines.take_over(self)
        if fast_gradient is not None and not self.model.get_input_embeddings().weight.requires_grad:
            raise ValueError("FGM moves the word embeddings along their gradient, but they are frozen; leave it out")
        self.groups = groups
        self.whole_weights: dict[str, Tensor] | None = None  # after training, if each process holds a part of them
        self.fast_gradient = fast_gradient
        self.regularized_dropout = regularized_dropout
        self.averaged_weights = averaged_weights
        self.lessons = lessons
        columns = getattr(self.train_dataset, "column_names", None) or ()
        if train_sampler is None and self.args.train_sampling_strategy == "group_by_length" and "length" in columns:
            # All rows of a step, so that these do not depend on the number of processes and accumulated batches.
            size = self.args.train_batch_size * self.args.world_size * self.args.gradient_accumulation_steps
            seed = self.args.seed if self.args.data_seed is None else self.args.data_seed
            train_sampler = LengthSampler(self.train_dataset["length"][:], batch_size=size, seed=seed)
        self.train_sampler = train_sampler
        if train_sampler is not None:
            self.add_callback(_Epochs(train_sampler))
        if hasattr(self.data_collator, "set_epoch"):
            self.add_callback(_Epochs(self.data_collator))
        self.average_in_use = averaged_weights is not None  # until the model has it for good
        if averaged_weights is not None:
            self.add_callback(Averaging(self))

    def train(self, *args, **kwargs):
        """As `LastingTrainer` does; if each process holds a part of the weights, they are gathered at the end."""
        output = super().train(*args, **kwargs)
        if self.is_fsdp_enabled or self.is_deepspeed_enabled:  # each process holds a part, and all must be here
            self.whole_weights = self.accelerator.get_state_dict(self.model_wrapped)
        return output

    def create_optimizer(self, model=None):
        """As `Trainer` does, with our parameter groups."""
        if self.optimizer is None:
            optimizer_class, options = self.get_optimizer_cls_and_kwargs(self.args, self.model)
            self.optimizer = optimizer_class(self.groups, **options)
        return self.optimizer

    def get_train_dataloader(self):
        """As `LastingTrainer` does; batches also have what the teacher says."""
        collator = self.data_collator
        if self.lessons is not None:
            self.data_collator = self.lessons.collate(collator)
        try:
            return super().get_train_dataloader()
        finally:
            self.data_collator = collator

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        """As `Trainer` does, with the teacher's part; with R-Drop, over two passes."""
        trick = self.regularized_dropout
        if trick is None or not model.training:
            return self._loss(model, inputs, return_outputs, num_items_in_batch)
        labels = inputs["labels"]
        twice = {name: torch.cat([value, value]) for name, value in inputs.items()}
        if num_items_in_batch is not None:
            num_items_in_batch = 2 * num_items_in_batch
        share = self._share(twice["labels"], num_items_in_batch)
        loss, outputs = self._loss(model, twice, True, num_items_in_batch)
        one, other = outputs["logits"].chunk(2)
        loss = loss + trick.alpha / 4 * share * trick.divergence(one, other, labels)
        return (loss, outputs) if return_outputs else loss

    def _loss(self, model, inputs, return_outputs, num_items_in_batch):
        """The loss of labels and teacher."""
        if self.lessons is None or not model.training:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        share = self._share(inputs.get("labels"), num_items_in_batch)
        plain, taught = self.lessons.divide(inputs)
        loss, outputs = super().compute_loss(model, dict(plain), True, num_items_in_batch)
        loss = self.lessons.join(loss, outputs, plain, taught, model=self.model, share=share)
        return (loss, outputs) if return_outputs else loss

    def _share(self, labels, num_items_in_batch):
        """This micro-batch's share of the labels that a step is averaged over."""
        if num_items_in_batch is None:
            return 1.0
        share = (labels != -100).sum() / num_items_in_batch
        # Trainer scales such a loss so, too.
        return share * self.accelerator.num_processes if self.args.average_tokens_across_devices else share

    def _learn(self, model, inputs, num_items_in_batch):
        if self.fast_gradient is None:
            return super()._learn(model, inputs, num_items_in_batch)
        weight = self.accelerator.unwrap_model(model).get_input_embeddings().weight
        earlier = None if weight.grad is None else weight.grad.detach().clone()  # of accumulated micro-batches
        loss = super()._learn(model, inputs, num_items_in_batch)
        gradient = weight.grad.detach().clone() if earlier is None else weight.grad.detach() - earlier
        with self.fast_gradient.moved(weight, gradient):
            super()._learn(model, inputs, num_items_in_batch)
        return loss

    def _get_train_sampler(self, train_dataset=None):
        # No callback, and no argument of Trainer, takes a sampler.
        if self.train_sampler is not None:
            return self.train_sampler
        return super()._get_train_sampler(train_dataset)

    def get_eval_dataloader(self, eval_dataset=None):
        """As `Trainer` does, but every row, in order: `--dataloader_drop_last` and length groups are for training."""
        with self._every_row():
            return super().get_eval_dataloader(eval_dataset)

    def get_test_dataloader(self, test_dataset):
        """As `Trainer` does, but every row, in order."""
        with self._every_row():
            return super().get_test_dataloader(test_dataset)

    @contextlib.contextmanager
    def _every_row(self) -> Iterator[None]:
        args = self.args
        training = args.dataloader_drop_last, args.train_sampling_strategy
        args.dataloader_drop_last, args.train_sampling_strategy = False, "sequential"
        try:
            yield
        finally:
            args.dataloader_drop_last, args.train_sampling_strategy = training

    def _averaged(self):
        if not self.average_in_use or not self.averaged_weights.average:
            return contextlib.nullcontext()
        return self.averaged_weights.applied(self.model)

    def evaluate(self, *args, **kwargs):
        """As `Trainer` does, with averaged weights if there are any."""
        with self._averaged():
            return super().evaluate(*args, **kwargs)

    def predict(self, *args, **kwargs):
        """As `Trainer` does, with averaged weights if there are any."""
        with self._averaged():
            return super().predict(*args, **kwargs)

    def _save(self, output_dir=None, state_dict=None):
        # No callback: on_save comes after everything is written.
        if getattr(self.model, "adapter", None) is not None:  # frozen weights need not be saved
            learning = {name for name, each in self.model.named_parameters() if each.requires_grad}
            state = self.model.state_dict() if state_dict is None else state_dict
            state_dict = {name: value for name, value in state.items() if name in learning}
        super()._save(output_dir, state_dict)

    def _write_checkpoint(self, model, trial):
        folder = Path(self._get_output_dir(trial)) / f"checkpoint-{self.state.global_step}"
        if self.averaged_weights is not None and self.args.should_save:
            folder.mkdir(parents=True, exist_ok=True)
            self.averaged_weights.save_raw(self.model, folder)
        with self._averaged():  # what was evaluated is what is saved
            super()._write_checkpoint(model, trial)


def build_trainer(
    model: PreTrainedModel,
    args: FineTuningArguments,
    batches: Batches,
    tricks: TrickArguments,
    *,
    rates: dict[str, float] | None = None,
    divergence: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None,
    trainer_class: type[TrickTrainer] = TrickTrainer,
    **trainer,
) -> TrickTrainer:
    """A trainer for these batches, with the requested tricks.

    Args:
        model: freshly loaded. On a CPU its dropout and attention are replaced by faster equivalents.
        args: the batch sizes are set in it.
        batches: texts per device and accumulated batches.
        tricks: which tricks are on.
        rates: learning rates of head modules by name, see `parameter_groups`.
        divergence: of two passes, for R-Drop, see `RegularizedDropout`.
        trainer_class: `TrickTrainer` or a subclass.
        **trainer: its further arguments.

    Raises:
        ArgumentError: the best state cannot be chosen as `args` ask.
    """
    args.per_device_train_batch_size = batches.train
    args.gradient_accumulation_steps = batches.accumulation
    args.per_device_eval_batch_size = batches.evaluation
    if args.use_cpu:  # together a quarter of a CPU's training time
        use_fast_dropout(model)
    if args.attention == "unpadded":
        leave_out_padding(model)
    elif args.use_cpu:
        model.set_attn_implementation("eager")  # the fused kernel falls back to a slower path when it has dropout
    if trainer.get("train_dataset") is not None:
        logger.info("%s", batches.describe(trainer["train_dataset"], processes=args.world_size))
    if args.eval_strategy != "no":
        trainer["compute_metrics"] = settle_best_metric(args, trainer.get("compute_metrics"))
    elif tricks.early_stopping_patience:
        raise ArgumentError("--early_stopping_patience: expected evaluations, found --eval_strategy no")
    check_optimizer(args, model)
    groups = parameter_groups(
        model,
        learning_rate=args.learning_rate,
        weight_decay=args.weight_decay,
        encoder_prefix=model.base_model_prefix,
        head_learning_rate=tricks.head_learning_rate,
        rates=rates or {},
        layer_decay=tricks.layer_decay,
    )
    patience = tricks.early_stopping_patience
    args.restore_callback_states_from_checkpoint = bool(patience)  # so that a resumed run keeps counting
    return trainer_class(
        model=model,
        args=args,
        callbacks=[EarlyStoppingCallback(patience)] if patience else None,
        groups=groups,
        fast_gradient=FastGradient(tricks.fgm_epsilon) if tricks.fgm_epsilon else None,
        regularized_dropout=RegularizedDropout(tricks.r_drop_alpha, divergence) if tricks.r_drop_alpha else None,
        averaged_weights=AveragedWeights(tricks.ema_decay) if tricks.ema_decay else None,
        nan_guard=NanGuard(skip=tricks.on_nan == "skip"),
        **trainer,
    )
