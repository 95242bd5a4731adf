"""Packed sequences with numbered words, and what is hidden in them."""

import random
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import BertTokenizerFast, DataCollatorForLanguageModeling, PreTrainedTokenizerFast

from utils.encoding import packing
from utils.encoding.masking import MaskingCollator
from utils.encoding.packing import SequencePacker, SequenceStream
from utils.encoding.word_borders import number_words
from utils.encoding.wordpiece import train_wordpiece

SENTENCE = "北京大学的学生喜欢研究人工智能"
TEXTS = [SENTENCE, "我们喜欢Python，don't you like playing?", "今天天气很好 。 ", "人工智能研究", "。"] * 40


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocabulary") / "vocab.txt"
    characters = sorted({character for text in TEXTS for character in text if character > "\u2000"} - {"智"})
    pieces = ["don", "you", "like", "play", "##ing", "p", "##ython", "t", "'", "?"]
    path.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces, *characters]), encoding="utf-8")
    return BertTokenizerFast(str(path), do_lower_case=True)


def pack(tokenizer, texts=TEXTS, *, max_length=16, whole_words=True):
    packer = SequencePacker(tokenizer, max_length, whole_words=whole_words)
    columns = packer({"text": texts})
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def collate(tokenizer, rows, masking="whole_word", *, epoch=0, seed=0, probability=0.15):
    collator = MaskingCollator(tokenizer, masking, probability, seed)
    collator.set_epoch(epoch)
    return collator(rows)


# Words


def test_chinese_words_are_those_of_jieba_and_others_end_at_space_and_signs():
    text = "我们喜欢 deep-learning，don't！"
    words = number_words(text)
    groups = ["".join(c for c, w in zip(text, words, strict=True) if w == number) for number in dict.fromkeys(words)]
    assert groups == ["我们", "喜欢", " deep", "-", "learning", "，", "don't", "！"]


def test_stock_collator_takes_a_chinese_sentence_as_one_word_and_ours_does_not(tokenizer):
    text = SENTENCE.replace("智", "")
    encoded = tokenizer(text, return_offsets_mapping=True)
    stock = DataCollatorForLanguageModeling(tokenizer, whole_word_mask=True, mlm_probability=0.15)
    torch.manual_seed(0)
    given = [{name: encoded[name] for name in ("input_ids", "offset_mapping")}]
    counts = {int((stock([dict(row) for row in given])["labels"] != -100).sum()) for _ in range(60)}
    assert counts <= {0, len(text)}  # the trap: nothing or everything
    rows = pack(tokenizer, [text])
    assert rows[0]["words"].max() + 1 >= 6
    ours = {int((collate(tokenizer, rows, seed=seed)["labels"] != -100).sum()) for seed in range(60)}
    assert len(ours) > 3 and max(ours) < len(text)


def test_pieces_of_an_english_word_have_one_number(tokenizer):
    (row,) = pack(tokenizer, ["don't like playing?"])
    pieces = tokenizer.convert_ids_to_tokens(row["input_ids"])
    assert pieces == ["[CLS]", "don", "'", "t", "like", "play", "##ing", "?", "[SEP]", "[SEP]"]
    words = row["words"].tolist()
    assert words[0] == words[-1] == words[-2] == -1
    assert words[1] == words[2] == words[3] != words[4] != words[5] == words[6] != words[7]


