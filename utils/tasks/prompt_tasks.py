"""What run_prompt.py asks about: texts, for their classes, or the spans of texts, for entities.

Both read rows (`read`), cut and draw them (`split`, `draw`), make the questions that the model is asked (`ask`) and
score what `Trainer` sees of them (`watch`). With models to answer (`join`), whose priors may be divided out
(`calibrate`) and which may count differently (`weigh`), they `score` a split and `explain` texts.
"""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from datasets import Dataset

from ..data.errors import DataError
from ..data.few_shot import draw_few, draw_few_texts
from ..data.span_questions import OUTSIDE, draw_questions, list_questions
from ..data.splits import split_by_class, split_by_text
from ..prediction.class_lines import prediction_lines
from ..prediction.cloze_entity_finder import ClozeEntityFinder
from ..prediction.cloze_lines import cloze_line, cloze_text
from ..prediction.entity_lines import entity_line, entity_lines
from ..prediction.label_finder import LabelFinder
from ..prompting.candidates import choose_spans
from ..prompting.template_pool import fit_weights
from ..reading.readers_text import TextReader
from ..reading.task_columns import require_labels
from ..reporting import error_report
from ..reporting.class_report import describe_scores
from ..scoring.calibration import tune_rule
from ..scoring.class_evaluator import ClassEvaluator
from ..scoring.decisions import DecisionRule
from ..scoring.entity_evaluator import score_entities
from ..scoring.example_counts import of_entities, of_verdicts
from ..scoring.metrics import format_table
from ..scoring.positive_labels import describe_positive, positive_class
from ..scoring.span_decisions import tune_threshold
from ..scoring.span_evaluator import SpanEvaluator
from ..tagging.readers_ner import read_ner
from .cloze_panel import ClozePanel

logger = logging.getLogger(__name__)


class Answers(NamedTuple):
    """What was answered about a split.

    Attributes:
        lines: the text of `predictions.jsonl`.
        report, counts, errors: as of `TextAnswers`; empty without labels.
        shown: the scores for people.
    """

    lines: str
    report: dict
    shown: str
    counts: dict
    errors: dict


