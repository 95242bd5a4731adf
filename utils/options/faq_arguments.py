"""Options of run_qa_cls.py."""

from dataclasses import dataclass

from ..data.errors import ArgumentError
from .arguments import Options, option


@dataclass(frozen=True)
class FaqArguments:
    """Questions and answers."""

    _argument_group_name = "questions and answers"

    ask: list[str] | None = option(None, "Questions to answer, after training or from a saved run.")
    ask_file: str | None = option(
        None, "More questions to answer: one per line, or JSON lines with `question` and, if known, `answer`."
    )
    top_k: int = option(3, "How many of the most probable answers are shown and stored.", low=1)
    question_template: str | None = option(
        None, "Rewrites each question, in prediction too, such as `{text}，應去往何處`.", used_with="training"
    )
    target_accuracy: float = option(
        0.9,
        "Answer `I don't know` below the probability above which this share of answers is right; 0: always answer.",
        used_with="training",
        low=0,
        high=1,
    )
    test_share: float = option(
        0.0,
        "Share of the training data held out as test data, by class, before validation data is held out.",
        used_with="training !test_file",
        low=0,
        below=1,
    )
    rare_class_rows: int = option(
        5, "Report the classes with fewer training questions than this.", used_with="training", low=0
    )

    def check(self, options: Options) -> None:
        """Refuse a template without a place for the question, or with several."""
        if self.question_template is not None and self.question_template.count("{text}") != 1:
            raise ArgumentError(f"--question_template {self.question_template!r}: expected {{text}} exactly once")
