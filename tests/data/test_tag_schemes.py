import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import BILOU, IOB2, IOBES, Tokens

from utils.data.tag_schemes import (
    READABLE,
    SCHEMES,
    detect_scheme,
    find_broken_tags,
    spans_to_tags,
    tag_names,
    tags_to_spans,
)


def random_tag_sequences(prefixes, count=2000):
    """Wild sequences of two labels, one of which holds a hyphen."""
    draw = random.Random(0)
    tags = ["O", *(f"{prefix}-{label}" for prefix in prefixes for label in ("PER", "A-B"))]
    return [draw.choices(tags, k=draw.randint(1, 10)) for _ in range(count)]


@st.composite
def lengths_and_spans(draw):
    """A length, and spans inside it that do not overlap."""
    borders = sorted(draw(st.sets(st.integers(0, 12), min_size=2)))
    kept = draw(st.lists(st.booleans(), min_size=len(borders) - 1, max_size=len(borders) - 1))
    spans = [
        (start, end, draw(st.sampled_from(["PER", "A-B"])))
        for start, end, keep in zip(borders, borders[1:], kept, strict=False)
        if keep
    ]
    return 12, spans


def translate(tags, scheme):
    """Write bioes tags with the prefixes of bmes or bilou."""
    letters = {meaning: letter for letter, meaning in READABLE[scheme].items()}
    return [tag if tag == "O" else letters[tag[0]] + tag[1:] for tag in tags]


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("bio", ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]),
        ("bios", ["O", "B-PER", "I-PER", "S-PER", "B-LOC", "I-LOC", "S-LOC"]),
        ("bioes", ["O", "B-PER", "I-PER", "E-PER", "S-PER", "B-LOC", "I-LOC", "E-LOC", "S-LOC"]),
    ],
)
def test_tag_names_begin_with_o_and_keep_the_order_of_types(scheme, expected):
    assert tag_names(["PER", "LOC"], scheme=scheme) == expected


@pytest.mark.parametrize("scheme", ["bmes", "iob1", "BIO", ""])
def test_models_are_not_trained_with_other_schemes(scheme):
    with pytest.raises(ValueError, match="expected one of the tag schemes bio, bios, bioes"):
        tag_names(["PER"], scheme=scheme)
    with pytest.raises(ValueError, match="expected one of the tag schemes bio, bios, bioes"):
        spans_to_tags([], 3, scheme=scheme)


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("bio", ["B-X", "B-X", "I-X", "O", "B-Y", "I-Y", "I-Y"]),
        ("bios", ["S-X", "B-X", "I-X", "O", "B-Y", "I-Y", "I-Y"]),
        ("bioes", ["S-X", "B-X", "E-X", "O", "B-Y", "I-Y", "E-Y"]),
    ],
)
def test_spans_become_the_tags_of_each_scheme(scheme, expected):
    assert spans_to_tags([(4, 7, "Y"), (0, 1, "X"), (1, 3, "X")], 7, scheme=scheme) == expected


@pytest.mark.parametrize("span", [(-1, 1, "X"), (2, 4, "X"), (1, 1, "X"), (2, 1, "X")])
def test_span_that_is_empty_or_outside_is_refused(span):
    with pytest.raises(ValueError, match="expected 0 <= start < end <= 3"):
        spans_to_tags([span], 3, scheme="bio")


@pytest.mark.parametrize("other", [(0, 3, "X"), (1, 2, "X"), (2, 4, "Y"), (1, 3, "Y")])
def test_overlapping_spans_are_refused(other):
    with pytest.raises(ValueError, match="expected spans that do not overlap"):
        spans_to_tags([(1, 3, "X"), other], 5, scheme="bio")


@given(lengths_and_spans())
def test_spans_return_from_the_tags_of_every_scheme(example):
    length, spans = example
    for scheme in SCHEMES:
        tags = spans_to_tags(spans, length, scheme=scheme)
        assert tags_to_spans(tags, scheme=scheme) == spans
        assert tags_to_spans(tags, scheme=scheme, strict=False) == spans
        assert find_broken_tags(tags, scheme=scheme) == []
        assert set(tags) <= set(tag_names(["PER", "A-B"], scheme=scheme))
    for scheme in ("bmes", "bilou"):
        tags = translate(spans_to_tags(spans, length, scheme="bioes"), scheme)
        assert tags_to_spans(tags, scheme=scheme) == spans
        assert tags_to_spans(tags, scheme=scheme, strict=False) == spans
        assert find_broken_tags(tags, scheme=scheme) == []


@pytest.mark.parametrize(("scheme", "reference"), [("bio", IOB2), ("bioes", IOBES), ("bilou", BILOU)])
def test_strict_reading_equals_seqeval_strict(scheme, reference):
    sequences = random_tag_sequences(READABLE[scheme])
    for tags in sequences:
        expected = [(entity.start, entity.end, entity.tag) for entity in Tokens(tags, scheme=reference).entities]
        assert tags_to_spans(tags, scheme=scheme) == expected, tags


@pytest.mark.parametrize("scheme", ["bio", "iob1", "bios", "bioes"])
def test_lenient_reading_equals_seqeval_default(scheme):
    for tags in random_tag_sequences(READABLE[scheme]):
        expected = [(start, end + 1, label) for label, start, end in get_entities(tags)]
        assert tags_to_spans(tags, scheme=scheme, strict=False) == expected, tags


@pytest.mark.parametrize("scheme", ["bmes", "bilou"])
def test_lenient_reading_of_translated_tags_equals_seqeval_default(scheme):
    for tags in random_tag_sequences("BIES"):
        expected = [(start, end + 1, label) for label, start, end in get_entities(tags)]
        assert tags_to_spans(translate(tags, scheme), scheme=scheme, strict=False) == expected, tags


