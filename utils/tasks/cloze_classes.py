"""The task of run_prompt.py for classes of texts.

A cloze task reads rows (`read`), splits and samples them (`split`, `draw`), makes the questions for the model (`ask`)
and the evaluators that score them during training (`watch`, which fills `evaluators`). Once it has models (`join`),
whose priors may be divided out (`calibrate`) and which may be weighted (`weigh`), it answers the questions of a split
(`score`) and explains texts (`explain`). `cloze_entities` has the task for entities.
"""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
from datasets import Dataset

from ..data.errors import ArgumentError, DataError
from ..data.few_shot import draw_few
from ..data.splits import split_by_class
from ..prediction.json_lines import cloze_line, cloze_text
from ..prediction.label_finder import LabelFinder
from ..prediction.verdict_lines import prediction_lines
from ..prompting.priors import answer_prior, mix_templates
from ..prompting.template_pool import fit_weights
from ..reading.readers_text import TextReader
from ..reading.task_columns import require_labels
from ..reporting import error_report
from ..reporting.class_report import describe_scores
from ..reporting.model_card import model_card
from ..scoring.calibration import tune_rule
from ..scoring.class_evaluator import ClassEvaluator
from ..scoring.decisions import DecisionRule, Verdict
from ..scoring.example_counts import count_verdicts
from ..scoring.positive_labels import describe_positive, positive_class
from .answers import Answers
from .crossed_tasks import CrossedClasses
from .text_tasks import TextClasses

logger = logging.getLogger(__name__)

Splits = Mapping[str, Dataset]


class ClozeClasses:
    """Classes of texts, or of pairs.

    Args:
        labels: the classes; empty while label words are searched.
        pair: whether inputs are pairs.
        top_k: how many classes are shown.
        positive_label: with two classes, the one whose F1 is reported, see `positive_class`.
        trains: whether the model is tuned, with validation data to choose the best epoch.
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
        self.labels, self._pair, self.top_k, self.trains = list(labels), pair, top_k, trains
        self.reader = TextReader(**reading)
        positive = positive_class(self.labels, positive_label) if self.labels else None
        self.rule = DecisionRule(self.labels, positive=positive)
        if about := describe_positive(self.labels, positive):
            logger.info("%s", about)

    @property
    def fields(self) -> dict:
        """Fields of the model's configuration that describe the task."""
        return {"data_reading": self.reader.remember()}

    def read(self, path: str, split: str) -> Dataset:
        """The rows of a file.

        Raises:
            DataError: the file cannot be read, pairs are expected but missing, texts have several labels each, or
                there are no labels to train on.
        """
        own = {"allow_empty": split == "test", "trains": split == "train"}
        rows = self.reader.read(path, labels=self.labels or None, **own)
        if self._pair and "text_pair" not in rows.features:
            raise DataError(f"the {split} data: expected pairs of texts, as the template has {{text_pair}}")
        if not self._pair and "text_pair" in rows.features:
            logger.warning("%s: the second texts are left out, as the template has no {text_pair}", path)
            rows = rows.remove_columns("text_pair")
        if split != "prior" and "labels" in rows.features:
            raise DataError(f"{path}: expected one label for each text, found several; use run_classification.py")
        if split == "train" and "label" not in rows.features:
            raise DataError("the training data: expected one label for each text, found none")
        if self.trains:
            require_labels({split: rows})
        return rows

    def split(self, rows: Dataset, *, validation_share: float, seed: int) -> tuple[Dataset, Dataset]:
        """Training and validation rows."""
        return split_by_class(rows, validation_share=validation_share, seed=seed)

    def draw(self, rows: Dataset, count: int, *, seed: int) -> Dataset:
        """This many rows of each class, drawn at random."""
        return draw_few(rows, count, seed=seed)

    def ask(self, rows: Dataset, *, learn: bool) -> Dataset:
        """The questions are the texts themselves."""
        return rows

    def crossing(self, label2id: dict[str, int]) -> CrossedClasses:
        """What a cross-validation does with its models."""
        tuning = {"tune": True, "temperature": True, "tuning": {}, "separator": None}
        return CrossedClasses(TextClasses({}, self.rule, **tuning), label2id)

    def watch(self, dataset: Splits, questions: Splits, encoded: Splits) -> None:
        """Make the evaluators that score the splits during training."""
        self.evaluators = {split: ClassEvaluator(encoded[split], self.rule) for split in encoded if split != "train"}

    def join(
        self, finders: Sequence[LabelFinder], words: Sequence[Sequence[tuple[str, int]]], *, by_batch: bool
    ) -> None:
        """Set the models that answer from now on, one per template; see `ClozePanel`."""
        self.panel = ClozePanel(finders, words, by_batch=by_batch)

    def calibrate(self, rows: Dataset | None) -> None:
        """Divide out the models' prior, measured on these rows or, for None, on an empty text."""
        self.panel.measure_priors(*(self._texts(rows) if rows is not None else ([""], [""] if self._pair else None)))

    def weigh(self, rows: Dataset, *, patterns: Sequence[str]) -> str:
        """Fit the weights of the templates on the labelled validation data; return a line for each pattern.

        Raises:
            DataError: the rows have no labels.
        """
        targets = self.evaluators["validation"].targets
        if targets is None:
            raise DataError("--template_weights validation: expected labels in the validation data, found none")
        self.panel.weights = fit_weights(self.panel.logits_by_template(*self._texts(rows)), targets)
        return "\n".join(f"{weight:.3f}  {each}" for weight, each in zip(self.panel.weights, patterns, strict=True))

    def score(self, split: str, rows: Dataset, *, tune: bool, train: Dataset | None = None) -> Answers:
        """The answers for a split; with `tune`, fit the temperature on it first. `train`: the training rows."""
        evaluator, logits = self.evaluators[split], self.panel.logits(*self._texts(rows))
        if tune and evaluator.targets is not None:
            self.rule = tune_rule(self.rule, logits, evaluator.targets, temperature=True)
        verdicts = self.rule.verdicts(logits)
        lines = "".join(prediction_lines(self.rule, rows, verdicts, top_k=self.top_k))
        if evaluator.targets is None:
            return Answers(lines, report={})
        report = evaluator.report(logits, self.rule)
        return Answers(
            lines,
            describe_scores(split, report, labels=self.labels),
            scores=report["scores"],
            report=report,
            counts=count_verdicts(rows, verdicts, self.rule),
            errors=error_report.report_verdicts(rows, verdicts, self.rule, report=report, train=train),
        )

    def explain(self, texts: Sequence[str], pairs: Sequence[str] | None) -> list[tuple[str, str]]:
        """For each text or pair its classes and words, as text for people and as a line of JSON."""
        explained = self.panel.explain(texts, pairs, self.rule)
        return [(cloze_text(*each, top_k=self.top_k), cloze_line(*each)) for each in explained]

    def decision(self) -> dict:
        """Fields of the model's configuration that describe how to decide."""
        return {"decision": self.rule.to_config()}

    def card(self, record: dict, reports: Mapping[str, dict] | None) -> str:
        """The model card."""
        return cloze_card(record, report=reports or {}, spans=False)

    def _texts(self, rows: Dataset) -> tuple[list[str], list[str] | None]:
        return rows["text"][:], rows["text_pair"][:] if self._pair else None


