"""The tricks with text classifiers, built as the scripts build them."""

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from transformers import EarlyStoppingCallback

from tests.training.heads import symmetric_divergence
from tests.training.training_steps import batch_of, weights_of
from utils.layers.fast_dropout import FastDropout
from utils.options.shared_arguments import TrickArguments
from utils.training.fast_gradient import FastGradient
from utils.training.losses import ClassLoss, LabelLoss
from utils.training.regularized_dropout import RegularizedDropout, label_divergence


def text_r_drop_by_hand(trainer, batch, alpha):
    """(Mean of both passes' losses, alpha / 4 x mean divergence) with the dropout that the seed draws."""
    twice = {name: torch.cat([value, value]) for name, value in batch.items()}
    labels = twice.pop("labels")
    logits = trainer.model.train()(**twice).logits.detach().double()
    one, other = logits.chunk(2)
    if labels.is_floating_point():
        loss = binary_cross_entropy_with_logits(logits, labels.double())
        one, other = (torch.stack([each, torch.zeros_like(each)], -1) for each in (one, other))
    else:
        loss = cross_entropy(logits, labels)
    return loss.item(), alpha / 4 * symmetric_divergence(one, other).mean().item()


@pytest.mark.parametrize("multi_label", [False, True])
def test_r_drop_of_texts_adds_up_over_micro_batches_to_its_formula(make_classifier, multi_label):
    trainer = make_classifier(multi_label=multi_label, tricks=TrickArguments(r_drop_alpha=8.0), dropout=0.3)
    batches = [batch_of(trainer, 0, 3), batch_of(trainer, 3, 8)]
    _, items = trainer.get_batch_samples(iter(batches), 2, torch.device("cpu"))
    assert items == (24 if multi_label else 8)
    for batch, count in zip(batches, (3, 5), strict=True):
        torch.manual_seed(3)
        loss, divergence = text_r_drop_by_hand(trainer, batch, 8.0)
        assert divergence > 1e-4 * loss  # else the test would not notice a missing term
        for given, share in [(None, 1.0), (items, count / 8)]:
            torch.manual_seed(3)
            found = trainer.compute_loss(trainer.model.train(), dict(batch), num_items_in_batch=given).item()
            assert found == pytest.approx((loss + divergence) * share, rel=1e-4)


@pytest.mark.parametrize(("multi_label", "pooling"), [(False, "fusion"), (True, "cls")])
def test_text_classifier_learns_with_all_tricks_together(make_classifier, multi_label, pooling):
    tricks = TrickArguments(r_drop_alpha=0.5, fgm_epsilon=0.1, ema_decay=0.5)
    trainer = make_classifier(
        multi_label=multi_label, tricks=tricks, pooling=pooling, dropout=0.1, batches=(4, 1, 8), num_train_epochs=12
    )
    before = trainer.evaluate()["eval_loss"]
    trainer.train()
    assert trainer.evaluate()["eval_loss"] < 0.8 * before


SHAPED = {
    "adjusted": (False, ClassLoss.fit([0] * 12 + [1] * 8 + [2] * 4, 3, balanced=True, adjustment=1.0)),
    "focal": (False, ClassLoss(focal_gamma=2.0, label_smoothing=0.1)),
    "labels": (True, LabelLoss()),
    "shaped labels": (True, LabelLoss([3.0, 1.0, 0.5], 0.1, 2.0)),
}


@pytest.mark.parametrize("name", SHAPED)
def test_accumulated_micro_batches_train_as_the_whole_batch_does(make_classifier, name):
    multi_label, loss = SHAPED[name]
    after = []
    for batches in [(8, 1, 8), (4, 2, 8), (1, 8, 8)]:
        trainer = make_classifier(
            multi_label=multi_label,
            loss=loss,
            batches=batches,
            train_sampling_strategy="sequential",
            optim="sgd",
            lr_scheduler_type="constant",
            max_grad_norm=0.0,
            max_steps=2,
        )
        before = weights_of(trainer.model)
        trainer.train()
        after.append(weights_of(trainer.model))
    assert any(not torch.equal(before[key], after[0][key]) for key in before)
    for other in after[1:]:
        torch.testing.assert_close(other, after[0], rtol=1e-4, atol=1e-6)


def test_tricks_are_off_unless_asked_for(make_classifier):
    trainer = make_classifier(multi_label=False)
    assert (trainer.fast_gradient, trainer.regularized_dropout, trainer.averaged_weights) == (None, None, None)
    assert trainer.train_sampler is None
    assert not any(isinstance(each, EarlyStoppingCallback) for each in trainer.callback_handler.callbacks)


def test_tricks_that_are_asked_for_have_the_strength_asked_for(make_classifier):
    flags = TrickArguments(fgm_epsilon=0.5, r_drop_alpha=2.0, ema_decay=0.9, early_stopping_patience=3)
    trainer = make_classifier(multi_label=True, tricks=flags, eval_strategy="steps", eval_steps=1)
    assert trainer.fast_gradient == FastGradient(0.5)
    assert trainer.regularized_dropout == RegularizedDropout(2.0, label_divergence)
    assert trainer.averaged_weights.decay == 0.9
    patience = [
        each.early_stopping_patience
        for each in trainer.callback_handler.callbacks
        if isinstance(each, EarlyStoppingCallback)
    ]
    assert patience == [3]


def test_trainer_has_the_batches_that_are_tried(make_classifier):
    args = make_classifier(multi_label=False, batches=(4, 3, 6)).args
    found = args.per_device_train_batch_size, args.gradient_accumulation_steps, args.per_device_eval_batch_size
    assert found == (4, 3, 6)


def test_learning_rates_of_head_and_layers_are_those_asked_for(make_classifier):
    flags = TrickArguments(head_learning_rate=0.5, layer_decay=0.1)
    trainer = make_classifier(multi_label=False, tricks=flags, pooling="fusion")
    rates = {id(each): group["lr"] for group in trainer.groups for each in group["params"]}
    head = {name: rates[id(each)] for name, each in trainer.model.named_parameters() if "encoder." not in name}
    assert {name.partition(".")[0] for name in head} == {"pooled", "fusion", "classifier"}
    assert set(head.values()) == {0.5}
    layers = trainer.model.encoder.encoder.layer
    assert [rates[id(layer.output.dense.weight)] for layer in layers] == pytest.approx([1e-3, 1e-2])
    assert rates[id(trainer.model.get_input_embeddings().weight)] == pytest.approx(1e-4)


@pytest.mark.parametrize("tricks", [{}, {"r_drop_alpha": 1.0, "fgm_epsilon": 0.5, "ema_decay": 0.9}])
def test_training_without_padding_learns_the_same(make_classifier, tricks):
    found = []
    for attention in ("padded", "unpadded"):
        trainer = make_classifier(multi_label=False, tricks=TrickArguments(**tricks), attention=attention, max_steps=3)
        shapes = set()
        trainer.model.encoder.encoder.layer[0].register_forward_pre_hook(
            lambda module, args, shapes=shapes: shapes.add(args[0].shape[0])
        )
        trainer.train()
        assert (shapes == {1}) == (attention == "unpadded")
        found.append(weights_of(trainer.model))
    torch.testing.assert_close(found[1], found[0], rtol=1e-4, atol=1e-5)


def test_training_on_a_cpu_takes_the_faster_dropout_and_attention(make_classifier):
    model = make_classifier(multi_label=False, dropout=0.1).model
    kinds = {type(module) for module in model.modules()}
    assert FastDropout in kinds and torch.nn.Dropout not in kinds
    assert model.encoder.config._attn_implementation == "eager"
