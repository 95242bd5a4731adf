"""Whole texts and pairs against what tokenizers themselves make of them."""

import string

import pytest
import torch
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, DataCollatorWithPadding, PreTrainedTokenizerFast

from utils.encoding.collators import TextCollator
from utils.encoding.encoded_dataset import encode_dataset
from utils.encoding.text_inputs import TextEncoder, describe_inputs
from utils.modeling.token_inputs import SpecialTokens, fit_longest

CHINESE = "我在北京大學学校的人民和国國家上海市台臺灣说話话今年天"
ODD = " \u3000\u200b\ufeff\xa0\t\n\u2028é́ß İAａ１９20８Ⅳ①%—。，《》“”😀👨‍👩‍👧🇨🇳𠮷\ue000日ｶﾞ한ไ[]</s>"
LETTERS = string.ascii_letters + string.digits
TEXTS = st.text(
    st.sampled_from(CHINESE + ODD + LETTERS + " " * 5) | st.characters(exclude_categories=["Cs"]), max_size=30
)
NAMES = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
SPECIALS = list(NAMES.values())
TYPED = ["input_ids", "token_type_ids", "attention_mask"]


def wordpiece():
    """BERT's: [CLS] text [SEP] text [SEP], the second text and its [SEP] of type 1."""
    alphabet = sorted(set(CHINESE + "。，《》%—[]" + string.ascii_lowercase + string.digits))
    pieces = [f"##{c}" for c in string.ascii_lowercase + string.digits]
    vocabulary = {token: i for i, token in enumerate([*SPECIALS, *alphabet, *pieces, "20", "sep", "北京"])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_input_names=TYPED, **NAMES)


def byte_level_bpe():
    """RoBERTa's: <s> text </s></s> text </s>, padded with 1, and no token types."""
    names = {"cls_token": "<s>", "pad_token": "<pad>", "sep_token": "</s>", "unk_token": "<unk>"}
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=[*names.values(), "<mask>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(["the new york times 北京 北京 2018 年 20 20 the the new new"] * 5, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_input_names=["input_ids", "attention_mask"], mask_token="<mask>", **names
    )


def sentencepiece():
    """Where no word of a letter is known, a letter is two tokens: the marker of a space and the letter."""
    pieces = [("▁", -2.0), *((c, -3.0) for c in sorted(set(CHINESE + LETTERS)))]
    tokenizer = Tokenizer(models.Unigram([*((name, 0.0) for name in SPECIALS), *pieces], unk_id=1))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_input_names=TYPED, **NAMES)


TOKENIZERS = {"wordpiece": wordpiece(), "byte-level": byte_level_bpe(), "sentencepiece": sentencepiece()}
every_tokenizer = pytest.mark.parametrize("name", TOKENIZERS)


def by_the_tokenizer(name, text, other=None, **options):
    """The tokenizer's own input, attention mask left out."""
    others = None if other is None else [other]  # in lists: outside of one, "" would be no second text
    batch = TOKENIZERS[name]([text], others, split_special_tokens=True, verbose=False, **options)
    return {key: value[0] for key, value in batch.items() if key != "attention_mask"}


def encode(name, text, other=None, *, max_length=512, **options):
    """(Input, sub-tokens cut) of one text or pair."""
    encoder = TextEncoder(TOKENIZERS[name], max_length, other is not None, **options)
    (row,) = encoder.encode([text], None if other is None else [other])
    assert row.pop("length") == len(row["input_ids"])
    return row, row.pop("cut")


# Inputs


@every_tokenizer
@settings(max_examples=100, deadline=None)
@given(text=TEXTS)
def test_text_becomes_the_input_that_the_tokenizer_makes_of_it(name, text):
    assert encode(name, text) == (by_the_tokenizer(name, text), 0)


@every_tokenizer
@settings(max_examples=100, deadline=None)
@given(text=TEXTS, other=TEXTS)
def test_pair_becomes_the_input_that_the_tokenizer_makes_of_it(name, text, other):
    assert encode(name, text, other) == (by_the_tokenizer(name, text, other), 0)


