"""Trained models that a student learns from: loaded, checked, and asked once about each text.

What they say is kept in the order of the student's labels, in half precision:

| form | a text's numbers |
|---|---|
| `classes` | (labels,) logarithms of the probabilities |
| `labels` | (labels,) log-odds of each label |
| `scores` | (1,) the score, in single precision |
| `tags` | (characters, 1 + 2 * types) logarithms, see `CharacterTags`; NaN where a character is in no token |
| `cells` | (cells,) spans with their log-odds, see `span_cells` |
| `answers` | (2, characters + 2) logarithms of the probabilities that the answer begins at a place, and ends before |
| | it; the first is that of no answer, and place p has number p + 1 |
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from datasets.config import HF_CACHE_HOME
from scipy.special import log_softmax
from tqdm import tqdm

from ..data.errors import DataError
from ..prediction.ensemble_files import read_ensemble
from ..prediction.ensembles import load_ensemble
from ..prediction.model_kinds import find_kind
from ..prediction.prediction_tasks import LOADERS, TASKS
from ..scoring.decisions import DecisionRule
from ..scoring.joint_decisions import CharacterTags
from .output_cache import OutputCache, Outputs
from .span_cells import CELL, find_cells, pack_cells, tags_of_cells

logger = logging.getLogger(__name__)

VERSION = 1  # of the forms
COLUMNS = {"classes": ("text", "text_pair"), "entities": ("text",), "answers": ("question", "context")}
DTYPES = {"scores": np.dtype("<f4"), "cells": CELL}
HALF = np.dtype("<f2")
NAMES = ("_name_or_path", "transformers_version", "architectures", "auto_map")
WHAT = {"single": "one class for each text", "multi": "several labels for each text", "regression": "scores"}


def kind_of(rows: Dataset) -> str:
    """The kind of models, see `model_kinds`, that predict what training rows have."""
    return "entities" if "entities" in rows.features else "answers" if "answers" in rows.features else "classes"


def problem_of(rows: Dataset) -> str:
    """`multi`, `regression` or `single`: what the classes of training rows are."""
    if "labels" in rows.features:
        return "multi"
    return "regression" if rows.features["label"].dtype.startswith("float") else "single"


def contents(rows: Dataset, kind: str) -> list[tuple[str, ...]]:
    """The text of each row, or its two texts."""
    return list(zip(*(rows[name][:] for name in COLUMNS[kind] if name in rows.column_names), strict=True))


class Teacher:
    """A trained model, or several whose mean is learnt.

    Args:
        finder: what `prediction` makes of them.
        kind: see `model_kinds`.
        labels: classes or entity types of the student, in its order.
    """

    def __init__(self, finder, kind: str, labels: Sequence[str]):
        self.finder, self.kind, self.labels = finder, kind, list(labels)

    @classmethod
    def load(cls, names: Sequence[str], rows: Dataset, labels: Sequence[str], **loading) -> "Teacher":
        """Load what `--teacher` names.

        Args:
            names: folders or Hub ids.
            rows: training data of the student.
            labels: its classes or entity types; none for answers.
            **loading: see the finders' `load`.

        Raises:
            OSError: there is no such model.
            DataError: it is one for another task, or for other labels; the message says what to do.
        """
        kind = kind_of(rows)
        for name in names:
            if (found := find_kind(name)) != kind:
                raise DataError(
                    f"--teacher {name}: expected a model for {kind}, as the training data has, found one for {found}; "
                    f"name one that was trained on such data"
                )
        load, ensemble = LOADERS[TASKS[kind]], read_ensemble(names[0])
        if len(names) > 1 or ensemble:
            known = {"members": list(names)} if len(names) > 1 else ensemble
            finder = load_ensemble(known, kind=kind, load=load, **loading)
        else:
            finder = load(names[0], **loading)
        teacher = cls(finder, kind, labels)
        teacher._check(", ".join(names), rows)
        return teacher

    def _check(self, shown: str, rows: Dataset) -> None:
        if self.kind == "classes":
            wanted, found = problem_of(rows), self.finder.rule.problem_type.partition("_")[0]
            if wanted != found:
                raise DataError(
                    f"--teacher {shown}: expected a model for {WHAT[wanted]}, as the training data has, found one for "
                    f"{WHAT[found]}; name one that was trained on such data"
                )
            pairs = "text_pair" in rows.features
            if self.finder.encoder.pair != pairs:
                expected, found = ("pairs of texts", "single texts") if pairs else ("single texts", "pairs of texts")
                raise DataError(f"--teacher {shown}: expected a model for {expected}, found one for {found}")
            if wanted != "regression":
                _match_labels(shown, self.labels, self.finder.rule.labels, "labels")
        elif self.kind == "entities":
            _match_labels(shown, self.labels, self.finder.types, "entity types")

    @property
    def rule(self) -> DecisionRule | None:
        """How it decides about classes, from their probabilities in the student's order; None of other tasks."""
        rule = getattr(self.finder, "rule", None)
        return rule.in_order(self.labels) if isinstance(rule, DecisionRule) else None

    def read(self, texts: Sequence[tuple[str, ...]], form: str) -> Iterable[np.ndarray]:
        """What the teacher says about texts, in a form of the table above."""
        sides = list(map(list, zip(*texts, strict=True)))
        if form in ("classes", "labels", "scores"):
            return self._read_classes(sides, form)
        if form == "answers":
            return [_answer_numbers(*each) for each in zip(self.finder.chances(*sides), sides[1], strict=True)]
        if form == "cells":
            return [pack_cells(each, self.labels) for each in find_cells(self.finder, sides[0], self.labels)]
        if getattr(self.finder, "tagged", False):
            found = self.finder.character_tags(sides[0], self.labels)
        else:
            cells = find_cells(self.finder, sides[0], self.labels)
            found = [tags_of_cells(*each, self.labels) for each in zip(cells, sides[0], strict=True)]
        return map(_tag_numbers, found)

    def _read_classes(self, sides: list[list[str]], form: str) -> np.ndarray:
        rule = self.finder.rule
        logits = self.finder.logits(*sides)
        if broken := int(np.isnan(logits).any(-1).sum()):
            raise DataError(f"--teacher: its outputs for {broken:,} of {len(logits):,} texts are NaN; name another")
        if form == "scores":
            return logits
        scaled = logits[:, [rule.labels.index(label) for label in self.labels]] / rule.temperature
        return log_softmax(scaled, axis=-1) if form == "classes" else scaled

    def learn_from(self, texts: Sequence[tuple[str, ...]], form: str, *, folder: str | None, **settings) -> Outputs:
        """What it says about texts; those that it has read before are not read again.

        Args:
            texts: in the order of the result.
            form: see the table above.
            folder: of the caches of all teachers; None for one beside the caches of Hugging Face.
            **settings: that change what it says, such as the precision.
        """
        about = {"version": VERSION, "form": form, "labels": self.labels, **settings}
        digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
        _digest_model(self.finder, digest.update)
        place = Path(folder or Path(HF_CACHE_HOME) / "weitiao" / "teachers") / digest.hexdigest()[:32]
        cache = OutputCache(place, DTYPES.get(form, HALF))
        with tqdm(total=len(set(texts)), desc="Teacher", unit=" texts", disable=None) as progress:
            count = cache.fill(texts, lambda part: self.read(part, form), told=progress.update)
        size = (place / "outputs.bin").stat().st_size / 1e6
        logger.info("teacher: read %s of %s texts, the others were known; %.2f MB in %s", f"{count:,}",
                    f"{len(texts):,}", size, place)  # fmt: skip
        return cache.find(texts)


