"""What a run starts from: an encoder, or a model that has been trained before, and its tokenizer."""

import logging
from dataclasses import dataclass, replace
from functools import cached_property

from datasets import Dataset
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from ..encoding.entity_windows import count_inside_tokens
from ..encoding.split_characters import split_characters
from ..encoding.tokenization import load_tokenizer, longest_input
from ..modeling.token_inputs import SpecialTokens
from ..options.adapter_arguments import AdapterArguments
from ..options.shared_arguments import ModelArguments
from ..prediction.merged_models import start_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StartingPoint:
    """An encoder that a head is put on.

    Attributes:
        path: where its weights are; for an adapter, a folder with the merged model.
        loading: keyword arguments for `from_pretrained`.
        tokenizer, config: of the encoder.
        base, adapter: options from the command line.
    """

    path: str
    loading: dict
    tokenizer: PreTrainedTokenizerBase
    config: PreTrainedConfig
    base: ModelArguments
    adapter: AdapterArguments

    @classmethod
    def load(cls, base: ModelArguments, adapter: AdapterArguments) -> "StartingPoint":
        """Find the encoder that the command line names, and load its tokenizer.

        Raises:
            OSError, DataError: see `start_of` and `load_tokenizer`.
        """
        loading = {"revision": base.model_revision, "trust_remote_code": base.trust_remote_code}
        path = start_of(base.model_name_or_path, revision=base.model_revision, adapter=adapter.adapter)
        tokenizer, config = load_tokenizer(path, split=base.split_characters == "yes", **loading)
        return cls(path, loading, tokenizer, config, base, adapter)

    def split_for(self, rows: Dataset) -> "StartingPoint":
        """The same, or with each Chinese character as a token, where `--split_characters auto` saves entities by it.

        Args:
            rows: training data, with `text` and `entities`.
        """
        split = split_characters(self.tokenizer)
        if self.base.split_characters != "auto" or split is self.tokenizer:
            return self
        before, after = (count_inside_tokens(each, rows) for each in (self.tokenizer, split))
        if after >= before:
            return self
        logger.info(
            "training entities that begin or end inside a token: %s, and %s with each Chinese character as a token of "
            "its own, so texts are split in that way; --split_characters no keeps the tokens as they are",
            *(f"{before:,}", f"{after:,}"),
        )
        return replace(self, tokenizer=split)

    @cached_property
    def longest(self) -> int:
        """The most sub-tokens that the encoder takes."""
        return longest_input(self.tokenizer, self.config)

    def special(self, *, pair: bool = False) -> int:
        """The number of special tokens of an input."""
        return len(SpecialTokens.of(self.tokenizer, pair=pair))

    def adapt(self, model: PreTrainedModel) -> PreTrainedModel:
        """Add the adapter of the command line, if any, to a model that was built on the encoder."""
        return self.adapter.add_to(model, self.base.model_name_or_path, loading=self.loading)
