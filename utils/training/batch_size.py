"""Halve the batch when memory runs out, but keep the effective batch size."""

import gc
import logging
import math
from collections.abc import Callable, Sized
from typing import NamedTuple

import torch
from transformers import Trainer, TrainingArguments

from .training_costs import training_costs

logger = logging.getLogger(__name__)


def smaller_batch(size: int, accumulation: int) -> tuple[int, int]:
    """The next smaller batch size and the accumulation steps that keep their product.

    Returns:
        The largest divisor of `size * accumulation` up to half of `size`, and its cofactor.

    Raises:
        ValueError: `size` is 1 already.

    Example:
        >>> smaller_batch(32, 1)
        (16, 2)
    """
    if size <= 1:
        raise ValueError("a batch of one text is the smallest")
    effective = size * accumulation
    smaller = next(candidate for candidate in range(size // 2, 0, -1) if effective % candidate == 0)
    return smaller, effective // smaller


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether an error means that the memory of a device, or of the host, is exhausted."""
    signs = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, torch.OutOfMemoryError) or any(sign in str(error) for sign in signs)


class Batches(NamedTuple):
    """Texts per device in training, accumulated batches per update, texts per device in evaluation."""

    train: int
    accumulation: int
    evaluation: int

    @classmethod
    def of(cls, args: TrainingArguments) -> "Batches":
        """The batches that the arguments ask for."""
        return cls(args.per_device_train_batch_size, args.gradient_accumulation_steps, args.per_device_eval_batch_size)

    def describe(self, dataset: Sized | object, *, processes: int) -> str:
        """The rows of a step, and the steps of an epoch if the data has a length.

        Example:
            >>> Batches(16, 2, 64).describe(range(1000), processes=2)
            '16 per process x 2 processes x 2 accumulated = 64 rows per step, 16 steps per epoch'
        """
        step = self.train * processes * self.accumulation
        several = "process" if processes == 1 else "processes"
        factors = f"{self.train} per process x {processes} {several} x {self.accumulation} accumulated"
        text = f"{factors} = {step} rows per step"
        return f"{text}, {math.ceil(len(dataset) / step):,} steps per epoch" if isinstance(dataset, Sized) else text


def train_within_memory(
    build: Callable[[Batches], Trainer], batches: Batches, *, resume: Callable[[], str | None]
) -> tuple[Trainer, dict[str, float]]:
    """Train; whenever memory runs out, restart from the last complete checkpoint with half the batch.

    Args:
        build: returns a trainer for these batches, with a freshly loaded model.
        batches: the first to try.
        resume: returns the checkpoint to start from, or None for the beginning.

    Returns:
        The trainer that finished, and its training metrics with `training_costs`.

    Raises:
        RuntimeError: not enough memory for a batch of one; any other error of training.
    """
    while True:
        trainer = build(batches)
        try:
            metrics = trainer.train(resume_from_checkpoint=resume()).metrics
            return trainer, metrics | training_costs(trainer.model)
        except RuntimeError as error:
            if not is_out_of_memory(error) or batches.train <= 1:
                raise
            message = str(error).splitlines()[0]
        batches = Batches(*smaller_batch(batches.train, batches.accumulation), max(1, batches.evaluation // 2))
        logger.warning("out of memory (%s); continuing with batches of %d x %d", message, *batches[:2])
        del trainer
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
