"""What the sampler draws, by itself and inside a real training run."""

import math
import shutil
from collections import Counter

import pytest
import torch
from accelerate.data_loader import BatchSamplerShard, DataLoaderShard
from datasets import Dataset
from torch.utils.data import BatchSampler
from transformers import AutoTokenizer, TrainerCallback

from utils.encoding.collators import TextCollator
from utils.encoding.encoded_dataset import encode_dataset
from utils.encoding.text_inputs import TextEncoder
from utils.modeling.text_classifier import load_classifier
from utils.options.fine_tuning_arguments import FineTuningArguments
from utils.options.shared_arguments import TrickArguments
from utils.training.batch_size import Batches
from utils.training.losses import ClassLoss
from utils.training.samplers import ClassSampler
from utils.training.tricks import build_trainer

SIZES = [800, 160, 40]  # rows of each class


@pytest.fixture(scope="module")
def rows():
    """A thousand rows of 5 to 60 sub-tokens, in no order."""
    torch.manual_seed(0)
    labels = [label for label, size in enumerate(SIZES) for _ in range(size)]
    order = torch.randperm(len(labels)).tolist()
    lengths = torch.randint(5, 61, (len(labels),)).tolist()
    return Dataset.from_dict({"labels": [labels[i] for i in order], "length": lengths})


def draws(sampler, epochs):
    """All rows that are drawn in some epochs."""
    drawn = []
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        drawn += list(sampler)
    return drawn


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_classes_are_drawn_in_proportion_to_a_power_of_their_sizes(rows, power):
    labels = rows["labels"][:]
    counts = Counter(labels[i] for i in draws(ClassSampler(rows, power=power, seed=1), 20))
    weights = [size ** (1 - power) for size in SIZES]
    for label, weight in enumerate(weights):
        share = weight / sum(weights)
        assert counts[label] / 20_000 == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 20_000))


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_rows_of_a_class_are_drawn_equally_often(rows, power):
    counts = Counter(draws(ClassSampler(rows, power=power, seed=1), 50))
    rare = [i for i, label in enumerate(rows["labels"][:]) if label == 2]
    found = [counts[i] for i in rare]
    mean = sum(found) / len(found)
    spread = sum((count - mean) ** 2 for count in found) / (len(found) - 1)
    assert 0.5 < spread / mean < 1.7  # of independent draws about 1


def test_an_epoch_has_as_many_rows_as_the_data(rows):
    sampler = ClassSampler(rows, power=1.0, seed=1)
    drawn = list(sampler)
    assert len(sampler) == len(drawn) == len(rows) == 1000
    assert set(drawn) <= set(range(1000))
    assert len(set(drawn)) < 1000  # with replacement


def test_same_seed_and_epoch_draw_the_same_rows_in_every_process(rows):
    one, other = (ClassSampler(rows, power=0.5, seed=1) for _ in range(2))
    torch.manual_seed(5)  # what else is drawn does not matter
    for epoch in (0, 3):
        one.set_epoch(epoch)
        other.set_epoch(epoch)
        first = list(one)
        torch.rand(7)
        assert first == list(other) == list(one)


def test_other_epochs_and_other_seeds_draw_other_rows(rows):
    drawn = []
    for seed, epoch in [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1)]:
        sampler = ClassSampler(rows, power=0.5, seed=seed)
        sampler.set_epoch(epoch)
        drawn.append(tuple(sorted(sampler)))
    assert len(set(drawn)) == 5


def padding(lengths, order, size):
    """Share of a batch that is padding, on average."""
    batches = [[lengths[i] for i in order[start : start + size]] for start in range(0, len(order), size)]
    return 1 - sum(map(sum, batches)) / sum(len(batch) * max(batch) for batch in batches)


def test_batches_are_of_like_length(rows):
    lengths = rows["length"][:]
    drawn = list(ClassSampler(rows, power=1.0, seed=1))
    shuffled = [drawn[i] for i in torch.randperm(1000).tolist()]
    assert padding(lengths, drawn, 32) < padding(lengths, shuffled, 32) / 3


def test_longest_row_comes_first_so_that_memory_runs_out_early(rows):
    lengths = rows["length"][:]
    drawn = list(ClassSampler(rows, power=1.0, seed=1))
    assert lengths[drawn[0]] == max(lengths[i] for i in drawn)


def test_a_single_row_can_be_drawn():
    assert list(ClassSampler(Dataset.from_dict({"labels": [0], "length": [3]}), power=1.0, seed=0)) == [0]


