"""Command lines: `script [config.yaml] [--flag value ...]`, the same for every script.

Light on purpose: `--help` must answer before torch and `TrainingArguments` are imported (four seconds).
"""

import contextlib
import difflib
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args, get_type_hints

import yaml
from transformers import HfArgumentParser

from ..data.errors import DataError, printable
from ..data.plain_yaml import load_yaml
from .stop_signals import watched
from .training_defaults import TRAINING_DEFAULTS


class ArgumentError(ValueError):
    """A command line or configuration file that cannot be used; scripts print it without a traceback."""


class TrainingError(Exception):
    """Training that cannot go on, for a reason that its user can do something about; printed without a traceback."""


def option(default, help_text: str, **metadata):
    """A dataclass field with its line of help."""
    return field(default=default, metadata={"help": help_text, **metadata})


# Of classifiers: where length goes with the class, as in titles, batches of like length teach badly or not at all.
CLASSIFIER_DEFAULTS = {"train_sampling_strategy": "random"}


@dataclass
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
    file_format: str = option("auto", "Format of the files; `auto` goes by content and extension.")
    skip_bad_lines: bool = option(False, "Leave malformed lines out and count them, instead of stopping at them.")
    validation_share: float = option(0.1, "Share of the training data held out when there is no validation data, 0-1.")
    max_length: int = option(512, "Sub-tokens an input, special tokens included, or what the encoder can take.")
    max_train_samples: int | None = option(None, "Use the first so many training texts only, for a quick look.")
    max_eval_samples: int | None = option(None, "Likewise for validation and test.")

    def fit_length(self, longest: int, *, special: int, texts: int) -> None:
        """Settle `max_length` for an encoder.

        Args:
            longest: the most sub-tokens that it takes.
            special: how many of them are special tokens.
            texts: how many texts an input has, 1 or 2.

        Raises:
            ArgumentError: no room for text.
        """
        self.max_length = min(self.max_length, longest)
        if self.max_length < special + texts:
            raise ArgumentError(f"--max_length {self.max_length}: expected {special + texts} or more, room for text")


@dataclass
class WindowArguments(DataArguments):
    """Where the data comes from and how long texts are cut into windows."""

    stride: int | None = option(
        None,
        "Texts longer than --max_length are cut into windows that overlap by so many sub-tokens; a quarter of "
        "--max_length if not given.",
    )

    def fit_windows(self, longest: int, *, special: int) -> None:
        """Settle `max_length` and `stride` for an encoder.

        Args:
            longest: the most sub-tokens that it takes.
            special: how many of them are special tokens.

        Raises:
            ArgumentError: windows that do not advance.
        """
        self.max_length = min(self.max_length, longest)
        self.stride = self.max_length // 4 if self.stride is None else self.stride
        room = self.max_length - special
        if not 0 <= self.stride < room:
            raise ArgumentError(f"--stride {self.stride}: expected 0 to {room - 1}, as a window holds {room} tokens")


@dataclass
class TextArguments(DataArguments):
    """Where the data comes from, and which of its columns are used."""

    text_column: str | None = option(
        None, "Column of the text; by its name (text, sentence, headline, ...) if not given."
    )
    label_column: str | None = option(None, "Column of the label.")
    id_column: str | None = option(None, "Column of the row's id; row numbers if there is none.")
    class_file: str | None = option(None, "Names of the classes, one a line, where labels are numbers; class.txt.")
    cleaning_file: str | None = option(
        None, "YAML list of {pattern, replacement}: regular expressions that clean texts, in prediction too."
    )


@dataclass
class PairArguments(TextArguments):
    """Where the data comes from, and which of its columns are used."""

    text_pair_column: str | None = option(None, "Column of the second text of a pair; `none` leaves it out.")
    label_separator: str | None = option(None, "A label is several, apart by this: multi-label data.")


