"""Model soups (Wortsman et al., 2022): the mean of the weights of several models, and which of them to take."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from ..data.errors import DataError

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"


def mean_of_weights(folders: Sequence[Path]) -> dict[str, Tensor]:
    """The mean of the weights of models, summed in float32 (float64 where they are), in the type that they have.

    Raises:
        DataError: names, shapes or types differ, or a mean would not be finite.
    """
    found = {}
    with ExitStack() as stack:
        models = []
        for folder in folders:
            opened = [stack.enter_context(safe_open(folder / each, framework="pt")) for each in _list_shards(folder)]
            models.append({name: file for file in opened for name in file.keys()})  # noqa: SIM118 - no mapping
        names = set(models[0])
        for folder, model in zip(folders, models, strict=True):
            if odd := sorted(names ^ set(model)):
                raise DataError(f"{folder}: expected the weights of {folders[0]}, found {odd[0]} in one of them only")
        for name in sorted(names):
            parts = [model[name].get_tensor(name) for model in models]
            for folder, part in zip(folders, parts, strict=True):
                if (part.shape, part.dtype) != (parts[0].shape, parts[0].dtype):
                    shown = f"{list(part.shape)} {part.dtype} and {list(parts[0].shape)} {parts[0].dtype}"
                    raise DataError(f"{folder}: expected {name} as in {folders[0]}, found {shown}; save them alike")
            if not parts[0].is_floating_point():
                if any(not part.equal(parts[0]) for part in parts):
                    raise DataError(f"{folders[0]}: expected equal {name}, as it holds whole numbers, found others")
                found[name] = parts[0]
                continue
            total = torch.zeros(parts[0].shape, dtype=torch.promote_types(parts[0].dtype, torch.float32))
            for part in parts:
                total += part
            found[name] = (total / len(parts)).to(parts[0].dtype)
            if not found[name].isfinite().all():
                raise DataError(f"{folders[0]}: expected finite numbers, found NaN or infinity in {name} of a run")
    return found


def shapes_of_weights(folder: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each of a model's weights, by name; none of a folder that has none."""
    shapes = {}
    for name in _list_shards(folder):
        if (folder / name).is_file():
            with safe_open(folder / name, framework="pt") as file:
                shapes |= {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
    return shapes


def _list_shards(folder: Path) -> list[str]:
    if not (folder / INDEX).is_file():
        return [WEIGHTS]
    return sorted(set(json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"].values()))


def choose_greedily(
    scores: Mapping[str, float],
    score: Callable[[Sequence[str]], float],
    *,
    lower: bool,
    tell: Callable[[str], None],
) -> list[str]:
    """The models of a greedy soup: from the best on, each is kept if the score of the mean does not fall.

    Args:
        scores: of each model alone, by name.
        score: of the mean of several, given their names.
        lower: whether a lower score is better.
        tell: receives a line for people about each model.

    Returns:
        Names, the best first.

    Example:
        >>> means = {"ab": 0.7, "ac": 0.4}
        >>> choose_greedily({"b": 0.5, "a": 0.6, "c": 0.3}, lambda names: means[names[0] + names[-1]], lower=False,
        ...                 tell=print)
        kept     0.6000  a
        kept     0.7000  b
        left out 0.4000  c
        ['a', 'b']
    """
    sign = -1 if lower else 1
    first, *others = sorted(scores, key=lambda name: -sign * scores[name])
    kept, best = [first], scores[first]
    tell(f"kept     {best:.4f}  {first}")
    for name in others:
        found = score([*kept, name])
        better = sign * found >= sign * best
        tell(f"{'kept' if better else 'left out':<8} {found:.4f}  {name}")
        if better:
            kept, best = [*kept, name], found
    return kept
