"""Text classifier over any encoder, with kinds of pooling that the stock classes do not offer.

    encoder -> last layer, or learned mix of all layers -> pooling -> dropout -> linear

`fusion` combines two kinds of pooling: the mean over the text and the encoder's pooled output tanh(W h_cls) each pass
through a linear layer of 128 units, and the weighted sum of both is classified.

A saved `TextClassifier` takes this file along and reloads anywhere:
`AutoModelForSequenceClassification.from_pretrained(path, trust_remote_code=True)`.
"""

from copy import deepcopy

import torch
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification, PreTrainedModel
from transformers import initialization as init
from transformers.modeling_outputs import SequenceClassifierOutput

from .class_pipeline import ClassPipeline
from .encoder_body import EncoderBody, HeadConfig, run_by
from .label_rows import load_with_head
from .pretrained_weights import read_config


class TextClassifierConfig(HeadConfig):
    """Configuration of a `TextClassifier`.

    `problem_type` is `single_label_classification`, `multi_label_classification` or `regression` (one output).
    """

    model_type = "text-classifier"
    pipelines = run_by(ClassPipeline, "text-classification", "AutoModelForSequenceClassification")

    pooling: str = "mean"  # `cls` (tanh(W h_cls)), `mean` or `max` over all tokens but padding, or `fusion`
    layers: str = "last"  # hidden layer, or `weighted` for a learned mix of all
    fusion_size: int = 128  # units of each feature of `fusion`
    fusion_weights: str = "learned"  # shares of the two features, or `equal`
    dropout: float = 0.1  # before the classifier, 0-1
    initializer_range: float = 0.02


class TextClassifier(EncoderBody):
    """Encoder, optional layer mix, pooling, dropout, linear classifier."""

    config_class = TextClassifierConfig
    HEAD_MODULES = ("layer_mix", "pooled", "fusion", "classifier")  # on top of the encoder; may be None

    def __init__(self, config: TextClassifierConfig):
        super().__init__(config)
        self.loss_type = "ForSequenceClassification"  # that of `problem_type`
        width = self.width
        self.pooled = nn.Linear(width, width) if config.pooling in ("cls", "fusion") else None
        self.fusion = None
        if config.pooling == "fusion":
            self.fusion = Fusion(width, config.fusion_size, learned=config.fusion_weights == "learned")
            width = config.fusion_size
        self.classifier = nn.Linear(width, config.num_labels)
        self.post_init()

    def take_pooler(self, pooler: nn.Module) -> None:
        """Copy a pre-trained pooler into the head; kept in the encoder too, it would wait for gradients."""
        linear = next((each for each in pooler.modules() if isinstance(each, nn.Linear)), None)
        if linear is not None and self.pooled is not None:
            self.pooled.load_state_dict(linear.state_dict())

    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, Fusion) and module.weights is not None:
            init.zeros_(module.weights)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> SequenceClassifierOutput:
        """Score a batch.

        Args:
            input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds: as for the encoder.
            labels: (batch,) int64 class ids; multi-label (batch, num_labels) float; regression (batch,) float.

        Returns:
            `logits` (batch, num_labels) float32, and with labels the mean `loss`.
        """
        states, attention_mask = self.encode(input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds)
        logits = self.classifier(self.dropout(self.pool(states, attention_mask.bool()))).float()  # (batch, num_labels)
        loss = None
        if labels is not None:
            are_ids = self.config.problem_type in (None, "single_label_classification")
            loss = self.loss_function(labels if are_ids else labels.float(), logits, self.config)
        return SequenceClassifierOutput(loss=loss, logits=logits)

    def pool(self, states: Tensor, mask: Tensor) -> Tensor:
        """(batch, length, width) states, (batch, length) bool mask -> (batch, width or fusion_size)."""
        pooling = self.config.pooling
        if pooling == "max":
            return states.masked_fill(~mask[..., None], torch.finfo(states.dtype).min).amax(1)
        pooled = None if self.pooled is None else self.pooled(states[:, 0]).tanh()
        if pooling == "cls":
            return pooled
        weights = mask[..., None].to(states.dtype)
        mean = (states * weights).sum(1) / weights.sum(1).clamp(min=1)
        return mean if self.fusion is None else self.fusion(mean, pooled)


class Fusion(nn.Module):
    """Two features of a text, each through a linear layer, added with weights that sum to 1."""

    def __init__(self, width: int, size: int, *, learned: bool):
        super().__init__()
        self.mean = nn.Linear(width, size)
        self.pooled = nn.Linear(width, size)
        self.weights = nn.Parameter(torch.zeros(2)) if learned else None

    def forward(self, mean: Tensor, pooled: Tensor) -> Tensor:
        shares = (0.5, 0.5) if self.weights is None else self.weights.softmax(0)
        return shares[0] * self.mean(mean) + shares[1] * self.pooled(pooled)


def is_stock(*, pooling: str, layers: str) -> bool:
    """Whether the stock class suffices for these options."""
    return pooling == "cls" and layers == "last"


def load_classifier(
    name_or_path: str,
    *,
    loading: dict | None = None,
    pooling: str = "cls",
    layers: str = "last",
    fusion_weights: str = "learned",
    dropout: float = 0.1,
    **settings,
) -> PreTrainedModel:
    """Put a new classifier on a pre-trained encoder: the stock class for `cls` of the last layer, otherwise ours.

    From a trained classifier of the same class, the weights of known labels are kept.

    Args:
        name_or_path: an encoder, or a model that was trained on one, on disk or on the Hub.
        loading: keyword arguments for `from_pretrained`, such as `revision` and `trust_remote_code`.
        pooling, layers, fusion_weights, dropout: as in `TextClassifierConfig`.
        **settings: further configuration fields, including `id2label` and `problem_type`.
    """
    if not is_stock(pooling=pooling, layers=layers):
        own = {"pooling": pooling, "layers": layers, "fusion_weights": fusion_weights, "dropout": dropout}
        return TextClassifier.from_encoder(name_or_path, loading=loading, **own, **settings)
    config = read_config(name_or_path, loading=loading)
    config.update(settings)
    if settings.get("window_pooling"):  # the stock pipeline would cut long texts
        config.custom_pipelines = deepcopy(TextClassifierConfig.pipelines)
    kind = AutoModelForSequenceClassification
    return load_with_head(kind, name_or_path, config=config, loading=loading, dropout=dropout)


TextClassifierConfig.register_for_auto_class()
TextClassifier.register_for_auto_class("AutoModelForSequenceClassification")
