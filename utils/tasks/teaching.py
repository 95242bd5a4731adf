"""A run that learns from a teacher: what the options ask for becomes rows to learn and a part of the loss."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets import Dataset, concatenate_datasets

from ..data.errors import counted
from ..distillation.answer_lessons import AnswerLessons
from ..distillation.class_lessons import ClassLessons, LabelLessons, ScoreLessons
from ..distillation.lessons import Lessons
from ..distillation.output_cache import Outputs
from ..distillation.pseudo_labels import count_labels, label_rows, pseudo_file
from ..distillation.span_lessons import SpanLessons
from ..distillation.tag_lessons import TagLessons
from ..distillation.teachers import Teacher, contents, kind_of, problem_of
from ..distillation.unlabeled_texts import read_unlabeled
from ..encoding.encoded_dataset import encode_dataset
from ..options.arguments import Options
from ..options.fine_tuning_arguments import FineTuningArguments
from ..reading.readers_qa import has_unanswerable
from ..reading.remembered_reading import Reading, recall_reading
from ..running.atomic_files import write_text
from ..running.processes import once

logger = logging.getLogger(__name__)

LESSONS = {
    "classes": ClassLessons,
    "labels": LabelLessons,
    "scores": ScoreLessons,
    "tags": TagLessons,
    "cells": SpanLessons,
    "answers": AnswerLessons,
}
PROBLEMS = {"single": "classes", "multi": "labels", "regression": "scores"}


@dataclass
class Teaching:
    """What a run learns from a teacher.

    Attributes:
        form: of the teacher's outputs, see `teachers`.
        labels: classes or entity types of the student.
        outputs: for the training rows, and those without labels; None for hard labels.
        labelled: how many training rows there are.
        settings: `weight` and `temperature`, see `Lessons`.
        unlabeled: rows that are learnt from the teacher alone; None if there are none.
        encoded: the inputs made from them.
        results: counts for `all_results.json`.
    """

    form: str
    labels: Sequence[str]
    outputs: Outputs | None
    labelled: int
    settings: dict[str, float]
    unlabeled: Dataset | None = None
    encoded: Dataset | None = None
    lessons: Lessons | None = None
    results: Mapping[str, int] = ()

    @classmethod
    def prepare(
        cls,
        dataset: Mapping[str, Dataset],
        labels: Sequence[str],
        options: Options,
        training: FineTuningArguments,
        folder: Path,
        *,
        aside: Mapping[str, Dataset],
        remembered: Mapping | None,
    ) -> tuple["Teaching", dict[str, Dataset]]:
        """Let the teacher read the texts; hard labels become training rows, and a file in the run's folder.

        Args:
            dataset: the splits, as the student learns them.
            labels: classes or entity types; none for answers.
            options: of the run.
            training: how and where models are run.
            folder: of the run.
            aside: validation and test data that the run does not use.
            remembered: how the training file of classes was read, see `readers_text.TextReader.remember`.

        Returns:
            What is learnt, and the splits with the training rows that there are now.

        Raises:
            OSError, DataError: the teacher cannot be loaded, or is one for other things; texts cannot be read.
        """
        columns = {name: getattr(options, f"{name}_column", None) for name in ("text", "text_pair", "label", "id")}
        unlabeled = None
        if options.unlabeled_file:
            reading = Reading(
                encoding=options.encoding, **{name: columns[name] for name in ("text", "text_pair", "id")}
            )
            if remembered is not None:
                reading = recall_reading(remembered, plain="fields", answers=labels, encoding=options.encoding)
            told = {"reading": reading, "others": aside, "skip_bad_lines": options.skip_bad_lines}
            unlabeled = once(read_unlabeled, options.unlabeled_file, dataset, **told)
        hard, train = options.teacher_labels == "hard", dataset["train"]
        form, deciding, outputs = once(
            cls._ask, [unlabeled] if hard else [train, unlabeled], labels, options, training
        )
        settings = {"weight": options.teacher_weight, "temperature": options.teacher_temperature}
        if not hard:
            count = {"train_unlabeled_texts": len(unlabeled)} if unlabeled is not None else {}
            return cls(form, labels, outputs, len(train), settings, unlabeled, results=count), dict(dataset)
        known = {**deciding, "answered": form == "answers" and not has_unanswerable(train)}
        found = label_rows(unlabeled, outputs, form, labels, confidence=options.teacher_confidence, **known)
        name, lines = pseudo_file(
            found, options.train_file, columns=columns, separator=getattr(options, "label_separator", None)
        )
        once(write_text, folder / name, list(lines))
        logger.info(
            "pseudo-labels: %s of %s, of which the teacher is sure (%g or more), are learnt: %s; they are in %s",
            f"{len(found):,}", counted(len(unlabeled), "text"), options.teacher_confidence, count_labels(found),
            folder / name,
        )  # fmt: skip
        if not len(found):
            logger.warning("no pseudo-labels are learnt; lower --teacher_confidence, or train the teacher longer")
        joined = concatenate_datasets([train, found]) if len(found) else train
        count = {"train_pseudo_labels": len(found)}
        return cls(form, labels, None, len(train), settings, results=count), dict(dataset) | {"train": joined}

    @staticmethod
    def _ask(parts: Sequence[Dataset | None], labels, options: Options, training) -> tuple[str, dict, Outputs]:
        """Load the teacher, and let it read; in one process only.

        Returns:
            The form of what it says, how it decides (arguments of `label_rows`), and what it says.
        """
        parts = [part for part in parts if part is not None]
        loading = {"device": str(training.device), "batch_size": training.per_device_eval_batch_size}
        teacher = Teacher.load(options.teacher, parts[0], labels, **loading, bf16=training.bf16)
        form = teacher.kind
        if form == "classes":
            form = PROBLEMS[problem_of(parts[0])]
        elif form == "entities":
            tagged = getattr(teacher.finder, "tagged", False)
            hard = options.teacher_labels == "hard"
            form = "cells" if (not tagged if hard else options.head == "span") else "tags"
        texts = [text for part in parts for text in contents(part, kind_of(part))]
        told = {"folder": options.teacher_cache, "precision": "bf16" if training.bf16 else "fp32"}
        deciding = {"nested": getattr(teacher.finder, "nested", False), "rule": teacher.rule}
        return form, deciding, teacher.learn_from(texts, form, **told)

    def encode(self, encoder: Callable, *, describe: Callable[[Dataset, Dataset], str]) -> None:
        """Make inputs of the rows without labels, see `encode_splits`, and the lessons that suit the student."""
        if self.outputs is None:
            return
        if self.unlabeled is not None:
            self.encoded = once(encode_dataset, self.unlabeled, encoder, by_length=False)
            logger.info("unlabeled: %s", describe(self.encoded, self.unlabeled))
        tags = {"label2id": encoder.label2id, "types": self.labels} if self.form == "tags" else {}
        self.lessons = LESSONS[self.form](self.outputs, self.labelled, **self.settings, **tags)

    def join_rows(self, train: Dataset) -> Dataset:
        """The inputs that are learnt, with those of rows without labels."""
        return self.lessons.join_rows(train, self.encoded) if self.lessons else train
