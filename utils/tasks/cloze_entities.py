"""The task of run_prompt.py for entities: asks about spans of texts. A cloze task, see `cloze_classes`."""

from collections.abc import Mapping, Sequence

from datasets import Dataset

from ..data.errors import DataError
from ..data.few_shot import draw_few_texts
from ..data.span_questions import OUTSIDE, draw_questions, list_questions
from ..data.splits import split_by_text
from ..prediction.cloze_entity_finder import ClozeEntityFinder
from ..prediction.json_lines import entity_line, entity_lines
from ..prediction.label_finder import LabelFinder
from ..prompting.candidates import choose_spans
from ..reading.task_columns import require_labels
from ..reporting import error_report
from ..scoring.entity_evaluator import score_entities
from ..scoring.example_counts import count_entities
from ..scoring.metrics import describe_entities
from ..scoring.span_decisions import SpanEvaluator, tune_entity_threshold
from ..tagging.readers_ner import read_ner, require_types
from .answers import Answers
from .cloze_classes import cloze_card
from .crossed_tasks import CrossedEntities

Splits = Mapping[str, Dataset]


class ClozeEntities:
    """Entities of texts, among their candidate spans.

    Args:
        labels: entity types, and `O` for spans that are not entities.
        kind, max_length: which spans are candidates, see `choose_spans`.
        negatives: number of candidates that are not entities for each entity, in training.
        threshold: log-odds against `O` above which a span is an entity; None for 0, or for tuning on validation data.
        share_texts: read each text once for all its questions, see `ClozeEntityFinder`.
        seed: for drawing the negatives.
        trains: whether the model is tuned, with validation data to choose the best epoch.
        **reading: see `read_ner`.

    Raises:
        DataError: there is no class `O`.

    Attributes:
        fields: fields of the model's configuration that describe the task.
    """

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
            raise DataError(f"the verbalizer: expected a class {OUTSIDE} for spans that are not entities, found none")
        self.labels, self.negatives, self.seed, self.reading = list(labels), negatives, seed, reading
        self.threshold, self.share_texts, self.trains = threshold, share_texts, trains
        self.list_spans = choose_spans(kind, max_length=max_length)
        self.fields = {"candidate_kind": kind, "candidate_length": max_length, "share_texts": share_texts}

    def read(self, path: str, split: str) -> Dataset:
        """The rows of a file.

        Raises:
            DataError: the file cannot be read, or there are no entities to train on.
        """
        grouped = {} if split == "train" else {"group_column": None}
        rows = read_ner(path, entity_types=sorted(set(self.labels) - {OUTSIDE}), **self.reading | grouped)
        if split == "train":
            require_types(rows)
        if self.trains:
            require_labels({split: rows})
        return rows

    def split(self, rows: Dataset, *, validation_share: float, seed: int) -> tuple[Dataset, Dataset]:
        """Training and validation rows."""
        return split_by_text(rows, validation_share=validation_share, seed=seed)

    def draw(self, rows: Dataset, count: int, *, seed: int) -> Dataset:
        """Texts with at least this many entities of each type, drawn at random."""
        return draw_few_texts(rows, count, seed=seed)

    def ask(self, rows: Dataset, *, learn: bool) -> Dataset:
        """A question for each candidate; in training, for each entity and a sample of other spans."""
        if learn:
            return draw_questions(rows, self.list_spans, negatives=self.negatives, seed=self.seed)
        return list_questions(rows, self.list_spans)

    def crossing(self, label2id: dict[str, int]) -> CrossedEntities:
        """What a cross-validation does with its models."""
        return CrossedEntities(sorted(label2id.keys() - {OUTSIDE}))

    def watch(self, dataset: Splits, questions: Splits, encoded: Splits) -> None:
        """Make the evaluators that score the splits during training."""
        own = {"labels": self.labels, "threshold": self.threshold or 0.0}
        self.evaluators = {
            split: SpanEvaluator(dataset[split], questions[split], encoded[split], **own)
            for split in encoded
            if split != "train"
        }

    def join(
        self, finders: Sequence[LabelFinder], words: Sequence[Sequence[tuple[str, int]]], *, by_batch: bool
    ) -> None:
        """Set the models that answer from now on, one per template."""
        self.finder = ClozeEntityFinder(
            finders,
            self.list_spans,
            threshold=self.threshold or 0.0,
            by_batch=by_batch,
            share_texts=self.share_texts,
        )

    def calibrate(self, rows: Dataset | None) -> None:
        """Divide out the models' prior, measured on the candidates of these rows or, for None, on an empty text."""
        self.finder.measure_priors(rows["text"][:] if rows is not None else None)

    def score(self, split: str, rows: Dataset, *, tune: bool, train: Dataset | None = None) -> Answers:
        """The answers for a split; with `tune`, fit the threshold on it first, unless one was given.

        `train`: the training rows.
        """
        asked = self.finder.ask(rows["text"][:], rows["candidates"][:] if "candidates" in rows.features else None)
        gold = rows["entities"][:]
        if tune and self.threshold is None and any(gold):
            self.finder.threshold = tune_entity_threshold(asked, gold, labels=self.labels)
        found = self.finder.decide(asked)
        lines = "".join(entity_lines(rows, found))
        if not any(gold):
            return Answers(lines, report={})
        scores = score_entities(found, rows)
        table = scores.pop("table")
        return Answers(
            lines,
            describe_entities(split, table),
            scores=scores,
            report={"labels": self.labels, "threshold": self.finder.threshold, "scores": scores, "table": table},
            counts=count_entities(rows, found),
            errors=error_report.report_entities(rows, found, table=table, scores=scores, train=train),
        )

    def explain(self, texts: Sequence[str], pairs: None) -> list[tuple[str, str]]:
        """For each text its entities, as text for people and as a line of JSON."""
        explained = []
        for text, found in zip(texts, self.finder.find(texts), strict=True):
            shown = [f"  {one.score:.4f}  {text[one.start : one.end]}  {one.label}" for one in found]
            explained.append(("\n".join([text, *shown]), entity_line(text, found) + "\n"))
        return explained

    def decision(self) -> dict:
        """Fields of the model's configuration that describe how to decide."""
        return {"entity_threshold": self.finder.threshold}

    def card(self, record: dict, reports: Mapping[str, dict] | None) -> str:
        """The model card."""
        return cloze_card(record, report=reports or {}, spans=True)
