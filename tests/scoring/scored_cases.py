"""Probabilities and logits with what is right, and every way to cut them."""

import math

import numpy as np
from hypothesis import strategies as st

# Probabilities with many ties, the ends among them, and their outcomes.
PROBABILITIES = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5000001, 0.9, 1.0]) | st.floats(0, 1)
CASES = st.lists(st.tuples(PROBABILITIES, st.booleans()), min_size=1, max_size=12)


def columns(cases):
    probabilities, targets = zip(*cases, strict=True)
    return np.array(probabilities), np.array(targets, dtype=int)


def every_cut(probabilities):
    """(Probability from which on the answer is yes, decisions) of all that can be decided; the first: never."""
    cuts = [math.inf, *sorted(set(probabilities), reverse=True)]
    return [(cut, probabilities >= cut) for cut in cuts]


def make_logits(seed, *, multi_label, texts=60, classes=4, scale=3.0):
    """Logits that are right more often than not, and targets."""
    draw = np.random.default_rng(seed)
    logits = scale * draw.normal(size=(texts, classes))
    noisy = logits + scale * draw.normal(size=logits.shape)
    return logits, (noisy > 0).astype(int) if multi_label else noisy.argmax(-1)
