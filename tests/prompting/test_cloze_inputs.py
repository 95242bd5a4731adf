"""Tests of utils/prompting/cloze_inputs.py."""

import pytest
import torch
from datasets import Dataset

from utils.prompting.cloze_inputs import ClozeCollator, ClozeEncoder
from utils.prompting.templates import Template, TemplateError


def words_of(tokenizer, ids):
    return " ".join(tokenizer.convert_ids_to_tokens(ids))


def sides(tokenizer, pattern, values, *, max_length=64, lengths=(1,)):
    row = ClozeEncoder(tokenizer, Template(pattern), max_length, lengths, soft_start=1000).fill([values])[0]
    return words_of(tokenizer, row["before"]), words_of(tokenizer, row["after"]), row["length"], row["cut"]


def test_text_stands_around_the_masks(wordpiece):
    found = sides(wordpiece, "{text}。真是{mask}了。", {"text": "电影"}, lengths=(1, 3))
    assert found == ("[CLS] 电 影 。 真 是", "了 。 [SEP]", 13 - 1, 0)


def test_text_that_spells_special_tokens_is_text(wordpiece):
    before, _, _, _ = sides(wordpiece, "{text}真是{mask}", {"text": "[MASK][SEP]"})
    assert before == "[CLS] [UNK] [UNK] [UNK] [UNK] [UNK] [UNK] 真 是"


def test_space_before_the_masks_goes_to_the_word(byte_level):
    encoder = ClozeEncoder(byte_level, Template("{text} It was {mask}, really."), 64, (2,), soft_start=1000)
    row = encoder.encode(["a great movie"])[0]
    mask = byte_level.mask_token
    written = byte_level(f"a great movie It was {mask}{mask}, really.")["input_ids"]
    assert row["before"] + [byte_level.mask_token_id] * 2 + row["after"] == written


def test_long_text_is_cut_and_counted_and_the_template_never(wordpiece):
    before, after, length, cut = sides(
        wordpiece, "好{text}。真是{mask}了。", {"text": "电影" * 20}, max_length=16, lengths=(1, 3)
    )
    assert before == "[CLS] 好 电 影 电 影 电 。 真 是" and after == "了 。 [SEP]"
    assert (length, cut) == (16, 35)


def test_of_two_texts_the_longer_gives_way(wordpiece):
    values = {"text": "电影电影电影", "text_pair": "好"}
    before, after, length, cut = sides(wordpiece, "{text}{mask}{text_pair}", values, max_length=7)
    assert (before, after, length, cut) == ("[CLS] 电 影 电", "好 [SEP]", 7, 3)


def test_a_span_is_never_cut(wordpiece):
    values = {"text": "电影电影电影", "span": "电影"}
    before, _, _, cut = sides(wordpiece, "{text}{span}是{mask}", values, max_length=9)
    assert before == "[CLS] 电 影 电 电 影 是" and cut == 3


@pytest.mark.parametrize(
    ("place", "kept"),
    [
        ((0, 1), "电 影 真 是"),
        ((1, 2), "电 影 真 是"),
        ((4, 5), "真 是 太 好"),
        ((3, 6), "真 是 太 好"),
        ((8, 9), "不 错 很 一"),
    ],
)
def test_of_a_long_text_what_stands_around_the_span_is_kept(wordpiece, place, kept):
    text = "电影真是太好不错很一"
    encoder = ClozeEncoder(wordpiece, Template("{text}般{span}是{mask}"), 9 + (place[1] - place[0]), (1,), 1000)
    row = encoder.fill([{"text": text, "span": text[slice(*place)]}], [place])[0]
    span = " ".join(text[slice(*place)])
    assert words_of(wordpiece, row["before"]) == f"[CLS] {kept} 般 {span} 是"
    assert (row["length"], row["cut"]) == (encoder.max_length, 6)


def test_rows_of_spans_are_asked_about_their_spans(wordpiece):
    encoder = ClozeEncoder(wordpiece, Template("{text}{span}是{mask}"), 7, (1,), 1000, label2id={"a": 0, "O": 1})
    batch = {"text": ["电影好"] * 2, "span": ["电", "好"], "start": [0, 2], "end": [1, 3], "label": ["O", "a"]}
    columns = encoder(batch, [0, 1])
    found = [words_of(wordpiece, ids) for ids in columns["before"]]
    assert found == ["[CLS] 电 影 电 是", "[CLS] 影 好 好 是"]
    assert (columns["labels"], columns["cut"], columns["length"]) == ([1, 0], [1, 1], [7, 7])


@pytest.mark.parametrize("values", [{"text": ""}, {"text": " \u3000 "}])
def test_empty_text_is_asked_about_too(wordpiece, values):
    assert sides(wordpiece, "{text}真是{mask}", values)[0] == "[CLS] 真 是"


def test_trainable_vectors_have_ids_behind_the_vocabulary(wordpiece):
    encoder = ClozeEncoder(wordpiece, Template("{soft:2}{text}{soft:很好}{mask}{soft:1}"), 64, (1,), soft_start=1000)
    row = encoder.encode(["电"])[0]
    film = wordpiece.convert_tokens_to_ids("电")
    assert row["before"][1:] == [1000, 1001, film, 1002, 1003] and row["after"][:-1] == [1004]
    assert encoder.soft_words == [None, None, *wordpiece.convert_tokens_to_ids(["很", "好"]), None]


