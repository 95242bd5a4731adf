"""What predict.py does for each kind of model: rows of input become lines of a file, or text for people."""

import json
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from ..data.errors import ArgumentError
from ..data.submission_columns import SubmissionForm
from ..modeling.weight_files import require_model
from ..reading.column_names import PAIR_KEYS, TEXT_KEYS
from ..reading.qa_records import PASSAGE_KEYS, QUESTION_KEYS
from ..reading.remembered_reading import Reading, recall_reading
from .answer_finder import AnswerFinder
from .cloze_entity_finder import ClozeEntityFinder
from .ensemble_files import read_ensemble
from .ensembles import load_ensemble
from .entity_finder import EntityFinder
from .json_lines import answer_line, cluener_line, entity_line
from .label_finder import LabelFinder
from .model_kinds import asks_spans, find_kind
from .ngram_finder import NgramFinder, has_ngrams
from .onnx_export import export_graph
from .onnx_model import has_graph
from .verdict_lines import submission_header, submission_line, verdict_line


def load_entity_finder(name_or_path: str, *, revision: str = "main", **options) -> EntityFinder | ClozeEntityFinder:
    """Load what finds entities: a tagger, or a cloze classifier that is asked about spans.

    Args:
        name_or_path, revision: where the model is.
        **options: as of the finders' `load`.
    """
    fields = require_model(name_or_path, revision=revision)
    finder = ClozeEntityFinder if asks_spans(fields) else EntityFinder
    return finder.load(name_or_path, revision=revision, **options)


def load_label_finder(name_or_path: str, **options) -> LabelFinder | NgramFinder:
    """Load what classifies texts: a model, or n-grams; see `LabelFinder.load`."""
    return (NgramFinder if has_ngrams(name_or_path) else LabelFinder).load(name_or_path, **options)


class Task(ABC):
    """What a trained directory does with rows of one text, or of two.

    Attributes:
        kind: of the model, see `model_kinds`.
        formats: of its lines, the default first.
        options: which it takes.
        pair: whether a row has two texts.
        takes_spans: whether a row of a file may come with the spans that are asked about.
        columns: what the texts of a row are called in files.
    """

    kind: str
    formats: tuple[str, ...] = ("jsonl",)
    options: tuple[str, ...] = ()
    pair = takes_spans = False
    columns: tuple = (TEXT_KEYS,)

    def reading(self, **told) -> Reading:
        """How files are read; `told` are the user's options, see `recall_reading`."""
        return recall_reading(None, plain="plain", **told)

    @abstractmethod
    def lines(self, ids: Sequence[str] | None, texts: Sequence[str]) -> Iterator[str]:
        """A line for each row, without ids where `ids` is None; of pairs the second texts come as an argument, too."""

    @abstractmethod
    def show(self, text: str, other: str | None = None) -> Iterator[str]:
        """What is predicted for one row, as lines for people."""


class EntityTask(Task):
    """Entities of texts, as JSON (`jsonl`) or in CLUENER's format (`cluener`)."""

    kind = "entities"
    formats = ("jsonl", "cluener")

    def __init__(self, finder: EntityFinder | ClozeEntityFinder, *, output_format: str = "jsonl"):
        self.finder, self.takes_spans = finder, finder.takes_spans
        self.to_line = cluener_line if output_format == "cluener" else entity_line

    def lines(
        self, ids: Sequence[str] | None, texts: Sequence[str], spans: Sequence[Sequence] | None = None
    ) -> Iterator[str]:
        found = self.finder.find(texts, *filter(None, (spans,)))
        for i, (text, entities) in enumerate(zip(texts, found, strict=True)):
            yield self.to_line(text, entities, id=ids and ids[i])

    def show(self, text: str, other: str | None = None) -> Iterator[str]:
        for one in self.finder.find([text])[0]:
            yield f"  {one.label:<14} {text[one.start : one.end]}  [{one.start}, {one.end})  {one.score:.3f}"


