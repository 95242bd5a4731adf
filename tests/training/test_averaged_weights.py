"""EMA against the recursion: in evaluation, in what is saved, and when training goes on."""

import itertools
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from tests.training.heads import HEADS, r_drop
from tests.training.training_steps import Recorder, assert_equal, weights_of
from utils.modeling.crf_tagger import CrfTagger
from utils.training import saved_model
from utils.training.averaged_weights import RAW_WEIGHTS, AveragedWeights
from utils.training.fast_gradient import FastGradient


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
    saved_model.save_model(tmp_path, trainer)
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
