"""Command lines: `script [config.yaml] [--flag value ...]`, the same for every script.

Light on purpose: `--help` must answer before torch and `TrainingArguments` are imported (four seconds).
"""

import contextlib
import copy
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import yaml
from transformers import HfArgumentParser

from ..data.errors import DataError, printable
from ..data.plain_yaml import load_yaml
from .flag_names import explain_unknown
from .option_checks import OptionError, check_ranges, ranges_of, refuse_idle
from .refused_fields import refuse_fields
from .stop_signals import watched
from .training_defaults import TRAINING_DEFAULTS, TRAINING_RANGES, describe_defaults


class ArgumentError(ValueError):
    """A command line or configuration file that cannot be used; scripts print it without a traceback."""


class TrainingError(Exception):
    """Training that cannot go on, for a reason that its user can do something about; printed without a traceback."""


def option(default, help_text: str, *, choices: Sequence[str] | None = None, used_with: str = "", **limits):
    """A dataclass field with its line of help, and what is refused for it.

    Args:
        default: where neither the command line nor the configuration says anything.
        help_text: one or two sentences.
        choices: the values that it may have; None for any.
        used_with: who reads it, see `option_checks.refuse_idle`.
        **limits: of numbers: `low`, `high` (included), `above`, `below` (excluded).
    """
    metadata = {"help": help_text.replace("%", "%%"), "used_with": used_with, "limits": limits}
    return field(default=default, metadata=metadata | ({"choices": choices} if choices else {}))


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
    encoding: str | None = option(None, "Of the files, such as gb18030, big5 or cp1252; by their bytes if not given.")
    skip_bad_lines: bool = option(False, "Leave malformed lines out and count them, instead of stopping at them.")
    validation_share: float = option(
        0.1,
        "Share of the training data held out when there is no validation data, 0-1.",
        used_with="training !validation_file",
        above=0,
        below=1,
    )
    max_length: int = option(
        512,
        "Sub-tokens an input, special tokens included, or what the encoder can take.",
        used_with="training",
        low=1,
    )
    max_train_samples: int | None = option(
        None, "Use the first so many training texts only, for a quick look.", used_with="training", low=1
    )
    max_eval_samples: int | None = option(None, "Likewise for validation and test.", low=1)

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
        used_with="training",
        low=0,
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

    columns: str | None = option(
        None,
        "Names of the fields of files without a header: `source,label,_,text`; `_` and a last `*` are passed over.",
    )
    separator: str | None = option(None, "Between fields or cells, such as `||` or `tab`; found if not given.")
    text_column: str | None = option(
        None, "Column of the text; by its name (text, sentence, headline, ...) if not given."
    )
    label_column: str | None = option(None, "Column of the label.")
    id_column: str | None = option(None, "Column of the row's id; row numbers if there is none.")
    class_file: str | None = option(None, "Names of the classes, one a line, where labels are numbers; class.txt.")
    cleaning_file: str | None = option(
        None,
        "YAML list of {pattern, replacement}: regular expressions that clean texts, in prediction too.",
        used_with="training",
    )

    def reading(self) -> dict:
        """What `TextReader` is told."""
        names = ("file_format", "columns", "separator", "encoding", "text_column", "label_column", "id_column")
        return {name: getattr(self, name) for name in (*names, "class_file", "skip_bad_lines")}


