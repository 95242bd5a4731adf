"""Cloze classifier: a masked-language model that fills a blank with words that stand for classes.

    template with a mask for each token of a word -> encoder -> output layer at the masks only -> log-probabilities of
    the label words -> classes

A saved `ClozeClassifier` takes this file along and reloads anywhere:
`AutoModelForSequenceClassification.from_pretrained(path, trust_remote_code=True)`.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy
from transformers import (
    MODEL_FOR_MASKED_LM_MAPPING,
    AutoModelForMaskedLM,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers import initialization as init
from transformers.modeling_outputs import SequenceClassifierOutput

from .cloze_pipeline import ClozePipeline
from .encoder_body import HeadConfig, run_by
from .encoders import HEAD_IN_ORDER
from .pretrained_weights import load_weights
from .soft_prompts import SoftPrompts, find_layers


class ClozeClassifierConfig(HeadConfig):
    """Configuration of a `ClozeClassifier`."""

    model_type = "cloze-classifier"
    pipelines = run_by(ClozePipeline, "text-classification", "AutoModelForSequenceClassification")
    keys_to_ignore_at_inference = ["word_scores"]

    words: list | None = None  # class by class: id of the class, share among its words, token ids
    aggregation: str = "mean"  # how words give the score of their class: weighted `mean`, `max`, or `learned` shares
    mask_token_id: int = 0  # at which words are predicted
    soft_size: int = 0  # number of trainable vectors; ids from the vocabulary's size on stand for them
    soft_encoder: str = "none"  # network that makes them: `none`, `mlp` or `lstm`, see `SoftPrompts`
    soft_layers: bool = False  # every layer has vectors of its own
    bias: list[float] | None = None  # log-probability of each class that is subtracted from its score
    template: str = ""  # of the inputs
    candidate_kind: str = "ngrams"  # with `{span}`: which spans of a text are candidates, see `prompting.candidates`
    candidate_length: int = 8  # the most units of such a span
    entity_threshold: float = 0.0  # log-odds against the class `O` above which a span is an entity
    share_texts: bool = False  # a text is read once for all its questions, see `prompting.packed_questions`


@dataclass
class ClozeOutput(SequenceClassifierOutput):
    """Scores of classes and words.

    Attributes:
        logits: (batch, num_labels) float32; their softmax gives the probabilities of the classes. If all label words
            have the same number of tokens, logits are defined up to a constant per row, as the normalisation over the
            vocabulary, which is the same for all words, is not computed.
        word_scores: (batch, words) float32 log-probability of each label word, mean over its tokens; None if the
            classes can be compared without it and it was not requested.
        mlm_loss: mean over the additionally masked words, in training.
    """

    word_scores: Tensor | None = None
    mlm_loss: Tensor | None = None


class ClozeClassifier(PreTrainedModel):
    """Masked-language model with label words, and trainable vectors if the template has them."""

    config_class = ClozeClassifierConfig
    base_model_prefix = "encoder"
    accepts_loss_kwargs = False
    supports_gradient_checkpointing = True
    _supports_sdpa = _supports_flash_attn = _supports_attention_backend = True

    HEAD_MODULES = ("soft", "shares")  # not pre-trained; may be None

    def __init__(self, config: ClozeClassifierConfig):
        super().__init__(config)
        self.encoder = AutoModelForMaskedLM.from_config(config.encoder_config)
        width = self.encoder.get_input_embeddings().weight.shape[1]
        self.soft = None
        if config.soft_size:
            inner = config.encoder_config
            deep = {"layers": inner.num_hidden_layers - 1, "hidden_size": inner.hidden_size}
            deep = deep if config.soft_layers else {}
            self.soft = SoftPrompts(config.soft_size, width, encoder=config.soft_encoder, **deep)
            # Layers that are recomputed in the backward pass would lack their vectors.
            self.supports_gradient_checkpointing = not config.soft_layers
        self.shares = WordShares(config.words) if config.aggregation == "learned" else None
        self.post_init()

    @classmethod
    def from_encoder(
        cls, name_or_path: str, *, loading: dict | None = None, soft_words: Sequence[int | None] = (), **config
    ) -> "ClozeClassifier":
        """Put label words on a pre-trained masked-language model.

        Args:
            name_or_path: a masked-language model on disk or on the Hub.
            loading: keyword arguments for `AutoModelForMaskedLM.from_pretrained` (revision, token, ...).
            soft_words: for each trainable vector the id of the token whose embedding it starts from; None for random.
            **config: fields of `ClozeClassifierConfig`, including `id2label`.

        Raises:
            ValueError: the model has no trained output layer, such as an encoder that was saved without it.
        """
        encoder = load_masked_lm(name_or_path, loading=loading)
        model = cls(cls.config_class(encoder_config=encoder.config, soft_size=len(soft_words), **config))
        model.encoder = encoder
        table = encoder.get_input_embeddings().weight.detach()
        for vector, token in enumerate(soft_words):
            if token is not None:
                model.soft.weight.data[vector] = table[token]
        return model

    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, WordShares):
            init.copy_(module.logits, torch.tensor([share for _, share, _ in self.config.words]).log())
        elif isinstance(module, SoftPrompts):
            for vectors in (module.weight, module.deep):
                if vectors is not None:
                    init.normal_(vectors, std=getattr(self.config.encoder_config, "initializer_range", 0.02))

    def get_input_embeddings(self) -> nn.Embedding:
        """The input embeddings of the masked-language model."""
        return self.encoder.get_input_embeddings()

    def freeze_encoder(self) -> None:
        """Freeze the masked-language model, so that only `HEAD_MODULES` are trained."""
        self.encoder.requires_grad_(False)

    def get_output_embeddings(self) -> nn.Module:
        """The last layer of the masked-language model, which may share the input embeddings' weights."""
        return self.encoder.get_output_embeddings()

    @cached_property
    def words(self) -> "WordTable":
        """The label words, ready to be looked up."""
        return WordTable(self.config.words, self.config.num_labels)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
        mlm_input_ids: Tensor | None = None,
        mlm_targets: Tensor | None = None,
        output_word_scores: bool = False,
        position_ids: Tensor | None = None,
    ) -> ClozeOutput:
        """Score a batch.

        Args:
            input_ids: (batch, lengths, width): each text once for each token count of the label words, in ascending
                order, with as many masks; or (batch, width) if all words have the same count.
            attention_mask, token_type_ids: of the same shape.
            labels: (batch,) int64 class ids.
            mlm_input_ids: (batch, width) texts in which other words are masked, padded where `attention_mask` has
                zeros in its first row of each text.
            mlm_targets: (batch, width) ids of the masked tokens, -100 elsewhere; used in training only.
            output_word_scores: always return `word_scores`.
            position_ids: (batch, width) if a row holds a text followed by several questions, see
                `prompting.packed_questions`; `attention_mask` is then (batch, width, width) bool: who sees whom.

        Returns:
            `logits`; `word_scores` if available or requested; the mean `loss` if there are labels; `mlm_loss` if there
            are other masked words. Packed rows give one result per question, in order.

        Raises:
            ValueError: there are too few or too many masks.
        """
        inputs = {"attention_mask": attention_mask, "token_type_ids": token_type_ids}
        ids = input_ids.flatten(0, -2)
        if position_ids is None:
            inputs = {name: value.flatten(0, -2) for name, value in inputs.items() if value is not None}
        else:
            # Added to the scores: some implementations of attention add a bool mask, too, as if it were numbers.
            states = self.get_input_embeddings().weight.dtype
            hidden = torch.zeros(attention_mask.shape, dtype=states, device=ids.device)
            hidden = hidden.masked_fill(~attention_mask, torch.finfo(states).min)
            inputs |= {"attention_mask": hidden[:, None], "position_ids": position_ids}
        at_mask = ids == self.config.mask_token_id
        found, expected = at_mask.sum(1), torch.tensor(self.words.lengths, device=ids.device)
        if position_ids is None:
            fits = torch.equal(found, expected.repeat(len(input_ids)))
        else:
            fits = not (found % expected.sum()).any()
        if not fits:
            raise ValueError(f"expected inputs with {self.words.lengths} masks for each text, found {found.tolist()}")
        exact = output_word_scores or len(self.words.lengths) > 1
        chosen = None if exact else self.words.tokens.to(ids.device)
        vocabulary = self._predict(ids, at_mask, chosen, **inputs).float()
        if exact:
            vocabulary = vocabulary.log_softmax(-1)
        word_scores = self.words.look_up(vocabulary.unflatten(0, (-1, sum(self.words.lengths))), chosen)
        if self.config.aggregation == "max":
            logits = self.words.best(word_scores)
        else:
            shares = self.words.shares if self.shares is None else self.shares(self.words.labels)
            logits = self.words.add(word_scores, shares)
        if self.config.bias is not None:
            logits = logits - logits.new_tensor(self.config.bias)
        loss = None if labels is None else cross_entropy(logits, labels)
        hidden = None
        if mlm_targets is not None and self.training:
            places = mlm_targets != -100
            own = {"attention_mask": attention_mask, "token_type_ids": token_type_ids}
            own = {name: value[:, 0] if value.dim() > 2 else value for name, value in own.items() if value is not None}
            guessed = self._predict(mlm_input_ids, places, None, **own).float()
            hidden = cross_entropy(guessed, mlm_targets[places], reduction="sum") / places.sum().clamp(min=1)
        return ClozeOutput(loss=loss, logits=logits, word_scores=word_scores if exact else None, mlm_loss=hidden)

    def _predict(self, ids: Tensor, at_mask: Tensor, chosen: Tensor | None, **inputs) -> Tensor:
        """(masks, vocabulary) logits at the masks, row by row; only those of the chosen tokens, if any are given."""
        in_layers = contextlib.nullcontext()
        if self.soft is None:
            inputs["input_ids"] = ids
        else:
            embedding = self.get_input_embeddings()
            size = embedding.weight.shape[0]
            places, numbers = ids >= size, (ids - size).clamp(min=0)
            own = self.soft()[numbers].to(embedding.weight.dtype)
            inputs["inputs_embeds"] = torch.where(places[..., None], own, embedding(ids.clamp(max=size - 1)))
            if self.config.soft_layers:
                layers = find_layers(self.encoder.base_model, self.encoder.config.num_hidden_layers)
                in_layers = self.soft.in_layers(layers, places, numbers)
        if self.encoder.config.model_type not in HEAD_IN_ORDER:
            with in_layers:
                logits = self.encoder(**inputs).logits[at_mask]
            return logits if chosen is None else logits[:, chosen]
        base, hook = self.encoder.base_model, None
        widened = hasattr(base, "virtual_tokens")  # an adapter adds vectors to the text
        if not self.training and not widened and self.encoder.config.model_type in LAYERS_LIKE_BERT:
            # In the last layer, whatever follows attention is computed at the masks only.
            behind_attention = base.encoder.layer[-1].attention.output
            hook = behind_attention.register_forward_pre_hook(lambda _, given: tuple(each[at_mask] for each in given))
        try:
            with in_layers:
                states = base(**inputs).last_hidden_state
        finally:
            if hook:
                hook.remove()
        states = states if hook else states[at_mask]
        last = self.get_output_embeddings()
        for part in self.encoder.children():
            if part is base:
                continue
            rows: dict[str, Tensor] = {}  # rows of the output layer's parameters for the chosen tokens
            for name, module in part.named_modules():
                if module is last and chosen is not None:
                    rows = {key: value[chosen] for key, value in module.named_parameters(prefix=name)}
            states = functional_call(part, rows, (states,)) if rows else part(states)
        return states


