"""FGM, R-Drop and EMA against computations by hand, with every head, alone and together."""

import itertools
import math
import shutil
from pathlib import Path

import pytest
import torch
from datasets import Dataset
from safetensors.torch import load_file
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    EarlyStoppingCallback,
    TrainerCallback,
    TrainingArguments,
)

import run_ner
from utils.data.readers_ner import read_ner
from utils.data.tag_schemes import tag_names
from utils.encoding.collators import TextCollator, WindowCollator
from utils.encoding.entity_windows import SpanEncoder, TagEncoder
from utils.encoding.text_inputs import TextEncoder, encode_texts
from utils.modeling.crf_tagger import CrfTagger
from utils.modeling.span_tagger import SpanTagger
from utils.modeling.text_classifier import load_classifier
from utils.training import run_setup
from utils.training.arguments import CLASSIFIER_DEFAULTS, ArgumentError, TrickArguments
from utils.training.batch_size import Batches
from utils.training.fast_dropout import FastDropout, use_fast_dropout
from utils.training.fine_tuning_arguments import FineTuningArguments
from utils.training.losses import ClassLoss, LabelLoss
from utils.training.parameter_groups import parameter_groups
from utils.training.tricks import (
    RAW_WEIGHTS,
    AveragedWeights,
    FastGradient,
    RegularizedDropout,
    TrickTrainer,
    build_trainer,
    cell_divergence,
    class_divergence,
    label_divergence,
)

HEADS = ["softmax", "crf", "span"]
TYPES = ["address", "name"]
TAGS = tag_names(TYPES, scheme="bio")
STEADY = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


@pytest.fixture(scope="module")
def windows(tiny_encoder, ner_files):
    """Head -> (train, validation) windows."""
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    cutting = {"max_length": 64, "stride": 16}
    tag = TagEncoder(tokenizer, **cutting, label2id={t: i for i, t in enumerate(TAGS)}, scheme="bio", ignore_cut=True)
    span = SpanEncoder(tokenizer, **cutting, label2id={t: i for i, t in enumerate(TYPES)})
    splits = [read_ner(path) for path in ner_files]

    def encode(encoder):
        rows = [encoder(dataset[:], range(len(dataset))) for dataset in splits]
        return tuple(Dataset.from_dict(each) for each in rows)

    return {"softmax": encode(tag), "crf": encode(tag), "span": encode(span)}


@pytest.fixture
def make(tiny_encoder, windows, tmp_path):
    """Build a trainer: `make(head, fast_gradient=..., num_train_epochs=...)`."""

    def build(head, *, dropout=True, folder="run", callbacks=None, fast_dropout=False, **options):
        names = {"id2label": dict(enumerate(TYPES if head == "span" else TAGS))}
        names["label2id"] = {label: i for i, label in names["id2label"].items()}
        still = {} if dropout else STEADY
        torch.manual_seed(0)
        if head == "softmax":
            own = {"classifier_dropout": 0.1 if dropout else 0.0, **still}
            model = AutoModelForTokenClassification.from_pretrained(tiny_encoder, **names, **own)
        else:
            tagger = SpanTagger if head == "span" else CrfTagger
            model = tagger.from_encoder(tiny_encoder, loading=still, dropout=0.1 if dropout else 0.0, **names)
        if fast_dropout:
            use_fast_dropout(model)
        tricks = ("fast_gradient", "regularized_dropout", "averaged_weights", "compute_metrics")
        chosen = {name: options.pop(name) for name in tricks if name in options}
        args = {
            "per_device_train_batch_size": 8,
            "num_train_epochs": 1,
            "learning_rate": 1e-2,
            "logging_strategy": "no",
            "save_strategy": "no",
            "eval_strategy": "no",
            "train_sampling_strategy": "group_by_length",
            "remove_unused_columns": False,
            "report_to": "none",
            "use_cpu": True,
            "disable_tqdm": True,
        }
        args = TrainingArguments(str(tmp_path / folder), **(args | options))
        train, validation = windows[head]
        groups = parameter_groups(
            model,
            learning_rate=args.learning_rate,
            weight_decay=0.01,
            encoder_prefix=model.base_model_prefix,
            rates={"crf": 0.05} if head == "crf" else {},
        )
        trainer = TrickTrainer(
            model=model,
            args=args,
            train_dataset=train,
            eval_dataset=validation,
            data_collator=WindowCollator(0, with_token_mask=head != "softmax"),
            compute_loss_func=ClassLoss() if head == "softmax" else None,
            groups=groups,
            callbacks=callbacks,
            **chosen,
        )
        trainer.current_gradient_accumulation_steps = 1  # set by `train`, for tests that call a single step
        return trainer

    return build


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


