"""The mean of the weights of several models, and which of them a greedy soup takes."""

import json

import pytest
import torch
from safetensors.torch import save_file

from utils.data.errors import DataError
from utils.training.weight_soups import choose_greedily, mean_of_weights


@pytest.fixture
def save(tmp_path):
    """Write weights as a model's folder, in one file or in two."""

    def call(name, weights, *, shards=1):
        folder = tmp_path / name
        folder.mkdir()
        names = sorted(weights)
        files = {each: f"model-{i % shards}.safetensors" for i, each in enumerate(names)}
        if shards == 1:
            save_file(weights, folder / "model.safetensors")
            return folder
        for file in set(files.values()):
            save_file({each: weights[each] for each in names if files[each] == file}, folder / file)
        index = json.dumps({"weight_map": files})
        (folder / "model.safetensors.index.json").write_text(index, encoding="utf-8")
        return folder

    return call


def draw(seed, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    weights = {"a.weight": torch.randn(3, 4, generator=generator), "b": torch.randn(5, generator=generator)}
    return {name: value.to(dtype) for name, value in weights.items()}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_mean_is_that_computed_by_hand_in_the_type_of_the_weights(save, dtype):
    models = [draw(seed, dtype) for seed in range(3)]
    found = mean_of_weights([save(str(i), each) for i, each in enumerate(models)])
    for name, value in found.items():
        by_hand = sum(each[name].double() for each in models) / 3
        assert value.dtype == dtype
        torch.testing.assert_close(
            value,
            by_hand.to(dtype),
            rtol=1e-6 if dtype == torch.float32 else None,
            atol=None if dtype != torch.float32 else 1e-7,
        )


def test_many_halves_are_summed_in_float32(save):
    models = [{"a": torch.full((1,), 40_000.0, dtype=torch.float16)} for _ in range(4)]  # 160,000 is infinite in half
    assert mean_of_weights([save(str(i), each) for i, each in enumerate(models)])["a"].item() == 40_000


def test_shards_are_read(save):
    one, other = draw(0), draw(1)
    whole = mean_of_weights([save("a", one), save("b", other)])
    parts = mean_of_weights([save("c", one, shards=2), save("d", other)])
    assert all(whole[name].equal(parts[name]) for name in whole) and whole.keys() == parts.keys()


def test_whole_numbers_have_to_be_equal(save):
    one, other = ({"a": torch.ones(2), "ids": torch.arange(2) + i} for i in range(2))
    assert mean_of_weights([save("a", one), save("b", one)])["ids"].tolist() == [0, 1]
    with pytest.raises(DataError, match="expected equal ids, as it holds whole numbers"):
        mean_of_weights([save("c", one), save("d", other)])


@pytest.mark.parametrize(
    "changed, said",
    [
        ({"c": torch.ones(1)}, "found c in one of them only"),
        ({"b": torch.ones(6)}, r"expected b as in .*, found \[6\] torch.float32 and \[5\] torch.float32"),
        ({"b": torch.ones(5).half()}, r"found \[5\] torch.float16 and \[5\] torch.float32"),
        ({"b": torch.full((5,), float("nan"))}, "found NaN or infinity in b"),
    ],
)
def test_weights_that_have_no_mean_are_refused(save, changed, said):
    with pytest.raises(DataError, match=said):
        mean_of_weights([save("a", draw(0)), save("b", draw(1) | changed)])


@pytest.mark.parametrize("lower", [False, True])
def test_greedy_soup_drops_a_bad_member_and_keeps_one_that_changes_nothing(lower):
    sign, told = -1 if lower else 1, []
    means = {"ab": 0.8, "abc": 0.7, "abd": 0.8}
    scores = {"c": 0.6, "d": 0.2, "a": 0.75, "b": 0.7}
    scores = {name: sign * value for name, value in scores.items()}
    kept = choose_greedily(scores, lambda names: sign * means["".join(names)], lower=lower, tell=told.append)
    assert kept == ["a", "b", "d"]
    assert [line.split()[0] for line in told] == ["kept", "kept", "left", "kept"]
