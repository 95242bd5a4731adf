"""Tests of utils/prompting/templates.py."""

import pytest

from utils.prompting.templates import Masks, Segment, Soft, Template, TemplateError


def test_places_are_filled_in_where_they_stand():
    template = Template("标题：{text}，{text_pair}。关系是{mask}{mask}。")
    assert template.fields == ("text", "text_pair")
    assert template.fill({"text": "天气好", "text_pair": "出门"}) == [
        Segment("标题：天气好，出门。关系是", (("text", 3, 6), ("text_pair", 7, 9))),
        Masks(spaced=False),
        Segment("。", ()),
    ]


def test_space_before_the_mask_is_seen():
    assert Template("{text} It was {mask}.").fill({"text": "Nice."})[1] == Masks(spaced=True)
    assert Template("{text} {mask}").spaced and not Template("{text}{mask}").spaced
    assert Template("{mask}：{text}").fill({"text": "a"}) == [Masks(spaced=False), Segment("：a", (("text", 1, 2),))]


def test_trainable_vectors_have_a_number_or_words():
    template = Template("{soft:8}{text}{soft:这句话}{mask}")
    assert template.soft == [Soft(8, ""), Soft(None, "这句话")]
    assert template.fill({"text": ""}) == [Soft(8, ""), Soft(None, "这句话"), Masks(spaced=False)]


def test_a_value_is_text_whatever_it_spells():
    filled = Template("{text}{{x}}{mask}").fill({"text": "{mask}[MASK]}"})
    assert filled == [Segment("{mask}[MASK]}{x}", (("text", 0, 13),)), Masks(spaced=False)]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{text}。真好", r"expected \{mask\}, or several in a row, found none"),
        ("", r"expected \{mask\}, or several in a row, found none"),
        ("{mask}{text}{mask}", r"expected \{mask\}, or several in a row, found masks in 2 places"),
        ("{text}{text}{mask}", r"expected \{text\} once, found it 2 times"),
        ("{text}{mask", r"expected \{name\}, found a lone \{; write it twice"),
        ("{text}}{mask}", r"expected \{name\}, found a lone \}; write it twice"),
        ("{txt}{mask}", r"found \{txt\}; did you mean \{text\}\?"),
        ("{Mask}", r"found \{Mask\}; did you mean \{mask\}\?"),
        ("{x}{mask}", r"found \{x\}; there are \{text\}, \{text_pair\}, \{span\}, \{mask\}, \{soft\}"),
        ("{}{mask}", r"expected a known place, found \{\}"),
        ("{mask:2}", r"found \{mask:2\}"),
        ("{soft}{mask}", r"expected \{soft:8\} or \{soft:words\}, found \{soft\}"),
        ("{soft:0}{mask}", r"expected \{soft:8\} or \{soft:words\}, found \{soft:0\}"),
    ],
)
def test_template_that_asks_nothing_or_cannot_be_read_is_an_error(pattern, message):
    with pytest.raises(TemplateError, match=message):
        Template(pattern)