@every_tokenizer
@settings(max_examples=100, deadline=None)
@given(text=TEXTS, max_length=st.integers(3, 20))
def test_long_text_is_cut_as_the_tokenizer_truncates_it_and_the_rest_is_counted(name, text, max_length):
    row, cut = encode(name, text, max_length=max_length)
    assert row == by_the_tokenizer(name, text, truncation=True, max_length=max_length)
    assert cut == len(by_the_tokenizer(name, text)["input_ids"]) - len(row["input_ids"])


@every_tokenizer
@settings(max_examples=100, deadline=None)
@given(text=TEXTS, other=TEXTS, room=st.integers(1, 15))
def test_long_pair_is_cut_as_the_tokenizer_truncates_the_longest_first(name, text, other, room):
    special = len(SpecialTokens.of(TOKENIZERS[name], pair=True))
    max_length = special + 2 * room  # of an odd room the tokenizer gives the last place to another side
    row, cut = encode(name, text, other, max_length=max_length)
    assert row == by_the_tokenizer(name, text, other, truncation="longest_first", max_length=max_length)
    assert cut == len(by_the_tokenizer(name, text, other)["input_ids"]) - len(row["input_ids"])


def test_roberta_has_two_separators_between_the_texts_and_no_token_types():
    row, _ = encode("byte-level", "a", "b")
    assert TOKENIZERS["byte-level"].convert_ids_to_tokens(row["input_ids"]) == [
        "<s>",
        "a",
        "</s>",
        "</s>",
        "b",
        "</s>",
    ]
    assert row.keys() == {"input_ids"}


def test_second_text_of_bert_is_of_type_one_and_the_separator_between_of_type_zero():
    row, _ = encode("wordpiece", "ab", "20")
    assert TOKENIZERS["wordpiece"].convert_ids_to_tokens(row["input_ids"]) == [
        *("[CLS]", "a", "##b", "[SEP]", "20", "[SEP]")
    ]
    assert row["token_type_ids"] == [0, 0, 0, 0, 1, 1]


def test_letter_of_two_tokens_leaves_no_text_between_the_special_tokens():
    special = SpecialTokens.of(TOKENIZERS["sentencepiece"], pair=True)
    assert (special.prefix, special.middle, special.suffix) == ([2], [3], [3])
    assert special.types == (0, 0, 0, 1, 1)


@pytest.mark.parametrize(("name", "text"), [("wordpiece", "a[SEP]b[CLS]"), ("byte-level", "a</s>b<s>")])
def test_special_token_names_in_texts_are_text(name, text):
    tokenizer = TOKENIZERS[name]
    row, _ = encode(name, text, text)
    plain, _ = encode(name, "a", "a")
    for special in (tokenizer.sep_token_id, tokenizer.cls_token_id):
        assert row["input_ids"].count(special) == plain["input_ids"].count(special) > 0


@every_tokenizer
def test_empty_texts_are_inputs_of_special_tokens_alone(name):
    special = SpecialTokens.of(TOKENIZERS[name], pair=True)
    row, cut = encode(name, "", "")
    assert (row["input_ids"], cut) == (special.prefix + special.middle + special.suffix, 0)


@pytest.mark.parametrize("pair", [False, True])
def test_no_texts_are_no_inputs(pair):
    assert TextEncoder(TOKENIZERS["wordpiece"], 8, pair).encode([], [] if pair else None) == []


# Cutting


def drop_one_at_a_time(first, second, room):
    """The longer text loses its last token until both fit; of equal ones the second."""
    while first + second > room:
        if first > second:
            first -= 1
        else:
            second -= 1
    return first, second


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 80))
def test_longer_text_gives_way_until_both_are_equal(first, second, room):
    assert fit_longest(first, second, room=room) == drop_one_at_a_time(first, second, room)