def test_template_without_room_for_text_is_an_error(wordpiece):
    message = "the template takes 10 of 10 sub-tokens and leaves no room for text; shorten it, or raise --max_length"
    with pytest.raises(TemplateError, match=message):
        ClozeEncoder(wordpiece, Template("{text}。真是{mask}了。"), 10, (1, 3), soft_start=1000)


def test_rows_of_a_data_set_keep_their_numbers_and_classes(wordpiece):
    encoder = ClozeEncoder(wordpiece, Template("{text}{mask}"), 64, (1,), soft_start=1000, label2id={"a": 0, "b": 1})
    batch = Dataset.from_dict({"text": ["电", "影好"], "label": ["b", "a"], "id": ["x", "y"]})[:]
    columns = encoder(batch, [4, 7])
    assert (columns["labels"], columns["index"], columns["length"]) == ([1, 0], [4, 7], [4, 5])
    del batch["label"]
    assert "labels" not in encoder(batch, [4, 7])


def test_cleaning_comes_before_the_template(wordpiece):
    encoder = ClozeEncoder(
        wordpiece, Template("{text}{mask}"), 64, (1,), 1000, clean=lambda text: text.replace("x", "")
    )
    assert words_of(wordpiece, encoder.encode(["x好x"])[0]["before"]) == "[CLS] 好"


def test_each_text_is_fed_once_for_each_number_of_masks(wordpiece):
    encoder = ClozeEncoder(wordpiece, Template("{text}{mask}了"), 64, (1, 3), soft_start=1000, label2id={"a": 0})
    batch = ClozeCollator(wordpiece, (1, 3))([row | {"labels": 0} for row in encoder.encode(["好", ""])])
    tokens = [[words_of(wordpiece, row) for row in rows] for rows in batch["input_ids"]]
    assert tokens == [
        ["[CLS] 好 [MASK] 了 [SEP] [PAD] [PAD]", "[CLS] 好 [MASK] [MASK] [MASK] 了 [SEP]"],
        ["[CLS] [MASK] 了 [SEP] [PAD] [PAD] [PAD]", "[CLS] [MASK] [MASK] [MASK] 了 [SEP] [PAD]"],
    ]
    assert torch.equal(batch["attention_mask"] == 0, batch["input_ids"] == 0)
    assert batch["token_type_ids"].shape == batch["input_ids"].shape and not batch["token_type_ids"].any()
    assert batch["labels"].tolist() == [0, 0]


def test_second_text_is_given_where_the_template_has_its_place(wordpiece):
    pair, single = (
        ClozeEncoder(wordpiece, Template(p), 64, (1,), 1000) for p in ("{text}{mask}{text_pair}", "{text}{mask}")
    )
    assert (pair.pair, single.pair) == (True, False)
    assert pair.encode(["好"], ["了"]) == pair.fill([{"text": "好", "text_pair": "了"}])
    with pytest.raises(ValueError, match=r"the template has a \{text_pair\}, but the rows are single"):
        pair.encode(["好"])
    with pytest.raises(ValueError, match=r"the template has no \{text_pair\}, but the rows are pairs"):
        single.encode(["好"], ["了"])


def test_a_share_of_the_words_is_hidden_and_nothing_else(wordpiece):
    encoder = ClozeEncoder(wordpiece, Template("{soft:2}{text}真是{mask}"), 96, [1, 2], soft_start=len(wordpiece))
    rows = encoder.encode(["电影真是太好了不错很一般" * 6] * 200)
    rows = [
        row | {"after": [*row["after"][:-1], 20 + i % 14, 20 + i // 14, row["after"][-1]]}
        for i, row in enumerate(rows)
    ]
    collator = ClozeCollator(wordpiece, [1, 2], hidden_share=0.15, seed=1)
    batch = collator(rows)
    assert torch.equal(collator(rows[5:9])["mlm_targets"], batch["mlm_targets"][5:9])
    collator.set_epoch(1)
    assert not torch.equal(collator(rows)["mlm_targets"], batch["mlm_targets"])
    ids, hidden, targets = batch["input_ids"][:, 0], batch["mlm_input_ids"], batch["mlm_targets"]
    chosen = targets != -100
    words = (ids < len(wordpiece)) & ~torch.isin(ids, torch.tensor(wordpiece.all_special_ids))
    assert not (chosen & ~words).any() and torch.equal(targets[chosen], ids[chosen])
    assert torch.equal(hidden[~chosen], ids[~chosen])
    assert abs(float(chosen.sum() / words.sum()) - 0.15) < 0.01
    masked = float((hidden[chosen] == wordpiece.mask_token_id).float().mean())
    kept = float((hidden[chosen] == targets[chosen]).float().mean())
    assert abs(masked - 0.8) < 0.03 and 0.07 < kept < 0.15
    assert "mlm_targets" not in ClozeCollator(wordpiece, [1, 2])(rows)
