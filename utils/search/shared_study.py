"""The trials of a search in Optuna's storage, which several processes and machines may share.

A running trial names its owner: a process on a machine, which also renews a beat. The trials of a process that was
killed are taken over by the next search in the same folder; those of a machine that has gone are given up once their
beat has not changed for some minutes.
"""

import contextlib
import os
import random
import re
import socket
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import filelock
import optuna
import psutil
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from ..data.errors import ArgumentError, TrainingError
from ..running.atomic_files import write_text

BEAT = 20.0  # seconds between two beats of a running trial
LOST = 300.0  # seconds without a new beat after which a trial of another machine is given up
RETRIES = 5  # of opening a storage that another search is just making
LOCK = ".lock"  # of a search's folder, among the searches of one machine
LEFT_OUT = "left_out"  # attribute of a trial that does not count, with the reason


def open_storage(place: str) -> BaseStorage:
    """Open a storage of Optuna's: a URL of a database, or a path of a journal file.

    Raises:
        ArgumentError: it cannot be opened.
    """
    for left in reversed(range(RETRIES)):
        try:
            if place.startswith("sqlite"):  # others may write at the same time
                patient = {"connect_args": {"timeout": 60}}
                return optuna.storages.get_storage(optuna.storages.RDBStorage(place, engine_kwargs=patient))
            if "://" in place:
                return optuna.storages.get_storage(place)
            Path(place).parent.mkdir(parents=True, exist_ok=True)
            return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(place))
        except Exception as error:  # each database has its own errors, and a missing driver is an ImportError
            found = hide_password(str(error).splitlines()[0] if str(error) else type(error).__name__)
            if not left or not re.search("exists|locked|unique", found, re.IGNORECASE):
                raise ArgumentError(
                    f"--storage {hide_password(place)}: expected a database such as sqlite:///study.db or "
                    f"postgresql://user:password@host/name, or the path of a journal file, found: {found}"
                ) from error
            time.sleep(1)  # another search is making the tables


@contextlib.contextmanager
def reached() -> Iterator[None]:
    """Turn the loss of the storage in the block into an error of one line.

    Raises:
        TrainingError: the storage could not be read or written.
    """
    try:
        yield
    except StorageInternalError as error:
        found = hide_password(str(error.__cause__ or error).splitlines()[0])
        raise TrainingError(
            f"the storage of the trials could not be read or written: {found}; the same command goes on once it can"
        ) from error


def hide_password(text: str) -> str:
    """A URL, or a text with URLs, without passwords.

    Example:
        >>> hide_password("postgresql://me:secret@host/name")
        'postgresql://me:***@host/name'
    """
    return re.sub(r"(://[^:/@\s]*):[^@\s]+@", r"\1:***@", text)


