"""R-Drop against its formula, with every head."""

import pytest
import torch

from tests.training.heads import HEADS, r_drop, symmetric_divergence
from tests.training.training_steps import batch_of
from utils.modeling.span_tagger import SpanTagger
from utils.training.losses import ClassLoss
from utils.training.regularized_dropout import cell_divergence, class_divergence, label_divergence


def r_drop_by_hand(trainer, batch, alpha):
    """(Mean of both passes' losses, alpha / 4 x mean divergence) with the dropout that the seed draws."""
    model = trainer.model.train()
    twice = {name: torch.cat([value, value]) for name, value in batch.items()}
    labels = twice.pop("labels") if trainer.compute_loss_func else twice["labels"]
    outputs = model(**twice)
    one, other = outputs["logits"].detach().chunk(2)
    if isinstance(model, SpanTagger):
        p, q = one.double().sigmoid(), other.double().sigmoid()
        cells = p * (p / q).log() + q * (q / p).log()
        inside = (one > -1e3).double()
        cells = cells.nan_to_num() * inside
        cells += ((1 - p) * ((1 - p) / (1 - q)).log() + (1 - q) * ((1 - q) / (1 - p)).log()).nan_to_num() * inside
        divergence = cells.sum((-1, -2)).mean()
    else:
        counted = batch["labels"] != -100
        divergence = symmetric_divergence(one, other)[counted].mean()
    loss = ClassLoss()(outputs, labels) if trainer.compute_loss_func else outputs["loss"]
    return loss.item(), alpha / 4 * divergence.item()


@pytest.mark.parametrize("head", HEADS)
def test_r_drop_loss_is_the_formula(make, head):
    trainer = make(head, regularized_dropout=r_drop(head))
    batch = batch_of(trainer, 0, 8)
    torch.manual_seed(3)
    loss, divergence = r_drop_by_hand(trainer, batch, 4.0)
    torch.manual_seed(3)
    found = trainer.compute_loss(trainer.model.train(), dict(batch)).item()
    assert found == pytest.approx(loss + divergence, rel=1e-4)
    assert divergence > 1e-4 * loss  # else the test would not notice a missing term


@pytest.mark.parametrize("head", ["softmax", "crf"])
def test_r_drop_loss_of_micro_batches_adds_up_over_the_labels_of_the_step(make, head):
    trainer = make(head, regularized_dropout=r_drop(head))
    batches = [batch_of(trainer, 0, 2), batch_of(trainer, 2, 12)]
    counts = [(batch["labels"] != -100).sum().item() for batch in batches]
    for batch, count in zip(batches, counts, strict=True):
        torch.manual_seed(3)
        loss, divergence = r_drop_by_hand(trainer, batch, 4.0)
        torch.manual_seed(3)
        found = trainer.compute_loss(trainer.model.train(), dict(batch), num_items_in_batch=sum(counts)).item()
        assert found == pytest.approx((loss + divergence) * count / sum(counts), rel=1e-4)


@pytest.mark.parametrize("head", HEADS)
def test_r_drop_is_off_in_eval_mode(make, head):
    trainer = make(head, regularized_dropout=r_drop(head))
    plain = make(head)
    batch = batch_of(trainer, 0, 8)
    found = trainer.compute_loss(trainer.model.eval(), dict(batch))
    assert torch.equal(found, plain.compute_loss(plain.model.eval(), dict(batch)))


def test_two_equal_passes_diverge_by_nothing():
    logits, labels = torch.randn(2, 3, 4), torch.zeros(2, 3, dtype=torch.int64)
    assert class_divergence(logits, logits, labels) == 0
    assert cell_divergence(logits[..., None], logits[..., None], labels) == 0


def test_divergence_of_classes_leaves_unlabelled_positions_out():
    torch.manual_seed(0)
    one, other = torch.randn(1, 3, 4), torch.randn(1, 3, 4)
    expected = symmetric_divergence(one, other)[0, 1]
    found = class_divergence(one, other, torch.tensor([[-100, 2, -100]]))
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_divergence_without_any_label_is_zero():
    assert class_divergence(torch.randn(1, 3, 4), torch.randn(1, 3, 4), torch.full((1, 3), -100)) == 0


def test_divergence_of_masked_cells_is_zero_and_not_nan():
    masked = torch.full((1, 1, 2, 2), -1e4)
    assert cell_divergence(masked, masked.clone(), torch.zeros(1, 0, 3)) == 0


def test_divergence_of_labels_is_its_definition():
    torch.manual_seed(0)
    one, other = torch.randn(4, 3), torch.randn(4, 3)
    pairs = [torch.stack([each, torch.zeros_like(each)], -1) for each in (one, other)]  # two classes: yes and no
    expected = symmetric_divergence(*pairs).mean()
    labels = torch.zeros(4, 3)
    assert label_divergence(one, other, labels).item() == pytest.approx(expected.item(), rel=1e-5)
    assert label_divergence(other, one, labels).item() == pytest.approx(expected.item(), rel=1e-5)
    assert label_divergence(one, one, labels) == 0
