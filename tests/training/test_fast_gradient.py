"""FGM against computations by hand, with every head."""

import math

import pytest
import torch

from tests.training.heads import HEADS
from tests.training.training_steps import assert_equal, batch_of, gradients_of, weights_of
from utils.training.fast_gradient import FastGradient


def loss_gradients(trainer, batch, num_items):
    """Gradients of the plain loss of a batch at the present weights."""
    model = trainer.model.train()
    model.zero_grad()
    trainer.compute_loss(model, dict(batch), num_items_in_batch=num_items).backward()
    return gradients_of(model)


def fgm_by_hand(trainer, batch, epsilon, num_items):
    """Gradients of the plain loss plus those where the embeddings are moved by `epsilon` along theirs."""
    weight = trainer.model.get_input_embeddings().weight
    name = next(name for name, each in trainer.model.named_parameters() if each is weight)
    first = loss_gradients(trainer, batch, num_items)
    before = weight.detach().clone()
    weight.data = before + epsilon * first[name] / first[name].norm()
    second = loss_gradients(trainer, batch, num_items)
    weight.data = before
    trainer.model.zero_grad()
    return {name: first[name] + second[name] for name in first}, first


@pytest.mark.parametrize("head", HEADS)
def test_fgm_adds_the_gradient_at_the_moved_embeddings(make, head):
    trainer = make(head, dropout=False, fast_gradient=FastGradient(0.5))
    batch = batch_of(trainer, 0, 8)
    expected, plain = fgm_by_hand(trainer, batch, 0.5, None)
    trainer.training_step(trainer.model, batch)
    found = gradients_of(trainer.model)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
    assert not all(torch.allclose(found[name], 2 * plain[name], rtol=1e-3, atol=1e-6) for name in found)


@pytest.mark.parametrize("head", HEADS)
def test_fgm_leaves_the_weights_as_they_were(make, head):
    trainer = make(head, fast_gradient=FastGradient(0.5))
    before = weights_of(trainer.model)
    trainer.training_step(trainer.model, batch_of(trainer, 0, 8))
    assert_equal(weights_of(trainer.model), before)


def test_fgm_moves_by_its_norm_and_back_even_if_the_second_pass_fails():
    weight, gradient = torch.nn.Parameter(torch.randn(5, 3)), torch.randn(5, 3)
    before = weight.detach().clone()
    with pytest.raises(KeyError):
        with FastGradient(0.5).moved(weight, gradient):
            torch.testing.assert_close(weight.detach() - before, 0.5 * gradient / gradient.norm())
            raise KeyError
    assert torch.equal(weight.detach(), before)


@pytest.mark.parametrize("gradient", [torch.zeros(5, 3), torch.full((5, 3), math.inf), torch.full((5, 3), math.nan)])
def test_fgm_does_not_move_along_a_gradient_without_direction(gradient):
    weight = torch.nn.Parameter(torch.randn(5, 3))
    before = weight.detach().clone()
    with FastGradient(0.5).moved(weight, gradient):
        assert torch.equal(weight.detach(), before)


@pytest.mark.parametrize("head", HEADS)
def test_fgm_goes_by_the_gradient_of_the_new_micro_batch_alone(make, head):
    trainer = make(head, dropout=False, fast_gradient=FastGradient(2.0))
    batches = [batch_of(trainer, 0, 4), batch_of(trainer, 4, 12)]
    num_items = None if head == "span" else sum((batch["labels"] != -100).sum() for batch in batches)
    expected = [fgm_by_hand(trainer, batch, 2.0, num_items)[0] for batch in batches]
    for batch in batches:
        trainer.training_step(trainer.model, batch, num_items)
    summed = {name: expected[0][name] + expected[1][name] for name in expected[0]}
    torch.testing.assert_close(gradients_of(trainer.model), summed, rtol=1e-3, atol=1e-5)


def test_loss_that_fgm_reports_is_the_plain_one(make):
    trainer = make("crf", dropout=False, fast_gradient=FastGradient(5.0))
    batch = batch_of(trainer, 0, 8)
    plain = trainer.compute_loss(trainer.model.train(), dict(batch)).item()
    assert trainer.training_step(trainer.model, batch).item() == pytest.approx(plain)
