"""What members of an ensemble decide together, against sums by hand and by brute force."""

import itertools

import numpy as np
import pytest
from scipy.special import expit, softmax

from utils.modeling.joined_windows import Entity, TaggedText
from utils.scoring.decisions import DecisionRule
from utils.scoring.joint_answers import AnswerChances, answer_chances, rank_together
from utils.scoring.joint_decisions import CharacterTags, decode_characters, spread_tags, tune_minimum, vote
from utils.scoring.regression import ScoreRule

BIO = dict(enumerate(["O", "B-x", "I-x", "B-y", "I-y"]))
BIOES = dict(enumerate(["O", "B-x", "I-x", "E-x", "S-x"]))


@pytest.mark.parametrize("multi_label", [False, True])
def test_probabilities_of_classes_are_the_means_under_one_temperature(multi_label):
    logits = np.random.default_rng(0).normal(size=(3, 7, 4)) * 4
    rule = DecisionRule(list("abcd"), multi_label, temperature=1.7)
    own = expit(logits / 1.7) if multi_label else softmax(logits / 1.7, axis=-1)
    np.testing.assert_allclose(rule.probabilities(rule.combine(logits)), own.mean(0), rtol=1e-9)
    np.testing.assert_allclose(rule.probabilities(rule.combine(logits[:1])), own[0], rtol=1e-9)


def test_scores_of_a_regression_are_averaged():
    assert ScoreRule().combine([np.array([[1.0]]), np.array([[4.0]])]).tolist() == [[2.5]]


def test_tags_of_tokens_become_tags_of_characters():
    """Two tokens, of two characters and of one, around a blank; 0.7 for B-x, then I-x, else O."""
    tags = np.zeros((2, 5))
    tags[0, [0, 1]], tags[1, [0, 2]] = (0.3, 0.7), (0.4, 0.6)
    found = spread_tags(TaggedText(["B-x", "I-x"], [0, 3], [2, 4], tags), 4, id2label=BIO, types=["x", "y"])
    assert found.covered.tolist() == [True, True, False, True]
    np.testing.assert_allclose(
        found.probabilities[[0, 1, 3], :3], [[0.3, 0.7, 0], [0.3, 0, 0.7], [0.4, 0, 0.6]], rtol=1e-6
    )
    assert found.probabilities[2].sum() == 0


def test_other_schemes_say_the_same_of_characters():
    tags = np.array([[0.1, 0.2, 0.3, 0.15, 0.25]])
    found = spread_tags(TaggedText(["O"], [0], [2], tags), 2, id2label=BIOES, types=["x"])
    np.testing.assert_allclose(found.probabilities, [[0.1, 0.45, 0.45], [0.1, 0, 0.9]], rtol=1e-6)


def test_where_an_i_may_begin_an_entity_it_does_so_after_what_is_none():
    tags = np.array([[0, 0, 1.0, 0, 0], [0.4, 0, 0.6, 0, 0]])
    tagged = TaggedText(["I-x", "I-x"], [0, 1], [1, 2], tags)
    found = spread_tags(tagged, 2, id2label=BIO, types=["x", "y"], loose=True)
    np.testing.assert_allclose(found.probabilities[:, :3], [[0, 1, 0], [0.4, 0, 0.6]], rtol=1e-6)
    assert [one[:3] for one in decode_characters([found], ["x", "y"])] == [(0, 2, "x")]


def test_character_that_two_tokens_share_is_the_first_ones():
    """As in byte-level tokenizers."""
    tags = np.array([[0, 1.0, 0, 0, 0], [1.0, 0, 0, 0, 0]])
    found = spread_tags(TaggedText(["B-x", "O"], [0, 0], [1, 1], tags), 1, id2label=BIO, types=["x", "y"])
    assert found.probabilities[0].tolist() == [0, 1, 0, 0, 0]


def valid(tags):
    return all(
        not (tag and tag % 2 == 0) or before in (tag, tag - 1) for before, tag in itertools.pairwise((0, *tags))
    )


