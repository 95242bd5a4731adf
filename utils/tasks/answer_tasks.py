"""The task of run_qa_span.py: turns start and end scores into answers, their scores and errors."""

from collections.abc import Mapping, Sequence

from datasets import Dataset

from ..data.errors import DataError
from ..prediction.json_lines import answer_lines
from ..reading.readers_qa import is_labelled
from ..reporting.error_report import report_answers
from ..reporting.model_card import model_card
from ..scoring.answer_evaluator import AnswerEvaluator, AnswerScorer
from ..scoring.answer_ranking import Answer
from .answers import Answers


class PassageAnswers:
    """Answers in passages; see `answers` for what a task is.

    Args:
        dataset, encoded: rows and windows by split.
        language: of the scores, `zh` or `en`.
        n_best: number of answers written for each question.
        tune: find the threshold for no answer on the validation data.
        **scoring: see `AnswerEvaluator`.
    """

    def __init__(
        self,
        dataset: Mapping[str, Dataset],
        encoded: Mapping[str, Dataset],
        *,
        language: str,
        n_best: int,
        tune: bool,
        **scoring,
    ):
        self.language, self.n_best = language, n_best
        self.evaluators = {
            split: AnswerEvaluator(
                rows, encoded[split], language=language, tune=tune and split == "validation", **scoring
            )
            for split, rows in dataset.items()
            if split != "train"
        }
        self.labelled = {split: is_labelled(dataset[split]) for split in self.evaluators}

    def scoring(self, split: str) -> AnswerEvaluator | None:
        """`compute_metrics` while a split is predicted; test data uses the threshold of the validation data."""
        evaluator = self.evaluators[split]
        if split == "test" and "validation" in self.evaluators:
            evaluator.null_threshold = self.evaluators["validation"].null_threshold
        return evaluator if self.labelled[split] else None

    def decode(self, split: str, predictions: tuple) -> list[list[Answer]]:
        """The best answers to each question of a split."""
        return self.evaluators[split].answers(predictions, n_best=self.n_best)

    def answer(
        self,
        split: str,
        rows: Dataset,
        answers: Sequence[Sequence[Answer]],
        *,
        scores: dict[str, float],
        train: Dataset | None,
    ) -> Answers:
        """The answers for a split; `scores`: those of its prediction."""
        scorer = self.evaluators[split] if self.labelled[split] else None
        return answer_questions(split, rows, answers, scorer, scores=scores, n_best=self.n_best)

    def decision(self) -> dict:
        """The threshold for no answer."""
        return {"null_threshold": self.evaluators["validation"].null_threshold}

    def card(self, record: dict, reports: None) -> str:
        """The model card."""
        return answer_card(record, language=self.language)


def answer_questions(
    split: str,
    rows: Dataset,
    answers: Sequence[Sequence[Answer]],
    scorer: AnswerScorer | None,
    *,
    scores: Mapping[str, float],
    n_best: int,
) -> Answers:
    """The answers for a split; `scorer`: None without gold answers. `scores`: by name, with or without a prefix."""
    lines = answer_lines(rows, answers, n_best=n_best > 1)
    if scorer is None:
        return Answers(lines)
    counts = scorer.counts(answers)
    errors = report_answers(rows, answers, counts=counts, scores=dict(scores))
    return Answers(lines, f"{split}: {scorer.describe(scores)}", counts=counts, errors=errors)


def answer_card(record: dict, *, language: str) -> str:
    """Model card of a model for answers in passages; `language`, `zh` or `en`, chooses the measure."""
    shown = ("exact_match", "f1", "average", "threshold")
    scores = {name: value for name, value in record["results"].items() if name.startswith("eval_")}
    return model_card(
        "answer_card",
        record,
        task="question-answering",
        tags=["question-answering", "extractive-question-answering", language],
        metrics=("f1", "exact_match"),
        auto="AutoModelForQuestionAnswering",
        stock=True,
        piped=False,
        language=language,
        scores={name.removeprefix("eval_"): value for name, value in scores.items() if name.endswith(shown)},
    )


def require_answers(splits: Mapping[str, Dataset]) -> None:
    """Refuse training or validation data without answers.

    Raises:
        DataError: there are none.
    """
    for split in ("train", "validation"):
        if not is_labelled(splits[split]):
            raise DataError(
                f"the {split} data: expected answers, found none; it is used to train or to choose the best epoch"
            )
