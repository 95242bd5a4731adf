"""The words that a masked-language model would put into the blanks of a sentence."""

from typing import NamedTuple

import torch

from ..modeling.token_inputs import SpecialTokens, token_ids
from .errors import PromptError

BLANKS = ("[MASK]", "<mask>", "{mask}")  # how people write blanks, whatever the model's mask token


class Filling(NamedTuple):
    """What fills the blanks."""

    words: list[str]  # of each run of blanks, from the left
    score: float  # probability (0-1) of the tokens: each given the sentence and those to its left


class BlankError(PromptError):
    """A sentence without blanks, or one that is too long."""


@torch.inference_mode()
def fill_blanks(model, tokenizer, sentence: str, *, top_k: int, max_length: int = 512) -> list[Filling]:
    """Fill the blanks from the left, keeping the best at each.

    Args:
        model: masked-language model in eval mode.
        tokenizer: its tokenizer.
        sentence: text with blanks, as the model writes them or as `[MASK]`, `<mask>` or `{mask}`; several in a row are
            a word of several tokens.
        top_k: number of fillings.
        max_length: sub-tokens that the model takes.

    Returns:
        The most probable fillings, best first, without special tokens. For one blank they are those of a fill-mask
        pipeline.

    Raises:
        BlankError: no blank, or more sub-tokens than the model takes.
    """
    for written in BLANKS:
        sentence = sentence.replace(written, tokenizer.mask_token)
    parts = sentence.split(tokenizer.mask_token)
    if len(parts) == 1:
        raise BlankError(f"{sentence!r}: expected a blank, found none; write [MASK] where a word is missing")
    pieces = token_ids(tokenizer, [*(part.rstrip() for part in parts[:-1]), parts[-1]])
    special = SpecialTokens.of(tokenizer)
    ids, blanks = [*special.prefix], []
    for i, piece in enumerate(pieces):
        if i:
            blanks.append(len(ids))
            ids.append(tokenizer.mask_token_id)
        ids += piece
    ids += special.suffix
    if len(ids) > max_length:
        raise BlankError(f"{sentence[:20]!r}...: expected at most {max_length} sub-tokens, found {len(ids)}")

    device = next(model.parameters()).device
    beams = torch.tensor([ids], device=device)
    scores = torch.zeros(1, dtype=torch.float64, device=device)
    for blank in blanks:
        logits = model(input_ids=beams, attention_mask=torch.ones_like(beams)).logits[:, blank].double()
        logits[:, tokenizer.all_special_ids] = -torch.inf
        totals = (scores[:, None] + logits.log_softmax(-1)).flatten()
        scores, best = totals.topk(min(top_k, int(totals.isfinite().sum())))
        beams = beams[best // logits.shape[1]]
        beams[:, blank] = best % logits.shape[1]
    runs: list[list[int]] = []
    for blank, part in zip(blanks, parts, strict=False):
        if runs and not part.strip():
            runs[-1].append(blank)
        else:
            runs.append([blank])
    return [
        Filling([tokenizer.decode(beam[run]).replace(" ", "") for run in runs], float(score.exp()))
        for beam, score in zip(beams, scores, strict=True)
    ]
