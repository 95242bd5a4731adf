"""Labels that may be wrong: against numbers worked out by hand, and against planted errors."""

import numpy as np
import pytest

from utils.modeling.joined_windows import Entity
from utils.scoring.joint_decisions import CharacterTags, decode_characters, span_chance
from utils.scoring.label_errors import doubt_classes, doubt_entity


def test_suspects_are_those_of_the_paper():
    # Usual where they are given: (0.9 + 0.2 + 0.7) / 3 = 0.6 and (0.8 + 0.45) / 2 = 0.625.
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.2, 0.8], [0.55, 0.45]])
    found = doubt_classes([0, 0, 0, 1, 1], probabilities)
    assert found.suspect.tolist() == [
        False,
        True,
        False,
        False,
        False,
    ]  # the last is not as sure as class 0 usually is
    assert found.other.tolist() == [1, 1, 1, 0, 0]
    assert found.doubt == pytest.approx([0.1, 0.8, 0.3, 0.2, 0.55])
    assert found.errors == 1  # a third of three; the last row is not counted


def test_planted_errors_come_first():
    draw = np.random.default_rng(1)
    true = draw.integers(0, 5, 2000)
    logits = draw.normal(0, 1, (2000, 5))
    logits[np.arange(2000), true] += 4
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    given, planted = true.copy(), draw.choice(2000, 100, replace=False)
    given[planted] = (given[planted] + draw.integers(1, 5, 100)) % 5
    found = doubt_classes(given, probabilities)
    first = np.argsort(-found.doubt)[:100]
    assert len(set(first) & set(planted)) >= 90
    assert 80 <= found.errors <= 140


@pytest.mark.parametrize("given, classes", [([], 3), ([0, 0], 1), ([2, 2], 3)])
def test_odd_data_are_no_error(given, classes):
    found = doubt_classes(np.array(given, dtype=int), np.full((len(given), classes), 1 / classes))
    assert not found.suspect.any() and found.errors == 0


def test_entities_are_compared_with_what_is_labelled():
    gold, found = Entity(0, 2, "name", 0.1), Entity(0, 2, "place", 0.7)
    assert doubt_entity(gold, found) == pytest.approx(0.9)
    assert doubt_entity(gold, None) == pytest.approx(0.9)
    assert doubt_entity(None, found) == pytest.approx(0.7)
    assert doubt_entity(gold, found._replace(score=0.05)) is None
    assert doubt_entity(gold._replace(score=0.6), None) is None
    assert doubt_entity(None, found._replace(score=0.4)) is None


def test_chance_of_a_found_entity_is_its_score():
    draw = np.random.default_rng(2)
    for _ in range(50):
        raw = draw.random((9, 5)) ** 4
        tags = CharacterTags((raw / raw.sum(-1, keepdims=True)).astype(np.float32), draw.random(9) < 0.8)
        for one in decode_characters([tags], ["a", "b"]):
            chance = span_chance(tags, one.start, one.end, ["a", "b"].index(one.label))
            assert chance == pytest.approx(one.score, abs=1e-6)
    assert span_chance(tags._replace(covered=np.zeros(9, dtype=bool)), 1, 3, 0) == 0
