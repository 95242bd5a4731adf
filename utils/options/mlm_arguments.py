"""Options of run_mlm.py."""

import json
from dataclasses import dataclass
from pathlib import Path

import yaml

from ..data.errors import ArgumentError
from ..data.plain_yaml import load_yaml
from .arguments import Options, option
from .shared_arguments import ModelArguments

MLM_DEFAULTS = {
    "metric_for_best_model": ("loss", "the masked tokens' cross-entropy is what is learnt"),
    "train_sampling_strategy": ("random", "sequences are all of one length"),
    "num_train_epochs": (3.0, "raw text is plenty, and learnt by reading it"),
}


@dataclass(frozen=True)
class CorpusArguments:
    """Where the text comes from, and how it becomes sequences."""

    _argument_group_name = "corpus"

    train_file: list[str] | None = option(
        None,
        "Files or folders of raw text: .txt, json lines, csv or tsv, also as .gz; several are read in this order.",
    )
    validation_file: list[str] | None = option(None, "Likewise, to choose the best checkpoint on.")
    dataset_name: str | None = option(None, "Hub dataset or `save_to_disk` folder instead of files.")
    dataset_config_name: str | None = option(None, "Configuration of the Hub dataset.")
    text_column: str | None = option(
        None, "Column of the text; by its name (text, sentence, content, ...) if not given."
    )
    encoding: str | None = option(None, "Of the files, such as gb18030, big5 or cp1252; by their bytes if not given.")
    document_end: str = option(
        "auto",
        "What ends a document in .txt files: a `line`, a `blank_line`, or `auto`: blank lines where there are any.",
        choices=["auto", "line", "blank_line"],
    )
    skip_bad_lines: bool = option(False, "Leave malformed lines out and count them, instead of stopping at them.")
    validation_share: float = option(
        0.05,
        "Share of the sequences held out when there is no validation data, 0-1; 2,000 at most.",
        used_with="!validation_file",
        above=0,
        below=1,
    )
    max_length: int = option(
        128, "Sub-tokens a sequence, special tokens included, or what the encoder can take.", low=1
    )
    max_train_samples: int | None = option(
        None, "Use so many of the training sequences only, for a quick look.", used_with="!streaming", low=1
    )
    max_eval_samples: int | None = option(None, "Likewise for validation.", low=1)
    cache_dir: str | None = option(
        None, "Where the tokenised corpus is kept and found again; the cache folder of `datasets` if not given."
    )
    num_proc: int | None = option(None, "Tokenise in so many processes.", low=1)
    streaming: bool = option(
        False, "Tokenise while training, for a corpus larger than the disk has room for; needs --max_steps."
    )

    def check(self, options: Options) -> None:
        """Refuse what contradicts each other, and nothing to train on.

        Raises:
            ArgumentError: as described.
        """
        if bool(self.train_file) == bool(self.dataset_name):
            raise ArgumentError("--train_file, --dataset_name: expected one of them, with text to train on")
        if self.streaming and options.max_steps <= 0:
            raise ArgumentError("--streaming: expected --max_steps, as a stream has no end")

    def reading(self) -> dict:
        """How files are read."""
        return {name: getattr(self, name) for name in ("text_column", "document_end", "encoding", "skip_bad_lines")}


@dataclass(frozen=True)
class MaskingArguments:
    """What has to be guessed, and how it is learnt."""

    _argument_group_name = "masks"

    masking: str = option(
        "whole_word",
        "What is hidden together: a `token`; a `whole_word` (jieba's in Chinese); an `ngram` of 1 to 4 words, as "
        "MacBERT has it.",
        choices=["token", "whole_word", "ngram"],
    )
    mlm_probability: float = option(
        0.15, "Share of the tokens that are hidden, 0-1; expected, not exact.", above=0, below=1
    )
    optimizer: str = option(
        "adamw",
        "`muon` for matrices, AdamW for the rest: a third to half of the steps for the same loss, from nothing above "
        "all.",
        choices=["adamw", "muon"],
    )
    muon_learning_rate: float = option(
        2e-3,
        "Learning rate of what Muon trains; --learning_rate is AdamW's.",
        used_with="optimizer=muon",
        above=0,
    )
    dropout: float | None = option(
        None,
        "Dropout while training here, 0-1: 0 where no text is seen often. What is saved keeps its own.",
        low=0,
        below=1,
    )

    def check(self, options: Options) -> None:
        """Refuse tricks that would silently do nothing.

        Raises:
            ArgumentError: as described.
        """
        if options.r_drop_alpha:
            raise ArgumentError("--r_drop_alpha compares decisions about texts, of which there are none; leave it out")
        if options.label_smoothing_factor:
            raise ArgumentError("--label_smoothing_factor: expected 0; a perplexity of smoothed labels says nothing")
        idle = {"layer_decay": options.layer_decay != 1}
        idle["head_learning_rate"] = options.head_learning_rate is not None
        for flag in (flag for flag, given in idle.items() if given and self.optimizer == "muon"):
            raise ArgumentError(f"--{flag} does nothing to what Muon trains; leave it out, or take adamw")


@dataclass(frozen=True)
class StartArguments(ModelArguments):
    """The model to go on from, or to begin with."""

    model_name_or_path: str | None = option(
        None, "Masked-language model to go on from: a folder or a Hub id; or --train_from_config."
    )
    train_from_config: str | None = option(
        None, "Begin with random weights: a YAML or JSON file of a configuration, with its model_type."
    )
    tokenizer_name: str | None = option(None, "Tokenizer of a new model: a folder or a Hub id.")
    train_tokenizer: int | None = option(
        None,
        "Build the tokenizer of a new model from the training text: WordPiece with so many pieces.",
        used_with="train_from_config",
        low=1,
    )
    init: str = option(
        "random",
        "`neighbours`: attention of a new BERT begins with the tokens beside each one; millions of tokens saved.",
        choices=["random", "neighbours"],
    )

    def check(self, options: Options) -> None:
        """Refuse contradictions, and a file that is no configuration.

        Raises:
            ArgumentError: as described, or the file is none of a configuration.
        """
        new = self.train_from_config
        if bool(self.model_name_or_path) == bool(new):
            raise ArgumentError("--model_name_or_path, --train_from_config: expected one of them")
        if not new:
            given = {"tokenizer_name": self.tokenizer_name, "train_tokenizer": self.train_tokenizer}
            given |= {"init": self.init != "random"}
            for flag in (flag for flag, value in given.items() if value):
                raise ArgumentError(f"--{flag}: expected --train_from_config; a model that has learnt keeps its own")
            return
        if bool(self.tokenizer_name) == (self.train_tokenizer is not None):
            raise ArgumentError(
                "--train_from_config: expected --tokenizer_name or --train_tokenizer SIZE, one of them"
            )
        self.new_fields()

    def new_fields(self) -> dict:
        """What the file says of the configuration of a new model.

        Raises:
            ArgumentError: it says nothing of that kind.
        """
        new = self.train_from_config
        try:
            text = Path(new).read_text(encoding="utf-8-sig")
            found = json.loads(text) if new.endswith(".json") else load_yaml(text)
        except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
            raise ArgumentError(f"{new}: expected a YAML or JSON file of a configuration, found: {error}") from error
        if not isinstance(found, dict):
            kind = type(found).__name__
            raise ArgumentError(f"{new}: expected a mapping such as `model_type: bert`, found {kind}")
        return found
