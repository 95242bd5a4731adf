"""Options of run_mlm.py."""

from dataclasses import dataclass
from functools import cached_property

from ..data.errors import ArgumentError
from .arguments import Options, option, read_mapping
from .shared_arguments import ModelArguments, refuse_own

MLM_DEFAULTS = {
    "metric_for_best_model": ("loss", "training minimises the cross-entropy of masked tokens"),
    "train_sampling_strategy": ("random", "all sequences have the same length"),
    "num_train_epochs": (3.0, "raw text is plentiful and needs fewer passes"),
}


@dataclass(frozen=True)
class CorpusArguments:
    """Where the text comes from, and how it becomes sequences."""

    _argument_group_name = "corpus"

    train_file: list[str] | None = option(
        None,
        "Files or folders of raw text: .txt, JSON lines, csv or tsv, also as .gz; read in the order given.",
    )
    validation_file: list[str] | None = option(None, "Files or folders of raw text to choose the best checkpoint on.")
    dataset_name: str | None = option(None, "Hub dataset or `save_to_disk` folder instead of files.")
    dataset_config_name: str | None = option(None, "Configuration of the Hub dataset.")
    text_column: str | None = option(
        None, "Column of the text; recognised by its name (text, sentence, content, ...) if not given."
    )
    encoding: str | None = option(
        None, "Encoding of the files, such as gb18030, big5 or cp1252; detected if not given."
    )
    document_end: str = option(
        "auto",
        "What ends a document in .txt files: a `line`, a `blank_line`, or `auto`: blank lines if there are any.",
        choices=["auto", "line", "blank_line"],
    )
    skip_bad_lines: bool = option(False, "Skip and count malformed lines instead of stopping at them.")
    validation_share: float = option(
        0.05,
        "Share of the sequences held out if there is no validation data, 0-1; at most 2,000 sequences.",
        used_with="!validation_file",
        above=0,
        below=1,
    )
    max_length: int = option(
        128, "Sub-tokens per sequence, special tokens included; the encoder's maximum if that is less.", low=1
    )
    max_train_samples: int | None = option(
        None, "Use only this many training sequences, for a quick look.", used_with="!streaming", low=1
    )
    max_eval_samples: int | None = option(None, "Use only this many validation sequences.", low=1)
    cache_dir: str | None = option(
        None, "Folder that caches the tokenised corpus; the cache folder of `datasets` if not given."
    )
    num_proc: int | None = option(None, "Tokenise in this many processes.", low=1)
    streaming: bool = option(
        False, "Tokenise while training, for a corpus that would not fit on the disk; needs --max_steps."
    )

    def check(self, options: Options) -> None:
        """Refuse options that contradict each other, and a run without text to train on."""
        if bool(self.train_file) == bool(self.dataset_name):
            raise ArgumentError("--train_file, --dataset_name: expected exactly one of them, with text to train on")
        if self.streaming and options.max_steps <= 0:
            raise ArgumentError("--streaming: expected --max_steps, as a stream has no end")

    def reading(self) -> dict:
        """Arguments for what reads the files."""
        return {name: getattr(self, name) for name in ("text_column", "document_end", "encoding", "skip_bad_lines")}


@dataclass(frozen=True)
class MaskingArguments:
    """Which tokens are masked, and how the model learns to predict them."""

    _argument_group_name = "masks"

    masking: str = option(
        "whole_word",
        "What is masked as a unit: a `token`; a `whole_word` (found by jieba in Chinese); an `ngram` of 1 to 4 words, "
        "as in MacBERT.",
        choices=["token", "whole_word", "ngram"],
    )
    mlm_probability: float = option(
        0.15, "Share of the tokens that are masked, 0-1; on average, not exactly.", above=0, below=1
    )
    optimizer: str = option(
        "adamw",
        "`muon` trains matrices with Muon and the rest with AdamW: the same loss after a third to half of the steps, "
        "above all from random weights.",
        choices=["adamw", "muon"],
    )
    muon_learning_rate: float = option(
        2e-3,
        "Learning rate of Muon; --learning_rate is that of AdamW.",
        used_with="optimizer=muon",
        above=0,
    )
    dropout: float | None = option(
        None,
        "Dropout in this training, 0-1; 0 suits text that is seen only once or twice. The saved configuration keeps "
        "its own value.",
        low=0,
        below=1,
    )

    def check(self, options: Options) -> None:
        """Refuse options that would silently do nothing."""
        if options.r_drop_alpha:
            raise ArgumentError("--r_drop_alpha compares class scores, and here there are no classes; leave it out")
        if options.label_smoothing_factor:
            raise ArgumentError("--label_smoothing_factor: expected 0; perplexity means nothing with smoothed labels")
        idle = {"layer_decay": options.layer_decay != 1, "head_learning_rate": options.head_learning_rate is not None}
        for flag in (flag for flag, given in idle.items() if given and self.optimizer == "muon"):
            raise ArgumentError(f"--{flag} does nothing to what Muon trains; leave it out, or use --optimizer adamw")


