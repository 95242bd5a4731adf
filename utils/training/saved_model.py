"""Save a trained model right after training, and complete it when its decisions and scores are known."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from transformers import Trainer

from ..modeling.class_pipeline import save_pipeline
from ..options.fine_tuning_arguments import FineTuningArguments
from ..running.atomic_files import replacing_files, write_text
from ..running.disk_space import saving
from ..running.run_setup import checkpoints_to_try
from .batch_size import Batches, train_within_memory

logger = logging.getLogger(__name__)


def train_and_save(
    build: Callable[[Batches], Trainer], training: FineTuningArguments, output_dir: str | Path
) -> tuple[Trainer, dict[str, float]]:
    """Train, and save the model at once, so that a later failure, such as in prediction, does not lose it.

    Args:
        build: see `train_within_memory`.
        training: the batches to begin with, and the checkpoint to resume from.
        output_dir: for the model.

    Returns:
        The trainer, and its training metrics.
    """
    checkpoints = checkpoints_to_try(training.resume_from_checkpoint, output_dir)
    trainer, metrics = train_within_memory(build, Batches.of(training), resume=partial(next, checkpoints))
    if trainer.is_world_process_zero():
        save_model(output_dir, trainer)
        logger.info("the model is saved in %s; its scores and card follow", output_dir)
    return trainer, metrics


def save_model(output_dir: str | Path, trainer: Trainer) -> None:
    """Save the trainer's model, tokenizer and state; each file is replaced when it is complete."""
    advice = "and save it with the same command and --resume_from_checkpoint last"
    with saving("the model", folder=output_dir, advice=advice), replacing_files(output_dir) as folder:
        whole = getattr(trainer, "whole_weights", None)  # if each process holds a part of the weights
        if getattr(trainer.model, "adapter", None) is None:
            trainer.model.save_pretrained(folder, state_dict=whole)
            save_pipeline(trainer.model, folder)
        else:
            from ..adapters.directories import save_adapter  # imports peft, which takes seconds

            size = save_adapter(trainer.model, folder, whole)
            logger.info("the adapter: %.2f MB on disk", size / 1e6)
        trainer.processing_class.save_pretrained(folder)
        trainer.state.save_to_json(str(folder / "trainer_state.json"))


def complete(output_dir: str | Path, trainer: Trainer, *, card: str) -> None:
    """Add what is known once validation data is predicted: the card, decisions in the configuration, last scores."""
    with saving("the model card", folder=output_dir, advice="and continue with --resume_from_checkpoint last"):
        with replacing_files(output_dir) as folder:
            trainer.model.config.save_pretrained(folder)
            trainer.state.save_to_json(str(folder / "trainer_state.json"))
            write_text(folder / "README.md", card)
