"""What a model answered about the splits of a run, and what goes into the run's folder of it.

A task, of any kind, has `evaluators`, what scores each split but the training data; `scoring(split)`, what `Trainer`
scores with as it predicts a split; `answer(split, rows, outputs, train=...)`, which gives `Answers`; `decision()`, the
fields of the model's configuration that say how to decide; and `card(record, reports)`, the model card.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from datasets import Dataset
from transformers import Trainer

from ..scoring import example_counts

logger = logging.getLogger(__name__)


class Answers(NamedTuple):
    """What was answered about a split; all but the lines is empty where it has no labels.

    Attributes:
        lines: of `predictions.jsonl`.
        shown: the scores for people.
        scores: by name, without the split's; 0-1 but for losses and errors.
        report: what `report.json` holds of the split; None where a task writes none.
        counts: what each example adds to the scores, see `example_counts`.
        errors: what is wrong, see `error_report`.
        submission: of `submission.csv`; None where a task writes none.
    """

    lines: str | Iterable[str]
    shown: str = ""
    scores: Mapping[str, float] = {}
    report: dict | None = None
    counts: dict = {}
    errors: dict = {}
    submission: Iterable[str] | None = None


@dataclass
class SplitAnswers:
    """What was answered about all splits of a run, one after the other.

    Attributes:
        results: scores of all labelled splits, `eval_` before those of the validation data.
        errors: of each labelled split.
        reports: what `report.json` holds; None where the task writes none.
    """

    results: dict[str, float] = field(default_factory=dict)
    errors: dict[str, dict] = field(default_factory=dict)
    reports: dict[str, dict] | None = None
    files: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, dict] = field(default_factory=dict)

    def add(self, split: str, answers: Answers, *, costs: Mapping[str, float] | None = None) -> None:
        """Take in a split; `costs`: of a labelled one, its time and speed, among the results."""
        self.files = {"predictions.jsonl": answers.lines}  # of the last split: test, if there is one
        if split == "test" and answers.submission is not None:
            self.files["submission.csv"] = answers.submission
        if answers.report is not None:
            self.reports = self.reports or {}
        if not answers.counts:
            logger.info("%s: no labels, predicted only", split)
            return
        prefix = prefix_of(split)
        self.results |= dict(costs or {}) | {f"{prefix}_{name}": value for name, value in answers.scores.items()}
        self.counts[split], self.errors[split] = answers.counts, answers.errors
        if answers.report is not None:
            self.reports[split] = answers.report
        logger.info("\n%s\n", answers.shown)

    def list_files(self) -> dict[str, Any]:
        """What goes into the run's folder, by name; predictions of the last split."""
        reports = {} if self.reports is None else {"report.json": self.reports}
        return self.files | reports | {example_counts.NAME: self.counts}


def prefix_of(split: str) -> str:
    """How the names of a split's scores begin, as `Trainer` has it."""
    return "eval" if split == "validation" else split


def answer_splits(trainer: Trainer, dataset: Mapping[str, Dataset], encoded: Mapping[str, Dataset], task):
    """Predict, answer and score each split but the training data.

    Args:
        trainer: its `compute_metrics` is changed.
        dataset, encoded: rows, and the inputs made of them, by split.
        task: see the module.

    Returns:
        `SplitAnswers`.
    """
    found = SplitAnswers()
    for split in task.evaluators:
        trainer.compute_metrics = task.scoring(split)
        outputs = trainer.predict(encoded[split], metric_key_prefix=prefix_of(split))
        answers = task.answer(split, dataset[split], outputs, train=dataset.get("train"))
        found.add(split, answers, costs=outputs.metrics)
        del outputs  # the largest thing in memory
    return found