class ClassTask(Task):
    """Classes of texts or pairs, as JSON (`jsonl`) or as a file to submit (`csv`), `id,label,score` unless told."""

    kind = "classes"
    formats = ("jsonl", "csv")
    options = ("text_pair", "top_k", "threshold", "submission_columns", "submission_labels")

    def __init__(
        self,
        finder: LabelFinder,
        *,
        output_format: str = "jsonl",
        top_k: int | None = None,
        threshold: float | None = None,
        submission_columns: str | None = None,
        submission_labels: str | None = None,
    ):
        self.finder, self.csv, self.top_k = finder, output_format == "csv", top_k or 3
        self.pair = finder.encoder.pair
        self.columns = (TEXT_KEYS, PAIR_KEYS) if self.pair else (TEXT_KEYS,)
        known = {"given": finder.rule.columns, "labels": finder.rule.labels}
        known["classes"] = finder.reading.get("classes", ())
        self.form = SubmissionForm.fit(submission_columns, submission_labels or "names", **known)
        self.header = submission_header(finder.rule, self.form)
        for option, value in {"threshold": threshold, "top_k": top_k}.items():
            if value is not None and option not in finder.rule.options:
                found = finder.rule.scored
                raise ArgumentError(f"--{option} is for classes, but this model predicts {found}; leave it out")
        if threshold is not None:
            if not 0 <= threshold <= 1:
                raise ArgumentError(f"--threshold {threshold:g}: expected the least probability of a class, 0 to 1")
            finder.rule = finder.rule.with_threshold(threshold)

    def reading(self, **told) -> Reading:
        # As in training, but for the user's options.
        return recall_reading(self.finder.reading, plain="fields", answers=self.finder.rule.labels, **told)

    def lines(
        self, ids: Sequence[str] | None, texts: Sequence[str], others: Sequence[str] | None = None
    ) -> Iterator[str]:
        rule = self.finder.rule
        for i, verdict in enumerate(self.finder.find(texts, others)):
            if self.csv:
                yield submission_line(rule, verdict, id=ids[i] if ids else str(i), form=self.form)
            else:
                sides = (texts[i], others[i]) if others else (texts[i],)
                yield verdict_line(rule, verdict, texts=sides, id=ids and ids[i], top_k=self.top_k)

    def show(self, text: str, other: str | None = None) -> Iterator[str]:
        rule, verdict = self.finder.rule, self.finder.find([text], [other] if self.pair else None)[0]
        yield "  " + (", ".join(rule.said(verdict)) or ("none" if rule.multi_label else "I don't know"))
        for label, score in rule.ranked(verdict)[: self.top_k]:
            yield f"    {score:.3f}  {label}"


class AnswerTask(Task):
    """Answers to questions about passages, as JSON."""

    kind = "answers"
    options = ("question", "top_k", "threshold")
    columns = QUESTION_KEYS, PASSAGE_KEYS
    pair = True

    def __init__(
        self,
        finder: AnswerFinder,
        *,
        output_format: str = "jsonl",
        top_k: int | None = None,
        threshold: float | None = None,
    ):
        self.finder, self.with_n_best = finder, top_k is not None
        finder.n_best = top_k or 1
        if threshold is not None:
            finder.null_threshold = threshold

    def lines(self, ids: Sequence[str] | None, questions: Sequence[str], passages: Sequence[str]) -> Iterator[str]:
        for i, answers in enumerate(self.finder.find(questions, passages)):
            yield answer_line(questions[i], answers, id=ids and ids[i], n_best=self.with_n_best)

    def show(self, question: str, passage: str) -> Iterator[str]:
        for one in self.finder.find([question], [passage])[0]:
            yield f"  {one.text or '(no answer)'}  [{one.start}, {one.end})  {one.score:.3f}"


