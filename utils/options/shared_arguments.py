"""Options that several scripts share: the data, the model to start from, tricks, a teacher."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..data.errors import ArgumentError
from .arguments import Options, option


@dataclass(frozen=True)
class DataArguments:
    """Where the data comes from."""

    _argument_group_name = "data"

    train_file: str | None = option(None, "Train on this file; without it nothing is trained.")
    validation_file: str | None = option(
        None, "Choose the best epoch on this file; without it a tenth of the training data is held out."
    )
    test_file: str | None = option(None, "Score (if labelled) and predict this file once, after training.")
    dataset_name: str | None = option(None, "Hub dataset or `save_to_disk` folder instead of files.")
    dataset_config_name: str | None = option(None, "Configuration of the Hub dataset.")
    file_format: str = option("auto", "Format of the files; `auto` detects it by content and extension.")
    encoding: str | None = option(
        None, "Encoding of the files, such as gb18030, big5 or cp1252; detected if not given."
    )
    skip_bad_lines: bool = option(False, "Skip and count malformed lines instead of stopping at them.")
    validation_share: float = option(
        0.1,
        "Share of the training data held out if there is no validation data, 0-1.",
        used_with="training !validation_file !folds",
        above=0,
        below=1,
    )
    folds: int | None = option(
        None,
        "Cross-validation: train this many models, each on all but one part of the training data, which it is scored "
        "on. The output folder is then an ensemble of them, by which validation and test data are predicted.",
        used_with="training",
        low=2,
    )
    fold: int | None = option(
        None, "Train only the model of this one of --folds, from 1 on, as a run of its own.", used_with="folds", low=1
    )
    group_column: str | None = option(
        None,
        "Column of the training data, such as that of the document: rows with equal values share a fold.",
        used_with="folds",
    )
    jobs: int = option(1, "How many of the --folds are trained side by side.", used_with="folds", low=1)
    max_length: int = option(
        512,
        "Sub-tokens per input, special tokens included; the encoder's maximum if that is less.",
        used_with="training",
        low=1,
    )
    max_train_samples: int | None = option(
        None, "Use only this many training texts, from the first on, for a quick look.", used_with="training", low=1
    )
    max_eval_samples: int | None = option(None, "Use only this many validation texts, and test texts.", low=1)

    @property
    def trains(self) -> bool:
        """Whether there is data to train on, as far as the command line says."""
        return bool(self.train_file or self.dataset_name)

    @property
    def crosses(self) -> bool:
        """Whether this run trains a model for each fold."""
        return self.folds is not None and self.fold is None

    def check(self, options: Options) -> None:
        """Refuse a fold that there is not, and jobs for one fold."""
        if self.fold is not None and self.jobs > 1:
            raise ArgumentError("--jobs does nothing together with --fold; leave one of them out")
        if self.fold is not None and self.fold > self.folds:
            raise ArgumentError(f"--fold {self.fold}: expected 1 to {self.folds}, the number of --folds")

    def fit_length(self, longest: int, *, special: int, texts: int) -> "DataArguments":
        """A copy with a `max_length` that suits an encoder.

        Args:
            longest: the most sub-tokens that the encoder takes.
            special: how many of them are special tokens.
            texts: how many texts an input has, 1 or 2.

        Raises:
            ArgumentError: no room for text.
        """
        length = min(self.max_length, longest)
        if length < special + texts:
            raise ArgumentError(f"--max_length {length}: expected {special + texts} or more, to leave room for text")
        return replace(self, max_length=length)


@dataclass(frozen=True)
class WindowArguments(DataArguments):
    """Where the data comes from, and how long texts are cut into windows."""

    stride: int | None = option(
        None,
        "Texts longer than --max_length are cut into windows that overlap by this many sub-tokens; a quarter of "
        "--max_length if not given.",
        used_with="training",
        low=0,
    )

    def fit_windows(self, longest: int, *, special: int) -> "WindowArguments":
        """A copy with a `max_length` and a `stride` that suit an encoder, see `fit_length`.

        Raises:
            ArgumentError: windows would not advance.
        """
        length = min(self.max_length, longest)
        stride, room = length // 4 if self.stride is None else self.stride, length - special
        if not 0 <= stride < room:
            raise ArgumentError(f"--stride {stride}: expected 0 to {room - 1}, as a window holds {room} tokens")
        return replace(self, max_length=length, stride=stride)


@dataclass(frozen=True)
class TextArguments(DataArguments):
    """Where the data comes from, and which of its columns are used."""

    columns: str | None = option(
        None,
        "Names of the columns of files without a header: `source,label,_,text`; `_` and a final `*` are ignored.",
    )
    separator: str | None = option(None, "Separator of columns, such as `||` or `tab`; detected if not given.")
    text_column: str | None = option(
        None, "Column of the text; recognised by its name (text, sentence, headline, ...) if not given."
    )
    label_column: str | None = option(None, "Column of the label.")
    id_column: str | None = option(None, "Column of the row's id; row numbers if there is none.")
    class_file: str | None = option(
        None, "File of class names, one per line, if labels are numbers; a class.txt next to the data if not given."
    )
    cleaning_file: str | None = option(
        None,
        "YAML list of {pattern, replacement}: regular expressions that clean texts, in prediction too.",
        used_with="training",
    )

    def reading(self) -> dict:
        """Arguments for `TextReader`."""
        names = ("file_format", "columns", "separator", "encoding", "text_column", "label_column", "id_column")
        return {name: getattr(self, name) for name in (*names, "group_column", "class_file", "skip_bad_lines")}


@dataclass(frozen=True)
class PairArguments(TextArguments):
    """Where the data of texts or pairs comes from, and which of its columns are used."""

    text_pair_column: str | None = option(None, "Column of the second text of a pair; `none` leaves it out.")
    label_separator: str | None = option(None, "Separator between the labels of a text: makes the data multi-label.")
    label_columns: str | None = option(None, "Columns that hold 1 or 0 for one label each: `toxic,insult,threat`.")

    def reading(self) -> dict:
        """Arguments for `TextReader`."""
        own = ("text_pair_column", "label_separator", "label_columns")
        return super().reading() | {name: getattr(self, name) for name in own}


@dataclass(frozen=True)
class ModelArguments:
    """The encoder to start from."""

    _argument_group_name = "model"

    model_name_or_path: str = field(
        metadata={"help": "Encoder to start from, or a trained run: a folder or a Hub id."}
    )
    model_revision: str = option("main", "Branch, tag or commit of the Hub model.")
    trust_remote_code: bool = option(False, "Run modelling code that comes with the model; only for models you trust.")
    split_characters: str = option(
        "auto",
        "Whether each Chinese character and sign is a token of its own, as in BERT; `auto`: if that saves entities of "
        "run_ner.py's training data that begin or end inside a token. Kept in the saved tokenizer.",
        choices=["auto", "yes", "no"],
        used_with="training",
    )


@dataclass(frozen=True)
class TrickArguments:
    """Changes to the training step and to the learning rates; all off by default."""

    _argument_group_name = "tricks"
    _used_with = "training"

    head_learning_rate: float | None = option(
        None, "Learning rate of all but the encoder; the encoder's if not given.", low=0
    )
    layer_decay: float = option(
        1.0, "Factor on the learning rate for each layer below the top, 0-1; 1 for equal rates.", above=0, high=1
    )
    fgm_epsilon: float = option(
        0.0, "Fast gradient method: a second pass with embeddings moved by this norm; 2x the time.", low=0
    )
    r_drop_alpha: float = option(
        0.0, "R-Drop: weight of the divergence between two dropout passes; 2x the time.", low=0
    )
    ema_decay: float = option(
        0.0, "Evaluate and save an exponential moving average of the weights, e.g. 0.999.", low=0, below=1
    )
    early_stopping_patience: int | None = option(
        None, "Stop after this many evaluations without a better score.", low=1
    )
    on_nan: str = option(
        "stop",
        "If a loss or gradient is NaN: `stop` and name the step's rows, or `skip` the step and count it.",
        choices=["stop", "skip"],
    )
    keep_checkpoints: bool = option(
        False,
        "Keep the checkpoints of a finished run, to train it for more epochs; each is three times the model's size.",
    )
    overwrite_output_dir: bool = option(
        False, "Start over in a folder that holds an earlier run, and remove everything that run left.", used_with=""
    )


@dataclass(frozen=True)
class TeacherArguments:
    """A trained model to learn from, and texts without labels that only it is asked about."""

    _argument_group_name = "teacher"
    _used_with = "training teacher"

    teacher: list[str] | None = option(
        None,
        "Learn also from what this trained model says about each text: a folder, also one of --folds, or a Hub id. Of "
        "several, the mean is learnt.",
        used_with="training",
    )
    teacher_weight: float = option(
        0.5,
        "Share of the teacher in the loss of labelled texts, 0-1; the labels have the rest.",
        used_with="training teacher teacher_labels=soft",
        above=0,
        high=1,
    )
    teacher_temperature: float = option(
        1.0,
        "Above 1, the probabilities of teacher and student are compared after they are made more even, so that "
        "unlikely labels count more.",
        used_with="training teacher teacher_labels=soft",
        labels="single multi",
        above=0,
    )
    unlabeled_file: str | None = option(
        None,
        "Texts that are learnt from the teacher alone, in any form that predict.py reads; labels in the file are "
        "ignored, and texts of the training, validation and test data are left out.",
    )
    teacher_labels: str = option(
        "soft",
        "`hard`: the teacher labels --unlabeled_file, and where it is sure enough, its labels are learnt as if they "
        "were right; they are saved. `soft`: its probabilities are learnt, of labelled texts, too.",
        choices=["soft", "hard"],
        labels={"hard": "single multi"},
    )
    teacher_confidence: float = option(
        0.9,
        "Least probability of each decision about a text, 0-1, for its hard labels to be learnt.",
        used_with="training teacher teacher_labels=hard",
        low=0,
        high=1,
    )
    teacher_cache: str | None = option(
        None,
        "Folder that keeps what a teacher said, so that it reads each text once, however many runs learn from it; "
        "a folder in the cache of Hugging Face if not given.",
    )

    def check(self, options: Options) -> None:
        """Refuse hard labels of no texts, a teacher in the output folder, a sampler that goes by labels."""
        refuse_own(self.teacher or (), options.output_dir)
        if self.teacher and self.teacher_labels == "hard" and not self.unlabeled_file:
            raise ArgumentError(
                "--teacher_labels hard does nothing without --unlabeled_file, whose texts it labels; give both"
            )
        sampling = getattr(options, "class_sampling", "none")
        if self.unlabeled_file and self.teacher_labels == "soft" and sampling != "none":
            raise ArgumentError(
                f"--class_sampling {sampling} draws rows by their labels, and those of --unlabeled_file have none; "
                "leave it out, or use --teacher_labels hard"
            )


def refuse_own(teachers: Sequence[str], output_dir: str | None) -> None:
    """Refuse teachers in the output folder.

    Raises:
        ArgumentError: there is one, which the run would overwrite.
    """
    for name in teachers if output_dir else ():
        if Path(name).resolve().is_relative_to(Path(output_dir).resolve()):
            raise ArgumentError(f"--output_dir {output_dir}: holds the teacher ({name}); choose another folder")
