"""The part of this machine that each of several trials runs on."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..running.machine_parts import share_environments
from .script_process import LocalProcess, open_process


class LocalShare:
    """A part of this machine.

    Args:
        environment: variables of the run, in addition to those of this process.
    """

    def __init__(self, environment: Mapping[str, str]):
        self.environment = environment

    def open(self, words: Sequence[str], again: Sequence[str], log: Path) -> LocalProcess:
        """Start a command whose output goes to `log`; `again`, which continues it, is for a machine that is lost."""
        return open_process(words, log, self.environment)


def share_machine(jobs: int, environment: Mapping[str, str] | None = None) -> list[LocalShare]:
    """`jobs` shares for runs side by side, see `machine_parts.share_environments`."""
    return [LocalShare(each) for each in share_environments(jobs, environment)]
