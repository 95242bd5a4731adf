"""Answer scores: numbers that the official evaluators gave, brute force, and the edges."""

from itertools import product

import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.scoring.answer_evaluator import AnswerScorer
from utils.scoring.answer_metrics import (
    CmrcScores,
    SquadScores,
    choose_measure,
    cmrc_words,
    longest_run,
    squad_words,
    tune_null_threshold,
)
from utils.scoring.answer_ranking import Ranking
from utils.scoring.english_words import split_sentences, split_words

# answer, gold answers, exact match and F1 that the evaluator of CMRC 2018 gave
CMRC = [
    ("光荣和ω-force", ["光荣和ω-force"], 1, 1.0),
    ("光荣", ["光荣和ω-force", "光荣"], 1, 1.0),
    ("《战国无双3》", ["战国无双3。"], 1, 1.0),
    ("战国无双2", ["战国无双3"], 0, 0.8000000000000002),
    ("是由光荣和Koei开发", ["光荣和Koei"], 0, 0.6666666666666666),
    ("4分钟", ["4 分钟"], 0, 1.0),
    ("39764.0", ["39764"], 0, 0.0),
    ("１９９８年", ["1998年"], 0, 0.5),
    ("1998年", ["1998"], 0, 0.6666666666666666),
    ("", ["北京"], 0, 0.0),
    ("。", ["北京"], 0, 0.0),
    ("the New York Times", ["《The new york times》"], 1, 1.0),
    ("约3,500人", ["3,500人", "3500人"], 0, 0.8),
    ("didn't", ["didn’t"], 0, 0.0),
    ("U.S. Army.", ["u.s. army"], 0, 0.8),
    ("北京，上海、广州", ["上海，广州"], 0, 0.8),
    ("  北京 ", ["北京"], 1, 1.0),
    ('他说"好的"', ["他说“好的”"], 0, 0.4),
    ("北京大学(Peking University)", ["北京大学"], 0, 0.6666666666666666),
    ("……北京", ["北京"], 0, 0.8),
    ("mr. Smith. He left.", ["Mr. Smith"], 0, 0.5),
    ("京北", ["北京"], 0, 0.5),
]
# likewise of SQuAD 1.1
SQUAD = [
    ("the Lake of Geneva", ["Geneva", "Lake Geneva"], 0, 0.8),
    ("a", ["the"], 1, 0.0),
    ("U.S. Army", ["us army"], 1, 1.0),
    ("New-York", ["New York"], 0, 0.0),
    ("", ["x"], 0, 0.0),
    ("in 1998 , in", ["in 1998"], 0, 0.8),
    ("Théatre", ["théatre"], 1, 1.0),
    ("北京", ["北京"], 1, 1.0),
    ("5 %", ["5%"], 1, 1.0),
    ("an an", ["an", "b"], 1, 0.0),
]
# likewise of SQuAD 2.0, where gold answers of nothing but articles are none
SQUAD_2 = [
    ("a", ["the"], 1, 1.0),
    ("x", ["the"], 0, 0.0),
    ("", ["the"], 1, 1.0),
    ("x", [], 0, 0.0),
    ("", [], 1, 1.0),
    ("the", [], 1, 1.0),
]

# six questions of which three have no answer, and what the evaluator of SQuAD 2.0 gave at four thresholds
REFERENCES = [["Paris"], ["the blue whale", "whale"], [], [], ["1998"], []]
ANSWERS = ["Paris", "blue whale shark", "London", "Rome", "in 1998", ""]
ODDS = [-4.0, -1.5, 0.25, -2.0, 1.5, 3.0]
AT_THRESHOLDS = {
    1.0: [1 / 3, 7 / 15, 1 / 3, 0.6, 1 / 3],
    0.0: [0.5, 19 / 30, 1 / 3, 0.6, 2 / 3],
    -1.75: [0.5, 0.5, 1 / 3, 1 / 3, 2 / 3],
    -10.0: [0.5, 0.5, 0.0, 0.0, 1.0],
}


