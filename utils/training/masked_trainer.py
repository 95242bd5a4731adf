"""The trainer of masked-language models."""

from collections.abc import Callable

from .muon import MuonAdamW, split_matrices
from .tricks import TrickTrainer


class MaskedTrainer(TrickTrainer):
    """`TrickTrainer` that evaluates with fixed masks, averages the loss over tokens, and supports Muon.

    Args:
        eval_collator: masks the same tokens in each evaluation.
        muon_learning_rate: for matrices; None for AdamW alone.
        **trainer: arguments of `TrickTrainer`. `compute_metrics` gives `token_loss`, the mean over masked tokens,
            which becomes the loss: that of `Trainer` is a mean over batches, however many masked tokens they have.
    """

    def __init__(self, *, eval_collator: Callable, muon_learning_rate: float | None = None, **trainer):
        super().__init__(**trainer)
        self.eval_collator = eval_collator
        self.muon_learning_rate = muon_learning_rate

    def train(self, *args, **kwargs):
        """As `TrickTrainer` does; what only serves to learn from a teacher is gone afterwards."""
        output = super().train(*args, **kwargs)
        if self.lessons is not None:
            self.lessons.leave(self.model)
        return output

    def create_optimizer(self, model=None):
        """As `TrickTrainer` does, or Muon."""
        if self.optimizer is None and self.muon_learning_rate is not None:
            matrices, others = split_matrices(self.model, self.groups, learning_rate=self.muon_learning_rate)
            _, options = self.get_optimizer_cls_and_kwargs(self.args, self.model)
            adam = {name: options[name] for name in ("betas", "eps")}
            self.optimizer = MuonAdamW(matrices, others, **adam)
        return super().create_optimizer(model)

    def get_eval_dataloader(self, eval_dataset=None):
        """As `Trainer` does, with fixed masks."""
        collator, self.data_collator = self.data_collator, self.eval_collator
        try:
            return super().get_eval_dataloader(eval_dataset)
        finally:
            self.data_collator = collator

    def evaluation_loop(self, *args, metric_key_prefix: str = "eval", **options):
        """As `Trainer` does, with the loss averaged over tokens."""
        output = super().evaluation_loop(*args, metric_key_prefix=metric_key_prefix, **options)
        if (loss := output.metrics.pop(f"{metric_key_prefix}_token_loss", None)) is not None:
            output.metrics[f"{metric_key_prefix}_loss"] = loss
        return output