class SharedStudy:
    """A study whose trials are claimed, one process each.

    Args:
        storage: see `open_storage`.
        name: of the study; it is created if the storage does not have it.
        lower_is_better: of the score.
        folder: of this search, on this machine.
        seed: of the drawing. What trial N gets depends only on the seed, on N, and on the trials that ended before.
        pruner: decides which trials are stopped early.
        failed_count: whether trials that failed count towards the limit of `claim`.
    """

    def __init__(
        self,
        storage: BaseStorage,
        name: str,
        *,
        lower_is_better: bool,
        folder: Path,
        seed: int,
        pruner: optuna.pruners.BasePruner | None = None,
        failed_count: bool = True,
    ):
        direction = "minimize" if lower_is_better else "maximize"
        self.study = optuna.create_study(
            storage=storage,
            study_name=name,
            direction=direction,
            load_if_exists=True,
            pruner=pruner or optuna.pruners.NopPruner(),
        )
        self.storage, self.folder, self.seed, self.failed_count = storage, folder.resolve(), seed, failed_count
        self.me = {"host": socket.gethostname(), "folder": _name_folder(self.folder)}
        self.me |= {"pid": os.getpid(), "since": psutil.Process().create_time()}
        self._id = storage.get_study_id_from_name(name)
        self._beats: dict[int, tuple[Any, float]] = {}  # of others: the last beat, and when it was first seen
        self._beaten = time.monotonic()

    def settle(self, facts: Mapping[str, Any]) -> None:
        """Write down what the search is about, or check that it is still the same.

        Raises:
            ArgumentError: the study began with something else.
        """
        begun = self.study.user_attrs
        for name, value in facts.items():
            if name not in begun:
                self.study.set_user_attr(name, value)
            elif begun[name] != value:
                raise ArgumentError(
                    f"{self.folder}: this search began with another {name}, and its trials could not be compared with "
                    "new ones; go on with the same, or begin another search with a new --output_dir"
                )

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials that count, by number."""
        return [each for each in self.study.get_trials(deepcopy=False) if LEFT_OUT not in each.user_attrs]

    def find(self, number: int) -> FrozenTrial:
        """A trial by its number."""
        return self.storage.get_trial(self._id_of(number))

    def best_of(self, trials: Sequence[FrozenTrial]) -> FrozenTrial | None:
        """The complete trial with the best score, of equals the first; None if there is none."""
        done = [each for each in trials if each.state == TrialState.COMPLETE]
        sign = 1 if self.study.direction == optuna.study.StudyDirection.MINIMIZE else -1
        return min(done, key=lambda trial: (sign * trial.value, trial.number), default=None)

    def claim(self, limit: int) -> Trial | None:
        """A trial for this process: one that a killed search has left, or a new one; None if enough are under way.

        Args:
            limit: how many trials there may be, over all processes.
        """
        trial_id = self._take_over()
        if trial_id is None:
            if self.is_full(limit):
                return None
            facts = {"owner": self.me, "beat": time.time()}
            template = optuna.create_trial(state=TrialState.RUNNING, user_attrs=facts)
            trial_id = self.storage.create_new_trial(self._id, template_trial=template)
        number = self.storage.get_trial_number_from_id(trial_id)
        if self._count([each for each in self.trials if each.number < number]) >= limit:  # another was faster
            self.leave_out(number, "one more than there should be")
            return None
        return self._open(trial_id, number)

    def is_full(self, limit: int) -> bool:
        """Whether there are as many trials as there should be."""
        return self._count(self.trials) >= limit

    def _open(self, trial_id: int, number: int) -> Trial:
        sampler = optuna.samplers.TPESampler(seed=random.Random(f"{self.seed} {number}").getrandbits(32))
        known = {"study_name": self.study.study_name, "storage": self.storage, "pruner": self.study.pruner}
        return Trial(optuna.load_study(**known, sampler=sampler), trial_id)  # a study keeps what it has read

    def _id_of(self, number: int) -> int:
        return self.storage.get_trial_id_from_study_id_trial_number(self._id, number)

    def _count(self, trials: list[FrozenTrial]) -> int:
        return sum(self.failed_count or each.state != TrialState.FAIL for each in trials)

    def _take_over(self) -> int | None:
        """The id of a trial whose process has died on this machine; it is this process's from now on."""
        with filelock.FileLock(self.folder / LOCK):
            for each in self.trials:
                owner = each.user_attrs.get("owner", {})
                near = (owner.get("host"), owner.get("folder")) == (self.me["host"], self.me["folder"])
                if each.state == TrialState.RUNNING and near and not _is_alive(owner):
                    self.storage.set_trial_user_attr(self._id_of(each.number), "owner", self.me)
                    return self._id_of(each.number)
        return None

    def tell(self, trial: Trial, state: TrialState, value: float | None = None, **facts: Any) -> bool:
        """End a trial.

        Args:
            trial: one of this process.
            state: how it ended.
            value: its score, if it is complete.
            **facts: attributes to keep with it.

        Returns:
            Whether it still was this process's: False if others have given it up in the meantime.
        """
        try:
            for name, fact in facts.items():
                trial.set_user_attr(name, fact)
            self.study.tell(trial, value, state=state)
        except (UpdateFinishedTrialError, ValueError):
            if self.find(trial.number).state.is_finished():
                return False
            raise
        return True

    def leave_out(self, number: int, reason: str) -> None:
        """End a trial so that it does not count."""
        with contextlib.suppress(UpdateFinishedTrialError):
            self.storage.set_trial_user_attr(self._id_of(number), LEFT_OUT, reason)
            self.storage.set_trial_state_values(self._id_of(number), state=TrialState.FAIL)

    def beat(self, trials: list[Trial]) -> None:
        """Show others that these trials are alive, every `BEAT` seconds."""
        if time.monotonic() - self._beaten > BEAT:
            self._beaten = time.monotonic()
            for each in trials:
                with contextlib.suppress(UpdateFinishedTrialError):
                    each.set_user_attr("beat", time.time())

    def waits(self) -> bool:
        """Whether other processes are at work on trials; those of machines that have gone are given up."""
        running = [each for each in self.trials if each.state == TrialState.RUNNING]
        for each in running:
            beat = each.user_attrs.get("beat")
            known, since = self._beats.get(each.number, (None, 0.0))
            if known != beat:
                self._beats[each.number] = beat, time.monotonic()
            elif time.monotonic() - since > LOST:
                self.leave_out(each.number, "its machine has gone")
        return bool(running)


def _name_folder(folder: Path) -> str:
    """A name that no other folder has, also on machines with the same name and the same paths; kept in the folder."""
    with filelock.FileLock(folder / LOCK):
        place = folder / ".name"
        if not place.exists():
            write_text(place, uuid.uuid4().hex)
        return place.read_text()


def _is_alive(owner: Mapping[str, Any]) -> bool:
    try:
        process = psutil.Process(owner["pid"])
        same = abs(process.create_time() - owner["since"]) < 30  # seconds: clocks are set right now and then
        return same and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, KeyError):
        return False
