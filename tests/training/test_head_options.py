"""Options of a head: accepted with it, refused with any other."""

import pytest

import run_ner
from utils.training.arguments import ArgumentError


@pytest.mark.parametrize(
    "head, options, flag",
    [
        ("crf", {"label_smoothing": 0.1}, "--label_smoothing_factor"),
        ("span", {"label_smoothing": 0.1}, "--label_smoothing_factor"),
        ("crf", {"constrained_decoding": True}, "--constrained_decoding"),
        ("span", {"crf_learning_rate": 0.1}, "--crf_learning_rate"),
        ("softmax", {"crf_learning_rate": 0.0}, "--crf_learning_rate"),
        ("crf", {"nested": "yes"}, "--nested"),
        ("crf", {"loss": "focal"}, "--loss focal"),
        ("crf", {"class_weights": "auto"}, "--class_weights auto"),
        ("span", {"scheme": "bioes"}, "--scheme"),
    ],
)
def test_option_that_the_head_would_ignore_is_an_error(head, options, flag):
    smoothing = options.pop("label_smoothing", 0.0)
    with pytest.raises(ArgumentError, match=f"{flag} does nothing with --head {head}"):
        run_ner.NerArguments(head=head, **options).check(label_smoothing=smoothing)


@pytest.mark.parametrize(
    "head, options",
    [
        ("softmax", {"label_smoothing": 0.1, "constrained_decoding": True, "loss": "focal", "class_weights": "auto"}),
        ("crf", {"crf_learning_rate": 0.1, "scheme": "bioes"}),
        ("span", {"nested": "yes", "loss": "focal", "class_weights": "auto"}),
    ],
)
def test_options_of_a_head_are_accepted(head, options):
    smoothing = options.pop("label_smoothing", 0.0)
    run_ner.NerArguments(head=head, **options).check(label_smoothing=smoothing)