# FGM


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


# R-Drop


def symmetric_divergence(one, other):
    """KL(p, q) + KL(q, p) of each row of two logit tensors, from the definition."""
    p, q = one.double().softmax(-1), other.double().softmax(-1)
    return (p * (p / q).log()).sum(-1) + (q * (q / p).log()).sum(-1)


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


def r_drop(head, alpha=4.0):
    return RegularizedDropout(alpha, cell_divergence if head == "span" else class_divergence)


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


# EMA


def average_by_hand(history, decay):
    """The recursion, with the slower start of its first steps."""
    average = {name: value.double() for name, value in history[0].items()}
    for step, weights in enumerate(history[1:], start=2):
        kept = min(decay, (1 + step) / (10 + step))
        average = {name: kept * average[name] + (1 - kept) * weights[name].double() for name in average}
    return average


@pytest.mark.parametrize("decay", [0.2, 0.999])
def test_average_is_the_recursion_over_all_steps(make, decay):
    recorder, average = Recorder(), AveragedWeights(decay)
    make("crf", averaged_weights=average, callbacks=[recorder], num_train_epochs=2).train()
    assert len(recorder.weights) == average.steps == 10
    expected = {name: value.float() for name, value in average_by_hand(recorder.weights, decay).items()}
    torch.testing.assert_close(average.average, expected, rtol=1e-4, atol=1e-6)


def test_frozen_weights_are_not_averaged(make):
    trainer = make("softmax")
    trainer.model.bert.embeddings.requires_grad_(False)
    average = AveragedWeights(0.9)
    average.update(trainer.model)
    assert len(average.average) > 10
    assert not any("embeddings" in name for name in average.average)


def watch_evaluation(model):
    """The classifier's weights at each forward pass in eval mode."""
    seen = []
    model.register_forward_pre_hook(lambda module, _: None if module.training else seen.append(weights_of(module)))
    return seen


def move_on(trainer):
    """As in the middle of training: raw weights that are not the average; returns them."""
    trainer.averaged_weights.update(trainer.model)
    with torch.no_grad():
        for parameter in trainer.model.parameters():
            parameter.add_(0.01)
    return weights_of(trainer.model)


def test_evaluation_uses_the_averaged_weights_and_gives_the_raw_ones_back(make):
    average = AveragedWeights(0.9)
    trainer = make("crf", averaged_weights=average)
    raw = move_on(trainer)
    seen = watch_evaluation(trainer.model)
    trainer.evaluate()
    assert_equal(seen[-1], average.average)
    assert_equal(weights_of(trainer.model), raw)
    assert not torch.equal(average.average["classifier.weight"], raw["classifier.weight"])


def test_prediction_uses_the_averaged_weights_as_evaluation_does(make):
    average = AveragedWeights(0.9)
    trainer = make("crf", averaged_weights=average)
    move_on(trainer)
    seen = watch_evaluation(trainer.model)
    trainer.predict(trainer.eval_dataset)
    assert_equal(seen[-1], average.average)