@dataclass(frozen=True)
class StateTeacherArguments:
    """An encoder whose states are learnt beside the masked words."""

    _argument_group_name = "teacher"

    teacher: str | None = option(
        None,
        "Learn also the last states of this encoder, token by token and as the mean of each sequence: a folder or a "
        "Hub id. Its tokenizer may be another; it reads each sequence in each epoch.",
    )
    teacher_weight: float = option(
        1.0, "Weight of the teacher's part in the loss; that of masked words has 1.", used_with="teacher", above=0
    )

    def check(self, options: Options) -> None:
        """Refuse a teacher in the output folder, and an adapter, which cannot keep the linear map of the states."""
        refuse_own([self.teacher] if self.teacher else (), options.output_dir)
        if self.teacher and options.adapter != "none":
            raise ArgumentError(
                f"--teacher: expected all weights to learn, found --adapter {options.adapter}; leave it out"
            )


@dataclass(frozen=True)
class NewModel:
    """What the file of `--train_from_config` says, for the record of the run: a path does not tell what is in it."""

    fields: dict  # of the new model's configuration; empty if the run continues from a model


@dataclass(frozen=True)
class StartArguments(ModelArguments):
    """The model to continue from, or the configuration of a new one."""

    model_name_or_path: str | None = option(
        None, "Masked-language model to continue from: a folder or a Hub id; or give --train_from_config."
    )
    split_characters: str = option(
        "no",
        "`yes` makes each Chinese character and sign a token of its own, as in BERT; kept in the saved tokenizer.",
        choices=["yes", "no"],
        used_with="model_name_or_path",
    )
    new_output_layer: bool = option(
        False,
        "Give an encoder that was saved without its output layer a new one, tied to its embeddings.",
        used_with="model_name_or_path",
    )
    train_from_config: str | None = option(
        None, "Start from random weights: a YAML or JSON file with a model's configuration, model_type included."
    )
    tokenizer_name: str | None = option(
        None, "Tokenizer of a new model: a folder or a Hub id.", used_with="train_from_config"
    )
    train_tokenizer: int | None = option(
        None,
        "Train the tokenizer of a new model on the training text: WordPiece with this many pieces.",
        used_with="train_from_config",
        low=1,
    )
    init: str = option(
        "random",
        "`neighbours`: the attention of a new BERT starts with adjacent tokens, which saves millions of tokens.",
        choices=["random", "neighbours"],
        used_with="train_from_config",
    )

    def check(self, options: Options) -> None:
        """Refuse options that contradict each other, and a file that is not a configuration."""
        new = self.train_from_config
        if bool(self.model_name_or_path) == bool(new):
            raise ArgumentError("--model_name_or_path, --train_from_config: expected exactly one of them")
        if new and bool(self.tokenizer_name) == (self.train_tokenizer is not None):
            raise ArgumentError("--train_from_config: expected either --tokenizer_name or --train_tokenizer SIZE")
        if new and not self.new_model.fields:
            raise ArgumentError(f"{new}: expected a mapping such as `model_type: bert`, found an empty one")

    @cached_property
    def new_model(self) -> NewModel:
        """The new model's configuration; its file is read once.

        Raises:
            ArgumentError: the file cannot be read, or is not a mapping.
        """
        new = self.train_from_config
        return NewModel(read_mapping(new, "configuration file", example="model_type: bert")[0] if new else {})
