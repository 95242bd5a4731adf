"""Windows of sub-tokens over long texts, and the logits of texts from those of their windows."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from utils.modeling.joined_windows import pool_logits
from utils.modeling.token_inputs import SpecialTokens
from utils.prediction.onnx_decoding import pool_windows

POOLINGS = ["mean", "max", "logsumexp"]
COUNTS = [1, 3, 2, 1]
THERE = torch.arange(3) < torch.tensor(COUNTS)[:, None]
SPECIAL = SpecialTokens([-1], [-2], types=(0, 0, 0, 0, 0))
PAIR = SpecialTokens([-1], [-2], [-3], types=(0, 0, 0, 1, 1))


def draw(dtype=torch.float64):
    return torch.randn(sum(COUNTS), 4, generator=torch.Generator().manual_seed(0), dtype=dtype) * 5


@pytest.mark.parametrize("pooling", POOLINGS)
def test_pooled_logits_are_those_computed_by_hand(pooling):
    logits, by_hand, start = draw(), [], 0
    for count in COUNTS:
        text = logits[start : start + count]
        start += count
        if pooling == "mean":
            by_hand.append(sum(text) / count)
        elif pooling == "max":
            by_hand.append(torch.stack([max(text[:, label]) for label in range(4)]))
        else:
            by_hand.append(torch.log(sum(row.exp() for row in text) / count))
    torch.testing.assert_close(pool_logits(logits, THERE, pooling=pooling), torch.stack(by_hand))
    np.testing.assert_allclose(pool_windows(logits.numpy(), COUNTS, pooling), torch.stack(by_hand))


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_logits_of_a_single_window_do_not_change_in_any_bit(pooling, dtype):
    logits = draw(dtype)
    found = pool_logits(logits, THERE, pooling=pooling)
    assert found.dtype == dtype and found[0].equal(logits[0]) and found[3].equal(logits[-1])


@pytest.mark.parametrize("pooling", POOLINGS)
def test_gradient_flows_through_the_pooling_to_each_window(pooling):
    logits = draw().requires_grad_()
    assert torch.autograd.gradcheck(lambda each: pool_logits(each, THERE, pooling=pooling), (logits,))
    pool_logits(logits, THERE, pooling=pooling).sum().backward()
    per_text = torch.stack([part.sum(0) for part in logits.grad.split(COUNTS)])
    torch.testing.assert_close(per_text, torch.ones(4, 4, dtype=torch.float64))  # shares of the windows
    assert pooling == "max" or (logits.grad > 0).all()


def test_unknown_pooling_is_refused():
    with pytest.raises(ValueError, match="expected mean, max or logsumexp, found median"):
        pool_logits(draw(), THERE, pooling="median")


def test_log_sum_exp_does_not_overflow():
    found = pool_logits(
        torch.tensor([[1e30, -1e30], [1e30, -1e30]]), torch.ones(1, 2, dtype=bool), pooling="logsumexp"
    )
    assert found.tolist() == [[pytest.approx(1e30), pytest.approx(-1e30)]]


@pytest.mark.parametrize("length", [0, 1, 7, 8])
def test_text_that_fits_is_one_window_as_without_windows(length):
    ids = list(range(length))
    windows, cut = SPECIAL.fit_windows(ids, max_length=10, stride=3, most=4)
    assert windows == [SPECIAL.fit(ids, max_length=10)] and cut == 0


@pytest.mark.parametrize("length", [9, 13, 14, 22, 23])
def test_windows_hold_each_token_and_overlap_by_the_stride(length):
    windows, cut = SPECIAL.fit_windows(list(range(length)), max_length=10, stride=3, most=9)
    rows = [window["input_ids"] for window in windows]
    assert cut == 0 and all(len(row) == 10 and (row[0], row[-1]) == (-1, -2) for row in rows)
    assert {id for row in rows for id in row[1:-1]} == set(range(length))
    assert all(len({*one} & {*other} - {-1, -2}) >= 3 for one, other in pairwise(rows))


def test_what_is_beyond_the_last_window_is_counted():
    windows, cut = SPECIAL.fit_windows(list(range(100)), max_length=10, stride=3, most=4)
    assert [window["input_ids"][1] for window in windows] == [0, 5, 10, 15]
    assert cut == 100 - 23  # 8 + 3 * (8 - 3) = 23 are held


@pytest.mark.parametrize("swapped", [False, True])
def test_longer_text_of_a_pair_is_windowed_beside_the_shorter(swapped):
    short, long = [100, 101], list(range(20))
    texts = (long, short) if swapped else (short, long)
    windows, cut = PAIR.fit_windows(*texts, max_length=13, stride=2, most=9)
    assert cut == 0 and len(windows) == 3
    for window in windows:
        ids, types = window["input_ids"], window["token_type_ids"]
        middle = ids.index(-3)
        first, second = ids[1:middle], ids[middle + 1 : -1]
        assert (second if swapped else first) == short and len(ids) == 13
        assert types == [0] * (middle + 1) + [1] * (12 - middle)
    assert {id for window in windows for id in window["input_ids"]} >= {*short, *long}


def test_shorter_text_of_a_pair_takes_at_most_half_of_a_window():
    windows, cut = PAIR.fit_windows(list(range(50)), list(range(100, 130)), max_length=13, stride=2, most=99)
    assert cut == 25 and all(window["input_ids"][-6:-1] == [100, 101, 102, 103, 104] for window in windows)
    assert {id for window in windows for id in window["input_ids"]} >= set(range(50))


def test_windows_that_do_not_advance_are_refused():
    with pytest.raises(ValueError, match="stride 8 and room for 8"):
        SPECIAL.fit_windows(list(range(30)), max_length=10, stride=8, most=4)
