"""Training options as parsed, before `TrainingArguments` is imported, which takes seconds and imports torch."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, make_dataclass
from typing import TYPE_CHECKING, Any

from ..data.errors import ArgumentError
from .training_defaults import OWN_FIELDS
from .training_fields import read_training_fields

if TYPE_CHECKING:
    from .fine_tuning_arguments import FineTuningArguments

_KINDS = {"bool": bool, "int": int, "float": float, "str": str, "list": list[str], "dict": str}


@dataclass
class TrainingChoices:
    """The fields of `TrainingArguments` and our additions to them, as parsed; each is an attribute.

    Attributes:
        values: by name, the script's defaults included.
        given: names of all options, also of our classes, that the user set on the command line or in a file.
        stated: `given`, and the options for which the script has a default of its own.
        started: when they were parsed, in seconds since 1970.
    """

    values: dict[str, Any]
    given: frozenset[str] = frozenset()
    stated: frozenset[str] = frozenset()
    started: float = field(default_factory=time.time)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["values"][name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def order_seed(self) -> int:
        """The seed of the order of training rows: `--data_seed`, else `--seed`, which also begins new weights."""
        return self.seed if self.data_seed is None else self.data_seed

    def build(self, **changes) -> "FineTuningArguments":
        """Build the trainer's arguments, with some values changed; imports torch.

        Raises:
            ArgumentError: options that contradict each other.
        """
        from .fine_tuning_arguments import FineTuningArguments

        stated = {name: value for name, value in self.values.items() if name in self.stated}
        try:
            built = FineTuningArguments(**stated | changes)
        except ValueError as error:
            raise ArgumentError(str(error)) from error
        built.given = self.given
        return built


def training_options(defaults: Mapping[str, tuple[Any, str]]) -> type:
    """A dataclass with all fields, for the parser; `defaults` (name -> value, reason) differ from those of
    transformers.
    """
    known = {}
    for name, (kinds, optional, *rest) in read_training_fields().items():
        kind = next(kind for word, kind in _KINDS.items() if word in kinds)
        known[name] = (kind | None if optional else kind, *rest)
    made = []
    for name, (kind, default, choices, text) in (known | OWN_FIELDS).items():
        if name in defaults:
            default, reason = defaults[name]
            text += f" (Here {default}: {reason}.)"
        metadata = {"help": text.replace("%", "%%")} | ({"choices": choices} if choices else {})
        made.append((name, kind, field(default=default, metadata=metadata)))
    title = "training: every field of transformers' TrainingArguments"
    return make_dataclass("TrainingOptions", made, namespace={"_argument_group_name": title})
