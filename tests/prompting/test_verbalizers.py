"""Tests of utils/prompting/verbalizers.py."""

import pytest

from utils.prompting.verbalizers import VerbalizerError, read_verbalizer


def test_words_are_one_several_or_weighted():
    given = {"good": "好", "bad": ["差", "一般"], 3: {"不错": 2, "很好": 0.5}}
    verbalizer = read_verbalizer(given)
    assert verbalizer.labels == ["good", "bad", "3"]
    assert verbalizer.words == {"good": {"好": 1.0}, "bad": {"差": 1.0, "一般": 1.0}, "3": {"不错": 2.0, "很好": 0.5}}


def test_words_become_tokens_with_shares_of_their_class(wordpiece):
    words = read_verbalizer({"a": {"不错": 3, "好": 1}, "b": "terrible"}).encode(wordpiece, spaced=False)
    assert [(word.text, word.label, word.weight) for word in words] == [
        ("不错", 0, 0.75),
        ("好", 0, 0.25),
        ("terrible", 1, 1.0),
    ]
    assert [wordpiece.convert_ids_to_tokens(list(word.ids)) for word in words] == [
        ["不", "错"],
        ["好"],
        ["terr", "##ible"],
    ]


def test_byte_level_word_begins_with_its_space_where_the_mask_has_one(byte_level):
    spaced, joined = (
        read_verbalizer({"a": "great", "b": "terrible"}).encode(byte_level, spaced=s) for s in (True, False)
    )
    assert [byte_level.decode(word.ids) for word in spaced] == [" great", " terrible"]
    assert [byte_level.decode(word.ids) for word in joined] == ["great", "terrible"]
    # As it stands in a sentence.
    sentence = byte_level("It was great", add_special_tokens=False)["input_ids"]
    assert tuple(sentence[-len(spaced[0].ids) :]) == spaced[0].ids


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "expected two classes or more"),
        ({"a": "好"}, "expected two classes or more"),
        (["a", "b"], "expected two classes or more"),
        ({"a": "好", "b": []}, "class b: expected a word or more, found none"),
        ({"a": "好", "b": None}, "class b: expected a word or more, found none"),
        ({"a": "好", "b": " "}, "class b: expected a word, found ' '; write it in quotes"),
        ({"a": "好", "b": [1]}, "class b: expected a word, found 1; write it in quotes"),
        ({"a": "好", "b": True}, "class b: expected a word, found True; write it in quotes"),
        ({"a": "好", "b": ["差", "好"]}, "class b: the word '好' is also a word of a; choose one"),
        ({"a": ["好", "好"], "b": "差"}, "class a: the word '好' is also a word of a; choose one"),
        ({"a": "好", "b": {"差": 0}}, "class b: expected a weight above 0 for '差', found 0"),
        ({"a": "好", "b": {"差": "x"}}, "class b: expected a weight above 0 for '差', found 'x'"),
        ({"a": "好", "b": {"差": True}}, "class b: expected a weight above 0 for '差', found True"),
        ({"a": "好", "b": {"差": float("nan")}}, "class b: expected a weight above 0 for '差', found nan"),
    ],
)
def test_words_that_cannot_stand_for_classes_are_an_error(given, message):
    with pytest.raises(VerbalizerError, match=message):
        read_verbalizer(given)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("龘", r"the word '龘' is unknown to this model \(\[UNK\]\); choose another"),
        ("好龘", r"the word '好龘' is unknown to this model"),
        ("[SEP]", r"the word '\[SEP\]' contains \[SEP\]; choose another"),
        ("\u200b", "has no token in this model; choose another"),
        ("Great", "the word 'Great' of class b has the tokens of 'great' of class a; leave one out"),
    ],
)
def test_word_that_the_model_does_not_have_is_an_error(wordpiece, word, message):
    with pytest.raises(VerbalizerError, match=message):
        read_verbalizer({"a": "great", "b": word}).encode(wordpiece, spaced=False)
