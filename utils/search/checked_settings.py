"""Settings that the script itself looks at before the first trial: unknown options, values out of range, idle ones."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ..data.errors import ArgumentError
from ..running.atomic_files import write_config
from .run_configs import Base
from .spaces import Space, describe_drawn

SHOWN = 10  # errors in one message


def check_settings(script: Path, base: Base, space: Space, *, space_file: str) -> None:
    """Let the script check both ends of every range, and every choice, with its option parser.

    Args:
        script: its path.
        base, space: what the trials are made of.
        space_file: the file of the space, for messages.

    Raises:
        ArgumentError: the script refuses some of them; all that it says is reported together.
    """
    probes = space.probes()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        place = Path(folder)
        trials = [base.trial(space.values(drawn), place / "run") for drawn in probes]
        whole = base.whole(space.values(probes[0])) | {"output_dir": str(place / "run")}
        configs = [place / f"{number}.yaml" for number in range(len(probes) + 1)]
        complaints = list(pool.map(_ask, [script] * len(configs), configs, [*trials, whole]))
    seen: dict[str, list[Mapping[str, Any]]] = {}
    for complaint, drawn in zip(complaints, [*probes, probes[0]], strict=True):
        if complaint:
            seen.setdefault(complaint, []).append(drawn)
    if not seen:
        return
    lines = []
    for complaint, found_with in list(seen.items())[:SHOWN]:
        place = _place_of(complaint, base, space, space_file=space_file)
        always = len(found_with) >= len(probes)
        hint = "; `when` can rule that out" if "does nothing" in complaint else ""
        lines.append(f"{place}: {complaint}" + ("" if always else f" (with {describe_drawn(found_with[0])}{hint})"))
    if len(seen) > SHOWN:
        lines.append(f"... {len(seen)} errors in all, the first {SHOWN} are shown")
    raise ArgumentError("\n".join(lines))


def _ask(script: Path, config: Path, flags: Mapping[str, Any]) -> str:
    """What the script says against a configuration; empty if nothing."""
    write_config(config, flags)
    words = [sys.executable, str(script), str(config), "--check_options"]
    done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode == 0:
        return ""
    lines = [line for line in done.stderr.splitlines() if line.strip()] or [f"exit status {done.returncode}"]
    begun = [number for number, line in enumerate(lines) if line.startswith("error: ")]
    said = " ".join(lines[begun[0] :] if begun else lines[-1:])
    return said.removeprefix("error: ").removeprefix(f"{config}: ")


def _place_of(complaint: str, base: Base, space: Space, *, space_file: str) -> str:
    """The file in which an option of the message stands."""
    names = [name.replace("-", "_") for name in re.findall(r"--(\w[\w-]*)", complaint)]
    for name in names:
        if name in space.settings:
            return space_file
        if name in base.flags:
            return base.path
    return f"{base.path} with {space_file}"