def test_cut_pair_keeps_the_beginning_of_both_texts_and_counts_what_is_lost():
    row, cut = encode("wordpiece", "北 上 海 市 台", "我 在", max_length=8)
    tokens = TOKENIZERS["wordpiece"].convert_ids_to_tokens(row["input_ids"])
    assert (tokens, cut) == (["[CLS]", "北", "上", "海", "[SEP]", "我", "在", "[SEP]"], 2)
    assert row["token_type_ids"] == [0, 0, 0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(("name", "pair", "least"), [("wordpiece", False, 3), ("byte-level", True, 6)])
def test_input_without_room_for_text_is_refused(name, pair, least):
    TextEncoder(TOKENIZERS[name], least, pair)
    with pytest.raises(ValueError, match=f"max_length {least - 1}: expected {least} or more"):
        TextEncoder(TOKENIZERS[name], least - 1, pair)


def test_second_texts_are_not_lost_silently_where_single_ones_are_expected():
    with pytest.raises(ValueError, match="expected single texts, found pairs"):
        TextEncoder(TOKENIZERS["wordpiece"], 8, False).encode(["a"], ["b"])


def test_missing_second_texts_are_an_error():
    with pytest.raises(ValueError, match="expected pairs of texts, found single ones"):
        TextEncoder(TOKENIZERS["wordpiece"], 8, True).encode(["a"])


# Cleaning and template


def test_template_stands_around_the_first_text_alone_and_cleaning_changes_both():
    found = encode("wordpiece", "A1", "B1", clean=lambda text: text.replace("1", "2"), template="1{text}9")
    assert found == encode("wordpiece", "1A29", "B2")


def test_every_place_of_the_template_is_filled_and_a_place_in_the_text_is_text():
    assert encode("byte-level", "a{text}", template="{text} {text}") == encode("byte-level", "a{text} a{text}")


# Data sets


ROWS = {
    "id": ["x", "y", "z", "w"],
    "text": ["北京", "我在北京大学", "上海市人", "上海"],
    "text_pair": ["", "a", "ab", "abcdefgh"],
    "label": ["b", "a", "b", "c"],
}
LABEL_IDS = {"a": 0, "b": 1, "c": 2}


@pytest.mark.parametrize("pair", [False, True])
def test_longest_inputs_come_first_and_the_index_says_where_they_stood(pair):
    dataset = Dataset.from_dict(ROWS)
    encoder = TextEncoder(TOKENIZERS["wordpiece"], 16, pair, LABEL_IDS)
    plain = encode_dataset(dataset, encoder, by_length=False)
    sorted_ = encode_dataset(dataset, encoder, by_length=True)
    assert plain["index"][:] == [0, 1, 2, 3]
    assert sorted_["length"][:] == sorted(plain["length"][:], reverse=True)
    assert sorted_["index"][:] == ([3, 1, 2, 0] if pair else [1, 2, 0, 3])
    assert all(row == plain[row["index"]] for row in sorted_)


def test_columns_of_a_labelled_pair_are_those_that_training_needs():
    encoded = encode_dataset(
        Dataset.from_dict(ROWS), TextEncoder(TOKENIZERS["wordpiece"], 16, True, LABEL_IDS), by_length=0
    )
    assert set(encoded.column_names) == {"id", "input_ids", "token_type_ids", "length", "cut", "index", "labels"}
    assert encoded["labels"][:] == [1, 0, 1, 2]
    assert encoded["length"][:] == list(map(len, encoded["input_ids"][:]))


def test_several_labels_become_a_row_of_zeros_and_ones():
    rows = {"text": ["a", "b", "c"], "labels": [["c", "a"], [], ["b"]]}
    encoder = TextEncoder(TOKENIZERS["wordpiece"], 16, False, LABEL_IDS)
    encoded = encode_dataset(Dataset.from_dict(rows), encoder, by_length=False)
    assert encoded["labels"][:] == [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    assert encoded.features["labels"].feature.dtype.startswith("float")


@pytest.mark.parametrize("label2id", [None, LABEL_IDS])
def test_texts_without_labels_are_encoded_without_them(label2id):
    encoder = TextEncoder(TOKENIZERS["byte-level"], 16, False, label2id)
    assert "labels" not in encode_dataset(Dataset.from_dict({"text": ["a"]}), encoder, by_length=False).column_names


def test_rows_are_encoded_anew_when_the_encoder_changes():
    dataset = Dataset.from_dict({"text": ["a", "b"]})
    lengths = []
    for clean in (lambda text: text, lambda text: text * 3):
        encoder = TextEncoder(TOKENIZERS["wordpiece"], 16, False, clean=clean)
        lengths.append(encode_dataset(dataset, encoder, by_length=False)["length"][:])
    assert lengths == [[3, 3], [5, 5]]


def test_log_line_counts_texts_lengths_and_what_was_cut():
    encoded = Dataset.from_dict({"length": [4, 8, 8], "cut": [0, 3, 4]})
    texts = Dataset.from_dict({"text": list("abc")})
    pairs = texts.add_column("text_pair", list("abc"))
    assert describe_inputs(encoded, texts) == (
        "3 texts, 7 sub-tokens on average, 8 at most; "
        "2 texts cut by 7 sub-tokens in all (raise --max_length to keep them)"
    )
    assert describe_inputs(encoded.select([0]), texts) == "1 text, 4 sub-tokens on average, 4 at most"
    assert describe_inputs(encoded.select([0]), pairs) == "1 pair, 4 sub-tokens on average, 4 at most"
    assert "; 2 pairs cut by 7" in describe_inputs(encoded, pairs)


# Batches


@every_tokenizer
@settings(max_examples=30, deadline=None)
@given(pairs=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
def test_batch_is_that_of_the_tokenizer_with_padding(name, pairs):
    tokenizer = TOKENIZERS[name]
    texts, others = map(list, zip(*pairs, strict=True))
    found = TextCollator(tokenizer)(TextEncoder(tokenizer, 512, True).encode(texts, others))
    expected = tokenizer(texts, others, split_special_tokens=True, padding=True, return_tensors="pt")
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in expected)


def test_batch_is_that_of_the_stock_collator():
    tokenizer = TOKENIZERS["byte-level"]
    rows = TextEncoder(tokenizer, 16, False).encode(["the new york", "北京", ""])
    plain = [{"input_ids": row["input_ids"], "labels": i} for i, row in enumerate(rows)]
    found, expected = TextCollator(tokenizer)(plain), DataCollatorWithPadding(tokenizer)(plain)
    assert found.keys() == expected.keys() == {"input_ids", "attention_mask", "labels"}
    assert all(torch.equal(found[key], expected[key]) for key in expected)
    assert found["input_ids"][2, -1] == tokenizer.pad_token_id == 1


def test_tokenizer_that_pads_on_the_left_is_padded_on_the_right():
    tokenizer = byte_level_bpe()
    tokenizer.padding_side = "left"
    batch = TextCollator(tokenizer)([{"input_ids": [5, 6]}, {"input_ids": [7]}])
    assert batch["input_ids"].tolist() == [[5, 6], [7, 1]]
    assert batch["attention_mask"].tolist() == [[1, 1], [1, 0]]


def test_batch_has_an_attention_mask_even_if_the_tokenizer_names_none():
    tokenizer = byte_level_bpe()
    tokenizer.model_input_names = ["input_ids"]
    batch = TextCollator(tokenizer)([{"input_ids": [5, 6]}, {"input_ids": [7]}])
    assert batch["attention_mask"].tolist() == [[1, 1], [1, 0]]


@pytest.mark.parametrize(
    ("labels", "kind"), [([2, 0], torch.int64), ([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]], torch.float32)]
)
def test_labels_are_ids_or_rows_of_floats(labels, kind):
    rows = [{"input_ids": [5] * n, "labels": one} for n, one in zip((3, 2), labels, strict=True)]
    batch = TextCollator(TOKENIZERS["wordpiece"])(rows)
    assert batch["labels"].dtype == kind and batch["labels"].tolist() == labels


def test_columns_that_a_model_does_not_take_are_left_out_of_the_batch():
    rows = [{"input_ids": [5], "length": 1, "cut": 0, "index": 4, "start_positions": 0, "end_positions": 0}]
    batch = TextCollator(TOKENIZERS["byte-level"])(rows)
    assert batch.keys() == {"input_ids", "attention_mask", "start_positions", "end_positions"}


def test_tokenizer_of_a_saved_encoder_gives_the_same_inputs(tiny_encoder):
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    (row,) = TextEncoder(tokenizer, 64, True).encode(["在北京开会"], ["2018年"])
    expected = tokenizer("在北京开会", "2018年")
    assert (row["input_ids"], row["token_type_ids"]) == (expected["input_ids"], expected["token_type_ids"])
