"""The trainer of classifiers of texts that may be cut into several windows."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import SequenceClassifierOutput

from .losses import ClassLoss, LabelLoss, ScoreLoss
from .tricks import TrickTrainer

LOSSES = {"multi_label_classification": LabelLoss, "regression": ScoreLoss}


class WindowTrainer(TrickTrainer):
    """`TrickTrainer` in which the logits of a text are pooled from those of its windows, see `PooledModel`.

    Gradients flow to all windows of a text. A batch whose texts have one window each goes to the model as it is.

    Args:
        pool: logits of windows and which windows texts have -> logits of texts, see `pool_logits`; None where no text
            has several.
        **trainer: arguments of `TrickTrainer`.
    """

    def __init__(self, *, pool: Callable[[Tensor, Tensor], Tensor] | None = None, **trainer):
        if pool is not None and trainer.get("compute_loss_func") is None:  # the model's own is one of windows
            trainer["compute_loss_func"] = LOSSES.get(trainer["model"].config.problem_type, ClassLoss)()
        super().__init__(**trainer)
        self.pool = pool

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        """As `TrickTrainer` does, of whole texts."""
        return super().compute_loss(self._pooled(model), inputs, return_outputs, num_items_in_batch)

    def prediction_step(self, model, inputs, prediction_loss_only, ignore_keys=None):
        """As `Trainer` does, of whole texts."""
        return super().prediction_step(self._pooled(model), inputs, prediction_loss_only, ignore_keys)

    def _pooled(self, model):
        if self.pool is None or isinstance(model, PooledModel):
            return model
        # Where processes hold parts of the weights, all must go through the model equally often.
        return PooledModel(model, self.pool, in_parts=not (self.is_fsdp_enabled or self.is_deepspeed_enabled))


class PooledModel:
    """A classifier whose inputs may be texts in windows: (texts, most windows, length).

    Args:
        model: the classifier, whose inputs are (batch, length).
        pool: see `WindowTrainer`.
        in_parts: without gradients, only as many windows go through the model at a time as there are texts, so that
            these need no more memory than texts of one window.
    """

    def __init__(self, model: nn.Module, pool: Callable[[Tensor, Tensor], Tensor], *, in_parts: bool):
        self.model, self.pool, self.in_parts = model, pool, in_parts

    @property
    def training(self) -> bool:
        """Whether the model is in training mode."""
        return self.model.training

    def __call__(self, **inputs):
        mask = inputs["attention_mask"]
        if mask.dim() == 2:
            return self.model(**inputs)
        there = mask.bool().any(-1)  # (texts, most windows)
        flat = {name: value[there] for name, value in inputs.items() if torch.is_tensor(value) and value.dim() == 3}
        count = len(flat["attention_mask"])  # of all windows
        size = len(there) if self.in_parts and not torch.is_grad_enabled() else count
        parts = [
            self.model(**{name: value[start : start + size] for name, value in flat.items()})["logits"]
            for start in range(0, count, size)
        ]
        return SequenceClassifierOutput(logits=self.pool(torch.cat(parts).float(), there))
