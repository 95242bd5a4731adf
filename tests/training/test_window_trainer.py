"""The trainer pools the logits of a text's windows, in training and in evaluation, with and without tricks."""

import pytest
import torch
from datasets import Dataset
from torch.nn.functional import cross_entropy
from transformers import AutoTokenizer

from utils.encoding.collators import TextCollator
from utils.encoding.encoded_dataset import encode_dataset
from utils.encoding.text_inputs import TextEncoder, split_windows
from utils.modeling.text_classifier import load_classifier
from utils.options.fine_tuning_arguments import FineTuningArguments
from utils.options.shared_arguments import TrickArguments
from utils.training.batch_size import Batches
from utils.training.losses import ClassLoss
from utils.training.regularized_dropout import class_divergence
from utils.training.tricks import build_trainer
from utils.training.window_trainer import WindowTrainer

IDS = {"a": 0, "b": 1, "c": 2}
TEXTS = ["张伟在北京开会" * 4, "", "人" * 11, "李娜去了上海", "会" * 200]


@pytest.fixture
def build(tiny_encoder, tmp_path):
    """A trainer, and the rows that it has, with windows or without: `build(pooling=..., loss=..., ...)`."""

    def call(texts=TEXTS, *, pooling="mean", loss=True, trainer_class=WindowTrainer, tricks=None, **options):
        tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
        windows = {"window_pooling": pooling, "window_stride": 4, "max_windows": 5} if pooling else {}
        encoder = TextEncoder(tokenizer, 12, False, IDS, **windows)
        rows = Dataset.from_dict({"text": texts, "label": [["a", "b", "c"][i % 3] for i in range(len(texts))]})
        encoded = encode_dataset(rows, encoder, by_length=False)
        torch.manual_seed(0)
        names = {"id2label": {i: label for label, i in IDS.items()}, "problem_type": "single_label_classification"}
        model = load_classifier(tiny_encoder, dropout=0.0, **names)
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        args = {"eval_strategy": "no", "save_strategy": "no", "load_best_model_at_end": False, "precision": "fp32"}
        args |= {"use_cpu": True, "logging_strategy": "no", "learning_rate": 1e-2, "train_sampling_strategy": "random"}
        trainer = build_trainer(
            model,
            FineTuningArguments(str(tmp_path / "run"), **(args | options)),
            Batches(4, 1, 3),
            tricks or TrickArguments(),
            divergence=class_divergence,
            trainer_class=trainer_class,
            train_dataset=encoded,
            data_collator=TextCollator(tokenizer),
            compute_loss_func=ClassLoss() if loss else None,
            **({"pool": encoder.pool} if trainer_class is WindowTrainer else {}),
        )
        trainer.current_gradient_accumulation_steps = 1
        return trainer, encoded

    return call


def logits_by_hand(trainer, encoded, pooling):
    """Each window goes through the model by itself."""
    found = []
    for row in encoded:
        parts = [{"input_ids": part["input_ids"]} for part in split_windows(row)]
        logits = torch.cat([trainer.model(**trainer.data_collator([part])).logits for part in parts])
        if pooling == "logsumexp":
            found.append(logits.logsumexp(0) - torch.tensor(float(len(parts))).log())
        else:
            found.append(logits.mean(0) if pooling == "mean" else logits.amax(0))
    return torch.stack(found)


@pytest.mark.parametrize("pooling", ["mean", "max", "logsumexp"])
def test_loss_and_gradient_are_those_of_windows_pooled_by_hand(build, pooling):
    trainer, encoded = build(pooling=pooling)
    labels = torch.tensor(encoded["labels"][:])
    model = trainer.model.train()
    loss = cross_entropy(logits_by_hand(trainer, encoded, pooling), labels)
    loss.backward()
    expected = {name: each.grad.clone() for name, each in model.named_parameters() if each.grad is not None}
    model.zero_grad()
    found = trainer.training_step(model, trainer.data_collator(list(encoded)))
    assert found.item() == pytest.approx(loss.item(), rel=1e-5)
    for name, each in model.named_parameters():
        if name in expected:
            torch.testing.assert_close(each.grad, expected[name], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("loss", [True, False])
def test_predictions_are_pooled_in_batches_of_any_mix(build, loss):
    trainer, encoded = build(pooling="logsumexp", loss=loss)
    output = trainer.predict(encoded)
    with torch.no_grad():
        expected = logits_by_hand(trainer, encoded, "logsumexp")
    torch.testing.assert_close(torch.tensor(output.predictions), expected, rtol=1e-4, atol=1e-5)
    wanted = cross_entropy(expected, torch.tensor(encoded["labels"][:])).item()
    assert output.metrics["test_loss"] == pytest.approx(wanted, rel=0.3)  # a mean of batches, not of rows
    hidden = trainer.predict(encoded.remove_columns("labels"))
    assert (hidden.predictions == output.predictions).all()


@pytest.mark.parametrize("sharded", [False, True])
def test_evaluation_has_no_more_windows_at_once_than_texts_unless_weights_are_sharded(build, sharded):
    trainer, encoded = build()
    trainer.is_fsdp_enabled = sharded  # then all processes must call the model equally often
    sizes, forward = [], trainer.model.forward
    trainer.model.forward = lambda **inputs: sizes.append(len(inputs["input_ids"])) or forward(**inputs)
    batches = [encoded.select(range(3)), encoded.select(range(3, 5))]
    for rows in batches:
        trainer.prediction_step(trainer.model, trainer.data_collator(list(rows)), prediction_loss_only=False)
    counts = [sum(map(len, rows["windows"][:])) for rows in batches]
    assert sizes == counts if sharded else max(sizes) == 3
    assert sum(sizes) == sum(counts)


def test_texts_that_fit_learn_the_same_weights_to_the_bit_as_without_windows(build):
    texts = ["张伟在北京", "李娜去了上海", "", "人" * 10] * 4
    weights = []
    for pooling in ("logsumexp", None):
        trainer, _ = build(texts, pooling=pooling, max_steps=6)
        trainer.train()
        weights.append(trainer.model.state_dict())
    assert all(weights[0][name].equal(weights[1][name]) for name in weights[0])


def test_windows_learn_with_all_tricks_together(build):
    tricks = TrickArguments(r_drop_alpha=0.5, fgm_epsilon=0.1, ema_decay=0.5)
    trainer, encoded = build(tricks=tricks, num_train_epochs=20)
    before = trainer.evaluate(encoded)["eval_loss"]
    trainer.train()
    assert trainer.evaluate(encoded)["eval_loss"] < 0.8 * before
