"""Tests of the lines of utils/tasks/prompt_search.py."""

from utils.prompting.template_pool import TemplateScore
from utils.prompting.trigger_search import Trigger
from utils.tasks.prompt_search import pool_text, trigger_text, words_text


def test_words_are_shown_with_their_ratios():
    shown = words_text({"good": {"好": 2.5, "不错": 1.25}, "bad": {"差": 3.0}})
    assert shown.splitlines()[1:] == ["  good: 好 2.50  不错 1.25", "  bad: 差 3.00"]


def test_templates_are_shown_best_first_with_their_weights():
    ranked = [TemplateScore(1, 0.75, -0.5), TemplateScore(0, 0.5, -0.75)]
    shown = pool_text(["{text}{mask}", "{text}很{mask}"], ranked, [0.25, 0.75], rows=1200)
    assert shown.splitlines() == [
        "templates on 1,200 rows: score, mean log-probability of the right class, weight among all",
        "   75.0   -0.5000  0.75  {text}很{mask}",
        "   50.0   -0.7500  0.25  {text}{mask}",
    ]


def test_trigger_is_shown_with_the_loss_before_and_after():
    shown = trigger_text(Trigger("{text}很{mask}", 0.7, 0.61, [("{text}很{mask}", 0.61)]))
    assert shown == "the best of 1 template: loss 0.7000 -> 0.6100\n  {text}很{mask}"