@dataclass
class ClassifierArguments:
    """The classifier on the encoder, and what it is taught."""

    _argument_group_name = "classifier"

    pooling: str = option(
        "cls",
        "How a text becomes one vector: `cls`: stock class; `mean`, `max`: over its tokens; `fusion`: mean and "
        "pooled output, 128 units each, added.",
        choices=["cls", "mean", "max", "fusion"],
    )
    fusion_weights: str = option("learned", "Shares of the two features of fusion.", choices=["learned", "equal"])
    layers: str = option(
        "last", "`weighted` feeds the head a learned mix of all layers.", choices=["last", "weighted"]
    )
    dropout: float = option(0.1, "Dropout before the classifier, 0-1.")
    loss: str = option("default", "`focal` plays down what is right already.", choices=["default", "focal"])
    focal_gamma: float = option(2.0, "How far focal loss does so; 0 not at all.")
    class_weights: str = option("none", "`auto` weighs rare classes up in the loss.", choices=["none", "auto"])
    class_sampling: str = option(
        "none",
        "Draw rare classes more often: `balanced`: all equally; `square_root`: half the way.",
        choices=["none", "square_root", "balanced"],
    )
    logit_adjustment: float = option(
        0.0, "Add so much of the classes' log frequency to the logits in training, so that rare ones gain; 1 in full."
    )

    def body(self) -> dict:
        """What `load_classifier` is told about the head."""
        names = ("pooling", "layers", "fusion_weights", "dropout")
        return {name: getattr(self, name) for name in names}

    def shaping(self, *, label_smoothing: float) -> dict:
        """What the `fit` of a loss is told."""
        gamma = self.focal_gamma if self.loss == "focal" else 0.0
        return {"balanced": self.class_weights == "auto", "label_smoothing": label_smoothing, "focal_gamma": gamma}

    def check(self, *, multi_label: bool) -> None:
        """Refuse options that would silently do nothing.

        Raises:
            ArgumentError: one of them is given.
        """
        if self.fusion_weights != "learned" and self.pooling != "fusion":
            raise ArgumentError(f"--fusion_weights does nothing with --pooling {self.pooling}; add --pooling fusion")
        for flag, given in {
            "class_sampling": self.class_sampling != "none",
            "logit_adjustment": self.logit_adjustment,
        }.items():
            if multi_label and given:
                raise ArgumentError(f"--{flag} needs one label a text, but the data is multi-label; leave it out")


@dataclass
class ModelArguments:
    """The encoder to start from."""

    _argument_group_name = "model"

    model_name_or_path: str = field(
        metadata={"help": "Encoder to start from, or a trained run: a folder or a Hub id."}
    )
    model_revision: str = option("main", "Branch, tag or commit of the Hub model.")
    trust_remote_code: bool = option(False, "Run modelling code that comes with the model; only for models you trust.")


@dataclass
class TrickArguments:
    """Changes to the training step and to the learning rates; all off by default."""

    _argument_group_name = "tricks"

    head_learning_rate: float | None = option(
        None, "Learning rate of all that is not the encoder; else as the encoder's."
    )
    layer_decay: float = option(1.0, "Each layer below the top learns this factor slower, 0-1; 1 for equal rates.")
    fgm_epsilon: float = option(
        0.0, "Fast gradient method: second pass with embeddings moved by this norm; 2x the time."
    )
    r_drop_alpha: float = option(0.0, "R-Drop: weight of the divergence between two dropout passes; 2x the time.")
    ema_decay: float = option(0.0, "Evaluate and save an exponential moving average of the weights, e.g. 0.999.")
    early_stopping_patience: int | None = option(None, "Stop after so many evaluations without a better score.")
    on_nan: str = option(
        "stop",
        "When a loss or gradient is no number: `stop` and name the step's rows, or `skip` the step and count it.",
        choices=["stop", "skip"],
    )
    overwrite_output_dir: bool = option(
        False, "Start over in a folder that holds an earlier run, removing its checkpoints."
    )


