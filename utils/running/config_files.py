"""Configurations that the next run takes: `python run_x.py found.yaml --flag value ...`."""

from collections.abc import Mapping
from os import PathLike
from typing import Any

import yaml

from .atomic_files import write_text


def write_config(path: str | PathLike, flags: Mapping[str, Any], *, comment: str = "") -> None:
    """Write flags as YAML, whole or not at all.

    Texts come back as they are, `no`, `1` and `{mask}: "?"` too; a mapping, such as the words of a `verbalizer`,
    stands where a flag takes its text. Of label words alone it is a file that `--verbalizer` takes.

    Args:
        path: of the file.
        flags: name -> text, number, list of them, or mapping.
        comment: stands above them; may have several lines.
    """
    remarks = "".join(f"# {line}\n" for line in comment.splitlines())
    write_text(path, remarks + yaml.safe_dump(dict(flags), allow_unicode=True, sort_keys=False, width=119))
