"""The answers of a model for the splits of a run, and the files that are made of them.

Every task has `decision()`, the fields of the model's configuration that describe how to decide, and
`card(record, reports)`, the model card. A task whose splits `answer_splits` predicts also has `evaluators`, one for
each split but the training data; `scoring(split)`, the `compute_metrics` while a split is predicted;
`decode(split, predictions)`, which returns what is needed of the model's outputs; and
`answer(split, rows, decoded, scores=..., train=...)`, which returns `Answers`. Cloze tasks make their `Answers` in
another way, see `cloze_classes`; a masked-language model has none.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from datasets import Dataset
from transformers import Trainer

from ..scoring import example_counts
from ..scoring.score_names import prefix_of

logger = logging.getLogger(__name__)


class Answers(NamedTuple):
    """The answers for a split. Without labels there are no scores, counts and errors, and nothing is shown.

    Attributes:
        lines: of `predictions.jsonl`.
        shown: the scores as text.
        scores: by name, without the prefix of the split; 0-1 except for losses and errors.
        report: the part of `report.json` for the split, empty without labels; None if the task writes none.
        counts: what each example adds to the scores, see `example_counts`.
        errors: wrong answers, see `error_report`.
        submission: lines of `submission.csv`; None if the task writes none.
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
    """The answers for all splits of a run.

    Attributes:
        results: scores of all labelled splits; those of the validation data begin with `eval_`.
        errors: of each labelled split.
        reports: the content of `report.json`; None if the task writes none.
        files: content of `predictions.jsonl` and `submission.csv`.
        counts: of each labelled split, see `example_counts`.
    """

    results: dict[str, float] = field(default_factory=dict)
    errors: dict[str, dict] = field(default_factory=dict)
    reports: dict[str, dict] | None = None
    files: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, dict] = field(default_factory=dict)

    def add(self, split: str, answers: Answers, *, costs: Mapping[str, float] | None = None) -> None:
        """Add a split; `costs`: time and speed of the prediction, added to the results if the split is labelled."""
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
        """Files for the run's folder, by name; the predictions are those of the last split."""
        reports = {} if self.reports is None else {"report.json": self.reports}
        return self.files | reports | {example_counts.NAME: self.counts}


def answer_splits(trainer: Trainer, dataset: Mapping[str, Dataset], encoded: Mapping[str, Dataset], task):
    """Predict, answer and score each split but the training data.

    Args:
        trainer: its `compute_metrics` is replaced.
        dataset, encoded: rows, and the inputs made from them, by split.
        task: see the module's docstring.

    Returns:
        `SplitAnswers`.
    """
    found = SplitAnswers()
    for split in task.evaluators:
        trainer.compute_metrics = task.scoring(split)
        outputs = trainer.predict(encoded[split], metric_key_prefix=prefix_of(split))
        decoded, metrics = task.decode(split, outputs.predictions), outputs.metrics
        del outputs  # the largest thing in memory
        answers = task.answer(split, dataset[split], decoded, scores=metrics, train=dataset.get("train"))
        found.add(split, answers, costs=metrics)
    return found
