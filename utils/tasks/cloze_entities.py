"""What run_prompt.py asks about the spans of texts: whether they are entities. A cloze task, see `cloze_classes`."""

from collections.abc import Mapping, Sequence

from datasets import Dataset

from ..data.errors import DataError
from ..data.few_shot import draw_few_texts
from ..data.span_questions import OUTSIDE, draw_questions, list_questions
from ..data.splits import split_by_text
from ..prediction.cloze_entity_finder import ClozeEntityFinder
from ..prediction.entity_lines import entity_line, entity_lines
from ..prediction.label_finder import LabelFinder
from ..prompting.candidates import choose_spans
from ..reading.task_columns import require_labels
from ..reporting import error_report
from ..reporting.task_cards import cloze_card
from ..scoring.entity_evaluator import score_entities
from ..scoring.example_counts import of_entities
from ..scoring.metrics import format_table
from ..scoring.span_decisions import tune_threshold
from ..scoring.span_evaluator import SpanEvaluator
from ..tagging.readers_ner import read_ner
from .answers import Answers

Splits = Mapping[str, Dataset]


class ClozeEntities:
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

    def watch(self, dataset: Splits, questions: Splits, encoded: Splits) -> None:
        """Make what scores the splits, as `Trainer` goes on."""
        own = {"labels": self.labels, "threshold": self.threshold or 0.0}
        self.evaluators = {
            split: SpanEvaluator(dataset[split], questions[split], encoded[split], **own)
            for split in encoded
            if split != "train"
        }

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

    def score(self, split: str, rows: Dataset, *, tune: bool, train: Dataset | None = None) -> Answers:
        """Answer about a split; with `tune`, fit the threshold to it first, unless one was given.

        `train`: the rows that were learnt.
        """
        asked = self.finder.ask(rows["text"][:], rows["candidates"][:] if "candidates" in rows.features else None)
        gold = rows["entities"][:]
        if tune and self.threshold is None and any(gold):
            self.finder.threshold = tune_threshold(asked, gold, labels=self.labels)
        found = self.finder.decide(asked)
        lines = "".join(entity_lines(rows, found))
        if not any(gold):
            return Answers(lines, report={})
        scores = score_entities(found, rows)
        table = scores.pop("table")
        return Answers(
            lines,
            f"{split}, strict scores on character spans:\n{format_table(table)}",
            scores=scores,
            report={"labels": self.labels, "threshold": self.finder.threshold, "scores": scores, "table": table},
            counts=of_entities(rows, found),
            errors=error_report.of_entities(rows, found, table=table, scores=scores, train=train),
        )

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

    def card(self, record: dict, reports: Mapping[str, dict] | None) -> str:
        """The model card."""
        return cloze_card(record, report=reports or {}, spans=True)