# Families whose layers pass the result of attention, and their input, to `attention.output`; the rest is per token.
LAYERS_LIKE_BERT = {"bert", "camembert", "electra", "ernie", "roberta", "xlm-roberta"}


class WordTable:
    """Label words (class, share, token ids) by token count, so that all of the same count are looked up together."""

    def __init__(self, words: list, num_labels: int):
        self.lengths = sorted({len(ids) for _, _, ids in words})
        self.num_labels = num_labels
        self.labels = torch.tensor([label for label, _, _ in words])
        self.shares = torch.tensor([share for _, share, _ in words])
        self.members = [[i for i, (_, _, ids) in enumerate(words) if len(ids) == length] for length in self.lengths]
        self.ids = [torch.tensor([words[i][2] for i in members]) for members in self.members]
        self.tokens = torch.tensor(sorted({id for _, _, ids in words for id in ids}))

    def look_up(self, vocabulary: Tensor, chosen: Tensor | None = None) -> Tensor:
        """(batch, masks of all lengths, vocabulary) scores -> (batch, words), means over tokens.

        `chosen` are the ascending ids of the tokens that have scores, unless all have.
        """
        device, parts = vocabulary.device, []
        for ids, part in zip(self.ids, vocabulary.split(self.lengths, dim=1), strict=True):
            columns = ids.to(device) if chosen is None else torch.searchsorted(chosen, ids.to(device))
            parts.append(part[:, torch.arange(ids.shape[1], device=device), columns].mean(-1))
        order = [i for members in self.members for i in members]
        return torch.cat(parts, 1)[:, sorted(range(len(order)), key=order.__getitem__)]

    def add(self, scores: Tensor, shares: Tensor) -> Tensor:
        """(batch, words) scores and (words,) shares -> (batch, num_labels), the weighted mean of each class."""
        totals = scores.new_zeros(len(scores), self.num_labels)
        return totals.index_add(1, self.labels.to(scores.device), scores * shares.to(scores.device))

    def best(self, scores: Tensor) -> Tensor:
        """(batch, words) scores -> (batch, num_labels), the highest of each class."""
        lowest = scores.new_full((len(scores), self.num_labels), torch.finfo(scores.dtype).min)
        labels = self.labels.to(scores.device).expand_as(scores)
        return lowest.scatter_reduce(1, labels, scores, "amax")


