"""What a run starts from: an encoder, or a model that has been trained before, and its tokenizer."""

from dataclasses import dataclass
from functools import cached_property

from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from ..encoding.tokenization import SpecialTokens, load_tokenizer, longest_input
from ..options.adapter_arguments import AdapterArguments
from ..options.shared_arguments import ModelArguments
from ..prediction.merged_models import start_of


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
        tokenizer, config = load_tokenizer(path, **loading)
        return cls(path, loading, tokenizer, config, base, adapter)

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
