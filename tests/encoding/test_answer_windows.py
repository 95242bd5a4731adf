"""Questions and passages through a tokenizer and into windows."""

import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from utils.encoding.answer_windows import AnswerEncoder, describe_windows, drop_empty, first_answer
from utils.encoding.encoded_dataset import encode_dataset
from utils.modeling.joined_windows import group_windows
from utils.reading.qa_records import FEATURES

ODD = "张在北京 \u3000\u200b\t😀👨‍👩‍👧é年20189，python ไ"


@pytest.fixture(scope="module")
def bert(tiny_encoder):
    return AutoTokenizer.from_pretrained(tiny_encoder)


@pytest.fixture(scope="module")
def roberta():
    """RoBERTa's pair template <s> A </s></s> B </s>, bytes as letters, no token types."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    specials = ["<s>", "<pad>", "</s>", "<unk>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=specials, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(["the new york times 北京"] * 5, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True)
    names = {"pad_token": "<pad>", "unk_token": "<unk>", "cls_token": "<s>", "sep_token": "</s>"}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_input_names=["input_ids", "attention_mask"], **names
    )


def encode(tokenizer, question, context, *, answer=None, max_length=20, stride=4, max_question_length=8):
    """The windows of one question; the answer is a character span."""
    answers = None
    if answer is not None:
        answers = {"text": [context[slice(*answer)]], "answer_start": [answer[0]]}
    encoder = AnswerEncoder(tokenizer, max_length=max_length, stride=stride, max_question_length=max_question_length)
    (windows,) = encoder.encode([question], [context], [answers])
    return windows


def labelled(row):
    """Character span that a window's labels stand for; None for the [CLS]."""
    if row["end_positions"] == 0:
        return None
    first, last = row["start_positions"] - row["first"], row["end_positions"] - row["first"]
    return row["starts"][first], row["ends"][last]


def test_a_short_pair_is_what_the_tokenizer_makes_of_it(bert):
    question, context = "张伟在北京？", "张伟在北京开会2018年。"
    (row,) = encode(bert, question, context, max_length=64)
    wanted = bert(question, context)
    assert row["input_ids"] == wanted["input_ids"]
    assert row["token_type_ids"] == wanted["token_type_ids"]
    assert row["length"] == len(row["input_ids"])
    assert row["first"] == wanted["token_type_ids"].index(1)


def test_the_template_without_token_types_is_followed(roberta):
    (row,) = encode(roberta, "who is it", "the new york times", max_length=64, max_question_length=16)
    assert row["input_ids"] == roberta("who is it", "the new york times")["input_ids"]
    assert "token_type_ids" not in row
    assert row["input_ids"][row["first"] - 2 : row["first"]] == [2, 2]