def parse_arguments(
    *classes: type, argv: Sequence[str] | None = None, description: str | None = None, defaults: dict | None = None
) -> tuple:
    """Parse `[config.yaml] [--flag value ...]`; the command line wins over the file.

    Args:
        *classes: our argument dataclasses, in the order in which help shows them.
        argv: command line without the program's name; that of the process if None.
        description: shown on top of `--help`.
        defaults: of training options, where the script's differ from `TRAINING_DEFAULTS`.

    Returns:
        One instance of each class, and a `FineTuningArguments` behind them, whose `learning_rate_given` tells whether
        the learning rate is a choice of the user.

    Raises:
        ArgumentError: an unknown flag or key, with the nearest known one; a malformed value; an unreadable file.
        SystemExit: after `--help` and `--help_all`.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    if "--help" in argv or "-h" in argv:
        parser = _Parser(classes, description=description, epilog=_training_help(), allow_abbrev=False)
        parser.formatter_class = _HelpFormatter
        parser.print_help()
        raise SystemExit(0)
    from .fine_tuning_arguments import FineTuningArguments

    parser = _Parser((*classes, FineTuningArguments), description=description, allow_abbrev=False)
    parser.set_defaults(**(defaults or {}))
    if "--help_all" in argv:
        parser.print_help()
        raise SystemExit(0)
    known = {action.dest for action in parser._actions}
    if argv and not argv[0].startswith("-"):
        words, nothing = read_config(argv[0], known=known)
        hints = [get_type_hints(each) for each in (*classes, FineTuningArguments)]
        may_be_none = {name for each in hints for name, hint in each.items() if type(None) in get_args(hint)}
        for key in nothing - may_be_none:
            raise ArgumentError(
                f"{argv[0]}: expected a value for {key}, found null; leave the key out for the default"
            )
        parser.set_defaults(**dict.fromkeys(nothing))
        argv = [*words, *argv[1:]]
    try:
        *parsed, unknown = parser.parse_args_into_dataclasses(args=argv, return_remaining_strings=True)
    except ValueError as error:  # options that contradict each other
        raise ArgumentError(str(error)) from error
    if unknown:
        flags = [word for word in unknown if word.startswith("-")] or unknown
        raise ArgumentError("; ".join(_explain_unknown(word, known) for word in flags))
    parsed[-1].learning_rate_given = any(re.match(r"--learning[_-]rate(=|$)", word) for word in argv)
    return tuple(parsed)


def read_config(path: str, *, known: set[str]) -> tuple[list[str], set[str]]:
    """Turn a YAML or JSON file of flags into command-line words, so that its values are checked like typed ones.

    Returns:
        The words, and the keys whose value is null.

    Raises:
        ArgumentError: no such file, not a mapping, or a key that is no flag.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        values = json.loads(text) if path.endswith(".json") else load_yaml(text)
        written = values if path.endswith(".json") else load_yaml(text, yaml.BaseLoader)  # `no` and 1e-3 as they stand
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise ArgumentError(f"{path}: expected a YAML or JSON file of flags, found: {error}") from error
    if not isinstance(values, dict):
        raise ArgumentError(f"{path}: expected a mapping such as `head: crf`, found {type(values).__name__}")
    words, nothing = [], set()
    for (key, value), plain in zip(values.items(), written.values(), strict=True):
        if key not in known:
            raise ArgumentError(f"{path}: {_explain_unknown(f'--{key}', known)}")
        if value is None:
            nothing.add(key)
        elif isinstance(value, dict):
            words.append(f"--{key}={json.dumps(value, ensure_ascii=False)}")  # YAML reads no surrogate pairs
        elif isinstance(value, list):
            words += [f"--{key}", *map(str, plain)]
        else:
            words.append(f"--{key}={plain}")  # one word, so that a value may begin with a dash
    return words, nothing


def _explain_unknown(word: str, known: set[str]) -> str:
    if not word.startswith("-"):
        return f"unexpected value {word!r}: a flag takes one value, and a configuration file comes first"
    near = difflib.get_close_matches(word.lstrip("-").replace("-", "_"), sorted(known), n=1, cutoff=0.5)
    return f"unknown option {word}" + (f"; did you mean --{near[0]}?" if near else "; --help lists the options")


def _training_help() -> str:
    lines = ["training options that differ from transformers' TrainingArguments (--help_all shows every one):"]
    lines += [f"  --{name} {value}: {reason}" for name, (value, reason) in TRAINING_DEFAULTS.items()]
    return "\n".join(lines)


class _Parser(HfArgumentParser):
    """Complains in one line, without a page of usage."""

    def error(self, message):
        raise ArgumentError(message)


class _HelpFormatter(HfArgumentParser().formatter_class):
    """Defaults beside each option, the epilog as it is written."""

    def _fill_text(self, text, width, indent):
        return "\n".join(indent + line for line in text.splitlines())


@contextlib.contextmanager
def refusing(*errors: type[Exception]) -> Iterator[None]:
    """What fails inside the block with one of these is the command line's fault: `ArgumentError` says the same."""
    try:
        yield
    except errors as error:
        raise ArgumentError(str(error)) from None


def run_script(main: Callable) -> None:
    """Run a script's `main`; an error that its user can repair is one line on standard error and exit status 2, a
    signal to stop one line and 130 or 143.
    """
    try:
        with watched():
            main()
    except (ArgumentError, DataError, TrainingError, OSError) as error:
        print(printable(f"error: {error}"), file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt as error:
        if message := str(error) if error.args else "stopped":
            print(message, file=sys.stderr)
        sys.exit(getattr(error, "status", 130))