def predictions(texts, odds=None):
    odds = odds or [0.0] * len(texts)
    return [{"text": text, "null_odds": value} for text, value in zip(texts, odds, strict=True)]


def compute(measure, texts, references, odds=None, **options):
    return measure(keep_in_memory=True).compute(predictions=predictions(texts, odds), references=references, **options)


@pytest.mark.parametrize(("answer", "gold", "exact", "f1"), CMRC)
def test_a_chinese_answer_scores_as_the_evaluator_of_cmrc_2018_says(answer, gold, exact, f1):
    assert compute(CmrcScores, [answer], [gold]) == {"exact_match": exact, "f1": f1, "average": (exact + f1) / 2}


@pytest.mark.parametrize(("answer", "gold", "exact", "f1"), SQUAD)
def test_an_english_answer_scores_as_the_evaluator_of_squad_says(answer, gold, exact, f1):
    assert compute(SquadScores, [answer], [gold]) == {"exact_match": exact, "f1": f1}


@pytest.mark.parametrize(("answer", "gold", "exact", "f1"), SQUAD_2)
def test_with_unanswerable_questions_the_evaluator_of_squad_2_is_followed(answer, gold, exact, f1):
    score = SquadScores(keep_in_memory=True).score(answer, gold, has_unanswerable=True)
    assert score == (exact, f1)


@pytest.mark.parametrize("threshold", AT_THRESHOLDS)
def test_scores_at_a_threshold_are_those_of_squad_2(threshold):
    scores = compute(SquadScores, ANSWERS, REFERENCES, ODDS, threshold=threshold)
    names = ["exact_match", "f1", "has_answer_exact_match", "has_answer_f1", "no_answer_exact_match"]
    assert [scores[name] for name in names] == pytest.approx(AT_THRESHOLDS[threshold])
    assert scores["no_answer_f1"] == scores["no_answer_exact_match"]


def test_the_best_threshold_is_that_of_squad_2():
    scores = compute(SquadScores, ANSWERS, REFERENCES, ODDS)
    assert scores["best_f1"] == pytest.approx(2 / 3) and scores["best_exact_match"] == pytest.approx(2 / 3)
    assert scores["best_f1_threshold"] == scores["best_exact_match_threshold"] == -4.0


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(-9, 9), st.booleans()),
        min_size=1,
        max_size=8,
        unique_by=lambda t: t[1],
    )
)
def test_the_tuned_threshold_is_the_best_of_all(rows):
    scores, odds, answerable = [s / 4 for s, _, _ in rows], [float(o) for _, o, _ in rows], [a for _, _, a in rows]
    scores = [score if known else 0.0 for score, known in zip(scores, answerable, strict=True)]

    def total(threshold):
        given_up = [one > threshold for one in odds]
        return sum(float(not a) if up else s for s, a, up in zip(scores, answerable, given_up, strict=True))

    best = tune_null_threshold(scores, odds, answerable, answered=[True] * len(rows))
    assert best.score == max(map(total, [*odds, -100.0]))
    if best.score > sum(not known for known in answerable):
        assert total(best.threshold) == best.score


def test_without_unanswerable_questions_there_are_two_scores():
    assert compute(SquadScores, ["Paris"], [["Paris"]]).keys() == {"exact_match", "f1"}
    assert compute(CmrcScores, ["北京"], [["北京"]]).keys() == {"exact_match", "f1", "average"}


def test_chinese_questions_without_an_answer_are_scored_too():
    scores = compute(CmrcScores, ["北京", "上海", ""], [["北京"], [], []], [-1.0, 2.0, 0.0], threshold=1.0)
    assert scores["f1"] == scores["exact_match"] == scores["average"] == scores["no_answer_f1"] == 1.0
    assert compute(CmrcScores, ["上海"], [[]])["f1"] == 0.0


