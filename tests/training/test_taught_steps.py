"""Training steps with a teacher: whatever the micro-batches and the tricks, and with rows that have no labels."""

import numpy as np
import pytest
import torch
from datasets import Dataset

from tests.training.training_steps import batch_of, weights_of
from utils.distillation.class_lessons import ClassLessons, LabelLessons
from utils.distillation.lessons import ROW
from utils.distillation.span_cells import CELL
from utils.distillation.span_lessons import SpanLessons
from utils.distillation.tag_lessons import TagLessons
from utils.options.shared_arguments import TrickArguments
from utils.training.fast_gradient import FastGradient

TAGS = {"O": 0, "B-address": 1, "I-address": 2, "B-name": 3, "I-name": 4}
TYPES = ["address", "name"]
CELLS = np.array([(0, 2, 1, 2.0), (3, 5, 0, 1.5), (1, 2, 0, -2.0)], dtype=CELL)


def take(trainer, lessons, labelled):
    """Let a trainer learn from a teacher; only so many of its rows have labels."""
    lessons.labelled = labelled
    trainer.lessons = lessons
    trainer.train_dataset = trainer.train_dataset.add_column(ROW, list(range(len(trainer.train_dataset))))


def taught_batch(trainer, start, stop):
    rows = [trainer.train_dataset[i] for i in range(start, stop)]
    return trainer.lessons.collate(trainer.data_collator)(rows)


def class_lessons(multi_label=False):
    torch.manual_seed(5)
    told = list(torch.randn(24, 3).numpy())
    return (LabelLessons if multi_label else ClassLessons)(told, 24, weight=0.5, temperature=2.0)


def tag_lessons(count):
    torch.manual_seed(5)
    told = [torch.randn(60, 5).log_softmax(-1).numpy().flatten() for _ in range(count)]
    return TagLessons(told, count, weight=0.5, temperature=1.0, label2id=TAGS, types=TYPES)


@pytest.mark.parametrize("labelled", [24, 4, 1])
@pytest.mark.parametrize("multi_label", [False, True])
def test_accumulated_micro_batches_learn_as_the_whole_batch_does(make_classifier, multi_label, labelled):
    after = []
    for batches in [(8, 1, 8), (2, 4, 8)]:
        trainer = make_classifier(
            multi_label=multi_label, batches=batches, train_sampling_strategy="sequential", max_steps=2, optim="sgd"
        )
        take(trainer, class_lessons(multi_label), labelled)
        before = weights_of(trainer.model)
        trainer.train()
        after.append(weights_of(trainer.model))
    for name, value in after[0].items():
        assert torch.allclose(value, after[1][name], atol=2e-6), name
    assert any(not torch.equal(value, before[name]) for name, value in after[0].items())


def test_rows_without_labels_learn_from_the_teacher_alone(make_classifier):
    trainer = make_classifier(multi_label=False)
    take(trainer, class_lessons(), 2)
    batch = taught_batch(trainer, 0, 4)
    trainer.model.train()
    found = trainer.compute_loss(trainer.model, dict(batch), num_items_in_batch=4)
    plain = {name: value for name, value in batch.items() if not name.startswith("taught")}
    labels = plain.pop("labels")
    logits = trainer.model(**plain)["logits"].double()
    hard = torch.nn.functional.cross_entropy(logits, labels, reduction="none")[:2].sum() / 4
    teacher = (torch.from_numpy(np.stack(trainer.lessons.outputs[:4])).double() / 2).log_softmax(-1)
    soft = (teacher.exp() * (teacher - (logits / 2).log_softmax(-1))).sum(-1)
    wanted = 0.5 * hard + 4 * (0.5 * soft[:2].sum() + soft[2:].sum()) / 4
    assert found.item() == pytest.approx(wanted.item(), rel=1e-4)


def test_evaluation_is_that_of_the_labels(make_classifier):
    trainer = make_classifier(multi_label=False)
    before = trainer.evaluate()["eval_loss"]
    take(trainer, class_lessons(), 2)
    assert trainer.evaluate()["eval_loss"] == before


