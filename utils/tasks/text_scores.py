"""Labels that are numbers on a scale, such as similarities from 0 to 5, and the task that learns them: regression.

See `answers` for what a task is.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from datasets import Dataset, Features, Value
from torch import nn
from transformers import PreTrainedModel

from ..data.errors import DataError, ErrorLog, show
from ..data.submission_columns import PLAIN, SubmissionForm
from ..prediction.verdict_lines import prediction_lines, submission_lines
from ..reporting.regression_report import describe_regression, report_scores
from ..scoring.example_counts import count_scores
from ..scoring.regression import ScoreEvaluator, ScoreRule
from .answers import Answers
from .text_tasks import text_card


def are_scores(labels: Iterable[str]) -> bool:
    """Whether all labels are numbers, and some of them have decimals that are not 0.

    Example:
        >>> are_scores(["3.8", "2", "0.5"]), are_scores(["1", "2.0"]), are_scores(["3.8", "high"])
        (True, False, False)
    """
    numbers = [_number(label) for label in labels]
    return bool(numbers) and None not in numbers and any(not number.is_integer() for number in numbers)


def to_scores(rows: Dataset, *, source: str) -> Dataset:
    """Turn the texts under `label` into numbers; rows without labels stay as they are.

    Args:
        rows: see `readers_text.read_classes`.
        source: what errors call them.

    Raises:
        DataError: some labels are not numbers; the message names the first rows.
    """
    if "label" not in rows.column_names:
        return rows
    log = ErrorLog(source, unit="row")
    for number, label in enumerate(rows["label"][:], start=1):
        if _number(label) is None:
            log.add(
                number, f"expected a number as label, found {show(label)}; correct it, or give --task classification"
            )
    log.finish(skip_bad_lines=False)
    features = Features({name: Value("float64") if name == "label" else kind for name, kind in rows.features.items()})
    return rows.map(lambda row: {"label": float(row["label"])}, features=features, keep_in_memory=True)


def refuse_several(features: Iterable[str]) -> None:
    """Refuse rows with several labels.

    Raises:
        DataError: there is a column `labels`.
    """
    if "labels" in features:
        raise DataError("--task regression: expected one number per text, found several labels; leave the option out")


@torch.no_grad()
def start_at(model: PreTrainedModel, score: float) -> None:
    """Let a new regression model predict this score for every text at first, so that it only learns differences."""
    outputs = [each for each in model.modules() if isinstance(each, nn.Linear) and each.out_features == 1]
    if outputs and outputs[-1].bias is not None:
        outputs[-1].bias.fill_(score)


class TextScores:
    """A score for each text or pair: regression.

    Args:
        encoded: inputs by split.
        form: of a submission.
    """

    rule = ScoreRule()

    def __init__(self, encoded: Mapping[str, Dataset], *, form: SubmissionForm = PLAIN):
        self.form = form
        self.evaluators = {split: self.watch(rows) for split, rows in encoded.items() if split != "train"}

    def watch(self, encoded: Dataset) -> ScoreEvaluator:
        """The evaluator that scores a split during training."""
        return ScoreEvaluator(encoded)

    def scoring(self, split: str) -> None:
        """None: scores are computed together with the answers."""

    def decode(self, split: str, predictions: np.ndarray | tuple) -> list[float]:
        """The score of each text of a split."""
        return self.rule.verdicts(self.evaluators[split].logits(predictions))

    def answer(
        self, split: str, rows: Dataset, found: Sequence[float], *, scores: dict[str, float], train: Dataset | None
    ) -> Answers:
        """The answers for a split."""
        evaluator = self.evaluators[split]
        submission = submission_lines(self.rule, rows, found, form=self.form)
        answers = Answers(prediction_lines(self.rule, rows, found), report={}, submission=submission)
        if evaluator.targets is None:
            return answers
        scores = evaluator.score(found)
        return answers._replace(
            shown=describe_regression(split, scores),
            scores=scores,
            report={"scores": scores, "task": "regression"},
            counts=count_scores(rows, found),
            errors=report_scores(rows, found, scores=scores),
        )

    def decision(self) -> dict:
        """No fields: `problem_type` is enough."""
        return {}

    def card(self, record: dict, reports: Mapping[str, dict]) -> str:
        """The model card."""
        return text_card(record, rule=self.rule, report=reports["validation"])


def _number(label: str) -> float | None:
    try:
        number = float(label)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