def test_saved_model_has_the_weights_that_were_evaluated(make, tmp_path, tiny_encoder):
    average = AveragedWeights(0.9)
    trainer = make("crf", averaged_weights=average)
    trainer.processing_class = AutoTokenizer.from_pretrained(tiny_encoder)
    trainer.train()
    run_setup.save_model(tmp_path, trainer, card="")
    assert_equal(weights_of(CrfTagger.from_pretrained(tmp_path)), average.average)


def test_evaluation_that_fails_gives_the_raw_weights_back(make):
    trainer = make("crf", averaged_weights=AveragedWeights(0.9))
    raw = move_on(trainer)
    with pytest.raises(TypeError):
        trainer.evaluate(eval_dataset=5)
    assert_equal(weights_of(trainer.model), raw)


def test_checkpoint_holds_the_averaged_weights_and_the_raw_ones_beside_them(make, tmp_path):
    recorder, average = Recorder(), AveragedWeights(0.9)
    make("crf", averaged_weights=average, callbacks=[recorder], save_strategy="epoch").train()
    folder = tmp_path / "run" / "checkpoint-5"
    assert_equal(load_file(folder / RAW_WEIGHTS), recorder.weights[-1])
    saved = CrfTagger.from_pretrained(folder)
    assert_equal(weights_of(saved), average.average)


def test_checkpoint_without_averaging_has_no_second_set_of_weights(make, tmp_path):
    make("crf", save_strategy="epoch").train()
    assert (tmp_path / "run" / "checkpoint-5" / "model.safetensors").is_file()
    assert not (tmp_path / "run" / "checkpoint-5" / RAW_WEIGHTS).exists()


def test_training_goes_on_with_the_raw_weights_after_evaluating_and_saving(make):
    with_average, without = Recorder(), Recorder()
    options = {"num_train_epochs": 2, "save_strategy": "epoch", "eval_strategy": "epoch"}
    make("crf", averaged_weights=AveragedWeights(0.9), callbacks=[with_average], **options).train()
    make("crf", callbacks=[without], folder="other", **options).train()
    assert len(without.weights) == 10
    assert_equal(with_average.weights[-1], without.weights[-1])


@pytest.mark.parametrize("fast_dropout", [False, True])
def test_resumed_training_ends_with_the_weights_and_averages_of_an_uninterrupted_one(make, tmp_path, fast_dropout):
    options = {"num_train_epochs": 3, "save_strategy": "epoch", "fast_dropout": fast_dropout}
    whole, whole_average = Recorder(), AveragedWeights(0.9)
    make("crf", averaged_weights=whole_average, callbacks=[whole], folder="whole", **options).train()
    checkpoint = tmp_path / "run" / "checkpoint-5"
    shutil.copytree(tmp_path / "whole" / "checkpoint-5", checkpoint)
    resumed, average = Recorder(), AveragedWeights(0.9)
    trainer = make("crf", averaged_weights=average, callbacks=[resumed], **options)
    trainer.train(resume_from_checkpoint=str(checkpoint))
    assert (len(whole.weights), len(resumed.weights)) == (15, 10)
    assert_equal(resumed.weights[-1], whole.weights[-1])
    assert_equal(average.average, whole_average.average)
    assert average.steps == whole_average.steps == 15


@pytest.mark.parametrize("head", HEADS)
def test_training_with_fgm_and_r_drop_resumes_bit_for_bit(make, tmp_path, head):
    options = {"num_train_epochs": 2, "save_strategy": "epoch", "fast_gradient": FastGradient(0.5)}
    options["regularized_dropout"] = r_drop(head)
    whole, resumed = Recorder(), Recorder()
    make(head, callbacks=[whole], folder="whole", **options).train()
    shutil.copytree(tmp_path / "whole" / "checkpoint-5", tmp_path / "run" / "checkpoint-5")
    trainer = make(head, callbacks=[resumed], **options)
    trainer.train(resume_from_checkpoint=str(tmp_path / "run" / "checkpoint-5"))
    assert len(resumed.weights) == 5
    assert_equal(resumed.weights[-1], whole.weights[-1])


