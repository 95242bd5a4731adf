"""Random inputs for a model of any kind, to compare what it gives in two forms."""

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ..modeling.cloze_classifier import ClozeClassifier
from ..modeling.span_tagger import MASKED

NAMES = ("input_ids", "attention_mask", "token_type_ids")


def make_inputs(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, size: tuple[int, int]
) -> dict[str, Tensor]:
    """Random tokens in rows of falling length; for a cloze classifier with the masks that its words need.

    Args:
        model: with any head.
        tokenizer: the model's own, which knows the inputs that it takes.
        size: number of rows, and length of the first in sub-tokens.

    Returns:
        (rows, length) each; for a cloze classifier (rows, token counts of its words, length).
    """
    generator = torch.Generator().manual_seed(0)
    batch, length = size
    special = set(tokenizer.all_special_ids)
    plain = [id for id in range(len(tokenizer)) if id not in special]
    ids = torch.tensor(plain)[torch.randint(len(plain), size, generator=generator)]
    lengths = length - torch.arange(batch)[:, None] * 2
    attention = (torch.arange(length) < lengths).long()
    if isinstance(model, ClozeClassifier):
        counts = model.words.lengths
        ids, attention = (each[:, None].repeat(1, len(counts), 1) for each in (ids, attention))
        for i, count in enumerate(counts):
            ids[:, i, 1 : 1 + count] = model.config.mask_token_id
    ids = ids.masked_fill(attention == 0, tokenizer.pad_token_id or 0)
    given = {"input_ids": ids, "attention_mask": attention, "token_type_ids": torch.zeros_like(ids)}
    return {name: given[name] for name in NAMES if name in tokenizer.model_input_names}


@torch.no_grad()
def score_inputs(model: PreTrainedModel, inputs: dict[str, Tensor]) -> Tensor:
    """All scores of a model in eval mode, in one row; those of padding are left out."""
    outputs = model(**inputs)
    names = [name for name in ("logits", "start_logits", "end_logits") if outputs.get(name) is not None]
    seen = inputs["attention_mask"].bool()
    found = []
    for name in names:
        scores = outputs[name]
        if scores.dim() == 4:  # of spans: (rows, types, length, length)
            scores = scores[(seen[:, None, :, None] & seen[:, None, None]).expand_as(scores)]
            scores = scores[scores > MASKED]
        elif scores.dim() == 3 or name != "logits":  # of tokens
            scores = scores[seen]
        found.append(scores.float().flatten())
    return torch.cat(found)