class ClassTask:
    """Classes of texts, or of pairs.

    Args:
        labels: the classes; none before their words are searched.
        pair: whether inputs are pairs.
        top_k: how many classes are shown.
        positive_label: of two classes the one whose F1 is told, see `positive_class`.
        trains: whether the model is tuned, and validation data choose the best epoch.
        **reading: see `TextReader`.
    """

    def __init__(
        self,
        labels: Sequence[str],
        *,
        pair: bool,
        top_k: int,
        trains: bool,
        positive_label: str | None = None,
        **reading,
    ):
        self.labels, self.pair, self.top_k, self.trains = list(labels), pair, top_k, trains
        self.reader = TextReader(**reading)
        positive = positive_class(self.labels, positive_label) if self.labels else None
        self.rule = DecisionRule(self.labels, positive=positive)
        if about := describe_positive(self.labels, positive):
            logger.info("%s", about)

    @property
    def fields(self) -> dict:
        """What the model's configuration says about the task."""
        return {"data_reading": self.reader.remember()}

    def read(self, path: str, split: str) -> Dataset:
        """The rows of a file.

        Raises:
            DataError: the file cannot be read, there are no pairs but should be, or no labels to train on.
        """
        rows = self.reader.read(path, labels=self.labels or None, allow_empty=split == "test")
        if self.pair and "text_pair" not in rows.features:
            raise DataError(f"the {split} data: expected pairs of texts, as the template has places for")
        if not self.pair and "text_pair" in rows.features:
            logger.warning("%s: the second texts are left out, as the template has no {text_pair}", path)
        if split == "train" and "label" not in rows.features:
            raise DataError("the training data: expected one label for each text, found none or several")
        if self.trains:
            require_labels({split: rows})
        return rows

    def split(self, rows: Dataset, *, validation_share: float, seed: int) -> tuple[Dataset, Dataset]:
        """Training and validation rows."""
        return split_by_class(rows, validation_share=validation_share, seed=seed)

    def draw(self, rows: Dataset, count: int, *, seed: int) -> Dataset:
        """So many rows of each class."""
        return draw_few(rows, count, seed=seed)

    def ask(self, rows: Dataset, *, learn: bool) -> Dataset:
        """The questions are the texts themselves."""
        return rows

    def watch(self, rows: Dataset, questions: Dataset, encoded: Dataset) -> ClassEvaluator:
        """What scores them, as `Trainer` goes on."""
        return ClassEvaluator(encoded, self.rule)

    def join(
        self, finders: Sequence[LabelFinder], words: Sequence[Sequence[tuple[str, int]]], *, by_batch: bool
    ) -> None:
        """Take the models, one of each template, that answer from now on; see `ClozePanel`."""
        self.panel = ClozePanel(finders, words, by_batch=by_batch)

    def calibrate(self, rows: Dataset | None) -> None:
        """Divide out what the models answer to these rows, or to an empty text."""
        self.panel.measure_priors(*(self._texts(rows) if rows is not None else ([""], [""] if self.pair else None)))

    def weigh(self, rows: Dataset, evaluator: ClassEvaluator) -> Sequence[float]:
        """Let templates count as suits these labelled rows, and say how much.

        Raises:
            DataError: the rows have no labels.
        """
        if evaluator.targets is None:
            raise DataError("--template_weights validation: expected labels in the validation data, found none")
        self.panel.weights = fit_weights(self.panel.logits_by_template(*self._texts(rows)), evaluator.targets)
        return self.panel.weights

    def score(
        self, split: str, rows: Dataset, evaluator: ClassEvaluator, *, tune: bool, train: Dataset | None = None
    ) -> Answers:
        """Answer about a split; with `tune`, fit the temperature to it first. `train`: the rows that were learnt."""
        logits = self.panel.logits(*self._texts(rows))
        report, shown, counts, errors = {}, "", {}, {}
        if evaluator.targets is not None:
            if tune:
                self.rule = tune_rule(self.rule, logits, evaluator.targets, temperature=True)
            report = evaluator.report(logits, self.rule)
            shown = describe_scores(split, report, labels=self.labels)
        verdicts = self.rule.verdicts(logits)
        if evaluator.targets is not None:
            counts = of_verdicts(rows, verdicts, self.rule)
            errors = error_report.of_verdicts(rows, verdicts, self.rule, report=report, train=train)
        lines = "".join(prediction_lines(rows, verdicts, multi_label=False, top_k=self.top_k))
        return Answers(lines, report, shown, counts, errors)

    def explain(self, texts: Sequence[str], pairs: Sequence[str] | None) -> list[tuple[str, str]]:
        """Of each text or pair its classes and words for people, and as a line of JSON."""
        explained = self.panel.explain(texts, pairs, self.rule)
        return [(cloze_text(*each, top_k=self.top_k), cloze_line(*each)) for each in explained]

    def decision(self) -> dict:
        """Fields of the model's configuration that say how to decide."""
        return {"decision": self.rule.to_config()}

    def _texts(self, rows: Dataset) -> tuple[list[str], list[str] | None]:
        return rows["text"][:], rows["text_pair"][:] if self.pair else None


