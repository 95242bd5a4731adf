"""Losses against formulas written out by hand, and class weights against scikit-learn's."""

import math

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from utils.training.losses import ClassLoss, ClozeLoss, LabelLoss, balanced_weights, log_frequencies, positive_weights


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


# Logit adjustment


def test_adjustment_is_added_to_the_logits_of_the_loss_alone(batch):
    outputs, labels = batch
    moved = {"logits": outputs["logits"] + torch.tensor([1.0, -2.0, 0.5, 0.0])}
    before = outputs["logits"].detach().clone()
    found = ClassLoss(adjustment=[1.0, -2.0, 0.5, 0.0])(outputs, labels)
    torch.testing.assert_close(found, ClassLoss()(moved, labels))
    assert torch.equal(outputs["logits"], before)


def test_adjusted_loss_is_the_formula_of_its_paper(batch):
    counts, share = [5, 1, 2, 4], 0.7

    def expected_of(row, label):  # -log of f_y n_y^share / sum of f_k n_k^share, with exp(logit) for f
        terms = [each * count**share for each, count in zip(row, counts, strict=True)]
        return -math.log(terms[label] / sum(terms))

    labels = [i for i, count in enumerate(counts) for _ in range(count)]
    loss = ClassLoss.fit(labels, 4, adjustment=share)
    assert loss(*batch).item() == pytest.approx(by_hand(*batch, expected_of) / 5, rel=1e-5)


def test_focal_loss_of_adjusted_logits_plays_down_what_is_right_after_adjustment(batch):
    outputs, labels = batch
    moved = {"logits": outputs["logits"] + torch.tensor([1.0, -2.0, 0.5, 0.0])}
    found = ClassLoss(adjustment=[1.0, -2.0, 0.5, 0.0], focal_gamma=2.0, label_smoothing=0.1)(outputs, labels)
    torch.testing.assert_close(found, ClassLoss(focal_gamma=2.0, label_smoothing=0.1)(moved, labels))


def test_with_full_adjustment_a_model_gains_nothing_from_knowing_the_frequencies():
    labels = torch.tensor([0] * 6 + [1] * 3 + [2])
    logits = torch.zeros(10, 3, requires_grad=True)
    loss = ClassLoss.fit(labels.tolist(), 3, adjustment=1.0)({"logits": logits}, labels)
    gradient = torch.autograd.grad(loss, logits)[0].sum(0)
    torch.testing.assert_close(gradient, torch.zeros(3), rtol=0, atol=1e-7)


def test_adjusted_loss_of_micro_batches_adds_up_to_that_of_the_batch(batch):
    outputs, labels = batch
    loss = ClassLoss(adjustment=[1.0, -2.0, 0.5, 0.0], class_weights=[1.0, 2.0, 0.5, 3.0])
    parts = [loss({"logits": outputs["logits"][i]}, labels[i], num_items_in_batch=torch.tensor(5)) for i in range(2)]
    torch.testing.assert_close(sum(parts), loss(outputs, labels))


def test_log_frequencies_are_those_of_the_labels_and_a_class_without_any_counts_half_a_row():
    found = log_frequencies([0, 0, 0, 2], 4)
    assert found == pytest.approx([math.log(3 / 4), math.log(1 / 8), math.log(1 / 4), math.log(1 / 8)])


def test_fitted_loss_has_what_is_asked_for_and_nothing_else():
    labels = [0, 0, 0, 1]
    assert ClassLoss.fit(labels, 2, label_smoothing=0.1, focal_gamma=2.0) == ClassLoss(None, 0.1, 2.0, None)
    fitted = ClassLoss.fit(labels, 2, balanced=True, adjustment=0.5)
    assert fitted.class_weights == balanced_weights(labels, 2)
    assert fitted.adjustment == pytest.approx([math.log(0.75) / 2, math.log(0.25) / 2])


# Several labels a text


@pytest.fixture
def texts():
    """(5, 3) logits and (5, 3) labels of 0 and 1, a text without any among them."""
    torch.manual_seed(0)
    labels = torch.tensor([[1, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1], [0, 0, 1]], dtype=torch.float32)
    return {"logits": 2 * torch.randn(5, 3, requires_grad=True)}, labels


def cells_by_hand(outputs, labels, term):
    """Mean of `term(probability, target, label id)` over texts and labels."""
    rows = outputs["logits"].detach().double().sigmoid().tolist()
    terms = [
        term(probability, target, i)
        for row, targets in zip(rows, labels.tolist(), strict=True)
        for i, (probability, target) in enumerate(zip(row, targets, strict=True))
    ]
    return sum(terms) / len(terms)


def binary(probability, target):
    return -target * math.log(probability) - (1 - target) * math.log(1 - probability)


def test_loss_of_several_labels_is_the_mean_binary_cross_entropy(texts):
    expected = cells_by_hand(*texts, lambda p, y, _: binary(p, y))
    assert LabelLoss()(*texts).item() == pytest.approx(expected, rel=1e-5)


