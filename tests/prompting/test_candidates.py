"""Tests of utils/prompting/candidates.py."""

import random
import subprocess
import sys

import pytest

from utils.prompting.candidates import KINDS, CandidateError, check_spans, choose_spans, list_ngrams, list_segments


def words(text, spans):
    return [text[start:end] for start, end in spans]


def units(text):
    return words(text, list_ngrams(text, max_length=1))


def test_all_runs_inside_punctuation_are_candidates():
    text = "我爱你，好吗 是"
    assert words(text, list_ngrams(text, max_length=2)) == ["我", "我爱", "爱", "爱你", "你", "好", "好吗", "吗", "是"]
    assert len(list_ngrams("一二三四五六七八", max_length=8)) == 36


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("去NBA2018年", ["去", "NBA2018", "年"]),
        ("涨3.5，到1,000.", ["涨", "3.5", "到", "1,000"]),
        ("Jean-Paul's AT&T, U.S.", ["Jean-Paul's", "AT&T", "U.S"]),
        ("a--b x,y", ["a", "b", "x", "y"]),
        ("가나 다", ["가나", "다"]),
        ("カフェーで", ["カ", "フ", "ェ", "ー", "で"]),
        ("Ａ１组", ["Ａ１", "组"]),
        ("𠀀𠀁", ["𠀀", "𠀁"]),
        ("e\u0301te\u0301 हिन्दी", ["e\u0301te\u0301", "हिन्दी"]),
        ("葛\U000e0100城", ["葛\U000e0100", "城"]),
        ("好\u200b\x00👍\ud800好", ["好", "好"]),
    ],
)
def test_unit_is_a_cjk_character_or_a_run_of_other_letters_and_digits(text, found):
    assert units(text) == found


def test_dot_inside_a_name_is_no_border():
    text = "约翰·史密斯"
    assert text in words(text, list_ngrams(text, max_length=5))
    assert units(text) == list("约翰史密斯")


def test_title_is_asked_about_with_and_without_its_marks():
    text = "看《红楼梦》，《三国：演义》"
    found = words(text, list_ngrams(text, max_length=3))
    assert {"红楼梦", "《红楼梦》", "《三国：演义》"} <= set(found)
    assert sum("《" in word for word in found) == 2
    assert {"《红楼梦》", "《三国：演义》"} <= set(words(text, list_segments(text, max_length=3)))


def test_segments_are_words_and_runs_of_words():
    text = "我在北京大学，读书"
    found = words(text, list_segments(text, max_length=5))
    assert found == ["我", "我在", "在", "在北京大学", "北京大学", "读书"]
    assert set(list_segments(text, max_length=9)) <= set(list_ngrams(text, max_length=9))


def test_segments_never_cut_a_latin_word():
    assert words("去café吃", list_segments("去café吃", max_length=1)) == ["去", "café", "吃"]


def test_jieba_writes_and_reads_no_cache_and_is_not_imported_early(tmp_path):
    code = (
        "import sys\nfrom utils.prompting.candidates import list_ngrams, list_segments\n"
        "list_ngrams('好', max_length=1)\nprint('jieba' in sys.modules, len(list_segments('北京', max_length=2)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": "."},
    )
    assert (done.stdout.split(), done.stderr) == (["False", "1"], "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["", "，。！ \u3000\t\n", "👍👍", "\u0301", "·", "a·", "《》", "\ud800", "'-&."])
def test_odd_text_is_no_error(kind, text):
    assert words(text, choose_spans(kind, max_length=8)(text)) == [character for character in text if character == "a"]


@pytest.mark.parametrize("kind", KINDS)
def test_candidates_of_any_text_lie_in_it_once_and_sorted(kind):
    draw = random.Random(0)
    for _ in range(300):
        text = "".join(draw.choice("好北京大学aB1.,-'·《》 ，\u0301\u200d😀カ") for _ in range(draw.randint(0, 12)))
        spans = choose_spans(kind, max_length=4)(text)
        assert spans == sorted(set(spans)) and all(0 <= start < end <= len(text) for start, end in spans)


def test_kind_or_length_that_cannot_be_is_an_error():
    with pytest.raises(CandidateError, match="of the kind ngrams or segments, found 'words'"):
        choose_spans("words", max_length=3)
    with pytest.raises(CandidateError, match="up to 1 unit or more, found 0"):
        choose_spans("ngrams", max_length=0)


def test_given_spans_are_sorted_and_each_taken_once():
    assert check_spans("我爱你", [[1, 3], (0, 1), [1, 3]]) == [(0, 1), (1, 3)]
    assert check_spans("", []) == []


@pytest.mark.parametrize("span", [[0, 4], [1, 1], [2, 1], [-1, 2], [0], [0, 1, 2], ["0", 1], [0, True], 3, None, "ab"])
def test_given_span_that_is_none_is_an_error(span):
    with pytest.raises(CandidateError, match=r"expected candidates as \[start, end\] inside the text of 3 characters"):
        check_spans("我爱你", [[0, 1], span])
