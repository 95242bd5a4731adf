"""Command lines: `script [config.yaml] [--flag value ...]`, the same for every script.

Light on purpose: `--help` must answer before torch and `TrainingArguments` are imported (four seconds).
"""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, fields
from pathlib import Path
from typing import get_args, get_type_hints

import yaml

from ..data.errors import ArgumentError, DataError, TrainingError, printable
from ..data.plain_yaml import load_yaml
from ..files.raw_files import require_file
from ..running.stop_signals import watched
from ..running.trackers import check_trackers
from .flag_names import explain_unknown
from .option_checks import check_ranges, refuse_idle, refuse_unfit
from .option_parser import OptionParser
from .refused_fields import refuse_fields
from .training_choices import TrainingChoices, training_options
from .training_defaults import TRAINING_DEFAULTS, TRAINING_RANGES, describe_defaults
from .training_fields import read_training_fields


def option(
    default,
    help_text: str,
    *,
    choices: Sequence[str] | None = None,
    used_with: str | None = None,
    labels: str | dict[str, str] | None = None,
    **limits,
):
    """A dataclass field with its help text, and the values that it accepts.

    Args:
        default: used if neither the command line nor the configuration file sets the option.
        help_text: one or two sentences.
        choices: the values that it may have; None for any.
        used_with: when it has an effect, see `option_checks.refuse_idle`.
        labels: with which labels it has one, see `option_checks.refuse_unfit`.
        **limits: for numbers: `low`, `high` (included), `above`, `below` (excluded).
    """
    metadata = {"help": help_text.replace("%", "%%"), "used_with": used_with, "limits": limits}
    more = {"choices": choices, "labels": labels}
    return field(default=default, metadata=metadata | {name: each for name, each in more.items() if each is not None})


