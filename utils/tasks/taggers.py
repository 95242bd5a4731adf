"""Taggers by the name of their head: the stock class if it suffices, otherwise ours."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor
from transformers import AutoModelForTokenClassification, PreTrainedConfig, PreTrainedModel

from ..modeling.crf_tagger import CrfTagger, decode_softmax
from ..modeling.label_rows import load_with_head
from ..modeling.span_tagger import SpanTagger

OF_SPANS = ("nested", "loss", "focal_gamma", "type_weights")
OF_TAGS = ("constrained", "tag_scheme")


def is_stock(*, head: str, layers: str, lstm_hidden: int) -> bool:
    """Whether the stock class suffices for these options."""
    return head == "softmax" and layers == "last" and not lstm_hidden


def load_tagger(
    name_or_path: str,
    *,
    config: PreTrainedConfig,
    loading: Mapping | None = None,
    head: str,
    layers: str = "last",
    lstm_hidden: int = 0,
    dropout: float = 0.1,
    special_token_ids: list[int],
    **settings: Any,
) -> PreTrainedModel:
    """Put a new head on a pre-trained encoder; from a trained head of the same class, known labels are kept.

    Args:
        name_or_path: an encoder, or a model that was trained on one, on disk or on the Hub.
        config: its configuration; changed for the stock class.
        loading: keyword arguments for `from_pretrained`.
        head: `softmax`, `crf` or `span`.
        layers, lstm_hidden, dropout, special_token_ids: see `CrfTaggerConfig`.
        **settings: further fields, including `id2label`; fields of spans are left out for tags and vice versa, see
            `SpanTaggerConfig` and `CrfTaggerConfig`.
    """
    others = OF_TAGS if head == "span" else OF_SPANS
    settings = {name: value for name, value in settings.items() if name not in others}
    if is_stock(head=head, layers=layers, lstm_hidden=lstm_hidden):
        config.update(settings)
        kind = AutoModelForTokenClassification
        return load_with_head(kind, name_or_path, config=config, loading=loading, dropout=dropout)
    settings |= {"layers": layers, "lstm_hidden": lstm_hidden, "dropout": dropout}
    settings["special_token_ids"] = special_token_ids
    if head == "span":
        return SpanTagger.from_encoder(name_or_path, loading=loading, **settings)
    return CrfTagger.from_encoder(name_or_path, loading=loading, head=head, **settings)


def keep_decoded(outputs: tuple | Tensor, label_ids: Tensor, *, stock: bool, labels: list[str], constrained: bool):
    """What `Trainer` keeps of a batch: decoded tags or spans with their probabilities, but no logits."""
    if not stock:
        return outputs[1:]
    return decode_softmax(outputs, label_ids != -100, labels=labels, constrained=constrained)
