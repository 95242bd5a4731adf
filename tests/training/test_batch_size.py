"""Training goes on with smaller batches when memory runs out, and stays the same training."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from transformers import TrainerCallback, TrainingArguments
from transformers.trainer_utils import TrainOutput

from utils.training.batch_size import Batches, is_out_of_memory, smaller_batch, train_within_memory
from utils.training.tricks import TrickTrainer


@given(st.integers(2, 512), st.integers(1, 64))
def test_smaller_batch_keeps_the_product(size, accumulation):
    smaller, steps = smaller_batch(size, accumulation)
    assert smaller * steps == size * accumulation


@given(st.integers(2, 512), st.integers(1, 64))
def test_smaller_batch_is_the_largest_divisor_up_to_half(size, accumulation):
    smaller, _ = smaller_batch(size, accumulation)
    assert 1 <= smaller <= size // 2
    assert not any(size * accumulation % between == 0 for between in range(smaller + 1, size // 2 + 1))


@given(st.integers(2, 512), st.integers(1, 64))
def test_repeated_halving_ends_at_one(size, accumulation):
    product = size * accumulation
    while size > 1:
        size, accumulation = smaller_batch(size, accumulation)
    assert (size, accumulation) == (1, product)


def test_power_of_two_is_halved():
    assert smaller_batch(32, 2) == (16, 4)


def test_batch_of_one_cannot_be_smaller():
    with pytest.raises(ValueError, match="smallest"):
        smaller_batch(1, 8)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("whatever it says"),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:75] DefaultCPUAllocator: not enough memory: you tried"),
    ],
)
def test_exhausted_memory_is_recognised(error):
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "message", ["mat1 and mat2 shapes cannot be multiplied", "CUDA error: device-side assert", ""]
)
def test_other_runtime_errors_are_not_taken_for_exhausted_memory(message):
    assert not is_out_of_memory(RuntimeError(message))


class FakeTrainer:
    """Fails with `error` for batches above `fits`; `seen` collects what it was given."""

    def __init__(self, batches, fits, error, seen):
        self.batches, self.fits, self.error, self.seen = batches, fits, error, seen
        self.model = torch.nn.Linear(3, 1)

    def train(self, resume_from_checkpoint):
        self.seen.append((self.batches, resume_from_checkpoint))
        if self.batches.train > self.fits:
            raise self.error
        return TrainOutput(3, 0.5, {"train_loss": 0.5})


def run(batches, *, fits, error=None, resume=lambda: None):
    seen = []
    error = error or torch.OutOfMemoryError("CUDA out of memory. Tried\nto allocate")
    try:
        return *train_within_memory(lambda each: FakeTrainer(each, fits, error, seen), batches, resume=resume), seen
    except RuntimeError as caught:
        caught.seen = seen
        raise


def test_training_that_fits_is_run_once():
    trainer, metrics, seen = run(Batches(32, 1, 64), fits=32)
    assert seen == [(Batches(32, 1, 64), None)]
    assert metrics["train_loss"] == 0.5
    assert metrics["trainable_weights"] == 4 and metrics["trainable_share"] == 1 and metrics["peak_memory_mb"] > 10
    assert trainer.batches == Batches(32, 1, 64)


def test_batch_is_halved_until_it_fits():
    trainer, _, seen = run(Batches(32, 1, 64), fits=10)
    assert [batches for batches, _ in seen] == [Batches(32, 1, 64), Batches(16, 2, 32), Batches(8, 4, 16)]
    assert trainer.batches == Batches(8, 4, 16)


def test_evaluation_batch_does_not_fall_below_one():
    trainer, _, _ = run(Batches(8, 1, 2), fits=1)
    assert trainer.batches == Batches(1, 8, 1)


def test_halving_is_logged_with_the_new_sizes(caplog):
    run(Batches(4, 1, 4), fits=2)
    assert [record.getMessage() for record in caplog.records] == [
        "out of memory (CUDA out of memory. Tried); continuing with batches of 2 x 2"
    ]


def test_next_attempt_goes_on_from_the_checkpoint_that_is_there_by_then():
    found = iter([None, "checkpoint-10", "checkpoint-20"])
    _, _, seen = run(Batches(8, 1, 8), fits=2, resume=lambda: next(found))
    assert [checkpoint for _, checkpoint in seen] == [None, "checkpoint-10", "checkpoint-20"]


def test_other_errors_pass_through_at_the_first_attempt():
    with pytest.raises(RuntimeError, match="shapes") as caught:
        run(Batches(8, 1, 8), fits=2, error=RuntimeError("shapes cannot be multiplied"))
    assert len(caught.value.seen) == 1


def test_error_that_is_no_runtime_error_passes_through():
    with pytest.raises(KeyError):
        run(Batches(8, 1, 8), fits=2, error=KeyError("labels"))


def test_out_of_memory_with_a_batch_of_one_is_raised():
    with pytest.raises(torch.OutOfMemoryError) as caught:
        run(Batches(4, 1, 4), fits=0)
    assert [batches.train for batches, _ in caught.value.seen] == [4, 2, 1]


def test_memory_of_a_model_that_does_not_fit_is_raised_by_its_builder():
    def build(batches):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        train_within_memory(build, Batches(4, 1, 4), resume=lambda: None)


class Narrow(nn.Module):
    """A regression whose memory holds `fits` rows in training."""

    def __init__(self, fits, from_step=0):
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(3, 1)
        self.fits, self.calls, self.from_step, self.widths = fits, 0, from_step, []

    def forward(self, x, labels):
        self.calls += self.training
        if self.training and len(x) > self.fits and self.calls > self.from_step:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        self.widths.append(len(x))
        return {"loss": (self.linear(x)[:, 0] - labels).pow(2).mean(), "logits": self.linear(x)[:, 0]}


class Steps(TrainerCallback):
    """The texts behind each optimizer step."""

    def __init__(self, model):
        self.model, self.seen = model, []

    def on_step_end(self, args, state, control, **kwargs):
        self.seen.append(sum(self.model.widths))
        self.model.widths.clear()


def train_narrow(folder, *, fits, from_step=0, resume=lambda: None):
    """Train 2 epochs on 24 rows in batches of 8; gives the trainer, the attempts, and the rows of each step."""
    torch.manual_seed(1)
    rows = [{"x": each, "labels": each.sum()} for each in torch.randn(24, 3)]
    attempts, steps = [], []

    def build(batches):
        attempts.append(batches)
        model = Narrow(fits, from_step)
        steps.append(Steps(model))
        args = TrainingArguments(
            str(folder),
            per_device_train_batch_size=batches.train,
            gradient_accumulation_steps=batches.accumulation,
            num_train_epochs=2,
            learning_rate=0.1,
            lr_scheduler_type="constant",
            save_strategy="epoch",
            report_to="none",
            use_cpu=True,
            disable_tqdm=True,
            remove_unused_columns=False,
            max_grad_norm=0.0,
        )
        groups = [{"params": list(model.parameters())}]
        return TrickTrainer(model=model, args=args, train_dataset=rows, groups=groups, callbacks=[steps[-1]])

    trainer, _ = train_within_memory(build, Batches(8, 1, 8), resume=resume)
    return trainer, attempts, steps[-1].seen


def test_real_training_ends_with_batches_that_fit(tmp_path):
    _, attempts, _ = train_narrow(tmp_path, fits=2)
    assert attempts == [Batches(8, 1, 8), Batches(4, 2, 4), Batches(2, 4, 2)]


def test_effective_batch_and_number_of_steps_stay_what_they_were(tmp_path):
    whole, _, whole_steps = train_narrow(tmp_path / "whole", fits=8)
    halved, _, halved_steps = train_narrow(tmp_path / "halved", fits=2)
    assert whole_steps == halved_steps == [8] * 6
    assert whole.state.global_step == halved.state.global_step == 6


def test_weights_are_those_of_training_with_enough_memory(tmp_path):
    whole, _, _ = train_narrow(tmp_path / "whole", fits=8)
    halved, _, _ = train_narrow(tmp_path / "halved", fits=2)
    torch.testing.assert_close(whole.model.linear.weight, halved.model.linear.weight)
    assert not torch.equal(whole.model.linear.weight, Narrow(8).linear.weight)


def test_second_attempt_goes_on_from_the_checkpoint_of_the_first(tmp_path):
    def resume():
        found = tmp_path / "checkpoint-3"
        return str(found) if found.is_dir() else None

    trainer, attempts, steps = train_narrow(tmp_path, fits=4, from_step=4, resume=resume)
    assert [batches.train for batches in attempts] == [8, 4]
    assert steps == [8] * 3
    assert trainer.state.global_step == 6