def parse_arguments(
    *classes: type, argv: Sequence[str] | None = None, description: str | None = None, defaults: dict | None = None
) -> tuple:
    """Parse `[config.yaml] [--flag value ...]`; the command line wins over the file.

    Neither torch nor `TrainingArguments` is imported, so that errors appear at once.

    Args:
        *classes: our argument dataclasses, in the order in which help shows them.
        argv: command line without the program's name; that of the process if None.
        description: shown on top of `--help`.
        defaults: training options whose default differs from `TRAINING_DEFAULTS`: name -> (value, reason).

    Returns:
        One instance of each class, followed by `TrainingChoices`, whose `build` gives the trainer's arguments.

    Raises:
        ArgumentError: an unknown flag or key, with the nearest known one; a malformed value, or one out of range; an
            unreadable file.
        SystemExit: after `--help` and `--help_all`.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    usual = TRAINING_DEFAULTS | (defaults or {})
    if "--help" in argv or "-h" in argv:
        OptionParser(classes, description=description, epilog=describe_defaults(usual)).print_help()
        raise SystemExit(0)
    options = training_options(usual)
    parser = OptionParser((*classes, options), description=description)
    if "--help_all" in argv:
        parser.print_help()
        raise SystemExit(0)
    known = {action.dest for action in parser._actions} - {"help"}
    if argv and not argv[0].startswith("-"):
        typed = {name for name, one in read_training_fields().items() if "dict" in one.kinds}
        words, nothing = read_config(argv[0], known=known, as_written=known - typed)
        hints = {name: hint for one in (*classes, options) for name, hint in get_type_hints(one).items()}
        for key in (key for key in nothing if type(None) not in get_args(hints[key])):
            raise ArgumentError(
                f"{argv[0]}: expected a value for {key}, found null; leave the key out for the default"
            )
        parser.set_defaults(**dict.fromkeys(nothing))
        argv = [*words, *argv[1:]]
    else:
        nothing = set()
    (*ours, training), unknown = parser.parse(argv)
    if unknown:
        flags = [word for word in unknown if word.startswith("-")] or unknown
        raise ArgumentError("; ".join(explain_unknown(word, known) for word in flags))
    written = {word.partition("=")[0] for word in argv if word.startswith("--")}
    given = {each.dest for each in parser._actions if written & set(each.option_strings)} | nothing
    choices = TrainingChoices(vars(training), frozenset(given), frozenset(given) | set(defaults or ()))
    for one in ours:
        check_ranges(vars(one), {each.name: each.metadata.get("limits") for each in fields(one)})
    check_ranges(choices.values, TRAINING_RANGES)
    taken = {name for each in classes for name in getattr(each, "_training_fields", ())}
    refuse_fields(choices.values, choices.given - taken, {each.name: each.default for each in fields(options)})
    check_trackers(choices.report_to)
    return *ours, choices


class Options:
    """All options of a run by name, whichever class declares them.

    Attributes:
        given: names of the options that the user set.
        trains: whether this run trains a model.
    """

    def __init__(self, parsed: Sequence, *, trains: bool = False):
        self._parsed, self.given, self.trains = parsed, parsed[-1].given, trains

    def told(self) -> dict:
        """All options of our own by name, and those of the trainer that the user set."""
        *ours, training = self._parsed
        own = {each.name: getattr(one, each.name) for one in ours for each in fields(one)}
        return own | {name: value for name, value in training.values.items() if name in training.given}

    def __getattr__(self, name: str):
        for one in self._parsed:
            if hasattr(one, name):
                return getattr(one, name)
        raise AttributeError(name)


def check_use(parsed: Sequence, *, trains: bool, used_with: dict[str, str] | None = None) -> None:
    """Refuse options that this run would ignore, and options that contradict each other.

    If a class has a `check`, that is called with all `Options`.

    Args:
        parsed: what `parse_arguments` returned.
        trains: whether this run trains a model.
        used_with: for options that transformers declares: when they have an effect here.

    Raises:
        ArgumentError: such an option is given.
        DataError: a file that is named does not exist.
        SystemExit: all is well, and `--check_options` asked for no more.
    """
    training = parsed[-1]
    if "do_train" in training.given and training.do_train != trains:
        wanted = "data to train on (--train_file)" if training.do_train else "true, as there is data to train on"
        raise ArgumentError(f"--do_train: expected {wanted}; the files decide what a run does, leave it out")
    refuse_idle(parsed[:-1], training.given, training.values, trains=trains, used_with=used_with or {})
    options = Options(parsed, trains=trains)
    for one in parsed[:-1]:
        if hasattr(one, "check"):
            one.check(options)
    for one in parsed[:-1]:
        for each in fields(one):
            if each.name.endswith("_file") and each.name != "output_file" and (value := getattr(one, each.name)):
                for path in [value] if isinstance(value, str) else value:
                    require_file(path)
    if training.check_options:
        raise SystemExit(0)


def check_labels(parsed: Sequence, problem_type: str) -> None:
    """Refuse options that have no effect with the labels of the training data.

    Args:
        parsed: what `parse_arguments` returned.
        problem_type: of the model, see transformers' configurations.

    Raises:
        ArgumentError: such an option is given.
    """
    others = {"label_smoothing_factor": "single multi"}
    refuse_unfit(parsed[:-1], parsed[-1].given, others, problem_type=problem_type)


def read_config(path: str, *, known: set[str], as_written: set[str] = frozenset()) -> tuple[list[str], set[str]]:
    """Turn a YAML or JSON file of flags into command-line words, so that its values are checked like typed ones.

    Args:
        known: names of all flags.
        as_written: flags that take text, also in a mapping: `{yes: Yes, 010: No}` is four words, not numbers and
            booleans.

    Returns:
        The words, and the keys whose value is null.

    Raises:
        ArgumentError: no such file, not a mapping, or a key that is not a flag.
    """
    values, written = read_mapping(path, "file of flags", example="head: crf")
    words, nothing = [], set()
    for (key, value), plain in zip(values.items(), written.values(), strict=True):
        if key not in known:
            raise ArgumentError(f"{path}: {explain_unknown(f'--{key}', known)}")
        if value is None:
            nothing.add(key)
        elif isinstance(value, dict):
            taken = plain if key in as_written else value
            words.append(f"--{key}={json.dumps(taken, ensure_ascii=False)}")  # YAML cannot read surrogate pairs
        elif isinstance(value, list):
            words += [f"--{key}", *map(str, plain)]
        else:
            words.append(f"--{key}={plain}")  # one word, so that a value may begin with a dash
    return words, nothing


def read_mapping(path: str, kind: str, *, example: str) -> tuple[dict, dict]:
    """The mapping in a YAML or JSON file; and the same with numbers and booleans as they are written (`no`, 1e-3).

    Raises:
        ArgumentError: no such file, not this kind of file, or not a mapping.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        values = json.loads(text) if path.endswith(".json") else load_yaml(text)
        written = values if path.endswith(".json") else load_yaml(text, yaml.BaseLoader)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise ArgumentError(f"{path}: expected a YAML or JSON {kind}, found: {error}") from error
    if not isinstance(values, dict):
        raise ArgumentError(f"{path}: expected a mapping such as `{example}`, found {type(values).__name__}")
    return values, written


@contextlib.contextmanager
def refusing(*errors: type[Exception]) -> Iterator[None]:
    """Turn these errors, when raised inside the block, into an `ArgumentError` with the same message."""
    try:
        yield
    except errors as error:
        raise ArgumentError(str(error)) from None


def run_script(main: Callable) -> None:
    """Run a script's `main`.

    An error that the user can repair becomes one line on standard error and exit status 2; a stop signal becomes one
    line and status 130 or 143.
    """
    try:
        with watched():
            main()
            sys.stdout.flush()
    except BrokenPipeError:  # the reader has closed the pipe, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (ArgumentError, DataError, TrainingError, OSError) as error:
        print(printable(f"error: {error}"), file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt as error:
        if message := str(error) if error.args else "stopped":
            print(message, file=sys.stderr)
        sys.exit(getattr(error, "status", 130))
