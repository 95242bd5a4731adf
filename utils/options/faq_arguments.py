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
        None, "More of them: a line each, or json lines of `question` and, if known, `answer`."
    )
    top_k: int = option(3, "How many of the most probable answers are shown and stored.", low=1)
    question_template: str | None = option(
        None, "Rewrites each question, in training and ever after: `{text}，應去往何處`.", used_with="training"
    )
    target_accuracy: float = option(
        0.9,
        "Say `I don't know` below the probability from which on this share of answers is right; 0: never say so.",
        used_with="training",
        low=0,
        high=1,
    )
    test_share: float = option(
        0.0,
        "Share of the training data held out for the test, by class, before all else.",
        used_with="training !test_file",
        low=0,
        below=1,
    )
    rare_class_rows: int = option(
        5, "Report the classes with fewer training questions than this.", used_with="training", low=0
    )

    def check(self, options: Options) -> None:
        """Refuse a template without its place."""
        if self.question_template is not None and self.question_template.count("{text}") != 1:
            raise ArgumentError(f"--question_template {self.question_template!r}: expected {{text}} in it, once")
