"""An exponential moving average of the weights, which is evaluated and saved instead of them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import Trainer, TrainerCallback

RAW_WEIGHTS = "raw_weights.safetensors"  # next to the averaged ones in a checkpoint, to resume training from


class AveragedWeights:
    """Exponential moving average of a model's trainable weights.

    Args:
        decay: share of the old average kept at each step, 0-1; smaller in the first steps: (1 + step) / (10 + step).
    """

    def __init__(self, decay: float):
        self.decay = decay
        self.steps = 0
        self.average: dict[str, Tensor] = {}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move the average towards the model's weights; the first call takes them as they are."""
        self.steps += 1
        kept = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                if name not in self.average:
                    self.average[name] = parameter.detach().clone()
                else:
                    self.average[name].lerp_(parameter.detach(), 1 - kept)

    @contextlib.contextmanager
    def applied(self, model: nn.Module) -> Iterator[None]:
        """Give the model the averaged weights inside the block."""
        parameters = dict(model.named_parameters())
        raw = {name: parameters[name].detach().clone() for name in self.average}
        copy_into(parameters, self.average)
        try:
            yield
        finally:
            copy_into(parameters, raw)

    def save_raw(self, model: nn.Module, folder: Path) -> None:
        """Write the raw weights into the folder of a checkpoint that holds the average."""
        parameters = dict(model.named_parameters())
        save_file({name: parameters[name].detach().contiguous() for name in self.average}, folder / RAW_WEIGHTS)


@torch.no_grad()
def copy_into(parameters: dict[str, nn.Parameter], values: dict[str, Tensor]) -> None:
    """Set parameters to these values, by name."""
    for name, value in values.items():
        parameters[name].copy_(value)


class Averaging(TrainerCallback):
    """Update the average after each optimizer step, and give it to the model when training ends.

    If the best checkpoint has been loaded, the model has an average already.
    """

    def __init__(self, trainer: Trainer):
        self.trainer = trainer

    def on_train_begin(self, args, state, control, **kwargs):
        raw = Path(self.trainer.resumed_from or "") / RAW_WEIGHTS
        if self.trainer.resumed_from and raw.is_file():  # so far the model has the average
            parameters, weights = dict(self.trainer.model.named_parameters()), load_file(raw)
            average = {name: parameters[name].detach().clone() for name in weights}
            self.trainer.averaged_weights.average, self.trainer.averaged_weights.steps = average, state.global_step
            copy_into(parameters, weights)

    def on_step_end(self, args, state, control, model=None, **kwargs):
        self.trainer.averaged_weights.update(self.trainer.model)

    def on_train_end(self, args, state, control, **kwargs):
        best_is_loaded = args.load_best_model_at_end and state.best_model_checkpoint is not None
        if self.trainer.average_in_use and not best_is_loaded:
            copy_into(dict(self.trainer.model.named_parameters()), self.trainer.averaged_weights.average)
        self.trainer.average_in_use = False