@pytest.mark.parametrize("scheme", ["bio", "bioes", "bilou", "bmes"])
def test_sequence_without_broken_tags_reads_alike_strictly_and_leniently(scheme):
    whole = 0
    for tags in random_tag_sequences(READABLE[scheme], count=4000):
        if not find_broken_tags(tags, scheme=scheme):
            whole += 1
            assert tags_to_spans(tags, scheme=scheme) == tags_to_spans(tags, scheme=scheme, strict=False)
    assert whole > 100


def test_bios_reads_an_entity_of_one_unit_in_either_form():
    assert tags_to_spans(["S-X", "B-X", "O", "B-X", "I-X"], scheme="bios") == [(0, 1, "X"), (1, 2, "X"), (3, 5, "X")]
    assert tags_to_spans(["S-X", "I-X", "I-X"], scheme="bios") == [(0, 1, "X")]


def test_iob1_begins_with_i_and_uses_b_between_neighbours():
    tags = ["I-X", "I-X", "B-X", "I-Y", "O", "I-X"]
    assert tags_to_spans(tags, scheme="iob1") == [(0, 2, "X"), (2, 3, "X"), (3, 4, "Y"), (5, 6, "X")]


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("tag", ["PER", "X-PER", "B-", "-PER", "", "-", "b-PER", "OO"])
def test_what_is_no_tag_reads_as_o(tag, strict):
    assert tags_to_spans(["B-PER", tag, "B-PER"], scheme="bio", strict=strict) == [(0, 1, "PER"), (2, 3, "PER")]


def test_no_tags_give_no_spans():
    assert tags_to_spans([], scheme="bioes") == []
    assert find_broken_tags([], scheme="bioes") == []


@pytest.mark.parametrize(
    ("sequences", "expected"),
    [
        ([["B-X", "I-X", "O"], ["B-Y"]], "bio"),
        ([["I-X", "I-X", "O"], ["I-Y", "B-Y"]], "iob1"),
        ([["O", "I-X", "O"]], "iob1"),
        ([["O", "I-X"], ["O", "B-X"]], "bio"),  # both: bio with a broken sequence
        ([["I-X", "B-Y"]], "bio"),
        ([["B-X", "I-X", "S-X"]], "bios"),
        ([["S-X", "O"]], "bios"),
        ([["B-X", "I-X", "E-X"]], "bioes"),
        ([["B-X", "E-X", "S-X"]], "bioes"),
        ([["B-X", "M-X", "E-X"], ["B-X", "E-X"]], "bmes"),
        ([["B-X", "I-X", "L-X", "U-X"]], "bilou"),
        ([["U-X"]], "bilou"),
        ([["B-X", "I-X"]] * 5 + [["B-X", "E-X"]], "bio"),  # one slip does not change the scheme
        ([["B-X", "M-X", "E-X"]] * 5 + [["B-X", "I-X", "E-X"]], "bmes"),
        ([["O", "O"], []], "bio"),
        ([], "bio"),
    ],
)
def test_scheme_is_detected_from_the_tags(sequences, expected):
    assert detect_scheme(sequences) == expected


@pytest.mark.parametrize(
    ("scheme", "tags", "expected"),
    [
        ("bio", ["I-X"], [(0, "expected B-X to begin the entity, found I-X at the start of the sequence")]),
        ("bio", ["O", "I-X", "I-X"], [(1, "expected B-X to begin the entity, found I-X after O")]),
        ("bio", ["B-Y", "I-X"], [(1, "expected B-X to begin the entity, found I-X after B-Y")]),
        ("bio", ["X-PER"], [(0, "expected O or a label after one of B-, I-, found 'X-PER'")]),
        ("bio", ["B-"], [(0, "expected O or a label after one of B-, I-, found 'B-'")]),
        ("bio", ["PER", "I-PER"], [(0, "expected O or a label after one of B-, I-, found 'PER'")]),
        ("bio", ["S-X"], [(0, "expected O or a label after one of B-, I-, found 'S-X'")]),
        ("iob1", ["O", "B-X"], [(1, "expected I-X to begin the entity, found B-X after O")]),
        ("iob1", ["I-X", "B-X", "I-Y"], []),
        ("bios", ["S-X", "I-X"], [(1, "expected B-X to begin the entity, found I-X after S-X")]),
        ("bios", ["B-X", "O", "B-X", "S-X"], []),
        ("bioes", ["B-X", "O"], [(1, "expected I-X or E-X after B-X, found O")]),
        ("bioes", ["B-X", "I-Y", "E-Y"], [(1, "expected I-X or E-X after B-X, found I-Y")]),
        ("bioes", ["B-X", "I-X"], [(1, "expected I-X or E-X after I-X, found the end of the sequence")]),
        ("bioes", ["B-X"], [(0, "expected I-X or E-X after B-X, found the end of the sequence")]),
        ("bioes", ["E-X"], [(0, "expected B-X to begin the entity, found E-X at the start of the sequence")]),
        ("bmes", ["B-X", "S-X"], [(1, "expected M-X or E-X after B-X, found S-X")]),
        ("bilou", ["B-X", "U-X"], [(1, "expected I-X or L-X after B-X, found U-X")]),
    ],
)
def test_each_tag_that_its_scheme_forbids_is_named(scheme, tags, expected):
    assert find_broken_tags(tags, scheme=scheme) == expected


def test_unknown_scheme_is_refused_when_reading():
    for function in (tags_to_spans, find_broken_tags):
        with pytest.raises(ValueError, match="expected one of the tag schemes bio, iob1, bios, bioes, bmes, bilou"):
            function(["O"], scheme="iobes")
