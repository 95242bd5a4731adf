"""Dropout from random bytes does what dropout promises."""

import pytest
import torch
from torch import nn

from utils.layers.fast_dropout import FastDropout, use_fast_dropout
from utils.modeling.crf_tagger import CrfTagger

UNITS = 200_000


def drop(p, states, seed=0):
    torch.manual_seed(seed)
    return FastDropout(p).train()(states)


@pytest.mark.parametrize("p", [0.05, 0.1, 0.3, 0.5, 0.9])
def test_share_dropped_is_p(p):
    share = round(256 * p) / 256
    dropped = (drop(p, torch.ones(UNITS)) == 0).float().mean().item()
    assert abs(dropped - share) < 3 * (share * (1 - share) / UNITS) ** 0.5
    assert abs(share - p) <= 1 / 512


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_kept_units_are_scaled_so_that_the_mean_stays(p):
    out = drop(p, torch.ones(UNITS))
    share = round(256 * p) / 256
    assert out[out != 0].unique().tolist() == pytest.approx([1 / (1 - share)])
    assert abs(out.mean().item() - 1) < 3 * (share / (1 - share) / UNITS) ** 0.5


def test_every_place_in_a_draw_is_dropped_equally_often():
    p, rows = 0.25, UNITS // 8
    dropped = (drop(p, torch.ones(rows, 8)) == 0).float().mean(0)
    assert ((dropped - p).abs() < 4 * (p * (1 - p) / rows) ** 0.5).all(), dropped


def test_neighbours_of_one_draw_are_dropped_independently():
    p, rows = 0.5, UNITS // 8
    correlation = torch.corrcoef((drop(p, torch.ones(rows, 8)) == 0).float().T) - torch.eye(8)
    assert correlation.abs().max() < 5 / rows**0.5


def test_nothing_happens_in_eval_mode():
    states = torch.randn(7, 5)
    assert FastDropout(0.5).eval()(states) is states


def test_nothing_is_dropped_at_p_zero():
    states = torch.randn(7, 5)
    assert torch.equal(drop(0.0, states), states)


def test_all_is_dropped_at_p_one_without_a_nan():
    states = torch.randn(7, 5, requires_grad=True)
    out = drop(1.0, states)
    assert torch.equal(out, torch.zeros(7, 5))


def test_gradient_flows_through_kept_units_only():
    states = torch.ones(1000, requires_grad=True)
    out = drop(0.5, states)
    out.sum().backward()
    assert torch.equal(states.grad, out.detach())
    assert (out == 0).any() and (out != 0).any()


def test_same_seed_gives_the_same_mask_and_another_seed_another():
    states = torch.ones(1000)
    assert torch.equal(drop(0.5, states, seed=1), drop(0.5, states, seed=1))
    assert not torch.equal(drop(0.5, states, seed=1), drop(0.5, states, seed=2))


def test_two_calls_draw_two_masks():
    torch.manual_seed(0)
    layer = FastDropout(0.5)
    assert not torch.equal(layer(torch.ones(1000)), layer(torch.ones(1000)))


@pytest.mark.parametrize("shape", [(1,), (7,), (8,), (9,), (3, 5, 7), (0, 4), ()])
def test_any_shape_comes_back_as_it_was(shape):
    assert drop(0.5, torch.ones(shape)).shape == shape


def test_strided_states_are_dropped_where_they_stand():
    states = torch.arange(1.0, 61.0).view(6, 10).T
    out = drop(0.5, states)
    kept = out != 0
    torch.testing.assert_close(out[kept], states[kept] * 2)
    assert kept.any() and not kept.all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_precisions_stay_and_keep_the_scale(dtype):
    out = drop(0.1, torch.ones(UNITS, dtype=dtype))
    share = round(256 * 0.1) / 256
    assert out.dtype == dtype
    assert out[out != 0].unique().tolist() == pytest.approx([1 / (1 - share)], rel=torch.finfo(dtype).eps)


@pytest.fixture
def model(tiny_encoder):
    return CrfTagger.from_encoder(
        tiny_encoder, id2label={0: "O", 1: "B-A", 2: "I-A"}, label2id={"O": 0, "B-A": 1, "I-A": 2}
    )


def test_every_stock_dropout_of_a_model_is_replaced_and_counted(model):
    before = [module.p for module in model.modules() if type(module) is nn.Dropout]
    assert use_fast_dropout(model) == len(before) > 5
    assert [module.p for module in model.modules() if isinstance(module, FastDropout)] == before
    assert not any(type(module) is nn.Dropout for module in model.modules())


def test_names_of_weights_and_what_is_saved_stay(model, tmp_path):
    keys, text = list(model.state_dict()), str(model.config)
    use_fast_dropout(model)
    assert list(model.state_dict()) == keys
    assert str(model.config) == text
    model.save_pretrained(tmp_path)
    again = CrfTagger.from_pretrained(tmp_path)
    assert all(torch.equal(again.state_dict()[key], value) for key, value in model.state_dict().items())


def test_mode_of_the_model_is_kept_by_the_replacement(model):
    model.eval()
    use_fast_dropout(model)
    assert not any(module.training for module in model.modules())
    model.train()
    assert all(module.training for module in model.modules())


def test_output_in_eval_mode_stays(model):
    batch = {"input_ids": torch.tensor([[2, 7, 8, 9, 3]])}
    expected = model.eval()(**batch).logits
    use_fast_dropout(model)
    assert torch.equal(model.eval()(**batch).logits, expected)


def test_subclass_of_dropout_is_left_alone():
    class Own(nn.Dropout):
        pass

    model = nn.Sequential(Own(0.5), nn.Dropout(0.5))
    assert use_fast_dropout(model) == 1
    assert type(model[0]) is Own
