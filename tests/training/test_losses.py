"""Losses against formulas written out by hand, and class weights against scikit-learn's."""

import math

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn.functional import cross_entropy

from utils.training.losses import ClassLoss, balanced_weights


@pytest.fixture
def batch():
    """(2, 3, 4) logits and (2, 3) labels, one of them -100."""
    torch.manual_seed(0)
    return {"logits": torch.randn(2, 3, 4, requires_grad=True)}, torch.tensor([[0, 3, -100], [1, 1, 2]])


def by_hand(outputs, labels, term):
    """Sum of `term(probabilities, class)` over the labelled positions."""
    rows = outputs["logits"].detach().double().softmax(-1).reshape(-1, 4).tolist()
    return sum(term(row, label) for row, label in zip(rows, labels.flatten().tolist(), strict=True) if label != -100)


def test_plain_loss_is_the_mean_cross_entropy_of_labelled_positions(batch):
    expected = by_hand(*batch, lambda row, label: -math.log(row[label])) / 5
    assert ClassLoss()(*batch).item() == pytest.approx(expected, rel=1e-5)


def test_plain_loss_has_the_gradient_of_cross_entropy(batch):
    outputs, labels = batch
    gradient = torch.autograd.grad(ClassLoss()(outputs, labels), outputs["logits"])[0]
    stock = cross_entropy(outputs["logits"].flatten(0, 1), labels.flatten())
    torch.testing.assert_close(gradient, torch.autograd.grad(stock, outputs["logits"])[0])


def test_sum_is_divided_by_the_number_of_items_if_given(batch):
    assert ClassLoss()(*batch, num_items_in_batch=10).item() == pytest.approx(ClassLoss()(*batch).item() / 2, rel=1e-5)


def test_loss_of_micro_batches_adds_up_to_that_of_the_batch(batch):
    outputs, labels = batch
    parts = [ClassLoss()({"logits": outputs["logits"][i]}, labels[i], num_items_in_batch=5) for i in range(2)]
    torch.testing.assert_close(sum(parts), ClassLoss()(outputs, labels))


def test_batch_without_labels_has_loss_zero_and_a_gradient_of_zero(batch):
    outputs, labels = batch
    loss = ClassLoss(focal_gamma=2.0, label_smoothing=0.1)(outputs, torch.full_like(labels, -100))
    assert loss.item() == 0
    assert torch.autograd.grad(loss, outputs["logits"])[0].abs().max() == 0


def test_class_weights_multiply_the_terms_of_their_class(batch):
    weights = [1.0, 2.0, 0.5, 3.0]
    expected = by_hand(*batch, lambda row, label: -weights[label] * math.log(row[label])) / 5
    assert ClassLoss(class_weights=weights)(*batch).item() == pytest.approx(expected, rel=1e-5)


def test_smoothing_spreads_its_share_over_all_classes(batch):
    def term(row, label):
        return -0.8 * math.log(row[label]) - sum(0.2 / 4 * math.log(each) for each in row)

    assert ClassLoss(label_smoothing=0.2)(*batch).item() == pytest.approx(by_hand(*batch, term) / 5, rel=1e-5)


def test_focal_loss_is_the_formula_of_its_paper(batch):
    expected = by_hand(*batch, lambda row, label: -((1 - row[label]) ** 2) * math.log(row[label])) / 5
    assert ClassLoss(focal_gamma=2.0)(*batch).item() == pytest.approx(expected, rel=1e-5)


def test_focal_loss_with_class_weights_multiplies_both(batch):
    weights = [1.0, 2.0, 0.5, 3.0]
    expected = by_hand(*batch, lambda row, label: -weights[label] * (1 - row[label]) ** 2 * math.log(row[label])) / 5
    assert ClassLoss(class_weights=weights, focal_gamma=2.0)(*batch).item() == pytest.approx(expected, rel=1e-5)


def test_focal_gradient_is_finite_where_the_answer_is_certain():
    logits = torch.tensor([[60.0, -60.0], [-60.0, 60.0]], requires_grad=True)
    loss = ClassLoss(focal_gamma=0.5)({"logits": logits}, torch.tensor([0, 0]))
    assert torch.isfinite(torch.autograd.grad(loss, logits)[0]).all()


def test_half_precision_logits_give_a_float32_loss(batch):
    outputs, labels = batch
    assert ClassLoss()({"logits": outputs["logits"].bfloat16()}, labels).dtype == torch.float32


def test_one_label_a_text_works_as_well_as_one_a_token():
    torch.manual_seed(0)
    logits, labels = torch.randn(3, 2), torch.tensor([0, 1, 1])
    torch.testing.assert_close(ClassLoss()({"logits": logits}, labels), cross_entropy(logits, labels))


def test_balanced_weights_are_those_of_scikit_learn():
    labels = [0] * 6 + [1] * 3 + [2]
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    assert balanced_weights(labels, 3) == pytest.approx(list(expected))


def test_balanced_weights_do_not_count_ignored_labels():
    assert balanced_weights([0, -100, 1, 1, -100], 2) == balanced_weights([0, 1, 1], 2)


def test_balanced_weights_are_cut_at_both_ends():
    assert balanced_weights([0] * 999 + [1], 2, most=1.5) == [1 / 1.5, 1.5]


def test_class_that_never_occurs_weighs_most():
    assert balanced_weights([0, 0], 2, most=7.0)[1] == 7.0


def test_balanced_weights_of_no_labels_are_defined():
    assert balanced_weights([], 2, most=7.0) == [7.0, 7.0]