@pytest.mark.parametrize("name", ["bert", "roberta"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_an_answer_at_token_borders_comes_back_exactly_from_each_window_that_holds_it(request, name, data):
    tokenizer = request.getfixturevalue(name)
    context = data.draw(st.text(st.sampled_from(ODD), min_size=1, max_size=60))
    (whole,) = encode(tokenizer, "年？", context, max_length=1000)
    pairs = [(s, e) for s, e in zip(whole["starts"], whole["ends"], strict=True) if s < e]
    inside = {c for s, e in pairs for c in range(s + 1, e)}
    starts, ends = sorted({s for s, _ in pairs} - inside), sorted({e for _, e in pairs} - inside)
    if not starts:
        return
    start = data.draw(st.sampled_from(starts))
    end = data.draw(st.sampled_from([e for e in ends if e > start][:5]))
    windows = encode(tokenizer, "年？", context, answer=(start, end), max_length=24, stride=8)
    assert windows[0]["widened"] == windows[0]["uncovered"] == 0
    found = [labelled(row) for row in windows if labelled(row)]
    assert set(found) <= {(start, end)}
    assert bool(found) != bool(windows[0]["cut"])


def test_a_passage_longer_than_the_window_is_covered_with_the_overlap(bert):
    context = "张伟在北京开会" * 6
    windows = encode(bert, "年？", context, max_length=20, stride=6)
    assert [row["window"][:2] for row in windows] == [[0, 15], [9, 24], [18, 33], [27, 42]]
    for row in windows:
        assert row["length"] == 20
        start, stop, *_ = row["window"]
        assert row["starts"] == list(range(start, stop)) and row["num_tokens"] == 42


def test_an_answer_at_a_window_border_is_learnt_where_it_is_whole_and_cls_elsewhere(bert):
    context = "张伟在北京开会" * 6
    windows = encode(bert, "年？", context, answer=(13, 17), max_length=20, stride=6)  # windows 0-15, 9-24, ...
    assert [labelled(row) for row in windows] == [None, (13, 17), None, None]
    assert (windows[0]["start_positions"], windows[0]["end_positions"]) == (0, 0)
    assert windows[0]["cut"] == 0


def test_an_answer_in_the_overlap_is_learnt_in_both_windows(bert):
    context = "张伟在北京开会" * 6
    windows = encode(bert, "年？", context, answer=(10, 14), max_length=20, stride=6)
    assert [labelled(row) for row in windows] == [(10, 14), (10, 14), None, None]


def test_an_answer_longer_than_the_overlap_may_be_whole_in_no_window_and_is_counted(bert):
    context = "张伟在北京开会" * 6
    windows = encode(bert, "年？", context, answer=(8, 20), max_length=20, stride=6)
    assert [labelled(row) for row in windows] == [None] * 4
    assert [row["cut"] for row in windows] == [1, 0, 0, 0]


def test_borders_inside_a_token_and_dropped_answers_are_counted(bert):
    (inside,) = encode(bert, "年？", "2018年", answer=(1, 3), max_length=64)  # tokens 20 and ##18
    assert (inside["widened"], labelled(inside)) == (1, (0, 4))
    (dropped,) = encode(bert, "年？", "北京 \u200b年", answer=(3, 4), max_length=64)
    assert (dropped["uncovered"], labelled(dropped)) == (1, None)


def test_without_an_answer_the_label_is_cls(bert):
    encoder = AnswerEncoder(bert, max_length=64, stride=4, max_question_length=8)
    for answers in (None, {"text": [], "answer_start": []}, {"text": ["上海"], "answer_start": [-1]}):
        ((row,),) = encoder.encode(["年？"], ["北京"], [answers])
        assert (row["start_positions"], row["end_positions"]) == (0, 0)


def test_the_first_gold_answer_in_the_passage_is_the_one_that_is_learnt():
    assert first_answer({"text": ["上海", "京", "北京"], "answer_start": [-1, 1, 0]}) == (1, 2)
    assert first_answer({"text": [], "answer_start": []}) is None
    assert first_answer(None) is None


def test_a_long_question_loses_its_end_and_is_counted(bert):
    (row,) = encode(bert, "张伟在北京开会" * 3, "北京", max_length=20, max_question_length=8)
    assert row["input_ids"] == bert("张伟在北京开会张", "北京")["input_ids"]
    assert row["shortened"] == 1


def test_an_empty_passage_has_one_window_without_tokens(bert):
    (row,) = encode(bert, "年？", "")
    assert (row["starts"], row["first"], row["start_positions"]) == ([], 4, 0)
    assert row["input_ids"] == [*bert("年？")["input_ids"], bert.sep_token_id]


def test_special_token_names_in_a_question_or_passage_are_text(bert):
    (row,) = encode(bert, "[SEP]年", "[CLS]北京", max_length=64)
    assert row["input_ids"].count(bert.sep_token_id) == 2
    assert row["input_ids"].count(bert.cls_token_id) == 1


def test_a_stride_that_leaves_no_room_beside_the_question_is_refused(bert):
    with pytest.raises(ValueError, match=r"found stride 9 and room for 9 tokens next to a question of 8"):
        AnswerEncoder(bert, max_length=20, stride=9, max_question_length=8)


@pytest.fixture(scope="module")
def split():
    context = "张伟在北京开会" * 6
    rows = [
        ("年？", context, {"text": ["北京开会"], "answer_start": [3]}),
        ("年？", context, {"text": ["北京开会张伟在北京开会"], "answer_start": [10]}),
        ("张伟在北京开会，张伟", "2018", {"text": ["01"], "answer_start": [1]}),
        ("年？", "北京", {"text": [], "answer_start": []}),
    ]
    columns = zip(*rows, strict=True)
    names = ("question", "context", "answers")
    return Dataset.from_dict(
        {"id": list("abcd")} | dict(zip(names, map(list, columns), strict=True)), features=FEATURES
    )


def test_the_report_says_what_was_cut_shortened_widened_and_unanswerable(bert, split):
    encoder = AnswerEncoder(bert, max_length=20, stride=4, max_question_length=8)
    assert describe_windows(encode_dataset(split, encoder, by_length=True), split, limit=8) == (
        "4 questions, 3 with an answer in the passage, longest passage 42 sub-tokens; "
        "1 questions are known to have no answer; 2 with a passage cut into windows (10 in all); "
        "1 questions are longer than 8 sub-tokens and lose their end; "
        "1 answers begin or end inside a token and are learnt by whole tokens; "
        "1 answers do not fit into any window and are learnt as no answer (raise --stride)"
    )


def test_windows_without_the_answer_can_be_left_out_but_not_those_of_unanswerable_questions(bert, split):
    encoder = AnswerEncoder(bert, max_length=20, stride=4, max_question_length=8)
    kept = drop_empty(split, encode_dataset(split, encoder, by_length=False))
    assert kept["text_index"][:] == [0, 2, 3]  # the answer of the second question is whole in no window
    assert [bool(last) for last in kept["end_positions"][:]] == [True, True, False]


def test_windows_of_an_encoded_split_are_found_again_in_the_order_of_the_passage(bert, split):
    encoder = AnswerEncoder(bert, max_length=20, stride=4, max_question_length=8)
    rows = encode_dataset(split, encoder, by_length=True).to_list()
    assert [row["length"] for row in rows] == sorted((row["length"] for row in rows), reverse=True)
    groups = group_windows(rows, len(split))
    assert list(map(len, groups)) == [4, 4, 1, 1]
    for group in groups:
        assert [rows[i]["window"][0] for i in group] == sorted(rows[i]["window"][0] for i in group)
