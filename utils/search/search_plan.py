"""What a search is about: what its runs share, what varies, and by which score they are compared."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .run_configs import Base
from .score_choice import ChosenScore
from .spaces import Space


@dataclass(frozen=True)
class SearchPlan:
    """What a search is about.

    Attributes:
        folder: for all that it leaves; absolute.
        command: the words before a configuration file; the last one is the path of the script.
        base: what all runs share.
        space: what varies.
        score: by which trials are compared.
    """

    folder: Path
    command: Sequence[str]
    base: Base
    space: Space
    score: ChosenScore

    @property
    def script(self) -> str:
        """The name of the script."""
        return Path(self.command[-1]).name

    def facts(self, *, seed: int) -> dict[str, Any]:
        """What must stay the same while trials are compared, in words of JSON: description -> value."""
        paths = self.base.flags["train_file"]
        files = [Path(path) for path in ([paths] if isinstance(paths, str) else paths)]
        digests = [_digest(path) for path in files if path.is_file()]
        settings = {
            name: {"from": repr(setting.distribution), "choices": dict(setting.choices), "when": dict(setting.when)}
            for name, setting in self.space.settings.items()
        }
        return {
            "script": self.script,
            "base": dict(self.base.flags),
            "space": settings,
            "score": list(self.score.names),
            "seed": seed,
            "content of the training file": digests,
        }


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
