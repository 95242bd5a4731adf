"""Check before training that the requested optimizer and schedule can be built."""

import torch
from transformers import PreTrainedModel, SchedulerType, Trainer, get_scheduler
from transformers.training_args import OptimizerNames

from ..data.errors import ArgumentError
from ..options.fine_tuning_arguments import FineTuningArguments


def check_optimizer(args: FineTuningArguments, model: PreTrainedModel) -> None:
    """Try `--optim` and `--lr_scheduler_type` with their arguments.

    Raises:
        ArgumentError: a package is missing, or an argument is unknown or missing; the message says which.
    """
    try:
        kind, options = Trainer.get_optimizer_cls_and_kwargs(args, model)
        kind([torch.nn.Parameter(torch.zeros(1))], **options)
    except (ImportError, RuntimeError, TypeError, ValueError) as error:
        raise ArgumentError(f"--optim {OptimizerNames(args.optim).value}: {_first_line(error)}") from error
    name, options = SchedulerType(args.lr_scheduler_type).value, args.lr_scheduler_kwargs or {}
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    try:
        get_scheduler(name, optimizer, num_warmup_steps=1, num_training_steps=10, scheduler_specific_kwargs=options)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"--lr_scheduler_type {name}: {_first_line(error)}; its arguments go into --lr_scheduler_kwargs"
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