BEST = {
    "num_train_epochs": 3,
    "save_strategy": "epoch",
    "eval_strategy": "epoch",
    "load_best_model_at_end": True,
    "metric_for_best_model": "score",
    "greater_is_better": True,
}


def falling_score():
    """A metric by which the first evaluation is the best."""
    scores = itertools.count(0, -1)
    return lambda prediction: {"score": next(scores)}


def test_best_weights_loaded_at_the_end_are_the_averaged_ones_of_that_epoch(make):
    trainer = make("crf", averaged_weights=AveragedWeights(0.9), compute_metrics=falling_score(), **BEST)
    trainer.train()
    best = Path(trainer.state.best_model_checkpoint)
    assert best.name == "checkpoint-5"
    assert_equal(weights_of(trainer.model), weights_of(CrfTagger.from_pretrained(best)))
    raw = load_file(best / RAW_WEIGHTS)
    assert not torch.equal(raw["classifier.weight"], trainer.model.classifier.weight)


def test_evaluation_behind_the_loaded_best_weights_uses_them(make):
    trainer = make("crf", averaged_weights=AveragedWeights(0.9), compute_metrics=falling_score(), **BEST)
    trainer.train()
    best, seen = weights_of(trainer.model), watch_evaluation(trainer.model)
    trainer.evaluate()
    assert_equal(seen[-1], best)
    assert_equal(weights_of(trainer.model), best)


def test_best_epoch_is_found_by_the_averaged_weights(make):
    losses = []
    trainer = make("crf", averaged_weights=AveragedWeights(0.99), **{**BEST, "metric_for_best_model": "loss"})
    trainer.args.greater_is_better = False
    trainer.train()
    for step in (5, 10, 15):
        folder = Path(trainer.args.output_dir) / f"checkpoint-{step}"
        trainer.model = CrfTagger.from_pretrained(folder)
        losses.append(trainer.evaluate()["eval_loss"])
    logged = [entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry][:3]
    assert losses == pytest.approx(logged, rel=1e-5)


# Together


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


@pytest.mark.parametrize(
    "head, options, flag",
    [
        ("crf", {"label_smoothing": 0.1}, "--label_smoothing_factor"),
        ("span", {"label_smoothing": 0.1}, "--label_smoothing_factor"),
        ("crf", {"constrained_decoding": True}, "--constrained_decoding"),
        ("span", {"crf_learning_rate": 0.1}, "--crf_learning_rate"),
        ("softmax", {"crf_learning_rate": 0.0}, "--crf_learning_rate"),
        ("crf", {"nested": "yes"}, "--nested"),
        ("crf", {"loss": "focal"}, "--loss focal"),
        ("crf", {"class_weights": "auto"}, "--class_weights auto"),
        ("span", {"scheme": "bioes"}, "--scheme"),
    ],
)
def test_option_that_the_head_would_ignore_is_an_error(head, options, flag):
    smoothing = options.pop("label_smoothing", 0.0)
    with pytest.raises(ArgumentError, match=f"{flag} does nothing with --head {head}"):
        run_ner.NerArguments(head=head, **options).check(label_smoothing=smoothing)


@pytest.mark.parametrize(
    "head, options",
    [
        ("softmax", {"label_smoothing": 0.1, "constrained_decoding": True, "loss": "focal", "class_weights": "auto"}),
        ("crf", {"crf_learning_rate": 0.1, "scheme": "bioes"}),
        ("span", {"nested": "yes", "loss": "focal", "class_weights": "auto"}),
    ],
)
def test_options_of_a_head_are_accepted(head, options):
    smoothing = options.pop("label_smoothing", 0.0)
    run_ner.NerArguments(head=head, **options).check(label_smoothing=smoothing)


# Text classification


