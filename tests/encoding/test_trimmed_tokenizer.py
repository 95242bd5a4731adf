"""A tokenizer with fewer pieces cuts covered texts as before, into the new ids of the same pieces."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoTokenizer

from tests.encoding.small_tokenizers import CHINESE, LETTERS, TOKENIZERS, wrap
from utils.encoding.trimmed_tokenizer import choose_pieces, count_pieces, save_trimmed

TEXTS = ["北京的人民 new york", "今天 2018", "国家，国家！"]


def with_char_merges():
    """BPE of characters, as in older models: what it has not is unknown."""
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]", continuing_subword_prefix="##"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.BpeTrainer(
        vocab_size=200, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False,
        continuing_subword_prefix="##",
    )  # fmt: skip
    tokenizer.train_from_iterator(["the new york times newer york", CHINESE, LETTERS] * 3, trainer)
    return wrap(tokenizer)


KINDS = TOKENIZERS | {"characters merged": with_char_merges()}


def trim(tokenizer, texts, folder, **options):
    kept = choose_pieces(tokenizer, count_pieces(tokenizer, texts), **options)
    save_trimmed(tokenizer, kept, folder)
    return kept, AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_covered_texts_are_cut_as_before(tmp_path, kind):
    tokenizer = KINDS[kind]
    kept, smaller = trim(tokenizer, TEXTS, tmp_path)
    assert len(kept) == len(smaller) < len(tokenizer)
    for text in TEXTS:
        before, after = tokenizer(text, return_offsets_mapping=True), smaller(text, return_offsets_mapping=True)
        assert [kept[id] for id in after["input_ids"]] == before["input_ids"]
        assert after["offset_mapping"] == before["offset_mapping"]
    pair = tokenizer(*TEXTS[:2])["input_ids"]
    assert [kept[id] for id in smaller(*TEXTS[:2])["input_ids"]] == pair
    for name in ("pad", "unk", "cls", "sep", "mask"):
        assert kept[getattr(smaller, f"{name}_token_id")] == getattr(tokenizer, f"{name}_token_id")


ALL = CHINESE + LETTERS + " 　，。20"


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=25)
@given(texts=st.lists(st.text(st.sampled_from(ALL), min_size=1), min_size=1, max_size=5))
def test_any_covered_texts_are_cut_as_before(tmp_path_factory, kind, texts):
    tokenizer = KINDS[kind]
    kept, smaller = trim(tokenizer, texts, tmp_path_factory.mktemp("trimmed"))
    for text in texts:
        assert [kept[id] for id in smaller(text)["input_ids"]] == tokenizer(text)["input_ids"]


@pytest.mark.parametrize("kind", ["wordpiece", "sentencepiece"])
def test_single_chinese_characters_stay(tmp_path, kind):
    _, smaller = trim(KINDS[kind], ["the"], tmp_path)
    known = set(KINDS[kind].get_vocab())
    assert {one for one in CHINESE if one in known} <= set(smaller.get_vocab())


def test_bytes_stay_so_that_nothing_is_unknown(tmp_path):
    _, smaller = trim(KINDS["byte-level"], ["the"], tmp_path)
    assert smaller.decode(smaller("未见过 ☃")["input_ids"], skip_special_tokens=True) == "未见过 ☃"


def test_least_probable_piece_stays_since_the_unknown_is_scored_by_it(tmp_path):
    tokenizer = KINDS["sentencepiece"]
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    least = min(model["vocab"], key=lambda piece: piece[1])[0]
    _, smaller = trim(tokenizer, ["the"], tmp_path)
    assert least in smaller.get_vocab()


def test_pieces_before_padding_stay_where_positions_count_from_it(tmp_path):
    tokenizer = wrap(
        Tokenizer(models.WordLevel({"aa": 0, "bb": 1, "[PAD]": 2, "[UNK]": 3, "cc": 4}, unk_token="[UNK]"))
    )
    assert choose_pieces(tokenizer, [4], through_padding=True)[:5] == [0, 1, 2, 3, 4]
    assert choose_pieces(tokenizer, [4])[:3] == [2, 3, 4]


def test_slow_tokenizer_is_refused():
    class Slow:
        is_fast = False

    with pytest.raises(ValueError, match=r"expected a fast tokenizer, .* found Slow"):
        choose_pieces(Slow(), [])