def _match_labels(shown: str, wanted: Sequence[str], found: Sequence[str], noun: str) -> None:
    missing, further = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    if missing or further:
        lists = [", ".join(each[:8]) + (", ..." if len(each) > 8 else "") or "none" for each in (missing, further)]
        raise DataError(
            f"--teacher {shown}: expected the {noun} of the training data, found that it lacks {lists[0]} and has "
            f"also {lists[1]}; name a teacher that was trained on the same {noun}, or make them equal: in the data, "
            "or under id2label in the teacher's config.json"
        )


def _tag_numbers(tags: CharacterTags) -> np.ndarray:
    with np.errstate(divide="ignore"):
        numbers = np.log(tags.probabilities).clip(-30)
    return np.where(tags.covered[:, None], numbers, np.nan)


def _answer_numbers(chances: Any, context: str) -> np.ndarray:
    numbers = np.zeros((2, len(context) + 2))
    for side, (found, nothing) in enumerate(zip((chances.starts, chances.ends), chances.nothing, strict=True)):
        numbers[side, 0] = nothing
        for place, chance in found.items():
            numbers[side, place + 1] = chance
    with np.errstate(divide="ignore"):
        return np.log(numbers)


def _digest_model(finder, update: Callable[[bytes], None]) -> None:
    """Pass all that decides about the outputs of a finder, its names and folders apart."""
    for member in getattr(finder, "members", ()):
        _digest_model(member, update)
    rule = getattr(finder, "rule", None)
    update(repr(rule).encode())
    if hasattr(finder, "files"):  # n-grams
        for name, content in sorted(finder.files().items()):
            update(name.encode() + (content if isinstance(content, bytes) else json.dumps(content).encode()))
    if hasattr(finder, "finders"):  # templates of a cloze model
        for one in finder.finders:
            _digest_model(one, update)
    if (model := getattr(finder, "model", None)) is None:
        return
    update(json.dumps(_without_names(model.config.to_dict()), sort_keys=True, default=str).encode())
    update(finder.tokenizer.backend_tokenizer.to_str().encode())
    for name, value in sorted(model.state_dict().items()):
        update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())


def _without_names(config: dict) -> dict:
    """A configuration without what says where it comes from, and who wrote it."""
    own = {name: value for name, value in config.items() if name not in NAMES}
    return {name: _without_names(value) if isinstance(value, dict) else value for name, value in own.items()}
