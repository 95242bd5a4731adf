"""Options of run_qa_span.py."""

from dataclasses import dataclass

from ..data.errors import ArgumentError
from .arguments import Options, option


@dataclass(frozen=True)
class AnswerArguments:
    """What an answer may be, and how it is scored."""

    _argument_group_name = "span question answering"

    max_answer_length: int | None = option(
        None, "Sub-tokens of an answer at most; 50, or what a trained model holds, if not given.", low=1
    )
    max_question_length: int = option(
        64, "Sub-tokens kept of a question, at most half of --max_length.", used_with="training", low=1
    )
    empty_windows: str = option(
        "keep",
        "Windows without the answer that other windows of the passage hold: `keep` teaches to point at [CLS] there, "
        "`drop` leaves them out of training.",
        choices=["keep", "drop"],
        used_with="training",
    )
    null_threshold: float | None = option(
        None,
        "Score of no answer minus score of the best span above which a question is not answered; if not given, the "
        "best for F1 on validation data where that has questions without an answer, else all are answered.",
    )
    n_best: int = option(
        1, "Answers written for each question, 1-20; above 1 as a list n_best beside the best.", low=1, high=20
    )
    language: str = option(
        "auto", "Measure: `zh` that of CMRC 2018, `en` SQuAD's; auto: by content.", choices=["auto", "zh", "en"]
    )

    def check(self, options: Options) -> None:
        """Refuse options that would do nothing here."""
        if options.r_drop_alpha:
            raise ArgumentError("--r_drop_alpha compares class scores, and a span has none; leave it out")
        if options.label_smoothing_factor:
            raise ArgumentError("--label_smoothing_factor does nothing to start and end positions; leave it out")
        if options.file_format != "auto":
            raise ArgumentError("--file_format does nothing here, files are told apart by content; leave it out")
