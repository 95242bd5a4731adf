"""Kinds of models: what a trained directory, or a model on the Hub, predicts; known from its configuration alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    PreTrainedModel,
)

from ..data.errors import DataError
from ..modeling.cloze_classifier import ClozeClassifier
from ..modeling.crf_tagger import CrfTagger
from ..modeling.span_tagger import SpanTagger
from ..modeling.text_classifier import TextClassifier
from ..modeling.weight_files import require_model, require_safetensors
from ..prompting.templates import Template
from .ensemble_files import read_ensemble


class Kind(NamedTuple):
    """Models that predict the same kind of thing.

    Attributes:
        stock: the auto class of transformers' own.
        heads: classes of ours.
        scripts: those that train them.
    """

    stock: type
    heads: tuple[type[PreTrainedModel], ...] = ()
    scripts: str = ""

    @property
    def endings(self) -> tuple[str, ...]:
        """What the names of their architectures end in."""
        return self.stock.__name__.removeprefix("AutoModel"), *(head.__name__ for head in self.heads)


KINDS = {
    "entities": Kind(AutoModelForTokenClassification, (CrfTagger, SpanTagger), "run_ner.py"),
    "classes": Kind(
        AutoModelForSequenceClassification,
        (TextClassifier, ClozeClassifier),
        "run_classification.py, run_qa_cls.py or run_prompt.py",
    ),
    "answers": Kind(AutoModelForQuestionAnswering, scripts="run_qa_span.py"),
}
NGRAMS = "ngrams.json"  # in a folder of n-grams, see `ngram_finder`
WORDS = Kind(AutoModelForMaskedLM, scripts="run_mlm.py")  # what other models begin as

HEADS = {head.config_class.model_type: head for kind in KINDS.values() for head in kind.heads}
for _model_type, _head in HEADS.items():
    # So that the tokenizer can read the configuration without the model's code.
    AutoConfig.register(_model_type, _head.config_class, exist_ok=True)


def class_of(fields: Mapping[str, Any]) -> type | None:
    """The class that loads a model with such a configuration: one of our heads, or an auto class; None for others."""
    if head := HEADS.get(fields.get("model_type")):
        return head
    architecture = (fields.get("architectures") or ["none"])[0]
    return next((kind.stock for kind in (*KINDS.values(), WORDS) if architecture.endswith(kind.endings)), None)


def find_kind(name_or_path: str, *, revision: str = "main") -> str:
    """A key of `KINDS`.

    Raises:
        OSError: there is no such model.
        DataError: it has none of the kinds.
    """
    if ensemble := read_ensemble(name_or_path):
        return ensemble["kind"]
    if (Path(name_or_path) / NGRAMS).is_file():
        return "classes"
    fields = require_model(name_or_path, revision=revision)
    architecture = (fields.get("architectures") or ["none"])[0]
    if asks_spans(fields):
        return "entities"
    for name, kind in KINDS.items():
        if architecture.endswith(kind.endings):
            return name
    scripts = ", ".join(kind.scripts for kind in KINDS.values())
    raise DataError(f"{name_or_path}: expected a model trained by {scripts}, found {architecture}")


def asks_spans(fields: Mapping[str, Any]) -> bool:
    """Whether a configuration is that of a cloze classifier whose questions are about spans of a text."""
    cloze = HEADS.get(fields.get("model_type")) is ClozeClassifier
    return cloze and bool(fields.get("template")) and "span" in Template(fields["template"]).fields


def require_kind(kind: str, name_or_path: str, *, revision: str = "main") -> dict:
    """The configuration's fields of a model of this kind.

    Raises:
        OSError: there is no such model.
        UnsafeWeightsError: its weights are a pickle.
        DataError: it is a model of another kind.
    """
    if (found := find_kind(name_or_path, revision=revision)) != kind:
        scripts = KINDS[kind].scripts
        raise DataError(f"{name_or_path}: expected a model for {kind} trained by {scripts}, found one for {found}")
    require_safetensors(name_or_path, revision=revision)
    return require_model(name_or_path, revision=revision)