LABELS = {"a": 0, "b": 1, "c": 2}


@pytest.fixture(scope="module")
def texts(tiny_encoder):
    """Whether multi-label -> 24 encoded texts of one label, or of none to three."""
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    given = [[label for k, label in enumerate(LABELS) if i >> k & 1] for i in range(24)]
    signs = {"a": "北", "b": "开会", "c": "病"}
    rows = {
        "text": [f"{i % 5}{''.join(signs[label] for label in labels)}" for i, labels in enumerate(given)],
        "label": [min(labels, default="a") for labels in given],
        "labels": given,
    }
    encoders = {kind: TextEncoder(tokenizer, 16, False, LABELS, multi_label=kind) for kind in (False, True)}
    return {
        kind: encode_texts(Dataset.from_dict(rows), encoder, by_length=False) for kind, encoder in encoders.items()
    }


@pytest.fixture
def make_classifier(tiny_encoder, texts, tmp_path):
    """Build a trainer of a text classifier as the scripts do: `make_classifier(multi_label=..., batches=...)`."""

    def build(*, multi_label, tricks=None, pooling="mean", loss=None, dropout=0.0, batches=(8, 1, 8), **options):
        names = {"id2label": {i: label for label, i in LABELS.items()}, "label2id": LABELS}
        torch.manual_seed(0)
        kind = f"{'multi' if multi_label else 'single'}_label_classification"
        model = load_classifier(tiny_encoder, pooling=pooling, problem_type=kind, dropout=dropout, **names)
        for module in model.modules() if not dropout else ():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        args = {"num_train_epochs": 1, "learning_rate": 1e-2, "eval_strategy": "no", "save_strategy": "no"}
        args |= {"load_best_model_at_end": False, "precision": "fp32", "use_cpu": True, "logging_strategy": "no"}
        args |= CLASSIFIER_DEFAULTS
        trainer = build_trainer(
            model,
            FineTuningArguments(str(tmp_path / "run"), **(args | options)),
            Batches(*batches),
            tricks or TrickArguments(),
            divergence=label_divergence if multi_label else class_divergence,
            train_dataset=texts[multi_label],
            eval_dataset=texts[multi_label],
            data_collator=TextCollator(AutoTokenizer.from_pretrained(tiny_encoder)),
            compute_loss_func=loss or (LabelLoss() if multi_label else ClassLoss()),
        )
        trainer.current_gradient_accumulation_steps = 1
        return trainer

    return build


def test_divergence_of_labels_is_its_definition():
    torch.manual_seed(0)
    one, other = torch.randn(4, 3), torch.randn(4, 3)
    pairs = [torch.stack([each, torch.zeros_like(each)], -1) for each in (one, other)]  # two classes: yes and no
    expected = symmetric_divergence(*pairs).mean()
    labels = torch.zeros(4, 3)
    assert label_divergence(one, other, labels).item() == pytest.approx(expected.item(), rel=1e-5)
    assert label_divergence(other, one, labels).item() == pytest.approx(expected.item(), rel=1e-5)
    assert label_divergence(one, one, labels) == 0


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
    items = trainer._get_num_items_in_batch(batches, torch.device("cpu"))
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
    trainer = make_classifier(multi_label=True, tricks=flags)
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


def test_training_on_a_cpu_takes_the_faster_dropout_and_attention(make_classifier):
    model = make_classifier(multi_label=False, dropout=0.1).model
    kinds = {type(module) for module in model.modules()}
    assert FastDropout in kinds and torch.nn.Dropout not in kinds
    assert model.encoder.config._attn_implementation == "eager"


def test_own_sampler_draws_the_training_rows_and_not_those_of_evaluation(make, windows):
    trainer = make("softmax")
    trainer.train_sampler = [3, 1, 3]
    assert trainer._get_train_sampler() == [3, 1, 3]
    assert list(trainer._get_eval_sampler(windows["softmax"][1])) == list(range(16))
