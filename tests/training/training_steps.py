"""One step of training by hand: its batch, and the weights and gradients behind it."""

import torch
from transformers import TrainerCallback


def batch_of(trainer, start, stop):
    return trainer.data_collator([trainer.train_dataset[i] for i in range(start, stop)])


def weights_of(model):
    return {name: each.detach().clone() for name, each in model.named_parameters()}


def gradients_of(model):
    return {name: each.grad.detach().clone() for name, each in model.named_parameters() if each.grad is not None}


def assert_equal(found, expected):
    """Bit for bit."""
    assert found.keys() == expected.keys() and len(found) > 10
    different = [name for name in found if not torch.equal(found[name], expected[name])]
    assert different == []


class Recorder(TrainerCallback):
    """The trained weights behind every optimizer step."""

    def __init__(self):
        self.weights = []

    def on_step_end(self, args, state, control, model=None, **kwargs):
        self.weights.append(weights_of(model))