@pytest.mark.parametrize("seed", range(20))
def test_best_sequence_is_that_of_brute_force(seed):
    draw = np.random.default_rng(seed)
    members = [CharacterTags(draw.dirichlet(np.ones(5) * 0.3, size=5), np.ones(5, dtype=bool)) for _ in range(3)]
    scores = np.log(np.mean([each.probabilities for each in members], axis=0).clip(1e-12))
    best = max(filter(valid, itertools.product(range(5), repeat=5)), key=lambda tags: scores[range(5), tags].sum())
    expected, start = [], None
    for i, tag in enumerate((*best, 0)):
        if start is not None and (tag == 0 or tag % 2):
            expected.append((start, i, "xy"[(best[start] - 1) // 2]))
            start = None
        start = i if tag % 2 else start
    assert [one[:3] for one in decode_characters(members, ["x", "y"])] == expected


def make_chain(draw, length):
    """A chain whose entities go on by chance, and what follows does not depend on what ended: its tags' probabilities,
    and the probability of a sequence of tags."""
    fresh, goes = draw.dirichlet(np.ones(3) * 0.5, size=length), draw.uniform(size=(length, 2))  # O, B-x, B-y
    found, inside = np.zeros((length, 5)), np.zeros(2)
    for i in range(length):
        later = inside * goes[i]
        found[i, 2::2], found[i, [0, 1, 3]] = later, (1 - later.sum()) * fresh[i]
        inside = found[i, 1::2] + later

    def chance(tags):
        total, state = 1.0, 0  # 0 for O, or the number of the type
        for i, tag in enumerate(tags):
            if state:
                total *= goes[i, state - 1] if tag == 2 * state else 1 - goes[i, state - 1]
            state = (tag + 1) // 2
            total *= 1.0 if tag and tag % 2 == 0 else fresh[i, state]
        return total

    return CharacterTags(found, np.ones(length, dtype=bool), chained=True), chance


@pytest.mark.parametrize("seed", range(20))
def test_best_sequence_of_a_chain_is_its_own_alone_and_beside_its_copy(seed):
    member, chance = make_chain(np.random.default_rng(seed), 5)
    best = max(filter(valid, itertools.product(range(5), repeat=5)), key=chance)
    spans, start = [], None
    for i, tag in enumerate((*best, 0)):
        if start is not None and (tag == 0 or tag % 2):
            spans.append((start, i, "xy"[(best[start] - 1) // 2]))
            start = None
        start = i if tag % 2 else start
    for members in ([member], [member, member]):
        assert [one[:3] for one in decode_characters(members, ["x", "y"])] == spans


def test_entity_that_begins_goes_on_though_more_often_there_is_none():
    """Of ten sequences four are B-x I-x and six have no entity, three of them in each of two ways."""
    rows = np.array([[0.3, 0.4, 0, 0.3, 0], [0.6, 0, 0.4, 0, 0]])
    (found,) = decode_characters([CharacterTags(rows, np.ones(2, dtype=bool), chained=True)], ["x", "y"])
    assert found[:3] == (0, 2, "x")
    alone = decode_characters([CharacterTags(rows, np.ones(2, dtype=bool))], ["x", "y"])
    assert [one[:3] for one in alone] == [(0, 1, "x")]


def test_of_members_one_of_which_is_chained_the_mean_is():
    rows = np.array([[0.3, 0.4, 0, 0.3, 0], [0.6, 0, 0.4, 0, 0]])
    chain, free = (CharacterTags(rows, np.ones(2, dtype=bool), chained) for chained in (True, False))
    assert decode_characters([chain, free], ["x", "y"]) == decode_characters([chain], ["x", "y"])


def test_entity_goes_on_over_what_no_member_covers():
    rows = np.array([[0, 1.0, 0], [0, 0, 0], [0, 0, 1.0]])
    member = CharacterTags(rows, np.array([True, False, True]))
    assert decode_characters([member, member], ["x"]) == [Entity(0, 3, "x", 1.0)]


def test_members_with_other_tokens_count_where_they_have_some():
    one = CharacterTags(np.array([[0.2, 0.8, 0], [0, 0, 0]]), np.array([True, False]))
    other = CharacterTags(np.array([[0.6, 0.4, 0], [0.9, 0, 0.1]]), np.array([True, True]))
    (found,) = decode_characters([one, other], ["x"])
    assert found[:3] == (0, 1, "x") and found.score == pytest.approx(0.6)


def test_text_without_characters_has_no_entities():
    assert decode_characters([CharacterTags(np.zeros((0, 3)), np.zeros(0, dtype=bool))], ["x"]) == []


def test_votes_count_what_members_find_and_overlaps_go_to_the_higher_score():
    long, short, far = Entity(0, 4, "x", 0.9), Entity(0, 2, "x", 0.8), Entity(6, 7, "y", 0.3)
    members = [[long, far], [long], [short]]
    assert [one[:3] for one in vote(members, minimum=0.2, nested=False)] == [(0, 4, "x")]
    assert [one[:3] for one in vote(members, minimum=0.05, nested=True)] == [(0, 2, "x"), (0, 4, "x"), (6, 7, "y")]
    assert vote(members, minimum=0.0, nested=True)[1].score == pytest.approx(0.6)


@pytest.mark.parametrize("seed", range(10))
def test_minimum_is_the_best_of_all(seed):
    draw = np.random.default_rng(seed)
    gold = [[{"start": i, "end": i + 1, "label": "x"} for i in range(3)] for _ in range(20)]
    found = [
        [Entity(int(i), int(i) + 1, "x", round(float(draw.random()), 1)) for i in draw.choice(6, 3, replace=False)]
        for _ in range(20)
    ]

    def f1(minimum):
        kept = [one for each in found for one in each if one.score >= minimum]
        return 2 * sum(one.start < 3 for one in kept) / (len(kept) + 60)

    assert f1(tune_minimum(found, gold)) == pytest.approx(max(f1(value / 20) for value in range(21)))


def test_nothing_found_needs_no_minimum():
    assert tune_minimum([[], []], [[], []]) == 0.0


def test_places_of_an_answer_take_the_best_of_their_windows():
    """Two windows of two tokens, the second of the first window is the first of the second."""
    row = {"first": 1, "starts": np.array([0, 2]), "ends": np.array([2, 4])}
    later = {"first": 1, "starts": np.array([2, 4]), "ends": np.array([4, 6])}
    one = (row, np.log([1.0, 4, 1]), np.log([1.0, 1, 1]))
    other = (later, np.log([2.0, 3, 2]), np.log([2.0, 2, 4]))
    found = answer_chances([one, other], [(0, 2)])
    assert found.starts == pytest.approx({0: 0.4, 2: 0.3, 4: 0.2})
    assert found.ends == pytest.approx({2: 1 / 8, 4: 2 / 8, 6: 4 / 8})
    assert found.nothing == pytest.approx((0.1, 1 / 8)) and found.spans == [(0, 2)]


def test_answers_are_ranked_by_mean_probabilities():
    one = AnswerChances({0: 0.9, 3: 0.1}, {2: 0.8, 5: 0.1}, (0.0, 0.1), [(0, 2)])
    other = AnswerChances({0: 0.1, 3: 0.9}, {2: 0.2, 5: 0.8}, (0.0, 0.0), [(3, 5)])
    ranking = rank_together([one, other])
    assert ranking.spans == [(0, 2), (3, 5)]
    assert np.exp(ranking.scores) == pytest.approx([0.5 * 0.5, 0.5 * 0.45])
    assert rank_together([other]).spans == [(3, 5)]


def test_half_of_f1_is_a_good_minimum_of_votes():
    """Of calibrated votes, the least score with the best F1 is near half of that F1."""
    draw = np.random.default_rng(0)
    chances = draw.beta(0.7, 1.0, 40000)
    right = draw.random(40000) < chances

    def f1(minimum):
        kept = chances >= minimum
        return 2 * (right & kept).sum() / (kept.sum() + right.sum())

    best = max(f1(value / 100) for value in range(100))
    assert f1(best / 2) == pytest.approx(best, abs=0.002)
    assert f1(0) < best - 0.05
