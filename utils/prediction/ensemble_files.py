"""Folders that hold an ensemble: `ensemble.json` names its members, `{"kind", "members", "decision"}`.

Members are folders in it, or names. What `decision` holds was fitted on rows that the members had not seen, see
`tasks.cross_validation`.
"""

import json
from pathlib import Path
from typing import Any

from ..data.errors import DataError

NAME = "ensemble.json"


def read_ensemble(folder: str | Path) -> dict[str, Any] | None:
    """What `ensemble.json` in a folder says, members as paths or names; None if there is none.

    Raises:
        DataError: the file is damaged.
    """
    path = Path(folder) / NAME
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        members = [str(path.parent / one) if (path.parent / one).is_dir() else str(one) for one in found["members"]]
        if not members or not isinstance(found["kind"], str):
            raise ValueError(f"{found['kind']} with {len(members)} members")
        return {"kind": found["kind"], "members": members, "decision": dict(found["decision"])}
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: expected kind, members and decision as a run writes them, found {error}") from error