class SeveralTasks(Task):
    """The answers of several adapters to each text, as JSON: under the name of each, the fields of its own line.

    Args:
        tasks: by name; all on single texts.
    """

    kind = "several"

    def __init__(self, tasks: dict[str, Task]):
        self.tasks = tasks

    def reading(self, **told) -> Reading:
        return next(iter(self.tasks.values())).reading(**told)

    def lines(self, ids: Sequence[str] | None, texts: Sequence[str]) -> Iterator[str]:
        found = {name: [json.loads(line) for line in task.lines(None, texts)] for name, task in self.tasks.items()}
        for i, text in enumerate(texts):
            row = {"text": text} if ids is None else {"id": ids[i], "text": text}
            for name, answers in found.items():
                row[name] = {key: value for key, value in answers[i].items() if key != "text"}
            yield json.dumps(row, ensure_ascii=False)

    def show(self, text: str, other: str | None = None) -> Iterator[str]:
        for name, task in self.tasks.items():
            yield f"{name}:"
            yield from task.show(text)


TYPED = ("question", "text_pair")  # options that are texts
LOADERS = {EntityTask: load_entity_finder, ClassTask: load_label_finder, AnswerTask: AnswerFinder.load}
TASKS = {task.kind: task for task in LOADERS}  # of each of `model_kinds.KINDS`


def load_task(
    names: Sequence[str],
    *,
    output_format: str,
    options: dict,
    together: bool = False,
    revision: str = "main",
    **loading,
) -> Task:
    """Load a model, several that answer together, or several adapters, as a task.

    Args:
        names: folders or Hub ids; with `bases` among `loading`, of adapters.
        output_format: `jsonl`, `csv` or `cluener`.
        options: by name, None where they are not given: `question`, `text_pair`, and those of the task.
        together: they are members of one ensemble; otherwise each is a task, unless it is a folder with an ensemble.
        revision: branch, tag or commit on the Hub.
        **loading: see the finders' `load`; the backend `onnx` makes a graph of weights.

    Raises:
        OSError: there is no such model.
        DataError: it has none of the kinds.
        ArgumentError: the model does not take one of the options, or an adapter takes two texts.
    """
    tasks = {}
    for name in names[:1] if together else names:
        kind = find_kind(name, revision=revision)
        if "bases" in loading and kind == "answers":
            raise ArgumentError(f"--adapter: expected models of single texts, found {name}, which takes two")
        task_class = TASKS[kind]
        for option in (option for option, value in options.items() if value is not None):
            if option not in task_class.options:
                raise ArgumentError(f"--{option}: a model for {kind} does not take it; leave it out")
        if output_format not in task_class.formats:
            raise ArgumentError(f"--output_format {output_format}: a model for {kind} does not write it; leave it out")
        own = [option for option in task_class.options if option not in TYPED]
        taken = {option: options.get(option) for option in own}
        ensemble, load = read_ensemble(name), partial(_load_finder, LOADERS[task_class])
        if together or ensemble:
            known = {"members": names} if together else ensemble
            finder = load_ensemble(known, kind=kind, load=load, revision=revision, **loading)
        else:
            finder = load(name, revision=revision, **loading)
        tasks[name] = task_class(finder, output_format=output_format, **taken)
        if "bases" in loading and tasks[name].pair:
            raise ArgumentError(f"--adapter: expected adapters for single texts, found {name}, which takes two")
    return SeveralTasks(tasks) if "bases" in loading else tasks[names[0]]


def _load_finder(load: Callable, name: str, *, revision: str, backend: str = "auto", int8: bool = False, **loading):
    """Load a finder; with `onnx` a graph is made of weights, which takes seconds, and is not kept on disk."""
    graph = {"backend": "onnx" if int8 and backend == "auto" else backend, "int8": int8}
    if graph["backend"] != "onnx" or has_graph(name) or has_ngrams(name):
        return load(name, revision=revision, **graph, **loading)
    with tempfile.TemporaryDirectory(prefix="weitiao-onnx-") as made:
        export_graph(name, made, revision=revision, int8=int8)
        return load(made, **graph, **loading)