class WordShares(nn.Module):
    """Learned shares of the words of a class; they sum to 1 in each class."""

    def __init__(self, words: list):
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(len(words)))

    def forward(self, labels: Tensor) -> Tensor:
        """(words,) class of each word -> (words,) shares."""
        odds = (self.logits - self.logits.max().detach()).exp()
        labels = labels.to(odds.device)
        totals = odds.new_zeros(int(labels.max()) + 1).index_add(0, labels, odds)
        return odds / totals[labels]


def is_masked_lm(config: PreTrainedConfig) -> bool:
    """Whether the family of a configuration has a masked-language model, or the model brings one as its own code."""
    brought = getattr(config, "auto_map", None) or {}
    return type(config) in MODEL_FOR_MASKED_LM_MAPPING or "AutoModelForMaskedLM" in brought


def load_masked_lm(
    name_or_path: str, *, new_output_layer: bool = False, loading: dict | None = None
) -> PreTrainedModel:
    """A pre-trained masked-language model in float32.

    Args:
        name_or_path: on disk or on the Hub.
        new_output_layer: whether an encoder that was saved without its output layer gets a new one: tied to the
            embeddings if its configuration says so, the rest at random.
        loading: keyword arguments for `AutoModelForMaskedLM.from_pretrained` (revision, token, ...).

    Raises:
        ValueError: it is not one, or has no trained output layer, such as an encoder that was saved without it; or it
            has one and should get a new one.
        WeightsError: its weights do not fit, see `load_weights`.
    """
    model, began_at_random = load_weights(AutoModelForMaskedLM, name_or_path, loading=loading)
    missing = sorted(began_at_random)
    if missing and not new_output_layer:
        raise ValueError(
            f"{name_or_path}: expected a masked-language model, found none of its {', '.join(missing[:3])}; "
            "take a checkpoint that was saved with its output layer, or let run_mlm.py --new_output_layer train one"
        )
    if new_output_layer and not missing:
        raise ValueError(f"{name_or_path}: expected no output layer yet, found one; leave out --new_output_layer")
    return model


ClozeClassifierConfig.register_for_auto_class()
ClozeClassifier.register_for_auto_class("AutoModelForSequenceClassification")
