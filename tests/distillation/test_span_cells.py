"""Cells of spans and probabilities of characters: each from the other, and their means."""

import numpy as np
import pytest

from utils.distillation.span_cells import (
    FLOOR,
    LEAST,
    cells_of_tags,
    find_cells,
    mean_cells,
    pack_cells,
    tags_of_cells,
    unpack_cells,
)
from utils.modeling.joined_windows import Entity
from utils.scoring.joint_decisions import CharacterTags, decode_characters, vote

TYPES = ["name", "place"]


def make_tags(rows, covered=None):
    """Of rows (O, first name, later name, first place, later place)."""
    return CharacterTags(np.array(rows, dtype=np.float32), np.array(covered or [True] * len(rows)))


TAGS = make_tags(
    [
        [0.1, 0.9, 0.0, 0.0, 0.0],
        [0.2, 0.0, 0.8, 0.0, 0.0],
        [0.7, 0.0, 0.0, 0.3, 0.0],
        [0.95, 0.0, 0.0, 0.0, 0.05],
    ]
)


def test_cells_of_a_tagger_are_as_probable_as_its_least_probable_character_and_end():
    found = {one[:3]: one.score for one in cells_of_tags(TAGS, TYPES)}
    assert found == pytest.approx(
        {
            (0, 1, "name"): 0.2,  # 1 - 0.8 that goes on
            (0, 2, "name"): 0.8,
            (2, 3, "place"): 0.3,
            (2, 4, "place"): 0.05,
        }
    )
    assert vote([cells_of_tags(TAGS, TYPES)], minimum=0.5, nested=False) == decode_characters([TAGS], TYPES)


def test_cells_pass_over_characters_that_are_in_no_token():
    rows = TAGS.probabilities.tolist()
    spaced = make_tags([rows[0], [0.0] * 5, *rows[1:]], [True, False, True, True, True])
    assert Entity(0, 3, "name", pytest.approx(0.8)) in cells_of_tags(spaced, TYPES)


def test_tags_of_cells_add_up_to_one_and_leave_white_space_out():
    cells = [
        Entity(0, 2, "name", 0.9),
        Entity(0, 3, "name", 0.05),
        Entity(3, 5, "place", 0.6),
        Entity(0, 1, "name", LEAST),
    ]
    tags = tags_of_cells(cells, "ab c def", TYPES)
    assert tags.covered.tolist() == [True] * 8  # the space is inside a cell
    assert tags.probabilities.sum(-1) == pytest.approx(1)
    assert tags.probabilities[0].tolist() == pytest.approx([0.05, 0.95, 0, 0, 0])
    assert tags.probabilities[1].tolist() == pytest.approx([0.05, 0, 0.95, 0, 0])
    assert tags.probabilities[2].tolist() == pytest.approx([0.95, 0, 0.05, 0, 0])
    assert tags.probabilities[4].tolist() == pytest.approx([0.4, 0, 0, 0, 0.6])
    assert not tags_of_cells([], "a b", TYPES).covered[1]


def test_overlapping_cells_share_a_character():
    tags = tags_of_cells([Entity(0, 4, "place", 1.0), Entity(0, 2, "name", 0.5)], "abcd", TYPES)
    assert tags.probabilities[0].tolist() == pytest.approx([0, 1 / 3, 0, 2 / 3, 0])


def test_mean_of_cells_counts_what_a_member_leaves_out_as_improbable():
    found = mean_cells([[Entity(0, 1, "name", 0.8), Entity(2, 3, "name", 2 * LEAST)], [Entity(0, 1, "name", 0.4)]])
    assert found == [Entity(0, 1, "name", pytest.approx(0.6))]


def test_packed_cells_keep_places_and_log_odds_in_half_precision():
    cells = [Entity(70_000, 70_003, "place", 0.25), Entity(1, 2, "name", 1.0)]
    packed = pack_cells(cells, TYPES)
    assert packed["type"].tolist() == [1, 0] and packed["start"].tolist() == [70_000, 1]
    assert (packed["score"] >= FLOOR).all()
    assert [one.score for one in unpack_cells(packed, TYPES)] == pytest.approx([0.25, 1.0], abs=1e-3)
    assert pack_cells([], TYPES).shape == (0,)


class Tagger:
    tagged = True

    def character_tags(self, texts, types):
        return [TAGS for _ in texts]


class Voter:
    tagged = False

    def find(self, texts):
        return [[Entity(0, 2, "name", 1.0)] for _ in texts]


def test_cells_of_members_of_any_kind_are_averaged():
    class Ensemble:
        members = Tagger(), Voter()

    found = {one[:3]: one.score for one in find_cells(Ensemble(), ["abcd"], TYPES)[0]}
    assert found[0, 2, "name"] == pytest.approx(0.9) and found[2, 3, "place"] == pytest.approx(0.15)
