"""Many questions about one text in one input: the text is read once, and every question sees it and itself alone.

The text does not see the questions, so answers differ from those to questions asked one by one. How much must be
measured on labelled texts.
"""

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor

PACK = 16  # questions per input: with more, each costs less text, but attention costs more

FAMILIES = (
    "albert",
    "bert",
    "electra",
    "ernie",
)  # positions count from 0, and the mask may differ for each pair of tokens


def count_shared(rows: Sequence[dict]) -> int:
    """How many sub-tokens all of a text's questions begin with.

    Args:
        rows: of one text, see `ClozeEncoder`; a question about the empty span among them, so that no span is shared.
    """
    places = zip(*(row["before"] for row in rows), strict=False)
    return sum(1 for _ in takewhile(lambda ids: len(set(ids)) == 1, places))


def pack_questions(packs: Sequence[tuple[int, Sequence[dict]]], tokenizer: Any, *, masks: int) -> dict[str, Tensor]:
    """Pad packs to one width.

    Args:
        packs: for each, how many sub-tokens are shared, and its questions.
        tokenizer: knows its mask and its padding.
        masks: number of masks of each question.

    Returns:
        `input_ids`, `position_ids` (batch, width) int64, `attention_mask` (batch, width, width) bool.
    """
    ids, positions, owners = [], [], []  # owner 0 is the text, which all see; padding has owner -1
    for shared, rows in packs:
        ids.append(list(rows[0]["before"][:shared]))
        positions.append(list(range(shared)))
        owners.append([0] * shared)
        for number, row in enumerate(rows, start=1):
            own = [*row["before"][shared:], *[tokenizer.mask_token_id] * masks, *row["after"]]
            ids[-1] += own
            positions[-1] += range(shared, shared + len(own))
            owners[-1] += [number] * len(own)
    width = max(map(len, ids))
    padded = [
        torch.tensor([each + [fill] * (width - len(each)) for each in rows])
        for rows, fill in ((ids, tokenizer.pad_token_id), (positions, 0), (owners, -1))
    ]
    seer, seen = padded[2][:, :, None], padded[2][:, None, :]
    mask = (seer == seen) | ((seen == 0) & (seer > 0))  # (batch, width, width)
    return {"input_ids": padded[0], "position_ids": padded[1], "attention_mask": mask}
