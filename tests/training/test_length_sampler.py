"""Batches of like length, in random order."""

import random
from itertools import pairwise

import torch

from utils.training.samplers import LengthSampler, group_by_length


def draw_lengths(count, seed=0):
    draw = random.Random(seed)
    return [draw.randint(3, 100) for _ in range(count)]


def batches_of(order, lengths, size):
    return [[lengths[i] for i in order[start : start + size]] for start in range(0, len(order), size)]


def test_every_row_comes_once_an_epoch_also_where_batches_do_not_fill():
    for count in (0, 1, 7, 8, 9, 1000):
        assert sorted(LengthSampler(draw_lengths(count), batch_size=8, seed=1)) == list(range(count))


def test_the_longest_row_comes_first_in_every_epoch():
    lengths = draw_lengths(1001)
    sampler = LengthSampler(lengths, batch_size=8, seed=1)
    for epoch in range(5):
        sampler.set_epoch(epoch)
        assert lengths[next(iter(sampler))] == max(lengths)


def test_batches_hold_like_lengths():
    lengths = draw_lengths(2048)
    spread = [
        max(batch) - min(batch) for batch in batches_of(list(LengthSampler(lengths, batch_size=8, seed=1)), lengths, 8)
    ]
    assert sum(spread) / len(spread) < 15  # 76 for batches at random


def test_batches_do_not_come_in_the_order_of_their_lengths():
    lengths = draw_lengths(2048)
    means = [sum(batch) / 8 for batch in batches_of(list(LengthSampler(lengths, batch_size=8, seed=1)), lengths, 8)]
    rising = sum(one < other for one, other in pairwise(means)) / (len(means) - 1)
    assert 0.4 < rising < 0.6
    steps = sum(abs(one - other) for one, other in pairwise(means)) / (len(means) - 1)
    assert steps > 20  # neighbours are far apart: 33 for independent draws


def test_the_order_depends_on_seed_and_epoch_alone():
    lengths = draw_lengths(100)
    one, other = (LengthSampler(lengths, batch_size=8, seed=1) for _ in range(2))
    assert list(one) == list(one) == list(other)
    other.set_epoch(1)
    assert list(one) != list(other)
    assert list(one) != list(LengthSampler(lengths, batch_size=8, seed=2))


def test_lengths_that_are_all_equal_leave_a_random_order():
    generator = torch.Generator().manual_seed(0)
    order = group_by_length([5] * 64, batch_size=8, generator=generator)
    assert sorted(order) == list(range(64)) and order != list(range(64))
