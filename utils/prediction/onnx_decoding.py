"""Decode the scores of an exported tagger into tags or spans, or pool logits, with numpy. Copied next to model.onnx.

import json, numpy, onnxruntime
from onnx_decoding import read_tags, viterbi
session = onnxruntime.InferenceSession("model.onnx")
(emissions,) = session.run(["logits"], inputs)                  # inputs: the tokenizer's, as numpy int64
tags = viterbi(emissions, mask, **numpy.load("tag_scores.npz"))  # mask: neither special token nor padding
entities = read_tags(tags, **json.load(open("tags.json")))

(logits,) = session.run(["logits"], inputs)        # of a classifier that reads long texts in windows: one row a window
logits = pool_windows(logits, counts, "mean")      # counts: windows of each text; `window_pooling` of config.json
"""

import numpy as np


def viterbi(emissions, mask, transitions, starts, ends):
    """The best tag sequence of each row (Viterbi, 1967).

    Args:
        emissions: (batch, length, tags) scores.
        mask: (batch, length) bool, the positions that have a tag; the others are skipped.
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


def read_tags(tags, names, scheme):
    """The entities that tags stand for.

    Args:
        tags: (batch, length) tag ids; below 0 where there is none.
        names: tag of each id: "O", or B-, I-, E- or S- and a type.
        scheme: `bio`, `bios` or `bioes`: only well-formed entities; otherwise an I- or E- may begin one, too.

    Returns:
        For each row a list of first token, last token (inclusive), type.
    """
    begins = "BS" if scheme in ("bio", "bios", "bioes") else "BSIE"
    found = []
    for row in tags:
        entities, tokens, kind = [], [], ""  # of the entity that is open
        for place in [*np.flatnonzero(row >= 0).tolist(), None]:
            prefix, _, label = ("O" if place is None else names[row[place]]).partition("-")
            if tokens and not (prefix in "IE" and label == kind):
                if scheme != "bioes":
                    entities.append((tokens[0], tokens[-1], kind))
                tokens = []
            if tokens:
                tokens.append(place)
            elif prefix in begins:
                tokens, kind = [place], label
            if tokens and prefix in "ES":
                entities.append((tokens[0], tokens[-1], kind))
                tokens = []
        found.append(entities)
    return found


def read_spans(logits, mask, *, nested):
    """The entities that a span tagger's scores stand for.

    Args:
        logits: (batch, types, length, length) score of the span from token i to token j.
        mask: (batch, length) bool, the positions that spans may cover.
        nested: keep overlapping spans; otherwise the best of them.

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


def pool_windows(logits, counts, pooling):
    """The logits of texts, from those of their windows.

    Args:
        logits: (all windows, labels), text by text.
        counts: how many windows each text has, one or more.
        pooling: `mean`, `max` or `logsumexp`, the logarithm of the mean of the exponentials.

    Returns:
        (texts, labels).
    """
    texts = np.split(logits, np.cumsum(counts)[:-1])
    if pooling == "logsumexp":
        return np.stack([np.logaddexp.reduce(text, 0) - np.log(len(text)) for text in texts])
    return np.stack([{"mean": np.mean, "max": np.max}[pooling](text, 0) for text in texts])
