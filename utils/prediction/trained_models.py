"""What a trained directory, or a model on the Hub, is for; known from its configuration, before it is loaded."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils.peft_utils import find_adapter_config_file

from ..data.errors import DataError
from ..encoding.tokenizer_files import open_tokenizer
from ..modeling.pretrained_weights import load_weights, read_config
from ..modeling.weight_files import require_safetensors
from ..prompting.templates import Template

if TYPE_CHECKING:
    from ..adapters.directories import BaseModels

# kind of model: what the names of its architectures end in
KINDS = {
    "entities": ("ForTokenClassification", "CrfTagger", "SpanTagger"),
    "classes": ("ForSequenceClassification", "TextClassifier", "ClozeClassifier"),
    "answers": ("ForQuestionAnswering",),
}
SCRIPTS = {
    "entities": "run_ner.py",
    "classes": "run_classification.py, run_qa_cls.py or run_prompt.py",
    "answers": "run_qa_span.py",
}


def find_kind(name_or_path: str, *, revision: str = "main") -> str:
    """A key of `KINDS`.

    Raises:
        OSError: there is no such model.
        DataError: it is for none of them.
    """
    if not Path(name_or_path).is_dir() and (name_or_path.count("/") > 1 or name_or_path[0] in "./~"):
        raise FileNotFoundError(
            f"{name_or_path}: expected a trained output directory or a Hub id, found no such folder"
        )
    try:
        fields, _ = PreTrainedConfig.get_config_dict(name_or_path, revision=revision)
    except OSError as error:
        reason = str(error).split("\n")[0]
        raise FileNotFoundError(
            f"{name_or_path}: expected a trained output directory or a Hub id, found neither: {reason}"
        ) from error
    architecture = (fields.get("architectures") or ["none"])[0]
    if asks_spans(fields):
        return "entities"
    for kind, endings in KINDS.items():
        if architecture.endswith(endings):
            return kind
    raise DataError(
        f"{name_or_path}: expected a model that {', '.join(SCRIPTS.values())} has trained, found {architecture}"
    )


def asks_spans(fields: dict) -> bool:
    """Whether a configuration is that of a cloze classifier whose questions are about spans of a text."""
    template = fields.get("template") if fields.get("model_type") == "cloze-classifier" else None
    return bool(template) and "span" in Template(template).fields


def require_kind(kind: str, name_or_path: str, *, revision: str = "main") -> dict:
    """The configuration's fields of a model of this kind.

    Raises:
        OSError: there is no such model.
        UnsafeWeightsError: it is a pickle.
        DataError: it is of another kind.
    """
    if (found := find_kind(name_or_path, revision=revision)) != kind:
        raise DataError(
            f"{name_or_path}: expected a model for {kind} as {SCRIPTS[kind]} trains it, found one for {found}"
        )
    require_safetensors(name_or_path, revision=revision)
    return PreTrainedConfig.get_config_dict(name_or_path, revision=revision)[0]


def load_model(
    model_class: type[PreTrainedModel],
    name_or_path: str,
    *,
    revision: str = "main",
    bases: "BaseModels | None" = None,
) -> PreTrainedModel:
    """A trained model, or the base of a trained adapter with the adapter in it; no code of its directory is run.

    Args:
        model_class: one of our heads, or an `AutoModelFor...`.
        name_or_path, revision: where it is.
        bases: see `adapters.directories.BaseModels`.

    Raises:
        OSError: a file is missing.
        WeightsError: weights are missing, or do not fit the configuration.
        DataError: an adapter does not fit its base.
    """
    if find_adapter_config_file(name_or_path, revision=revision) is None:
        return load_weights(model_class, name_or_path, whole=True, loading={"revision": revision, "dtype": "auto"})[0]
    from ..adapters.directories import AdapterError, load_adapter  # peft takes seconds

    config_class = getattr(model_class, "config_class", None) or AutoConfig
    config = config_class.from_pretrained(name_or_path, revision=revision)
    try:
        return load_adapter(model_class, config, name_or_path, revision=revision, bases=bases)
    except AdapterError as error:
        raise DataError(str(error)) from error


def load_own_tokenizer(name_or_path: str, *, revision: str = "main") -> PreTrainedTokenizerBase:
    """The tokenizer beside a model; no code of the model's directory is run.

    Raises:
        OSError: it does not fit the model, see `open_tokenizer`.
    """
    loading = {"revision": revision, "trust_remote_code": False}
    config = read_config(name_or_path, loading=loading)
    return open_tokenizer(name_or_path, config, saved_again=False, **loading)


def choose_device(device: str | None) -> str:
    """The device that is asked for, else the first accelerator, else the CPU."""
    if device:
        return device
    return torch.accelerator.current_accelerator().type if torch.accelerator.is_available() else "cpu"
