"""Span tagger: scores every (start, end) pair for every entity type, so entities may nest and overlap.

The head is Efficient GlobalPointer (Su et al., 2022, "Global Pointer: Novel Efficient Span-based Approach for Named
Entity Recognition"): one query-key product with rotary positions scores whether a span is an entity, and two small
linear maps of its first and last token score its type.

A saved `SpanTagger` takes this file along and reloads anywhere: `AutoModel.from_pretrained(path,
trust_remote_code=True)`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from transformers import initialization as init
from transformers.utils import ModelOutput

from .encoder_body import EncoderBody, HeadConfig, run_by
from .entity_pipeline import EntityPipeline

MASKED = -1e4  # the score of a cell that is not a span: end before start, or outside the text


class SpanTaggerConfig(HeadConfig):
    """Configuration of a `SpanTagger`, including how its inputs are made."""

    model_type = "span-tagger"
    pipelines = run_by(EntityPipeline, "token-classification", "AutoModel")

    head_size: int = 64  # width of queries and keys; even
    nested: bool = True  # decoded spans may overlap; otherwise only the better one of two that overlap is kept
    # `multilabel` (Su et al., 2022, section 2.4: one log-sum-exp over the positive, one over the negative cells) or
    # `focal` (Lin et al., 2017) on each cell.
    loss: str = "multilabel"
    focal_gamma: float = 2.0  # how strongly `focal` down-weights cells that are already right
    type_weights: list[float] | None = None  # of each type's loss, in the order of the ids; None for equal ones
    layers: str = "last"  # hidden layer, or `weighted` for a learned mix of all
    lstm_hidden: int = 0  # units of a BiLSTM below the head in each direction; 0 for none
    dropout: float = 0.1  # before the head, 0-1
    window_length: int = 512  # how texts were cut in training, in sub-tokens
    window_stride: int = 128
    special_token_ids: list[int] | None = None  # that belong to no span ([CLS], padding, ...), without `token_mask`
    initializer_range: float = 0.02


@dataclass
class SpanTaggerOutput(ModelOutput):
    """Output of `SpanTagger`; decoded spans, see `decode_spans`, in eval mode only."""

    loss: Tensor | None = None  # mean over texts and types; only if labels are given
    logits: Tensor | None = None  # (batch, num_types, length, length) of the span from token i to j; an entity above 0
    spans: Tensor | None = None  # (batch, max_spans, 3) int64
    span_scores: Tensor | None = None  # (batch, max_spans) float32 probabilities


class SpanTagger(EncoderBody):
    """Encoder, optional layer mix and BiLSTM, and an efficient GlobalPointer that decodes in eval mode."""

    config_class = SpanTaggerConfig
    HEAD_MODULES = ("layer_mix", "lstm", "pointer", "borders")  # on top of the encoder; may be None

    def __init__(self, config: SpanTaggerConfig):
        super().__init__(config)
        self.pointer = nn.Linear(self.width, 2 * config.head_size)  # query and key of each token
        self.borders = nn.Linear(
            2 * config.head_size, 2 * config.num_labels
        )  # type scores of a first and a last token
        self.post_init()

    def _init_weights(self, module):
        super()._init_weights(module)
        if module in (self.pointer, self.borders):
            # Scores are products of two projections: with the usual 0.02 they stay near 0 for an epoch.
            init.xavier_uniform_(module.weight)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        token_mask: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> SpanTaggerOutput:
        """Score, and in eval mode decode, a batch.

        Args:
            input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds: as for the encoder.
            token_mask: (batch, length) bool, the positions that spans may cover; if not given, all but padding and the
                configuration's special tokens.
            labels: (batch, spans, 3) int64 first token, last token (inclusive), type id; rows of -100 are padding. A
                row with type -1 excludes the span, with any type, from the loss; a row of -1 all spans of the text.
        """
        states, attention_mask = self.encode(input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds)
        mask = self.find_tokens(input_ids, attention_mask, token_mask)
        logits = self.score(self.dropout(states), mask)
        loss = None if labels is None else self.loss(logits, labels, mask)
        spans, span_scores = (None, None) if self.training else decode_spans(logits, nested=self.config.nested)
        return SpanTaggerOutput(loss=loss, logits=logits, spans=spans, span_scores=span_scores)

    def score(self, states: Tensor, mask: Tensor) -> Tensor:
        """(batch, length, width) -> (batch, num_types, length, length), `MASKED` for cells that are not spans."""
        pointers = self.pointer(states)  # (batch, length, 2 * head_size)
        borders = self.borders(pointers).float() / 2  # (batch, length, 2 * num_types)
        with torch.autocast(states.device.type, enabled=False):  # in bf16 the scores of neighbours would be equal
            query, key = (rotate(part) for part in pointers.float().chunk(2, -1))  # (batch, length, head_size) each
            extent = query @ key.transpose(1, 2) / self.config.head_size**0.5  # (batch, length, length)
            first, last = borders.transpose(1, 2).chunk(2, 1)  # (batch, num_types, length) each
            logits = extent[:, None] + first[..., None] + last[:, :, None]  # (batch, num_types, length, length)
        spans = (mask[:, :, None] & mask[:, None]).triu()  # (batch, length, length)
        return logits.masked_fill(~spans[:, None], MASKED)

    def loss(self, logits: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
        """Mean loss over texts and types; see `SpanTaggerConfig.loss`."""
        batch, num_types, length, _ = logits.shape
        gold = torch.zeros(batch, num_types + 1, length, length, dtype=torch.bool, device=logits.device)
        row, which = (labels[..., 0] >= 0).nonzero(as_tuple=True)
        first, last, kind = labels[row, which].unbind(-1)
        gold[row, kind, first, last] = True  # type -1 lands in the extra last plane
        gold, ignored = gold[:, :-1], gold[:, -1:]
        usable = (mask[:, :, None] & mask[:, None]).triu()[:, None] & ~ignored  # (batch, 1, length, length)
        usable = usable & ~(labels[..., 0] == -1).any(1)[:, None, None, None]
        if self.config.loss == "focal":
            crossed = binary_cross_entropy_with_logits(logits, gold.to(logits.dtype), reduction="none")
            wrong = (1 - (-crossed).exp()).clamp(min=1e-6)  # clamped: at 0 the gradient of a power below 1 is infinite
            cell = wrong**self.config.focal_gamma * crossed
            by_type = (cell * usable).flatten(2).sum(-1)
        else:
            negative = logits.masked_fill(gold | ~usable, -torch.inf).flatten(2)
            positive = (-logits).masked_fill(~gold | ~usable, -torch.inf).flatten(2)
            zero = torch.zeros_like(negative[..., :1])
            by_type = torch.cat([negative, zero], -1).logsumexp(-1) + torch.cat([positive, zero], -1).logsumexp(-1)
        if self.config.type_weights is not None:
            by_type = by_type * torch.tensor(self.config.type_weights, device=logits.device)
        return by_type.mean()


def rotate(states: Tensor) -> Tensor:
    """Rotary position embedding (Su et al., 2021, RoFormer, equation 34): (batch, length, even width), same shape."""
    length, width = states.shape[1:]
    frequencies = 10_000.0 ** -(torch.arange(0, width, 2, device=states.device, dtype=torch.float32) / width)
    angles = torch.arange(length, device=states.device)[:, None] * frequencies  # (length, width / 2)
    cosine, sine = angles.cos(), angles.sin()
    even, odd = states[..., ::2], states[..., 1::2]
    return torch.stack([even * cosine - odd * sine, odd * cosine + even * sine], -1).flatten(-2)


@torch.no_grad()
def decode_spans(logits: Tensor, *, nested: bool, threshold: float = 0.0) -> tuple[Tensor, Tensor]:
    """Pick the cells above the threshold.

    Args:
        logits: (batch, num_types, length, length).
        nested: keep spans that overlap; otherwise the better one of two that do. At most the best `4 * length` cells
            of a text are considered: an untrained head would otherwise return half of all cells.
        threshold: the score above which a cell is an entity.

    Returns:
        (batch, max_spans, 3) int64 first token, last token (inclusive), type, best first, padded with -100, and
        (batch, max_spans) float32 `sigmoid(score)`, 0 for padding. `max_spans` is at least 1.
    """
    length = logits.shape[-1]
    flat = logits.flatten(1)
    most = int((flat > threshold).sum(1).max().clamp(1, 4 * length)) if flat.numel() else 1
    scores, cells = flat.topk(min(most, flat.shape[1]), dim=1)  # (batch, max_spans)
    kind, first, last = cells // length**2, cells // length % length, cells % length
    kept = scores > threshold
    if not nested:
        clash = (first[:, :, None] <= last[:, None]) & (first[:, None] <= last[:, :, None])  # (batch, spans, spans)
        for better in range(kept.shape[1]):
            beaten = clash[:, better] & kept[:, better, None]
            beaten[:, : better + 1] = False
            kept &= ~beaten
    spans = torch.stack([first, last, kind], -1).masked_fill(~kept[..., None], -100)
    return spans, scores.sigmoid().masked_fill(~kept, 0).float()


SpanTaggerConfig.register_for_auto_class()
SpanTagger.register_for_auto_class("AutoModel")