@pytest.mark.parametrize("head", ["softmax", "crf", "span"])
def test_every_tagger_moves_towards_the_teacher(make, head):
    trainer = make(head, dropout=False, num_train_epochs=12, learning_rate=5e-3)
    count = len(trainer.train_dataset)
    lessons = tag_lessons(count)
    if head == "span":
        lessons = SpanLessons([CELLS] * count, count, weight=0.5, temperature=1.0)
    lessons.weight = 1.0
    take(trainer, lessons, count // 2)

    def divergence():
        trainer.model.train()
        return trainer.compute_loss(trainer.model, taught_batch(trainer, 0, 8)).item()

    before = divergence()
    trainer.train()
    assert 0 <= divergence() < 0.9 * before  # random targets, which cannot be learnt as a whole


@pytest.mark.parametrize("head", ["softmax", "crf", "span"])
def test_labels_of_texts_without_any_do_not_matter(make, head):
    trainer = make(head, dropout=False)
    lessons = tag_lessons(len(trainer.train_dataset))
    if head == "span":
        lessons = SpanLessons([CELLS] * len(trainer.train_dataset), 0, weight=0.5, temperature=1.0)
    take(trainer, lessons, 2)
    trainer.model.train()
    found = []
    for change in (False, True):
        batch = taught_batch(trainer, 0, 4)
        if change and head == "span":
            batch["labels"][2:, 0] = torch.tensor([1, 1, 0])
        elif change:
            batch["labels"][2:, 1:3] = torch.tensor([3, 4])
        items = (batch["labels"] != -100).sum() if head != "span" else None
        found.append(trainer.compute_loss(trainer.model, batch, num_items_in_batch=items).item())
    assert found[0] == found[1]


@pytest.mark.parametrize("head", ["softmax", "crf"])
def test_micro_batches_of_tagged_texts_add_up(make, head):
    trainer = make(head, dropout=False)
    take(trainer, tag_lessons(len(trainer.train_dataset)), 3)
    trainer.model.train()
    parts = [taught_batch(trainer, start, start + 4) for start in (0, 4)]
    items = sum((part["labels"] != -100).sum() for part in parts)
    split = sum(trainer.compute_loss(trainer.model, dict(part), num_items_in_batch=items) for part in parts)
    whole = trainer.compute_loss(trainer.model, taught_batch(trainer, 0, 8), num_items_in_batch=items)
    assert split.item() == pytest.approx(whole.item(), rel=0.02)  # characters are shared out by tokens


def test_teacher_and_all_tricks_train_together(make_classifier):
    tricks = TrickArguments(r_drop_alpha=0.5, fgm_epsilon=0.1, ema_decay=0.5)
    trainer = make_classifier(multi_label=False, tricks=tricks, dropout=0.1, batches=(4, 2, 8), num_train_epochs=2)
    take(trainer, class_lessons(), 12)
    assert isinstance(trainer.fast_gradient, FastGradient)
    trainer.train()
    assert all(each.isfinite().all() for each in trainer.model.parameters())


def test_rows_are_numbered_across_both_parts():
    lessons = class_lessons()
    lessons.labelled = 3
    labelled = Dataset.from_dict({"index": [0, 1, 2], "labels": [1, 2, 0]})
    unlabeled = Dataset.from_dict({"labels": [0, 0], "index": [0, 1]})
    assert lessons.join_rows(labelled, unlabeled)[ROW][:] == [0, 1, 2, 3, 4]
    windows = Dataset.from_dict({"text_index": [0, 0, 2], "labels": [1, 2, 0]})
    assert lessons.join_rows(windows, windows)[ROW][:] == [0, 0, 2, 3, 3, 5]
    assert lessons.join_rows(labelled, None)[ROW][:] == [0, 1, 2]


def test_batches_of_labelled_data_have_no_teacher(make_classifier):
    assert not any(name.startswith("taught") for name in batch_of(make_classifier(multi_label=False), 0, 2))