class EntityTask:
    """Entities of texts, among their candidate spans.

    Args:
        labels: entity types, and `O` for spans that are none.
        kind, max_length: which spans are asked about, see `choose_spans`.
        negatives: of each entity in training, candidates that are none.
        threshold: log-odds against `O` above which a span is an entity; None for 0, or what suits validation data.
        share_texts: read each text once for its questions, see `ClozeEntityFinder`.
        seed: of the negatives.
        trains: whether the model is tuned, and validation data choose the best epoch.
        **reading: see `read_ner`.

    Raises:
        DataError: no class `O`.

    Attributes:
        fields: what the model's configuration says about the task.
    """

    pair = False

    def __init__(
        self,
        labels: Sequence[str],
        *,
        kind: str,
        max_length: int,
        negatives: float,
        threshold: float | None,
        share_texts: bool,
        seed: int,
        trains: bool,
        **reading,
    ):
        if OUTSIDE not in labels:
            raise DataError(f"the verbalizer: expected a class {OUTSIDE} for spans that are no entity, found none")
        self.labels, self.negatives, self.seed, self.reading = list(labels), negatives, seed, reading
        self.threshold, self.share_texts, self.trains = threshold, share_texts, trains
        self.list_spans = choose_spans(kind, max_length=max_length)
        self.fields = {"candidate_kind": kind, "candidate_length": max_length}

    def read(self, path: str, split: str) -> Dataset:
        """The rows of a file.

        Raises:
            DataError: the file cannot be read, or has no entities to train on.
        """
        rows = read_ner(path, entity_types=sorted(set(self.labels) - {OUTSIDE}), **self.reading)
        if split == "train" and not any(rows["entities"][:]):
            raise DataError("the training data: expected entities to learn, found none")
        if self.trains:
            require_labels({split: rows})
        return rows

    def split(self, rows: Dataset, *, validation_share: float, seed: int) -> tuple[Dataset, Dataset]:
        """Training and validation rows."""
        return split_by_text(rows, validation_share=validation_share, seed=seed)

    def draw(self, rows: Dataset, count: int, *, seed: int) -> Dataset:
        """Texts with so many entities of each type, or more."""
        return draw_few_texts(rows, count, seed=seed)

    def ask(self, rows: Dataset, *, learn: bool) -> Dataset:
        """A question for each candidate; to learn from, for each entity and some others."""
        if learn:
            return draw_questions(rows, self.list_spans, negatives=self.negatives, seed=self.seed)
        return list_questions(rows, self.list_spans)

    def watch(self, rows: Dataset, questions: Dataset, encoded: Dataset) -> SpanEvaluator:
        """What scores them, as `Trainer` goes on."""
        return SpanEvaluator(rows, questions, encoded, labels=self.labels, threshold=self.threshold or 0.0)

    def join(
        self, finders: Sequence[LabelFinder], words: Sequence[Sequence[tuple[str, int]]], *, by_batch: bool
    ) -> None:
        """Take the models, one of each template, that answer from now on."""
        self.finder = ClozeEntityFinder(
            finders,
            self.list_spans,
            threshold=self.threshold or 0.0,
            by_batch=by_batch,
            share_texts=self.share_texts,
        )

    def calibrate(self, rows: Dataset | None) -> None:
        """Divide out what the models answer about the candidates of these rows, or about nothing at all."""
        self.finder.measure_priors(rows["text"][:] if rows is not None else None)

    def score(
        self, split: str, rows: Dataset, evaluator: SpanEvaluator, *, tune: bool, train: Dataset | None = None
    ) -> Answers:
        """Answer about a split; with `tune`, fit the threshold to it first, unless one was given.

        `train`: the rows that were learnt.
        """
        asked = self.finder.ask(rows["text"][:], rows["candidates"][:] if "candidates" in rows.features else None)
        gold, report, shown, counts, errors = rows["entities"][:], {}, "", {}, {}
        if tune and self.threshold is None and any(gold):
            self.finder.threshold = tune_threshold(asked, gold, labels=self.labels)
        found = self.finder.decide(asked)
        if any(gold):
            scores = score_entities(found, rows)
            table = scores.pop("table")
            report = {"labels": self.labels, "threshold": self.finder.threshold, "scores": scores, "table": table}
            shown = f"{split}, strict scores on character spans:\n{format_table(table)}"
            counts = of_entities(rows, found)
            errors = error_report.of_entities(rows, found, table=table, scores=scores, train=train)
        return Answers("".join(entity_lines(rows, found)), report, shown, counts, errors)

    def explain(self, texts: Sequence[str], pairs: None) -> list[tuple[str, str]]:
        """Of each text its entities for people, and as a line of JSON."""
        explained = []
        for text, found in zip(texts, self.finder.find(texts), strict=True):
            shown = [f"  {one.score:.4f}  {text[one.start : one.end]}  {one.label}" for one in found]
            explained.append(("\n".join([text, *shown]), entity_line(text, found) + "\n"))
        return explained

    def decision(self) -> dict:
        """Fields of the model's configuration that say how to decide."""
        return {"entity_threshold": self.finder.threshold}