def test_scores_are_means_over_questions_as_plain_floats():
    scores = compute(SquadScores, ["a cat", "dog", "x"], [["cat"], ["cat"], ["y"]])
    assert scores == {"exact_match": pytest.approx(1 / 3), "f1": pytest.approx(1 / 3)}
    assert {type(value) for value in scores.values()} == {float}


@given(st.text("ab1", max_size=7), st.text("ab1", max_size=7))
@settings(max_examples=300)
def test_the_longest_run_is_that_of_brute_force(one, other):
    runs = [one[i:j] for i, j in product(range(len(one) + 1), repeat=2) if i <= j]
    assert longest_run(one, other) == max(len(run) for run in runs if run in other)


def test_words_of_chinese_are_characters_and_runs_between_them():
    assert cmrc_words("《三国志11》是Koei的SLG") == ["三", "国", "志", "11", "是", "koei", "的", "slg"]
    assert cmrc_words("3-4、5") == ["345"]  # marks vanish before words are told apart
    assert cmrc_words("") == cmrc_words("。，") == []


def test_articles_case_and_ascii_punctuation_do_not_count_in_english():
    assert squad_words("An  Apple, the U.S.'s «best»") == ["apple", "uss", "«best»"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"this" is it', ["``", "this", "''", "is", "it"]),
        ("tenants' champ d'entraînement", ["tenants", "'", "champ", "d'entraînement"]),
        ("i'll say it isn't o'neill's", ["i", "'ll", "say", "it", "is", "n't", "o'neill", "'s"]),
        ("1,000,5 x , y,", ["1,000,5", "x", ",", "y", ","]),
        ("(3)2. foo... bar", ["(", "3", ")", "2.", "foo", "...", "bar"]),
        ("cannot 'shade' [a]?!", ["can", "not", "'", "shade", "'", "[", "a", "]", "?", "!"]),
        ("$5 & 3.5%;", ["$", "5", "&", "3.5", "%", ";"]),
        ("foundation. andrew w. mellon.", ["foundation", ".", "andrew", "w.", "mellon", "."]),
        ("e—f‘g", ["e", "—", "f", "‘", "g"]),
        (" \u3000", []),
    ],
)
def test_words_of_english_follow_the_penn_treebank(text, words):
    assert split_words(text) == words


def test_sentences_lose_no_character():
    text = 'dr. who? "no." he left. 3. so (it. was). end'
    assert "".join(split_sentences(text)) == text
    assert split_sentences(text) == ["dr. who?", ' "no."', " he left.", " 3. so (it.", " was).", " end"]


def test_the_language_goes_by_the_letters():
    assert choose_measure(["Who developed 战国无双?"]) == "en"
    assert choose_measure(["1998年，Koei公司开发"]) == "zh"
    assert choose_measure(["2018!"]) == choose_measure([]) == "en"


def test_threshold_that_is_kept_lies_between_the_odds_of_questions():
    """Two answered rightly, two without an answer at equal odds: no rounding of any of them changes an answer."""
    known = {"text": ["Bonn"], "answer_start": [0]}
    rows = [{"id": str(i), "question": "?", "context": "Bonn", "answers": known} for i in range(2)]
    rows += [{**row, "id": row["id"] + "n", "answers": {"text": [], "answer_start": []}} for row in rows]
    rankings = [Ranking([-odds], [(0, 4)], 0.0) for odds in (-2.0, -1.0, 0.5, 0.5)]
    scorer = AnswerScorer(Dataset.from_list(rows), language="en", null_threshold=None, tune=True)
    assert scorer.score(rankings)["f1"] == 1 and scorer.null_threshold == -0.25
    rankings[0] = Ranking([-0.5], [(0, 4)], 0.0)  # a right answer among those at equal odds
    assert scorer.score(rankings)["f1"] == 0.75 and scorer.null_threshold == -0.25