def test_loss_of_several_labels_is_the_one_of_stock_models(texts):
    outputs, labels = texts
    stock = binary_cross_entropy_with_logits(outputs["logits"], labels)
    gradients = [torch.autograd.grad(each, outputs["logits"])[0] for each in (LabelLoss()(*texts), stock)]
    torch.testing.assert_close(*gradients)


def test_positive_weights_multiply_the_terms_of_texts_that_have_the_label(texts):
    weights = [3.0, 0.5, 1.0]
    expected = cells_by_hand(*texts, lambda p, y, i: (weights[i] if y else 1) * binary(p, y))
    assert LabelLoss(positive_weights=weights)(*texts).item() == pytest.approx(expected, rel=1e-5)


def test_smoothing_of_several_labels_moves_targets_towards_one_half(texts):
    expected = cells_by_hand(*texts, lambda p, y, _: binary(p, 0.8 * y + 0.2 * 0.5))
    assert LabelLoss(label_smoothing=0.2)(*texts).item() == pytest.approx(expected, rel=1e-5)


def test_focal_loss_of_several_labels_is_the_formula_of_its_paper(texts):
    expected = cells_by_hand(*texts, lambda p, y, _: (1 - (p if y else 1 - p)) ** 2 * binary(p, y))
    assert LabelLoss(focal_gamma=2.0)(*texts).item() == pytest.approx(expected, rel=1e-5)


def test_everything_together_is_the_product_for_several_labels(texts):
    weights = [3.0, 0.5, 1.0]

    def term(p, y, i):
        smooth = 0.9 * y + 0.05
        weighted = -smooth * weights[i] * math.log(p) - (1 - smooth) * math.log(1 - p)
        return (1 - (p if y else 1 - p)) ** 1.5 * weighted

    loss = LabelLoss(positive_weights=weights, label_smoothing=0.1, focal_gamma=1.5)
    assert loss(*texts).item() == pytest.approx(cells_by_hand(*texts, term), rel=1e-5)


@pytest.mark.parametrize("loss", [LabelLoss(), LabelLoss([3.0, 0.5, 1.0], 0.1, 2.0)], ids=["plain", "shaped"])
def test_loss_of_several_labels_adds_up_over_micro_batches(texts, loss):
    outputs, labels = texts
    items = (labels != -100).sum()  # as Trainer counts them: texts times labels
    parts = [
        loss({"logits": outputs["logits"][a:b]}, labels[a:b], num_items_in_batch=items) for a, b in [(0, 2), (2, 5)]
    ]
    torch.testing.assert_close(sum(parts), loss(outputs, labels))


def test_focal_gradient_of_several_labels_is_finite_where_the_answer_is_certain():
    logits = torch.tensor([[60.0, -60.0], [-60.0, 60.0]], requires_grad=True)
    loss = LabelLoss(focal_gamma=0.5)({"logits": logits}, torch.tensor([[1, 0], [1, 0]]))
    assert torch.isfinite(loss) and torch.isfinite(torch.autograd.grad(loss, logits)[0]).all()


def test_half_precision_logits_give_a_float32_loss_of_several_labels(texts):
    outputs, labels = texts
    assert LabelLoss([1.0] * 3, 0.1, 1.0)({"logits": outputs["logits"].bfloat16()}, labels).dtype == torch.float32


def test_positive_weights_are_the_rows_without_the_label_by_those_with_it(texts):
    assert positive_weights(texts[1].tolist()) == pytest.approx([3 / 2, 3 / 2, 2 / 3])


def test_positive_weights_are_cut_at_both_ends():
    labels = [[1.0, 0.0, 1.0]] + [[1.0, 0.0, 0.0]] * 9  # always, never, and once in ten
    assert positive_weights(labels, most=4.0) == [1 / 4, 4.0, 4.0]


def test_fitted_loss_of_several_labels_has_what_is_asked_for_and_nothing_else(texts):
    labels = texts[1].tolist()
    assert LabelLoss.fit(labels, label_smoothing=0.1, focal_gamma=2.0) == LabelLoss(None, 0.1, 2.0)
    assert LabelLoss.fit(labels, balanced=True) == LabelLoss(positive_weights(labels))


def test_loss_at_hidden_words_counts_by_its_weight_and_adds_up_over_micro_batches():
    logits, labels = torch.randn(4, 3), torch.tensor([0, 2, 1, 1])
    answer = ClassLoss(label_smoothing=0.1)
    loss = ClozeLoss(answer, 0.25)
    hidden = torch.tensor(2.0)
    expected = answer({"logits": logits}, labels)
    torch.testing.assert_close(loss({"logits": logits, "mlm_loss": None}, labels), expected)
    torch.testing.assert_close(loss({"logits": logits, "mlm_loss": hidden}, labels), expected + 0.5)
    parts = [
        loss({"logits": logits[a:b], "mlm_loss": hidden}, labels[a:b], num_items_in_batch=4)
        for a, b in [(0, 1), (1, 4)]
    ]
    torch.testing.assert_close(sum(parts), expected + 0.5)
