"""Text and entities through a tokenizer and back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoConfig

from tests.encoding.small_tokenizers import CHINESE, LETTERS, TOKENIZERS
from utils.data.tag_schemes import tag_names
from utils.encoding.entity_windows import SpanEncoder, TagEncoder, has_overlaps
from utils.encoding.tokenization import find_tokens, longest_input
from utils.modeling.joined_windows import Entity, group_windows, join_spans, join_tags
from utils.modeling.token_inputs import SpecialTokens, Window, cut_windows, tokenize

ODD = " \u3000\u200b\ufeff\xa0\t\n\u2028é́ß İAａ１９20８Ⅳ①%—。，《》“”😀👨‍👩‍👧🇨🇳𠮷\ue000日ｶﾞ한ไ"
TEXTS = st.text(
    st.sampled_from(CHINESE + ODD + LETTERS + " " * 5) | st.characters(exclude_categories=["Cs"]), min_size=1
)
TYPES = ["LOC", "PER"]


def draw_entities(data, text, tokenizer, *, overlapping=False):
    """Entities of the text whose borders are borders of tokens."""
    tokens = tokenize(tokenizer, [text])[0]
    starts = sorted({start for start, end in zip(tokens.starts, tokens.ends, strict=True) if start < end})
    ends = sorted({end for start, end in zip(tokens.starts, tokens.ends, strict=True) if start < end})
    inside = {c for start, end in zip(tokens.starts, tokens.ends, strict=True) for c in range(start + 1, end)}
    starts, ends = [c for c in starts if c not in inside], [c for c in ends if c not in inside]
    entities, position = set(), 0
    for _ in range(data.draw(st.integers(0, 4))):
        first = [start for start in starts if overlapping or start >= position]
        if not first:
            break
        start = data.draw(st.sampled_from(first))
        last = [end for end in ends if end > start]
        if not last:
            break
        position = data.draw(st.sampled_from(last[:6]))
        entities.add((start, position, data.draw(st.sampled_from(TYPES))))
    return sorted(entities)


def as_rows(entities):
    return [{"start": start, "end": end, "label": label} for start, end, label in entities]


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_entities_at_token_borders_come_back_exactly(name, data):
    tokenizer, text = TOKENIZERS[name], data.draw(TEXTS)
    entities = draw_entities(data, text, tokenizer)
    scheme = data.draw(st.sampled_from(["bio", "bios", "bioes"]))
    longest = data.draw(st.sampled_from([12, 512]))
    labels = tag_names(TYPES, scheme=scheme)
    label2id = {label: i for i, label in enumerate(labels)}
    encoder = TagEncoder(
        tokenizer, max_length=longest, stride=longest // 2, label2id=label2id, scheme=scheme, ignore_cut=False
    )
    (windows,) = encoder.encode([text], [as_rows(entities)])
    tagged = join_tags(windows, [row["labels"] for row in windows], id2label=dict(enumerate(labels)))
    found = tagged.entities(scheme=scheme)
    assert all(count == 0 for row in windows for count in (row["widened"], row["uncovered"], row["clashed"]))
    assert found == [Entity(*entity) for entity in entities]


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_nested_entities_come_back_exactly_from_spans(name, data):
    tokenizer, text = TOKENIZERS[name], data.draw(TEXTS)
    entities = draw_entities(data, text, tokenizer, overlapping=True)
    encoder = SpanEncoder(tokenizer, max_length=512, stride=64, label2id={"LOC": 0, "PER": 1})
    (windows,) = encoder.encode([text], [as_rows(entities)])
    found = join_spans(windows, [row["labels"] for row in windows], id2label={0: "LOC", 1: "PER"})
    assert found == [Entity(*entity) for entity in entities]


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(max_examples=200, deadline=None)
@given(text=TEXTS)
def test_token_offsets_lie_inside_the_text_in_order_without_white_space_at_their_edges(name, text):
    tokens = tokenize(TOKENIZERS[name], [text])[0]
    assert tokens.starts == sorted(tokens.starts) and tokens.ends == sorted(tokens.ends)
    for start, end in zip(tokens.starts, tokens.ends, strict=True):
        assert 0 <= start <= end <= len(text)
        if start < end:
            assert text[start:end] == text[start:end].strip()


def test_dropped_characters_inside_an_entity_belong_to_it():
    text = "我在北 \u200b\u3000京 大学"
    encoder = TagEncoder(
        TOKENIZERS["wordpiece"],
        max_length=32,
        stride=8,
        label2id={"O": 0, "B-LOC": 1, "I-LOC": 2},
        scheme="bio",
        ignore_cut=True,
    )
    (windows,) = encoder.encode([text], [[{"start": 2, "end": 10, "label": "LOC"}]])
    tagged = join_tags(windows, [row["labels"] for row in windows], id2label={0: "O", 1: "B-LOC", 2: "I-LOC"})
    assert tagged.tags == ["O", "O", "B-LOC", "I-LOC", "I-LOC", "I-LOC"]
    assert tagged.entities(scheme="bio") == [Entity(2, 10, "LOC")]


def test_borders_inside_a_token_and_entities_without_a_token_are_counted():
    encoder = SpanEncoder(TOKENIZERS["wordpiece"], max_length=32, stride=8, label2id={"LOC": 0})
    entities = [{"start": start, "end": end, "label": "LOC"} for start, end in [(0, 1), (1, 2), (4, 5)]]
    (windows,) = encoder.encode(["20 年\u200b"], [entities])  # "20" is one token; the space and U+200B have none
    assert (windows[0]["widened"], windows[0]["uncovered"]) == (2, 1)
    assert windows[0]["labels"] == [[1, 1, 0], [1, 1, 0]]


def test_special_token_names_in_a_text_are_text():
    tokens = tokenize(TOKENIZERS["wordpiece"], ["a[SEP]b"])[0]
    assert 3 not in tokens.ids and len(tokens.ids) == 7


def test_special_tokens_of_a_tokenizer_are_found():
    special = SpecialTokens.of(TOKENIZERS["wordpiece"])
    assert (special.prefix, special.suffix, len(special)) == ([2], [3], 2)


def test_slow_tokenizers_are_refused_with_the_reason():
    class Slow:
        is_fast = False

    with pytest.raises(ValueError, match="Slow gives no character offsets; use a model with a fast tokenizer"):
        tokenize(Slow(), ["a"])


@pytest.mark.parametrize(("kind", "padding", "longest"), [("bert", 0, 64), ("roberta", 1, 62), ("xlm-roberta", 1, 62)])
def test_longest_input_leaves_out_the_positions_that_roberta_does_not_use(kind, padding, longest):
    config = AutoConfig.for_model(kind, max_position_embeddings=64, pad_token_id=padding)
    assert longest_input(TOKENIZERS["wordpiece"], config) == longest


def test_find_tokens_gives_the_run_that_touches_the_span():
    starts, ends = [0, 1, 3, 7], [1, 3, 4, 9]
    assert find_tokens(starts, ends, 1, 4) == (1, 3)
    assert find_tokens(starts, ends, 2, 8) == (1, 4)
    assert find_tokens(starts, ends, 4, 7) == (3, 3)


@given(st.integers(0, 200), st.integers(2, 40), st.data())
def test_windows_cover_each_token_once_and_each_is_owned_where_it_lies_deepest(length, size, data):
    stride = data.draw(st.integers(0, size - 1))
    windows = cut_windows(length, size=size, stride=stride)
    assert [i for w in windows for i in range(w.own_start, w.own_stop)] == list(range(length))
    for window in windows:
        assert window.start <= window.own_start <= window.own_stop <= window.stop
        assert window.stop - window.start == min(size, length)
        for token in range(window.own_start, window.own_stop):
            assert depth(window, length, token) >= max(depth(other, length, token) for other in windows) - 1


def depth(window, length, token):
    """Tokens between a token and the nearest border that cuts the text."""
    if not window.start <= token < window.stop:
        return -1
    before = token - window.start if window.start else 10**6
    behind = window.stop - 1 - token if window.stop < length else 10**6
    return min(before, behind)


def test_a_stride_as_wide_as_the_window_is_refused():
    with pytest.raises(ValueError, match="expected 0 <= stride < window size, found stride 8 and room for 8 tokens"):
        cut_windows(20, size=8, stride=8)


def test_entity_cut_by_window_border_is_found_once():
    text = "人" * 9 + "北京大学" + "人" * 9  # tokens 9-12 are the entity; windows of 10 overlap by 6
    entity = {"start": 9, "end": 13, "label": "LOC"}
    tokenizer = TOKENIZERS["byte-level"]
    for scheme in ("bio", "bios", "bioes"):
        labels = tag_names(["LOC"], scheme=scheme)
        label2id = {label: i for i, label in enumerate(labels)}
        for ignore_cut in (False, True):
            encoder = TagEncoder(
                tokenizer, max_length=32, stride=20, label2id=label2id, scheme=scheme, ignore_cut=ignore_cut
            )
            (windows,) = encoder.encode([text], [[entity]])
            assert len(windows) > 2
            tags = [[max(tag, 0) for tag in row["labels"]] for row in windows]
            found = join_tags(windows, tags, id2label=dict(enumerate(labels))).entities(scheme=scheme)
            assert [one for one in found if one[:2] == (9, 13)] == [Entity(9, 13, "LOC")]
    encoder = SpanEncoder(tokenizer, max_length=32, stride=20, label2id={"LOC": 0})
    (windows,) = encoder.encode([text], [[entity]])
    spans = [[span for span in row["labels"] if span[2] == 0] for row in windows]
    assert sum(map(len, spans)) > 1  # several windows see it whole
    assert join_spans(windows, spans, id2label={0: "LOC"}) == [Entity(9, 13, "LOC")]


def test_a_crf_never_sees_the_rest_of_an_entity_that_its_window_cuts():
    label2id = {"O": 0, "B-LOC": 1, "I-LOC": 2, "E-LOC": 3, "S-LOC": 4}
    encoder = TagEncoder(
        TOKENIZERS["wordpiece"], max_length=8, stride=2, label2id=label2id, scheme="bioes", ignore_cut=True
    )
    (windows,) = encoder.encode(["我在人民国家上海学校"], [[{"start": 5, "end": 9, "label": "LOC"}]])
    assert [row["labels"][1:-1] for row in windows] == [[0, 0, 0, 0, 0, -100], [0, 1, 2, 2, 3, 0]]
    counts = [row["cut"] for row in windows]
    assert counts == [0, 0]


def test_an_entity_that_fits_into_no_window_is_counted():
    encoder = SpanEncoder(TOKENIZERS["wordpiece"], max_length=6, stride=1, label2id={"LOC": 0})
    (windows,) = encoder.encode(["我在人民国家上海学校"], [[{"start": 1, "end": 8, "label": "LOC"}]])
    assert windows[0]["cut"] == 1
    assert all(span[2] == -1 for row in windows for span in row["labels"])


def test_of_overlapping_entities_the_tags_hold_the_longest_and_the_rest_is_counted():
    label2id = {"O": 0, "B-LOC": 1, "I-LOC": 2}
    encoder = TagEncoder(
        TOKENIZERS["wordpiece"], max_length=32, stride=8, label2id=label2id, scheme="bio", ignore_cut=True
    )
    entities = [{"start": 0, "end": 2, "label": "LOC"}, {"start": 0, "end": 4, "label": "LOC"}]
    (windows,) = encoder.encode(["上海学校"], [entities])
    assert windows[0]["clashed"] == 1
    assert windows[0]["labels"] == [-100, 1, 2, 2, 2, -100]
    assert has_overlaps([entities]) and not has_overlaps([entities[:1], entities[1:]])


def test_windows_are_put_together_in_the_order_of_the_text_wherever_they_stand():
    rows = [{"text_index": 1, "window": [5]}, {"text_index": 0, "window": [0]}, {"text_index": 1, "window": [0]}]
    assert group_windows(rows, 3) == [[1], [2, 0], []]


def test_an_empty_text_has_one_empty_window():
    encoder = SpanEncoder(TOKENIZERS["wordpiece"], max_length=8, stride=2, label2id={"LOC": 0})
    (windows,) = encoder.encode([""])
    assert [row["input_ids"] for row in windows] == [[2, 3]]
    assert cut_windows(0, size=6, stride=2) == [Window(0, 0, 0, 0)]
