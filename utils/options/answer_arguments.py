"""Options of run_qa_span.py."""

from dataclasses import dataclass

from ..data.errors import ArgumentError
from .arguments import Options, option


@dataclass(frozen=True)
class AnswerArguments:
    """Which answers are allowed, and how they are scored."""

    _argument_group_name = "span question answering"

    max_answer_length: int | None = option(
        None, "Maximum length of an answer in sub-tokens; 50, or a trained model's own value, if not given.", low=1
    )
    max_question_length: int = option(
        64, "Cut questions to this many sub-tokens, at most half of --max_length.", used_with="training", low=1
    )
    empty_windows: str = option(
        "keep",
        "Windows that lack the answer while another window of the passage has it: `keep` trains the model to point at "
        "[CLS] there, `drop` leaves them out of training.",
        choices=["keep", "drop"],
        used_with="training",
    )
    null_threshold: float | None = option(
        None,
        "Leave a question unanswered if the score of no answer minus that of the best span is above this. If not "
        "given, the best for F1 on validation data with unanswerable questions; without these all are answered.",
    )
    n_best: int = option(
        1, "Answers written for each question, 1-20; above 1 a list n_best follows the best one.", low=1, high=20
    )
    language: str = option(
        "auto",
        "How answers are scored: `zh` as in CMRC 2018, `en` as in SQuAD, `auto` by the language of the data.",
        choices=["auto", "zh", "en"],
    )

    def check(self, options: Options) -> None:
        """Refuse options that would do nothing here."""
        if options.r_drop_alpha:
            raise ArgumentError("--r_drop_alpha compares class scores, and a span has none; leave it out")
        if options.label_smoothing_factor:
            raise ArgumentError("--label_smoothing_factor does nothing to start and end positions; leave it out")
        if options.group_column:
            raise ArgumentError("--group_column: questions on one passage share a fold anyway; leave it out")
        if options.file_format != "auto":
            raise ArgumentError("--file_format does nothing here, formats are detected by content; leave it out")
