"""Steps whose loss or gradient is no number are not taken: training stops and names their rows, or leaves them out."""

import math

import pytest
import torch

from tests.training.training_steps import assert_equal, weights_of
from utils.data.errors import TrainingError
from utils.options.shared_arguments import TrickArguments
from utils.training.losses import ClassLoss


class Spoiled:
    """A loss that is no number, or whose gradient is none, whenever it is asked for the n-th time."""

    def __init__(self, calls, *, how="loss"):
        self.loss, self.calls, self.how, self.count = ClassLoss(), calls, how, 0

    def __call__(self, outputs, labels, **options):
        loss, self.count = self.loss(outputs, labels, **options), self.count + 1
        if self.count not in self.calls:
            return loss
        still = outputs["logits"].sum() - outputs["logits"].sum().detach()  # 0, whose root is steep
        return loss * math.nan if self.how == "loss" else loss + still.sqrt()


class Watched:
    """A collator that remembers the ids of its batches."""

    def __init__(self, collator):
        self.collator, self.batches = collator, []

    def __call__(self, rows):
        self.batches.append([row["id"] for row in rows])
        return self.collator(rows)


@pytest.fixture
def make_spoiled(make_classifier):
    """Build a trainer whose loss is spoiled, of 6 batches of 4 rows with ids; and what watches its batches."""

    def build(calls, *, on_nan="stop", how="loss", accumulation=1, ids=True, **options):
        given = {"multi_label": False, "loss": Spoiled(calls, how=how), "tricks": TrickArguments(on_nan=on_nan)}
        trainer = make_classifier(**given, batches=(4, accumulation, 8), **options)
        if ids:
            names = [f"row-{i}" for i in range(len(trainer.train_dataset))]
            trainer.train_dataset = trainer.train_dataset.add_column("id", names)
            trainer.data_collator = Watched(trainer.data_collator)
        return trainer

    return build


@pytest.mark.parametrize("how, said", [("loss", "the loss is nan"), ("gradient", "but its gradient is not")])
def test_training_stops_with_the_step_and_the_ids_of_the_batch(make_spoiled, how, said):
    trainer = make_spoiled({2}, how=how, warmup_steps=0)
    before = weights_of(trainer.model)
    with pytest.raises(TrainingError) as raised:
        trainer.train()
    message, batches = str(raised.value), trainer.data_collator.batches
    assert message.startswith("step 2: ") and said in message and "--on_nan skip" in message
    assert [row for row in trainer.train_dataset["id"][:] if f'"{row}"' in message] == sorted(
        batches[1], key=trainer.train_dataset["id"][:].index
    )
    after = weights_of(trainer.model)
    assert all(torch.isfinite(each).all() for each in after.values())  # the second step was not taken
    assert any(not torch.equal(before[name], after[name]) for name in before)  # the first was


def test_of_accumulated_batches_only_the_one_without_a_loss_is_named(make_spoiled):
    trainer = make_spoiled({4}, accumulation=2)
    with pytest.raises(TrainingError, match=r"^step 2: the loss is nan; its rows \(4,") as raised:
        trainer.train()
    assert all(f'"{row}"' in str(raised.value) for row in trainer.data_collator.batches[3])


def test_rows_without_ids_are_named_by_what_they_begin_with(make_spoiled, tiny_encoder):
    from transformers import AutoTokenizer

    trainer = make_spoiled({1}, ids=False)
    trainer.processing_class = AutoTokenizer.from_pretrained(tiny_encoder)
    with pytest.raises(TrainingError, match=r'rows \(4, by id or beginning\): "\[CLS\] \d'):
        trainer.train()


@pytest.mark.parametrize("how", ["loss", "gradient"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("accumulation", [1, 2])
def test_skipped_step_leaves_weights_and_optimizer_as_they_were(make_spoiled, how, precision, accumulation):
    def train(calls, steps, learning_rate):
        trainer = make_spoiled(
            calls,
            on_nan="skip",
            how=how,
            accumulation=accumulation,
            max_steps=steps,
            precision=precision,
            learning_rate=learning_rate,
            lr_scheduler_type="constant",
            warmup_steps=0,
        )
        return trainer, trainer.train()

    whole, _ = train(set(), 2, 1e-2)
    spoiled, output = train({2 * accumulation + 1}, 3, 1e-2)  # a batch of the third step
    assert output.metrics["train_skipped_steps"] == 1 and math.isfinite(output.training_loss)
    assert_equal(weights_of(spoiled.model), weights_of(whole.model))
    states = [trainer.optimizer.state_dict()["state"] for trainer in (spoiled, whole)]
    assert states[0].keys() == states[1].keys() and len(states[0]) > 10
    for place, state in states[0].items():
        assert all(torch.equal(value, states[1][place][name]) for name, value in state.items())
    noted = [entry for entry in spoiled.state.log_history if "skipped" in entry]
    assert [entry["skipped_step"] for entry in noted] == [3] and len(noted[0]["rows"]) in (4, 4 * accumulation)


def test_skipped_steps_are_counted_over_a_run_that_goes_on(make_spoiled, tmp_path):
    options = {"on_nan": "skip", "save_strategy": "steps", "save_steps": 2}
    make_spoiled({1, 2}, max_steps=2, **options).train()
    again = make_spoiled({2}, max_steps=4, **options)
    output = again.train(resume_from_checkpoint=str(tmp_path / "run" / "checkpoint-2"))
    assert output.metrics["train_skipped_steps"] == 3


def test_training_whose_every_step_is_spoiled_stops_in_spite_of_skip(make_spoiled):
    trainer = make_spoiled(set(range(2, 100)), on_nan="skip", max_steps=40)
    trainer.nan_guard.in_a_row = 3
    with pytest.raises(TrainingError, match=r"^step 4: .* This happened in 3 steps in a row"):
        trainer.train()
