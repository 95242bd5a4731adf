"""Configurations that the next run takes: `python run_x.py found.yaml --flag value ...`."""

from collections.abc import Mapping
from os import PathLike
from typing import Any

import yaml

from .atomic_files import write_text


def write_config(path: str | PathLike, flags: Mapping[str, Any], *, comment: str = "") -> None:
    """Write flags as YAML, complete or not at all.

    Texts are read back unchanged, also `no`, `1` and `{mask}: "?"`. A mapping, such as the words of a `verbalizer`, is
    allowed for a flag that takes the text of one. A file of label words alone is what `--verbalizer` takes.

    Args:
        path: the file.
        flags: name -> text, number, list of them, or mapping.
        comment: written above them; may have several lines.
    """
    remarks = "".join(f"# {line}\n" for line in comment.splitlines())
    write_text(path, remarks + yaml.safe_dump(dict(flags), allow_unicode=True, sort_keys=False, width=119))
