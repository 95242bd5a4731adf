"""Long texts as rows of windows, and batches of them."""

import pytest
import torch
from datasets import Dataset
from transformers import AutoTokenizer

from utils.encoding.collators import TextCollator
from utils.encoding.encoded_dataset import encode_dataset
from utils.encoding.text_inputs import TextEncoder, describe_inputs, split_windows

TEXTS = ["", "张伟在北京", "人" * 10, "人" * 11, "张伟在北京开会" * 5, "会" * 5000]
IDS = {"a": 0, "b": 1}


@pytest.fixture
def tokenizer(tiny_encoder):
    return AutoTokenizer.from_pretrained(tiny_encoder)


@pytest.fixture
def encoder(tokenizer):
    return TextEncoder(tokenizer, 12, False, IDS, window_pooling="mean", window_stride=4, max_windows=6)


def test_texts_that_fit_are_encoded_as_without_windows(encoder, tokenizer):
    found, cut = encoder.encode(TEXTS[:3]), TextEncoder(tokenizer, 12, False).encode(TEXTS[:3])
    assert [row.pop("windows") for row in found] == [[2], [7], [12]]
    assert found == cut


def test_windows_of_a_text_follow_each_other_in_its_row(encoder, tokenizer):
    rows = encoder.encode(TEXTS)
    assert [len(row["windows"]) for row in rows] == [1, 1, 1, 2, 6, 6]
    assert all(row["length"] == sum(row["windows"]) == len(row["input_ids"]) for row in rows)
    assert [row["cut"] for row in rows] == [0, 0, 0, 0, 0, 5000 - 40]
    ids = tokenizer(TEXTS[4], add_special_tokens=False)["input_ids"]
    parts = split_windows(rows[4])
    assert parts[1]["input_ids"][1:-1] == ids[6:16] and parts[-1]["input_ids"][1:-1] == ids[-10:]
    assert all(part["length"] == len(part["token_type_ids"]) == 12 for part in parts)
    assert split_windows(rows[1]) == [rows[1]]


def test_log_counts_windows_and_what_is_cut(encoder, tokenizer):
    rows = Dataset.from_dict({"text": TEXTS, "label": list("ababab")})
    encoded = encode_dataset(rows, encoder, by_length=False)
    assert describe_inputs(encoded, rows).endswith(
        "; 3 texts in several windows (17 windows in all); 1 text cut by 4,960 sub-tokens in all "
        "(raise --max_windows or --max_length to keep them)"
    )
    assert encoded["labels"][:] == [0, 1, 0, 1, 0, 1]


def test_batch_of_texts_that_fit_is_the_same_as_without_windows(encoder, tokenizer):
    collate = TextCollator(tokenizer)
    found = collate([row | {"labels": 1} for row in encoder.encode(TEXTS[:3])])
    expected = collate([row | {"labels": 1} for row in TextEncoder(tokenizer, 12, False).encode(TEXTS[:3])])
    assert found.keys() == expected.keys() and all(found[name].equal(expected[name]) for name in found)


@pytest.mark.parametrize("labels, dtype", [([0, 1, 1], torch.int64), ([[0.0, 1.0]] * 3, torch.float32)])
def test_batch_of_mixed_lengths_has_a_place_for_each_window(encoder, tokenizer, labels, dtype):
    rows = encoder.encode([TEXTS[4], TEXTS[0], TEXTS[3]])
    batch = TextCollator(tokenizer)([row | {"labels": label} for row, label in zip(rows, labels, strict=True)])
    assert batch["input_ids"].shape == batch["token_type_ids"].shape == (3, 6, 12)
    mask = batch["attention_mask"]
    assert mask.any(-1).sum(1).tolist() == [6, 1, 2] and mask[1, 0].sum() == 2
    assert batch["labels"].dtype == dtype and batch["labels"].tolist() == labels
    again = [window["input_ids"] for row in rows for window in split_windows(row)]
    there = mask.any(-1)
    assert [
        ids[seen].tolist() for ids, seen in zip(batch["input_ids"][there], mask[there].bool(), strict=True)
    ] == again


def test_batch_of_scores_has_them_as_floats(encoder, tokenizer):
    batch = TextCollator(tokenizer)([row | {"labels": 1.5} for row in encoder.encode(TEXTS[3:5])])
    assert batch["labels"].dtype == torch.float32 and batch["labels"].tolist() == [1.5, 1.5]
