"""Files of tokens and tags: how run_ner.py reads them, and run_prompt.py where a template has a span."""

from dataclasses import dataclass
from pathlib import Path

from ..data.errors import ArgumentError
from .arguments import option
from .training_choices import TrainingChoices


@dataclass(frozen=True)
class TagArguments:
    """How tags in files are read."""

    _argument_group_name = "files of tags"
    _training_fields = ("label_names",)  # of `TrainingArguments`, which mean something else here

    file_scheme: str = option(
        "auto",
        "Tag scheme of column and token files: bio, iob1, bios, bioes, bmes, bilou, or io (types without a prefix). "
        "If tags are numbers, `--label_names O,B-PER,I-PER`, or a file with one name per line, gives their names.",
    )
    repair_tags: bool = option(
        False,
        "Read tags that break their scheme as conlleval does, and count them: an I- that continues nothing begins an "
        "entity.",
    )
    tag_column: int | None = option(
        None, "Column files: number of the column that holds the tags, from 1 on; detected if not given.", low=1
    )

    def reading(self, choices: TrainingChoices, *, used: bool = True) -> dict:
        """Arguments for `readers_ner.read_ner`.

        Args:
            choices: its `label_names` are read; they are kept from the trainer, for which the name means model inputs.
            used: whether files of entities are read.

        Raises:
            ArgumentError: names are empty or repeated, or an option would be ignored.
        """
        given = {"file_scheme": self.file_scheme != "auto", "repair_tags": self.repair_tags}
        given |= {"tag_column": self.tag_column is not None, "label_names": choices.label_names is not None}
        if not used:
            for flag in (flag for flag, is_given in given.items() if is_given):
                raise ArgumentError(f"--{flag}: expected a template with {{span}}; it is for entities")
            return {}
        names = choices.label_names
        if names is not None:
            path = Path(names[0])
            if len(names) == 1 and path.is_file():
                names = path.read_text(encoding="utf-8-sig").split("\n")
                names = names[: -1 if names[-1] == "" else None]
            names = [name.strip() for each in names for name in each.split(",")]
            if not all(names) or len(set(names)) < len(names):
                raise ArgumentError(
                    f"--label_names: expected different names, such as O,B-PER,I-PER, or a file of them, found {names}"
                )
        reading = {"scheme": self.file_scheme, "repair_tags": self.repair_tags}
        return reading | {"label_names": names, "tag_column": self.tag_column}
