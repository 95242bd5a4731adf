"""Runs of a script on the machines of a Ray cluster: https://docs.ray.io.

The machines share a disk on which the folder of the search, the scripts and Python have the same paths. A run whose
machine or process is lost is started again elsewhere, and goes on from its last checkpoint.
"""

import logging
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ray

from ..running.cluster_address import join_cluster
from .script_process import open_process

logger = logging.getLogger(__name__)

STARTS = 4  # of a run: the first one, and others after machines were lost
GRACE = 0.2  # seconds to wait for news of a run


class _Runner:
    """On a machine of the cluster: a script in a process, which ends with this actor."""

    def run(self, words: Sequence[str], log: str, environment: Mapping[str, str]) -> int:
        """The exit status of the command, once it has ended."""
        self.process = open_process(words, Path(log), environment, tied=True)
        return self.process.wait()

    def send(self, signal_number: int) -> None:
        """Send a signal to the command and its children."""
        if process := getattr(self, "process", None):
            os.killpg(process.pid, signal_number)


class ClusterProcess:
    """A command on the cluster, with the methods of `subprocess.Popen` that a `ScriptProcess` uses.

    Args:
        words: the command.
        again: the command that continues it.
        log: file for its output.
        needs: resources of the run, for `options` of an actor.
        environment: variables that are set in addition.
    """

    def __init__(
        self, words: Sequence[str], again: Sequence[str], log: Path, needs: Mapping[str, Any], environment: Mapping
    ):
        self._again, self._log, self._needs, self._environment = again, log, dict(needs), dict(environment)
        self._status: int | None = None
        self._starts = 0
        self._start(words)

    def _start(self, words: Sequence[str]) -> None:
        self._starts += 1
        # Two calls at a time: the command, and a signal to it.
        self._actor = ray.remote(_Runner).options(max_concurrency=2, **self._needs).remote()
        self._ended = self._actor.run.remote(list(words), str(self._log), self._environment)

    def poll(self) -> int | None:
        """The exit status, negative for a signal; None while it runs or waits for a machine."""
        return self._look(0)

    def _look(self, seconds: float) -> int | None:
        if self._status is None and ray.wait([self._ended], timeout=seconds)[0]:
            try:
                self._status = ray.get(self._ended)
            except ray.exceptions.RayActorError as error:
                if self._starts == STARTS:
                    self._status = -signal.SIGKILL
                else:
                    lost = str(error).splitlines()[0]
                    logger.warning("%s: its machine or process was lost (%s); starting again", self._log.parent, lost)
                    self._start(self._again)
            if self._status is not None:
                ray.kill(self._actor)  # its resources are for others
        return self._status

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, once it has ended.

        Raises:
            subprocess.TimeoutExpired: it still runs after `timeout` seconds.
        """
        if (status := self._look(timeout)) is None:
            raise subprocess.TimeoutExpired(str(self._log), timeout)
        return status

    def send_to_all(self, signal_number: int) -> None:
        """Send a signal to the command and what it has started; a run that waits for a machine is given up."""
        if signal_number == signal.SIGKILL:
            self._status = -signal.SIGKILL
            ray.kill(self._actor)
            return
        sent = self._actor.send.remote(signal_number)
        if not ray.wait([sent], timeout=GRACE)[0]:  # no machine has taken it yet
            self._status = -signal_number
            ray.kill(self._actor)


class ClusterShare:
    """What each of several runs gets of a cluster, see `share_cluster`."""

    def __init__(self, needs: Mapping[str, Any], environment: Mapping[str, str]):
        self.needs, self.environment = needs, environment

    def open(self, words: Sequence[str], again: Sequence[str], log: Path) -> ClusterProcess:
        """Start a command, see `ClusterProcess`."""
        return ClusterProcess(words, again, log, self.needs, self.environment)


def share_cluster(address: str, jobs: int) -> list[ClusterShare]:
    """Connect to a cluster, and divide it among runs.

    Args:
        address: of the head, `host:port`; `auto` for a cluster that this machine is in.
        jobs: number of runs.

    Returns:
        `jobs` shares: cores, at most those of one machine, and GPUs.

    Raises:
        ArgumentError: there is no cluster.
    """
    join_cluster(address)
    machines = [each["Resources"] for each in ray.nodes() if each["Alive"]]
    cores, gpus = (sum(each.get(kind, 0) for each in machines) for kind in ("CPU", "GPU"))
    most = max(each.get("CPU", 0) for each in machines)
    own = int(max(1, min(cores // jobs, most)))
    # Less than one GPU each: several runs share one.
    part = min(gpus // jobs or gpus / jobs, max(each.get("GPU", 0) for each in machines))
    needs = {"num_cpus": own} | ({"num_gpus": part} if part else {})
    threads = {} if "OMP_NUM_THREADS" in os.environ else {"OMP_NUM_THREADS": str(own)}
    logger.info("%d machines with %d cores and %d GPUs; a run gets %s", len(machines), cores, gpus, needs)
    return [ClusterShare(needs, threads)] * jobs
