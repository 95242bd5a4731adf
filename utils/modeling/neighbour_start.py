"""An initialisation for a new BERT: attention that looks at neighbours before anything is learnt."""

import torch
from transformers import PreTrainedModel

SHIFTS = (-1, 1, -2, 2), (-1, 1, -3, 3)  # of the first heads of the first two layers, in tokens
SCALE = 0.08  # of the sinusoids; word embeddings begin with 0.02 to 0.04


@torch.no_grad()
def look_at_neighbours(model: PreTrainedModel) -> None:
    """Let the first heads of the first two layers start by attending to the neighbours of each token.

    Otherwise a small model spends millions of tokens at the level of single-word frequencies before its attention
    discovers neighbours. Here the position embeddings begin as sinusoids in the last dimensions, as many as a head
    has. Keys select these, and queries select them rotated by the head's shift, so that position p matches p + shift
    best, in addition to p itself. These are normal parameters of a normal BERT: only the initial values differ.

    Args:
        model: a BERT with random weights; changed in place.

    Raises:
        ValueError: another family, or heads of an odd width.
    """
    config = model.config
    size = config.hidden_size // config.num_attention_heads
    if config.model_type != "bert" or size % 2:
        raise ValueError(
            f"--init neighbours: expected bert with heads of even width, found {config.model_type} with {size}"
        )
    device = model.device
    rates = 10_000 ** (-torch.arange(size // 2, device=device) / (size // 2))  # (size / 2,)
    places = model.bert.embeddings.position_embeddings.weight
    angles = torch.arange(len(places), device=device)[:, None] * rates  # (positions, size / 2)
    places[:, -size::2], places[:, -size + 1 :: 2] = SCALE * angles.sin(), SCALE * angles.cos()
    for layer, shifts in zip(model.bert.encoder.layer, SHIFTS, strict=False):
        attention = layer.attention.self
        for head, shift in zip(range(config.num_attention_heads), shifts, strict=False):
            rows = slice(head * size, (head + 1) * size)
            attention.key.weight[rows, -size:] += torch.eye(size, device=device)
            attention.query.weight[rows, -size:] += rotate_pairs(shift * rates)


def rotate_pairs(angles: torch.Tensor) -> torch.Tensor:
    """(pairs,) angles -> the (2 pairs, 2 pairs) matrix that takes (sin x, cos x) to (sin(x + angle), cos(x + angle)).

    Example:
        >>> found = rotate_pairs(torch.tensor([torch.pi / 6])) @ torch.tensor([0.0, 1.0])
        >>> [round(value, 2) for value in found.tolist()]
        [0.5, 0.87]
    """
    blocks = [torch.stack([torch.stack([a.cos(), a.sin()]), torch.stack([-a.sin(), a.cos()])]) for a in angles]
    return torch.block_diag(*blocks)
