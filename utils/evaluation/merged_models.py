"""A trained adapter taken into its encoder: a whole model, which needs neither peft nor the encoder beside it."""

import transformers
from transformers import PreTrainedConfig, PreTrainedModel

from ..data.errors import DataError
from . import entity_finder, label_finder
from .trained_models import load_model

OURS = entity_finder.OURS | label_finder.OURS
STOCK = ("TokenClassification", "SequenceClassification", "QuestionAnswering", "MaskedLM")


def load_merged(name_or_path: str, *, revision: str = "main") -> PreTrainedModel:
    """Load an adapter and take it into the weights of its encoder.

    Args:
        name_or_path, revision: where the adapter is.

    Raises:
        OSError: there is no such directory, or no base for it.
        DataError: there is no adapter in it, or one that is no change of weights.
    """
    fields, _ = PreTrainedConfig.get_config_dict(name_or_path, revision=revision)
    architecture = (fields.get("architectures") or ["none"])[0]
    model_class = OURS.get(fields.get("model_type"))
    for each in STOCK:
        if model_class is None and architecture.endswith(f"For{each}"):
            model_class = getattr(transformers, f"AutoModelFor{each}")
    if model_class is None or "adapter_base" not in fields:
        raise DataError(
            f"{name_or_path}: expected an adapter as --adapter trains it, found a whole model ({architecture})"
        )
    model = load_model(model_class, name_or_path, revision=revision)
    from ..adapters.directories import AdapterError, merge_adapter  # peft takes seconds

    try:
        return merge_adapter(model)
    except AdapterError as error:
        raise DataError(str(error)) from error
