"""Token tagger with a CRF (or a plain softmax) over any encoder, optionally with a BiLSTM and mixed layers below it.

    encoder -> last layer, or learned mix of all layers -> [BiLSTM] -> dropout -> linear emissions -> CRF | softmax

A saved `CrfTagger` takes this file and its siblings along and reloads anywhere:
`AutoModelForTokenClassification.from_pretrained(path, trust_remote_code=True)`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import initialization as init
from transformers.utils import ModelOutput

from .crf import LinearChainCRF, compact, spread, viterbi
from .encoder_body import EncoderBody, HeadConfig, run_by
from .entity_pipeline import EntityPipeline
from .tag_rules import tag_rules


class CrfTaggerConfig(HeadConfig):
    """Configuration of a `CrfTagger`, including how its inputs are made."""

    model_type = "crf-tagger"
    pipelines = run_by(EntityPipeline, "token-classification", "AutoModelForTokenClassification")

    head: str = "crf"  # or `softmax`, for independent decisions per token
    constrained: bool = False  # let `softmax` decode by Viterbi under the rules of the tag scheme
    layers: str = "last"  # hidden layer, or `weighted` for a learned mix of all
    lstm_hidden: int = 0  # units of the BiLSTM in each direction; 0 for none
    dropout: float = 0.1  # before the emissions, 0-1
    tag_scheme: str = "bio"  # `bios` or `bioes`; the tag names are in `id2label`
    window_length: int = 512  # how texts were cut in training, in sub-tokens
    window_stride: int = 128
    special_token_ids: list[int] | None = None  # that have no tag ([CLS], padding, ...), if there is no `token_mask`
    initializer_range: float = 0.02


@dataclass
class CrfTaggerOutput(ModelOutput):
    """Output of `CrfTagger`; tags and posteriors in eval mode only."""

    loss: Tensor | None = None  # mean over the tagged tokens; only if labels are given
    logits: Tensor | None = None  # (batch, length, num_labels) emissions
    tags: Tensor | None = None  # (batch, length) int64 decoded tag ids, -100 at untagged positions
    posteriors: Tensor | None = None  # (batch, length, 3) float32 along the tags, see `LinearChainCRF.posteriors`


class CrfTagger(EncoderBody):
    """Encoder, optional layer mix and BiLSTM, linear emissions, and a CRF or softmax that decodes in eval mode."""

    config_class = CrfTaggerConfig
    accepts_loss_kwargs = True

    HEAD_MODULES = ("layer_mix", "lstm", "classifier", "crf")  # on top of the encoder; may be None

    def __init__(self, config: CrfTaggerConfig):
        super().__init__(config)
        self.classifier = nn.Linear(self.width, config.num_labels)
        labels = [config.id2label[i] for i in range(config.num_labels)]
        self.crf = LinearChainCRF(labels) if config.head == "crf" else None
        self.post_init()

    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, LinearChainCRF):
            for parameter in module.parameters():
                init.uniform_(parameter, -0.1, 0.1)
        elif module is self.classifier and self.lstm is not None:
            # An LSTM's outputs are small: with the usual 0.02 they would have hardly any effect.
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
        num_items_in_batch: Tensor | int | None = None,
    ) -> CrfTaggerOutput:
        """Score, and in eval mode decode, a batch.

        Args:
            input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds: as for the encoder.
            token_mask: (batch, length) bool, the positions that have a tag; if not given, all but padding and the
                configuration's special tokens.
            labels: (batch, length) int64 tag ids; -100 is left out of the loss.
            num_items_in_batch: how many labels the loss is averaged over; those of this batch if not given.
        """
        states, attention_mask = self.encode(input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds)
        logits = self.classifier(self.dropout(states)).float()  # (batch, length, num_labels)
        mask = self.find_tokens(input_ids, attention_mask, token_mask)
        loss = None
        if labels is not None:
            counted = mask & (labels != -100)
            total = counted.sum().clamp(min=1) if num_items_in_batch is None else num_items_in_batch
            if self.crf is not None:
                loss = self.crf(logits, labels, counted).sum() / total
            else:
                kept = labels.masked_fill(~counted, -100)
                loss = cross_entropy(logits.flatten(0, 1), kept.flatten(), reduction="sum") / total
        tags, posteriors = (None, None) if self.training else self.decode(logits, mask)
        return CrfTaggerOutput(loss=loss, logits=logits, tags=tags, posteriors=posteriors)

    def decode(self, logits: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Emissions -> (batch, length) int64 tags, -100 where `mask` is not set, and (batch, length, 3) posteriors."""
        if self.crf is None:
            labels = [self.config.id2label[i] for i in range(self.config.num_labels)]
            return decode_softmax(logits, mask, labels=labels, constrained=self.config.constrained)
        tags = self.crf.decode(logits, mask, pad=-100)
        return tags, self.crf.posteriors(logits, tags, mask)


@torch.no_grad()
def decode_softmax(
    logits: Tensor, mask: Tensor, *, labels: Sequence[str], constrained: bool = False
) -> tuple[Tensor, Tensor]:
    """Decode token classes that are decided independently; also for stock token classifiers.

    Args:
        logits: (batch, length, num_labels).
        mask: (batch, length) bool, the positions that have a tag.
        labels: tag names in the order of their ids.
        constrained: take the best sequence that the tag scheme permits instead of the best tag at each position.

    Returns:
        (batch, length) int64 tags, -100 where `mask` is not set, and (batch, length, 3) float32 posteriors with the
        meaning of `LinearChainCRF.posteriors`, under independence.
    """
    rules = tag_rules(labels)
    order, lengths = compact(mask)  # (batch, width), (batch,)
    logits = logits.float().gather(1, order[..., None].expand(-1, -1, logits.shape[-1]))
    if constrained:
        scores = (
            torch.zeros(rule.shape, device=logits.device).masked_fill(~rule.to(logits.device), -torch.inf)
            for rule in rules[:3]
        )
        best = viterbi(logits.log_softmax(-1), *scores, lengths.clamp(min=1))
    else:
        best = logits.argmax(-1)
    probabilities = logits.softmax(-1)
    first = probabilities.gather(2, best[..., None])[..., 0]
    goes_on = (probabilities[:, 1:] * rules.continues.to(logits.device)[best[:, :-1]]).sum(-1)
    steps = torch.arange(1, order.shape[1], device=logits.device)
    goes_on = goes_on.masked_fill(steps >= lengths[:, None], 0)
    stops = torch.cat([1 - goes_on, torch.ones_like(first[:, :1])], 1)
    along = torch.stack([first, first, stops], -1)  # (batch, width, 3)
    return spread(best, order, mask, -100), spread(along, order, mask, 0)


CrfTaggerConfig.register_for_auto_class()
CrfTagger.register_for_auto_class("AutoModelForTokenClassification")
