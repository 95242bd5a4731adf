"""All tricks together with every head, and what else the trainer does."""

import itertools
import math

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, TrainerCallback

from tests.training.heads import HEADS, r_drop
from tests.training.training_steps import weights_of
from utils.training.averaged_weights import AveragedWeights
from utils.training.fast_gradient import FastGradient
from utils.training.saved_model import save_model


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("chosen", itertools.product([False, True], repeat=3), ids=str)
def test_every_combination_trains_every_head(make, head, chosen):
    fgm, drop, average = chosen
    trainer = make(
        head,
        fast_gradient=FastGradient(0.5) if fgm else None,
        regularized_dropout=r_drop(head) if drop else None,
        averaged_weights=AveragedWeights(0.9) if average else None,
        gradient_accumulation_steps=2,
        max_steps=2,
    )
    before = weights_of(trainer.model)
    loss = trainer.train().training_loss
    after = weights_of(trainer.model)
    assert math.isfinite(loss) and loss > 0
    assert all(torch.isfinite(each).all() for each in after.values())
    moved = [name for name in before if not torch.equal(before[name], after[name])]
    assert {"classifier", "pointer"} & {name.partition(".")[0] for name in moved}
    assert any("word_embeddings" in name for name in moved)
    assert math.isfinite(trainer.evaluate()["eval_loss"])


@pytest.mark.parametrize("head", HEADS)
def test_loss_falls_with_all_tricks_together(make, head):
    trainer = make(
        head,
        fast_gradient=FastGradient(0.1),
        regularized_dropout=r_drop(head, alpha=0.5),
        averaged_weights=AveragedWeights(0.5),
        num_train_epochs=4,
    )
    before = trainer.evaluate()["eval_loss"]
    trainer.train()
    assert trainer.evaluate()["eval_loss"] < 0.8 * before


def test_optimizer_has_the_groups_that_were_given(make):
    trainer = make("crf", max_steps=1, lr_scheduler_type="constant")
    trainer.train()
    assert {group["lr"] for group in trainer.optimizer.param_groups} == {1e-2, 0.05}
    assert {group["weight_decay"] for group in trainer.optimizer.param_groups} == {0.0, 0.01}


def test_predictions_stand_in_the_order_of_the_data_under_length_grouping(make):
    trainer = make("softmax", per_device_eval_batch_size=4)
    expected = trainer.eval_dataset["labels"][:]
    assert len({len(row) for row in expected}) > 3  # else any order would do
    found = trainer.predict(trainer.eval_dataset).label_ids
    assert [row[: len(labels)].tolist() for row, labels in zip(found, expected, strict=True)] == expected


def test_training_batches_are_grouped_by_length(make):
    sampler = make("softmax")._get_train_sampler()
    assert type(sampler).__name__ == "LengthSampler"
    assert sorted(sampler) == list(range(40))


def test_own_sampler_draws_the_training_rows_and_not_those_of_evaluation(make, windows):
    trainer = make("softmax")
    trainer.train_sampler = [3, 1, 3]
    assert trainer._get_train_sampler() == [3, 1, 3]
    assert list(trainer.get_eval_dataloader(windows["softmax"][1]).batch_sampler.sampler) == list(range(16))


def test_model_whose_processes_hold_parts_is_gathered_when_it_is_trained_and_saved_whole(make, tiny_encoder, tmp_path):
    class Sharded(TrainerCallback):
        def on_train_end(self, args, state, control, **kwargs):
            trainer.is_fsdp_enabled = True
            trainer.accelerator.get_state_dict = lambda model: {
                name: torch.full_like(value, 2) for name, value in trainer.model.state_dict().items()
            }

    trainer = make("crf", max_steps=1, callbacks=[Sharded()])
    trainer.train()
    trainer.processing_class = AutoTokenizer.from_pretrained(tiny_encoder)
    save_model(tmp_path, trainer)
    saved = load_file(tmp_path / "model.safetensors")
    assert set(saved) == set(trainer.model.state_dict())
    assert all((value == 2).all() for value in saved.values() if value.is_floating_point())
