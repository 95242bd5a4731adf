"""What follows an exported tagger's graph: tags or spans from its scores, in numpy alone. Lies beside model.onnx.

import numpy, onnxruntime
from onnx_decoding import viterbi
session = onnxruntime.InferenceSession("model.onnx")
(emissions,) = session.run(["logits"], inputs)                  # inputs: what the tokenizer gives, as numpy int64
tags = viterbi(emissions, mask, **numpy.load("tag_scores.npz"))  # mask: what is no special token and no padding
"""

import numpy as np


def viterbi(emissions, mask, transitions, starts, ends):
    """The best tag sequence of each row (Viterbi, 1967).

    Args:
        emissions: (batch, length, tags) scores.
        mask: (batch, length) bool, the positions that carry a tag; the others are passed over.
        transitions: (tags, tags) score of moving from the row's tag to the column's; -inf forbids it.
        starts, ends: (tags,) scores of a first and a last tag.

    Returns:
        (batch, length) int64 tag ids, -100 where `mask` is not set.
    """
    tags = np.full(mask.shape, -100, dtype=np.int64)
    for row, scores in enumerate(emissions):
        places = np.flatnonzero(mask[row])
        if not len(places):
            continue
        best, came_from = starts + scores[places[0]], []
        for place in places[1:]:
            arrivals = best[:, None] + transitions  # (tags before, tags now)
            came_from.append(arrivals.argmax(0))
            best = arrivals.max(0) + scores[place]
        tag = (best + ends).argmax()
        for place, before in zip(places[:0:-1], reversed(came_from), strict=True):
            tags[row, place], tag = tag, before[tag]
        tags[row, places[0]] = tag
    return tags


def read_spans(logits, mask, *, nested):
    """The entities that a span tagger's scores say.

    Args:
        logits: (batch, types, length, length) score of the span from token i to token j.
        mask: (batch, length) bool, the positions that spans may cover.
        nested: keep spans that overlap; otherwise the better one of two that do.

    Returns:
        For each row a list of first token, last token (inclusive), type id, probability; the best first.
    """
    found = []
    for row, scores in enumerate(logits):
        possible = np.triu(mask[row][:, None] & mask[row][None]) & (scores > 0)
        cells = sorted((tuple(map(int, cell)) for cell in np.argwhere(possible)), key=lambda cell: -scores[cell])
        kept = []
        for kind, first, last in cells[: 4 * len(mask[row])]:
            if nested or all(last < other[0] or first > other[1] for other in kept):
                kept.append((first, last, kind, float(1 / (1 + np.exp(-scores[kind, first, last])))))
        found.append(kept)
    return found