class ClozePanel:
    """Logits of texts under all templates: the weighted mean of their log-probabilities.

    Args:
        finders: one per template.
        words: for each template, the text of each label word and the id of its class.
        by_batch: divide out the prior of all texts of a call together.

    Attributes:
        priors: for each template, what is subtracted from its logits.
        weights: of the templates, with sum 1, see `prompting.template_pool`; None for equal ones.
    """

    def __init__(
        self, finders: Sequence[LabelFinder], words: Sequence[Sequence[tuple[str, int]]], *, by_batch: bool = False
    ):
        self.finders, self.words, self.by_batch = finders, words, by_batch
        self.priors: list[np.ndarray | float] = [0.0] * len(finders)
        self.weights: Sequence[float] | None = None

    def measure_priors(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> None:
        """Measure the priors on these texts, an empty one or unlabelled ones, and divide them out from now on."""
        self.priors = [answer_prior(finder.logits(texts, pairs)) for finder in self.finders]

    def logits(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> np.ndarray:
        """(texts, num_labels) float64, in the order of the texts."""
        return mix_templates(self.logits_by_template(texts, pairs), self.weights)

    def logits_by_template(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> list[np.ndarray]:
        """(texts, num_labels) float64 for each template, with priors divided out.

        Raises:
            ArgumentError: the prior of one text is all that the model says about it.
        """
        if self.by_batch and len(texts) == 1:
            raise ArgumentError(
                "--calibrate batch: expected several texts, whose mean answer is divided out, found one; take "
                "content_free, or prior with --prior_file"
            )
        found = [finder.logits(texts, pairs) for finder in self.finders]
        priors = [answer_prior(each) for each in found] if self.by_batch else self.priors
        return [each - prior for each, prior in zip(found, priors, strict=True)]

    def explain(
        self, texts: Sequence[str], pairs: Sequence[str] | None, rule: DecisionRule
    ) -> list[tuple[tuple[str, ...], Verdict, list[dict[str, dict[str, float]]]]]:
        """For each text or pair: itself, the verdict, and for each template class -> word -> log-probability.

        The log-probability of a word is the mean over its tokens, before any prior is divided out.
        """
        rows = list(zip(texts, pairs, strict=True)) if pairs else [(text,) for text in texts]
        scores = [finder.word_scores(texts, pairs) for finder in self.finders]
        explained = []
        for i, verdict in enumerate(rule.verdicts(self.logits(texts, pairs))):
            by_template = []
            for words, each in zip(self.words, scores, strict=True):
                by_class: dict[str, dict[str, float]] = {label: {} for label in rule.labels}
                for (word, label), score in zip(words, each[i], strict=True):
                    by_class[rule.labels[label]][word] = float(score)
                by_template.append(by_class)
            explained.append((rows[i], verdict, by_template))
        return explained


def cloze_card(record: dict, *, report: dict, spans: bool) -> str:
    """Model card of a cloze classifier.

    Args:
        report: report of each labelled split; may be empty after few-shot training.
        spans: whether it is asked about spans, to find entities.
    """
    task = "token-classification" if spans else "text-classification"
    return model_card(
        "cloze_card",
        record,
        task=task,
        tags=[task, "prompt", "cloze"],
        metrics=("f1", "precision", "recall") if spans else ("accuracy", "f1", "macro_f1", "mcc"),
        auto="AutoModelForSequenceClassification",
        stock=False,
        piped=not spans,
        report=report,
        spans=spans,
        example="entities" if spans else "classes",
    )
