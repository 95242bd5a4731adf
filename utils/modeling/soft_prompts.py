"""Soft prompts: trainable vectors in a template in place of words, at the embeddings or in every layer."""

import contextlib
import itertools
from collections.abc import Iterator

import torch
from torch import Tensor, nn


class SoftPrompts(nn.Module):
    """Trainable vectors, optionally computed by a small network.

    Args:
        count: number of vectors.
        width: of the word embeddings.
        encoder: `none` trains the vectors as they are (Lester et al., 2021, prompt tuning). `mlp` and `lstm` add the
            output of a network to each vector, which makes them learn more evenly: a hidden layer, or a bidirectional
            LSTM over the vectors followed by a hidden layer (Liu et al., 2021, P-tuning, section 3.2; the sum as in
            Razdaibiedina et al., 2023, so that vectors which start as words are close to these words).
        layers: number of encoder layers with vectors of their own: 0, or all but the lowest, which reads those at the
            embeddings (Li and Liang, 2021, section 4.2; Liu et al., 2022, P-tuning v2).
        hidden_size: of the encoder's layers.

    Shapes:
        weight: (count, width); deep: (layers, count, hidden_size), or None.
    """

    def __init__(self, count: int, width: int, *, encoder: str = "none", layers: int = 0, hidden_size: int = 0):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(count, width))
        self.deep = nn.Parameter(torch.empty(layers, count, hidden_size)) if layers else None
        self.lstm = self.mlp = None
        if encoder == "lstm":
            self.lstm = nn.LSTM(width, width, num_layers=2, batch_first=True, bidirectional=True)
        if encoder != "none":
            inner = 2 * width if encoder == "lstm" else width
            self.mlp = nn.Sequential(nn.Linear(inner, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self) -> Tensor:
        """(count, width) vectors in place of word embeddings."""
        if self.mlp is None:
            return self.weight
        made = self.weight if self.lstm is None else self.lstm(self.weight[None])[0][0]
        return self.weight + self.mlp(made)

    @contextlib.contextmanager
    def in_layers(self, layers: list[nn.Module], places: Tensor, numbers: Tensor) -> Iterator[None]:
        """While the encoder runs inside the block, give each layer but the first its own vectors.

        Args:
            layers: modules that together are called once for each layer, see `find_layers`.
            places: (batch, length) bool, the positions of vectors.
            numbers: (batch, length) indices of these vectors; ignored at other positions.
        """
        if self.deep is None:
            yield
            return
        calls = itertools.count(-1)  # the first layer reads the vectors at the embeddings

        def put(module, args, kwargs):
            number = next(calls)
            if number < 0:
                return None
            states = args[0] if args else kwargs["hidden_states"]
            states = torch.where(places[..., None], self.deep[number][numbers].to(states.dtype), states)
            return ((states, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": states})

        hooks = [layer.register_forward_pre_hook(put, with_kwargs=True) for layer in layers]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()


def find_layers(encoder: nn.Module, count: int) -> list[nn.Module]:
    """The modules that are the `count` layers of an encoder; one that several share is called for each (ALBERT).

    Raises:
        ValueError: the encoder has no such list of layers.
    """
    lists = [module for module in encoder.modules() if isinstance(module, nn.ModuleList) and len(module)]
    layers = next((each for each in lists if len(each) == count), None)
    if layers is None and encoder.config.model_type == "albert":
        layers = encoder.encoder.albert_layer_groups
    if layers is None:
        raise ValueError(f"{encoder.config.model_type}: expected a list of {count} layers, found none")
    return list(layers)