@dataclass
class PairArguments(TextArguments):
    """Where the data comes from, and which of its columns are used."""

    text_pair_column: str | None = option(None, "Column of the second text of a pair; `none` leaves it out.")
    label_separator: str | None = option(None, "A label is several, apart by this: multi-label data.")
    label_columns: str | None = option(None, "Columns that say 1 or 0 for a label each: `toxic,insult,threat`.")

    def reading(self) -> dict:
        """What `TextReader` is told."""
        own = ("text_pair_column", "label_separator", "label_columns")
        return super().reading() | {name: getattr(self, name) for name in own}


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
        None, "Learning rate of all that is not the encoder; else as the encoder's.", used_with="training", low=0
    )
    layer_decay: float = option(
        1.0,
        "Each layer below the top learns this factor slower, 0-1; 1 for equal rates.",
        used_with="training",
        above=0,
        high=1,
    )
    fgm_epsilon: float = option(
        0.0,
        "Fast gradient method: second pass with embeddings moved by this norm; 2x the time.",
        used_with="training",
        low=0,
    )
    r_drop_alpha: float = option(
        0.0, "R-Drop: weight of the divergence between two dropout passes; 2x the time.", used_with="training", low=0
    )
    ema_decay: float = option(
        0.0,
        "Evaluate and save an exponential moving average of the weights, e.g. 0.999.",
        used_with="training",
        low=0,
        below=1,
    )
    early_stopping_patience: int | None = option(
        None, "Stop after so many evaluations without a better score.", used_with="training", low=1
    )
    on_nan: str = option(
        "stop",
        "When a loss or gradient is NaN: `stop` and name the step's rows, or `skip` the step and count it.",
        choices=["stop", "skip"],
        used_with="training",
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
        defaults: of training options, name -> (value, reason), where the script's differ from `TRAINING_DEFAULTS`.

    Returns:
        One instance of each class, and a `FineTuningArguments` behind them, whose `given` are the names of all options
        that the user chose, there or in the file.

    Raises:
        ArgumentError: an unknown flag or key, with the nearest known one; a malformed value, or one out of range; an
            unreadable file.
        SystemExit: after `--help` and `--help_all`.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    if "--help" in argv or "-h" in argv:
        epilog = describe_defaults(TRAINING_DEFAULTS | (defaults or {}))
        parser = _Parser(classes, description=description, epilog=epilog, allow_abbrev=False)
        parser.formatter_class = _HelpFormatter
        parser.print_help()
        raise SystemExit(0)
    from .fine_tuning_arguments import FineTuningArguments, explain_default

    parser = _Parser((*classes, FineTuningArguments), description=description, allow_abbrev=False)
    for action in parser._actions:
        if action.dest in (defaults or {}):
            action.default, reason = defaults[action.dest]
            action.help = explain_default(action.dest, action.default, reason)
    if "--help_all" in argv:
        parser.print_help()
        raise SystemExit(0)
    known = {action.dest for action in parser._actions}
    if argv and not argv[0].startswith("-"):
        hints = [get_type_hints(each) for each in (*classes, FineTuningArguments)]
        kinds = {name: get_args(hint) or (hint,) for each in hints for name, hint in each.items()}
        as_written = {
            name for name, kind in kinds.items() if not any(get_origin(one) is dict or one is dict for one in kind)
        }
        words, nothing = read_config(argv[0], known=known, as_written=as_written)
        may_be_none = {name for name, kind in kinds.items() if type(None) in kind}
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
        raise ArgumentError("; ".join(explain_unknown(word, known) for word in flags))
    written = {word.partition("=")[0] for word in argv if word.startswith("--")}
    parsed[-1].given = frozenset(each.dest for each in parser._actions if written & set(each.option_strings))
    with refusing(OptionError):
        for one in parsed:
            check_ranges(vars(one), TRAINING_RANGES if one is parsed[-1] else ranges_of(one))
        usual = {each.dest: each.default for each in reversed(parser._actions)}  # a `--no_...` stands behind its own
        taken = {name for each in classes for name in getattr(each, "_training_fields", ())}
        refuse_fields(vars(parsed[-1]), parsed[-1].given - taken, usual)
    return tuple(parsed)


def check_use(parsed: Sequence, *, trains: bool, used_with: dict[str, str] | None = None) -> None:
    """Refuse options that were given and that this run would ignore.

    Args:
        parsed: what `parse_arguments` gave.
        trains: whether a model learns in this run.
        used_with: of options that transformers declares: who reads them here.

    Raises:
        ArgumentError: there is one.
    """
    training = parsed[-1]
    if "do_train" in training.given and training.do_train != trains:
        wanted = "data to train on (--train_file)" if training.do_train else "none, as there is data to train on"
        raise ArgumentError(f"--do_train: expected {wanted}; a run does what its files ask for, leave it out")
    with refusing(OptionError):
        refuse_idle(parsed, parsed[-1].given, trains=trains, used_with=used_with or {})


def read_config(path: str, *, known: set[str], as_written: set[str] = frozenset()) -> tuple[list[str], set[str]]:
    """Turn a YAML or JSON file of flags into command-line words, so that its values are checked like typed ones.

    Args:
        path: of the file.
        known: names of all flags.
        as_written: those that take text, in a mapping too: `{yes: Yes, 010: No}` are four words, no numbers or truths.

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
            raise ArgumentError(f"{path}: {explain_unknown(f'--{key}', known)}")
        if value is None:
            nothing.add(key)
        elif isinstance(value, dict):
            taken = plain if key in as_written else value
            words.append(f"--{key}={json.dumps(taken, ensure_ascii=False)}")  # YAML reads no surrogate pairs
        elif isinstance(value, list):
            words += [f"--{key}", *map(str, plain)]
        else:
            words.append(f"--{key}={plain}")  # one word, so that a value may begin with a dash
    return words, nothing


class _Parser(HfArgumentParser):
    """Complains in one line, without a page of usage."""

    @staticmethod
    def _parse_dataclass_field(parser, field):
        plain = copy.copy(field)  # argparse would take what `option` keeps there for its own
        plain.metadata = {name: value for name, value in field.metadata.items() if name not in ("used_with", "limits")}
        HfArgumentParser._parse_dataclass_field(parser, plain)

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
            sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has enough, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (ArgumentError, DataError, TrainingError, OSError) as error:
        print(printable(f"error: {error}"), file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt as error:
        if message := str(error) if error.args else "stopped":
            print(message, file=sys.stderr)
        sys.exit(getattr(error, "status", 130))