def test_bytes_of_a_character_and_of_a_word_have_one_number():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    trainer = trainers.BpeTrainer(initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(["a play"] * 9, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer)
    (row,) = pack(fast, ["a great play，我们\n喜欢"], max_length=64)
    found: dict[int, list] = {}
    for id, word in zip(row["input_ids"].tolist(), row["words"].tolist(), strict=True):
        found.setdefault(word, []).append(id)
    assert [fast.decode(ids) for ids in found.values()] == ["a", " great", " play", "，", "我们", "\n喜欢"]


def test_token_across_a_word_border_joins_the_words():
    offsets = np.array([[0, 1], [1, 3], [3, 4]])  # the second one ends 我们 and begins 喜欢
    assert packing.find_begins("我们喜欢", offsets).tolist() == [True, False, False]


# Packing


def test_packing_keeps_every_token_in_order_and_leaves_one_short_sequence(tokenizer):
    rows = pack(tokenizer)
    lengths = [row["length"] for row in rows]
    assert set(lengths[:-1]) == {16} and lengths[-1] <= 16
    inside = [id for row in rows for id in row["input_ids"][1:-1].tolist()]
    separate = [tokenizer(text, add_special_tokens=False)["input_ids"] + [tokenizer.sep_token_id] for text in TEXTS]
    assert inside == [id for ids in separate for id in ids]
    assert all(row["input_ids"][0] == tokenizer.cls_token_id for row in rows)
    assert all(row["input_ids"][-1] == tokenizer.sep_token_id for row in rows)


def test_special_tokens_have_no_word_and_numbers_rise_without_gaps_between_words(tokenizer):
    for row in pack(tokenizer):
        special = np.isin(row["input_ids"], tokenizer.all_special_ids)
        assert (row["words"][special] == -1).all() and (row["words"][~special] >= 0).all()
        kept = row["words"][~special]
        assert (np.diff(kept) >= 0).all() and kept.max() < row["length"]


def test_packed_data_is_memory_mapped_and_found_again(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "DOCUMENTS", 64)
    Dataset.from_dict({"text": TEXTS}).save_to_disk(tmp_path / "texts")
    packer = SequencePacker(tokenizer, 16, whole_words=True)
    first = packing.pack_documents(Dataset.load_from_disk(tmp_path / "texts"), packer)
    assert first.cache_files and first.data.nbytes > 0
    monkeypatch.setattr(SequencePacker, "__call__", None)  # the second time nobody calls it
    second = packing.pack_documents(Dataset.load_from_disk(tmp_path / "texts"), packer)
    assert second[:] == first[:]
    lengths = first["length"][:]
    assert sum(length < 16 for length in lengths) <= len(TEXTS) // 64 + 1
    assert packing.describe_sequences(first, max_length=16).startswith(
        f"{sum(n == 16 for n in lengths)} full sequence"
    )


def test_cache_key_changes_with_options_tokenizer_and_code(tokenizer, monkeypatch):
    documents = Dataset.from_dict({"text": TEXTS})
    other = BertTokenizerFast(vocab=tokenizer.get_vocab() | {"new": len(tokenizer)})
    packers = [
        SequencePacker(tokenizer, 16, whole_words=True),
        SequencePacker(tokenizer, 16, whole_words=False),
        SequencePacker(tokenizer, 17, whole_words=True),
        SequencePacker(other, 16, whole_words=True),
    ]
    keys = {packer.fingerprint(documents) for packer in packers}
    assert len(keys) == 4
    assert packers[0].fingerprint(documents) == SequencePacker(tokenizer, 16, True).fingerprint(documents)
    read = packing.Path.read_text
    monkeypatch.setattr(packing.Path, "read_text", lambda path, *rest: read(path, *rest) + "# edited")
    assert packers[0].fingerprint(documents) not in keys


def test_split_is_seeded_and_leaves_nothing_out(tokenizer):
    encoded = Dataset.from_dict({"row": list(range(100))})
    train, validation, rows = packing.split_sequences(encoded, share=0.1, most=50, seed=1)
    assert validation["row"][:] == rows and len(rows) == 10
    assert sorted(train["row"][:] + rows) == list(range(100))
    assert packing.split_sequences(encoded, share=0.1, most=50, seed=1)[2] == rows
    assert packing.split_sequences(encoded, share=0.1, most=50, seed=2)[2] != rows
    assert len(packing.split_sequences(encoded, share=0.9, most=5, seed=1)[2]) == 5
    with pytest.raises(ValueError, match="expected text for two sequences"):
        packing.split_sequences(encoded.select([0]), share=0.1, most=5, seed=0)


def test_stream_gives_every_token_once_a_round_in_full_sequences(tokenizer):
    packer = SequencePacker(tokenizer, 16, whole_words=True)
    stream = SequenceStream(lambda: iter(TEXTS), packer, seed=0, buffer=1)
    tokens = sum(len(tokenizer(text, add_special_tokens=False)["input_ids"]) + 1 for text in TEXTS)
    rows = list(islice(stream, 2 * tokens // 14))
    assert {row["length"] for row in rows} == {16}
    assert {row["round"] for row in rows} == {0, 1}
    inside = np.concatenate([row["input_ids"][1:-1] for row in rows])
    both = len(inside) - tokens
    assert (inside[tokens:] == inside[:both]).all()  # the second round says the same


def test_stream_of_a_worker_without_documents_ends_and_does_not_look_for_them_for_ever(tokenizer, monkeypatch):
    stream = SequenceStream(lambda: iter(TEXTS[:1]), SequencePacker(tokenizer, 16, whole_words=True), seed=0, buffer=1)
    for number, rows in ((0, 3), (1, 0)):
        worker = SimpleNamespace(id=number, num_workers=2)
        monkeypatch.setattr(packing.torch.utils.data, "get_worker_info", lambda worker=worker: worker)
        assert len(list(islice(stream, 3))) == rows


def test_stream_mixes_and_repeats_itself_under_one_seed(tokenizer):
    packer = SequencePacker(tokenizer, 16, whole_words=True)

    def first(seed, buffer):
        rows = islice(SequenceStream(lambda: iter(TEXTS), packer, seed=seed, buffer=buffer), 30)
        return [row["input_ids"].tolist() for row in rows]

    assert first(0, 20) == first(0, 20)
    assert first(0, 20) != first(1, 20) != first(0, 1)


# Masks


@pytest.mark.parametrize("masking", ["token", "whole_word", "ngram"])
def test_share_of_hidden_tokens_is_what_was_asked(tokenizer, masking):
    rows = pack(tokenizer, TEXTS * 4, max_length=64)
    hidden, known = 0, 0
    for seed in range(10):
        batch = collate(tokenizer, rows, masking, seed=seed)
        hidden += int((batch["labels"] != -100).sum())
        known += sum(int((row["words"] >= 0).sum()) for row in rows)
    assert known > 60_000
    assert abs(hidden / known - 0.15) < 0.01


def test_words_are_hidden_whole(tokenizer):
    rows = pack(tokenizer, max_length=64)
    partly = {"token": 0, "whole_word": 0, "ngram": 0}
    for masking in partly:
        labels = collate(tokenizer, rows, masking)["labels"]
        for row, label in zip(rows, labels.numpy(), strict=True):
            for word in range(row["words"].max() + 1):
                inside = label[: row["length"]][row["words"] == word] != -100
                partly[masking] += bool(inside.any() and not inside.all())
    assert partly["whole_word"] == partly["ngram"] == 0 < partly["token"]


def test_ngrams_are_of_one_to_four_words_in_the_shares_of_macbert(tokenizer):
    collator = MaskingCollator(tokenizer, "ngram", 0.15, 0)
    words = torch.arange(4000)[None]
    units = collator._units(words, torch.rand(1, 4000, generator=torch.Generator().manual_seed(0)))[0]
    assert (units.diff() >= 0).all()
    sizes = units.bincount()[:-1]
    shares = sizes.bincount(minlength=5)[1:] / len(sizes)
    assert torch.allclose(shares, torch.tensor([0.4, 0.3, 0.2, 0.1]), atol=0.04)


def test_special_tokens_and_padding_are_never_hidden(tokenizer):
    rows = pack(tokenizer, TEXTS[:9])
    for masking in ("token", "whole_word", "ngram"):
        batch = collate(tokenizer, rows, masking, probability=0.99)
        special = torch.zeros_like(batch["labels"], dtype=torch.bool)
        for i, row in enumerate(rows):
            special[i, row["length"] :] = True
            special[i, : row["length"]] |= torch.from_numpy(np.isin(row["input_ids"], tokenizer.all_special_ids))
        assert (batch["labels"][special] == -100).all()
        assert (batch["attention_mask"].sum(1).tolist()) == [row["length"] for row in rows]


def test_of_hidden_tokens_80_percent_become_masks_10_others_and_10_stay(tokenizer):
    rows = pack(tokenizer, TEXTS * 4, max_length=64)
    batch = collate(tokenizer, rows, probability=0.5)
    hidden = batch["labels"] != -100
    now, before = batch["input_ids"][hidden], batch["labels"][hidden]
    share = {"mask": now == tokenizer.mask_token_id, "same": now == before}
    share["other"] = ~share["mask"] & ~share["same"]
    found = {name: float(each.float().mean()) for name, each in share.items()}
    assert len(now) > 3000
    chance = 0.1 / len(tokenizer)
    assert found == pytest.approx({"mask": 0.8, "same": 0.1 + chance, "other": 0.1 - chance}, abs=0.02)
    drawn = set(now[share["other"]].tolist())
    assert not drawn & set(tokenizer.all_special_ids) and len(drawn) > 20
    original = torch.nn.utils.rnn.pad_sequence([torch.tensor(row["input_ids"]) for row in rows], batch_first=True)
    assert torch.equal(batch["input_ids"][~hidden], original[~hidden].long())


def test_each_epoch_and_seed_hides_other_tokens_and_the_same_ones_again(tokenizer):
    rows = pack(tokenizer)
    first = collate(tokenizer, rows)
    again = collate(tokenizer, rows)
    assert all(torch.equal(first[name], again[name]) for name in first)
    for other in ({"epoch": 1}, {"seed": 1}):
        assert not torch.equal(first["labels"], collate(tokenizer, rows, **other)["labels"])
    rounds = collate(tokenizer, [row | {"round": 1} for row in rows])
    assert not torch.equal(first["labels"], rounds["labels"])


def test_masks_of_a_row_do_not_depend_on_its_batch(tokenizer):
    rows = pack(tokenizer)
    together = collate(tokenizer, rows)["labels"]
    for i in (0, 3, len(rows) - 1):
        alone = collate(tokenizer, [rows[i]])["labels"][0]
        assert torch.equal(together[i, : len(alone)], alone)


# Vocabulary


def test_trained_wordpiece_has_single_chinese_characters_and_survives_saving(tmp_path):
    trained = train_wordpiece(lambda: TEXTS, 200)
    assert trained.convert_ids_to_tokens(range(5)) == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert len(trained) <= 200
    assert not [piece for piece in trained.get_vocab() if len(piece.removeprefix("##")) > 1 and piece[-1] > "\u2000"]
    assert trained.tokenize("喜欢Python") == ["喜", "欢", "python"]
    trained.save_pretrained(tmp_path)
    assert BertTokenizerFast.from_pretrained(tmp_path)(TEXTS[1])["input_ids"] == trained(TEXTS[1])["input_ids"]
    with pytest.raises(ValueError, match="more than 5 pieces"):
        train_wordpiece(lambda: TEXTS, 5)


def test_vocabulary_is_the_same_each_time_although_many_words_are_equally_frequent():
    draw = random.Random(0)
    words = ["".join(draw.choices("abcdefghijklmnoprstuvwéж", k=6)) for _ in range(300)]
    texts = [" ".join(words) + "北京大学"] * 2
    vocabularies = [train_wordpiece(lambda: texts, 250).get_vocab() for _ in range(4)]
    assert all(each == vocabularies[0] for each in vocabularies)
    assert len(vocabularies[0]) == 250 and {"##ж", "京", "e"} <= vocabularies[0].keys()


def test_packing_in_two_processes_loses_nothing(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "DOCUMENTS", 50)
    documents = Dataset.from_dict({"text": [*TEXTS, None, " "]})
    packer = SequencePacker(tokenizer, 16, whole_words=True)
    encoded = packing.pack_documents(documents, packer, num_proc=2)
    tokens = sum(len(tokenizer(text, add_special_tokens=False)["input_ids"]) + 1 for text in TEXTS)
    assert sum(length - 2 for length in encoded["length"]) == tokens