@pytest.mark.parametrize(("kind", "power"), [("square_root", 0.5), ("balanced", 1.0)])
def test_kinds_of_the_command_line_are_powers(rows, kind, power):
    found, expected = ClassSampler.choose(kind, rows, seed=3), ClassSampler(rows, power=power, seed=3)
    assert list(found) == list(expected)


def test_none_leaves_the_choice_to_the_trainer(rows):
    assert ClassSampler.choose("none", rows, seed=3) is None


# In training


class Recorder(TrainerCallback):
    """The trained weights behind every optimizer step."""

    def __init__(self):
        self.weights = []

    def on_step_end(self, args, state, control, model=None, **kwargs):
        self.weights.append({name: each.detach().clone() for name, each in model.named_parameters()})


class Reading:
    """A collator that notes which rows are put into each batch."""

    def __init__(self, collate):
        self.collate, self.batches = collate, []

    def __call__(self, rows):
        self.batches.append([row["index"] for row in rows])
        return self.collate(rows)


@pytest.fixture
def make(tiny_encoder, tmp_path):
    """Build a trainer of 40 short texts, 30 of one class: `make(folder)`."""
    texts = [f"{'在北京开会'[: 1 + i % 5]}{i % 10}" for i in range(40)]
    dataset = Dataset.from_dict({"text": texts, "label": ["b" if i % 4 == 0 else "a" for i in range(40)]})
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    encoded = encode_dataset(dataset, TextEncoder(tokenizer, 16, False, {"a": 0, "b": 1}), by_length=False)

    def build(folder="run", *, sharded=False, **options):
        names = {"id2label": {0: "a", 1: "b"}, "label2id": {"a": 0, "b": 1}}
        torch.manual_seed(0)
        model = load_classifier(tiny_encoder, pooling="mean", problem_type="single_label_classification", **names)
        args = {"num_train_epochs": 3, "learning_rate": 1e-2, "eval_strategy": "no", "save_strategy": "no"}
        args |= {"load_best_model_at_end": False, "precision": "fp32", "use_cpu": True, "logging_strategy": "no"}
        recorder, reading = Recorder(), Reading(TextCollator(tokenizer))
        trainer = build_trainer(
            model,
            FineTuningArguments(str(tmp_path / folder), **(args | options)),
            Batches(8, 1, 8),
            TrickArguments(),
            train_sampler=ClassSampler.choose("balanced", encoded, seed=7),
            train_dataset=encoded,
            processing_class=tokenizer,
            data_collator=reading,
            compute_loss_func=ClassLoss(),
        )
        trainer.add_callback(recorder)
        if sharded:  # as accelerate wraps it on several devices
            shards = BatchSamplerShard(BatchSampler(trainer.train_sampler, 8, False), num_processes=1, process_index=0)
            loader = DataLoaderShard(encoded, batch_sampler=shards, collate_fn=reading)
            trainer.get_train_dataloader = lambda: loader
        return trainer, recorder, reading

    return build


def test_training_sees_exactly_the_rows_that_are_drawn_for_each_epoch(make):
    trainer, _, reading = make()
    trainer.train()
    expected = []
    for epoch in range(3):
        trainer.train_sampler.set_epoch(epoch)
        drawn = list(trainer.train_sampler)
        expected += [drawn[start : start + 8] for start in range(0, 40, 8)]
    assert reading.batches == expected
    assert sorted(expected[0]) != sorted(expected[5])


@pytest.mark.parametrize(("step", "sharded"), [(5, False), (7, False), (7, True)])
def test_run_resumed_between_epochs_or_within_one_ends_as_an_uninterrupted_one(make, tmp_path, step, sharded):
    saving = {"save_strategy": "steps", "save_steps": step, "save_total_limit": 4, "sharded": sharded}
    trainer, whole, batches = make("whole", **saving)
    trainer.train()
    shutil.copytree(tmp_path / "whole" / f"checkpoint-{step}", tmp_path / "run" / f"checkpoint-{step}")
    trainer, resumed, later = make("run", **saving)
    trainer.train(resume_from_checkpoint=str(tmp_path / "run" / f"checkpoint-{step}"))
    assert (len(whole.weights), len(resumed.weights)) == (15, 15 - step)
    assert later.batches == batches.batches[step:]
    ended, expected = resumed.weights[-1], whole.weights[-1]
    assert ended.keys() == expected.keys() and len(ended) > 10
    assert [name for name in ended if not torch.equal(ended[name], expected[name])] == []
