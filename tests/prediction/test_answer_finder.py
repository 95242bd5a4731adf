"""Answers from start and end scores: against brute force, over windows, with and without a threshold."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoConfig, AutoModel, AutoModelForQuestionAnswering, AutoTokenizer

from utils.data.errors import DataError
from utils.prediction.answer_finder import AnswerFinder
from utils.prediction.json_lines import answer_line
from utils.scoring.answer_ranking import Answer, Ranking, find_candidates, rank

CONTEXT = "张伟在北京开会，李娜 去了\u3000上海看病😀。"


def window(offsets, first=2):
    return {"first": first, "starts": [start for start, _ in offsets], "ends": [end for _, end in offsets]}


def brute_force(row, start_scores, end_scores, *, max_answer_length):
    """Best score of each character span, and the score of position 0."""
    best = {}
    for i in range(len(row["starts"])):
        for j in range(i, min(i + max_answer_length, len(row["starts"]))):
            if row["starts"][i] < row["ends"][i] and row["starts"][j] < row["ends"][j]:
                span = row["starts"][i], row["ends"][j]
                score = start_scores[row["first"] + i] + end_scores[row["first"] + j]
                best[span] = max(score, best.get(span, -math.inf))
    return best


@st.composite
def windows(draw):
    """Tokens of which some are white space and some share a character, with scores."""
    offsets, position = [], 0
    for kind in draw(st.lists(st.sampled_from(["one", "two", "space", "same"]), min_size=0, max_size=12)):
        if kind == "same" and offsets:
            offsets.append(offsets[-1])
            continue
        width = {"one": 1, "two": 2, "space": 0, "same": 1}[kind]
        offsets.append((position, position + width))
        position += max(width, 1)
    score = st.integers(-400, 400).map(lambda n: n / 16)  # exact in any order of adding
    scores = [draw(st.lists(score, min_size=len(offsets) + 4, max_size=len(offsets) + 4)) for _ in range(2)]
    return window(offsets), *(np.array(each, dtype=np.float32) for each in scores)


@settings(max_examples=300, deadline=None)
@given(windows(), st.integers(1, 14), st.integers(1, 25))
def test_the_best_spans_of_a_window_are_those_of_brute_force(drawn, longest, count):
    row, start_scores, end_scores = drawn
    found = find_candidates(row, start_scores, end_scores, max_answer_length=longest, count=count)
    wanted = brute_force(row, start_scores, end_scores, max_answer_length=longest)
    assert found.null_score == start_scores[0] + end_scores[0]
    assert found.scores == sorted(wanted.values(), reverse=True)[:count]
    assert [wanted[span] for span in found.spans] == found.scores
    assert len(set(found.spans)) == len(found.spans)


@settings(max_examples=100, deadline=None)
@given(st.lists(windows(), min_size=1, max_size=3), st.integers(1, 25))
def test_the_best_spans_over_windows_are_those_of_brute_force(drawn, count):
    found = rank((find_candidates(*each, max_answer_length=6, count=count) for each in drawn), count=count)
    wanted: dict = {}
    for each in drawn:
        for span, score in brute_force(*each, max_answer_length=6).items():
            wanted[span] = max(score, wanted.get(span, -math.inf))
    assert found.scores == sorted(wanted.values(), reverse=True)[:count]
    assert [wanted[span] for span in found.spans] == found.scores
    assert found.null_score == min(start[0] + end[0] for _, start, end in drawn)


def test_scores_of_the_question_and_of_padding_are_not_looked_at():
    row = window([(0, 1), (1, 2)], first=3)
    start = np.array([0, 90, 90, 1, 2, 90, -100], dtype=np.float32)
    found = find_candidates(row, start, start, max_answer_length=5)
    assert found.spans == [(1, 2), (0, 2), (0, 1)] and found.scores == [4.0, 3.0, 2.0]


def test_scores_that_are_no_numbers_give_no_span():
    row = window([(0, 1), (1, 2)], first=1)
    scores = np.full(4, np.nan, dtype=np.float32)
    assert find_candidates(row, scores, scores, max_answer_length=5).spans == []


def test_an_answer_is_exactly_its_part_of_the_passage():
    start = CONTEXT.index("李")
    ranking = Ranking([3.0, 1.0], [(start, start + 5), (0, 2)], 9.0)
    answers = ranking.answers(CONTEXT, null_threshold=None, n_best=5)
    assert [answer.text for answer in answers] == ["李娜 去了", "张伟"]
    assert all(CONTEXT[answer.start : answer.end] == answer.text for answer in answers)


def test_probability_is_shared_among_the_spans_and_with_a_threshold_no_answer():
    ranking = Ranking([2.0, 1.0], [(0, 2), (3, 5)], 0.0)
    without = ranking.answers(CONTEXT, null_threshold=None, n_best=9)
    assert [one.score for one in without] == pytest.approx([math.e / (1 + math.e), 1 / (1 + math.e)])
    answers = ranking.answers(CONTEXT, null_threshold=0.0, n_best=9)
    total = math.e**2 + math.e + 1
    assert [one.score for one in answers] == pytest.approx([math.e**2 / total, math.e / total, 1 / total])
    assert [one.text for one in answers] == ["张伟", "北京", ""]


@pytest.mark.parametrize(("threshold", "text"), [(None, "张伟"), (1.5, "张伟"), (1.0, "张伟"), (0.9, ""), (-3.0, "")])
def test_no_answer_is_chosen_when_its_odds_are_above_the_threshold(threshold, text):
    ranking = Ranking([2.0, 1.0], [(0, 2), (3, 5)], 3.0)
    assert ranking.null_odds == 1.0
    assert ranking.answers(CONTEXT, null_threshold=threshold, n_best=1)[0].text == text


def test_no_answer_must_be_in_every_window():
    one, other = Ranking([1.0], [(0, 2)], 8.0), Ranking([2.0], [(3, 5)], -8.0)
    assert rank([one, other]).answers(CONTEXT, null_threshold=0.0, n_best=1)[0].text == "北京"


def test_a_passage_without_tokens_has_no_answer():
    ranking = rank([find_candidates(window([]), np.ones(4), np.ones(4), max_answer_length=5)])
    for threshold in (None, 0.0):
        assert ranking.answers("", null_threshold=threshold, n_best=3) == [Answer("", 0, 0, 1.0)]


def test_a_line_has_the_answer_and_where_it_stands():
    answers = [Answer("北京", 3, 5, 0.75), Answer("", 0, 0, 0.25)]
    assert answer_line("？", answers, id="a", n_best=True) == (
        '{"id": "a", "question": "？", "answer": "北京", "start": 3, "end": 5, "score": 0.75, "n_best": ['
        '{"answer": "北京", "start": 3, "end": 5, "score": 0.75}, '
        '{"answer": "", "start": 0, "end": 0, "score": 0.25}]}'
    )


@pytest.fixture(scope="module")
def folder(tiny_encoder, tmp_path_factory):
    """A stock model with random scores, windows of 32, as if it were trained."""
    path = tmp_path_factory.mktemp("model")
    settings = {"window_length": 32, "window_stride": 8, "max_question_length": 12, "max_answer_length": 9}
    config = AutoConfig.from_pretrained(tiny_encoder, initializer_range=0.5)
    config.update(settings)
    torch.manual_seed(0)
    AutoModelForQuestionAnswering.from_config(config).save_pretrained(path)
    AutoTokenizer.from_pretrained(tiny_encoder).save_pretrained(path)
    return str(path)


QUESTIONS = ["张伟在北京？", "年？", "学习Python是看病，张伟在北京开会？", "的"]
CONTEXTS = [CONTEXT * 4, "2018年", CONTEXT, CONTEXT * 2 + "北京"]


def test_each_answer_is_found_alone_as_in_a_batch(folder):
    many = AnswerFinder.load(folder, batch_size=64, n_best=5).find(QUESTIONS, CONTEXTS)
    one = AnswerFinder.load(folder, batch_size=1, n_best=5)
    for question, context, answers in zip(QUESTIONS, CONTEXTS, many, strict=True):
        (alone,) = one.find([question], [context])
        assert [answer[:3] for answer in alone] == [answer[:3] for answer in answers]
        assert [answer.score for answer in alone] == pytest.approx([answer.score for answer in answers], abs=1e-4)
        assert all(context[answer.start : answer.end] == answer.text for answer in answers)


def test_settings_of_training_are_taken_from_the_configuration(folder):
    finder = AnswerFinder.load(folder)
    assert (finder.encoder.max_length, finder.encoder.stride, finder.encoder.max_question_length) == (32, 8, 12)
    assert (finder.max_answer_length, finder.null_threshold) == (9, None)
    assert all(row["length"] <= 32 for rows in finder.encoder.encode(QUESTIONS, CONTEXTS) for row in rows)


def test_a_stock_model_from_elsewhere_gets_windows_that_it_can_take(tiny_encoder, tmp_path):
    AutoModelForQuestionAnswering.from_pretrained(tiny_encoder).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(tiny_encoder).save_pretrained(tmp_path)
    finder = AnswerFinder.load(str(tmp_path))
    assert (finder.encoder.max_length, finder.encoder.stride, finder.encoder.max_question_length) == (128, 32, 64)
    assert [len(answers) for answers in finder.find(QUESTIONS, CONTEXTS)] == [1] * 4


def test_nothing_asked_gives_nothing(folder):
    assert AnswerFinder.load(folder).find([], []) == []


def test_a_model_of_another_kind_and_a_missing_one_are_errors_with_the_name(tiny_encoder, tmp_path):
    with pytest.raises(DataError, match=r"expected a model trained by .*run_qa_span.py, found BertModel"):
        AnswerFinder.load(tiny_encoder)
    with pytest.raises(FileNotFoundError, match="nowhere: expected a trained output directory"):
        AnswerFinder.load(str(tmp_path / "nowhere"))


@pytest.mark.parametrize("kind", ["roberta", "distilbert", "electra"])
def test_encoders_with_and_without_token_types_answer(tiny_encoder, tmp_path, kind):
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    if kind != "electra":
        tokenizer.model_input_names = ["input_ids", "attention_mask"]
    shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    if kind == "distilbert":
        shape = {"dim": 32, "n_layers": 1, "n_heads": 2, "hidden_dim": 64}
    config = AutoConfig.for_model(kind, vocab_size=len(tokenizer), pad_token_id=0, max_position_embeddings=64, **shape)
    model = AutoModelForQuestionAnswering.from_config(config)
    assert isinstance(model.base_model, type(AutoModel.from_config(config)))
    finder = AnswerFinder(model.eval(), tokenizer, n_best=2)
    for context, answers in zip(CONTEXTS, finder.find(QUESTIONS, CONTEXTS), strict=True):
        assert all(context[one.start : one.end] == one.text for one in answers)
