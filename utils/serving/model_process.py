"""Models in a process of their own: if it dies, connections stay open, and another one takes its place."""

import logging
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from multiprocessing import connection, util
from pkgutil import resolve_name
from typing import Any, NamedTuple

from ..data.errors import ArgumentError, DataError
from .service import ModelDied, Served

logger = logging.getLogger(__name__)

LOOK = 0.2  # seconds between two looks whether the process is alive
AGAIN = 5.0  # seconds until models that could not be loaded again are tried once more


class AnswerFailed(Exception):
    """What was raised in the process of the models, as text."""


class _Failed(NamedTuple):
    """An error in the other process; one that the user can repair is told without a traceback."""

    text: str
    repairable: bool


class ModelProcess:
    """Starts a process that loads models, and another one whenever it has died.

    Args:
        load: `module:function`, which gives the models by name; only that process imports it.
        settings: its argument.

    Raises:
        ArgumentError: the models cannot be loaded, for a reason that the user can remedy.
        AnswerFailed: for another reason.
    """

    def __init__(self, load: str, settings: Mapping[str, Any]):
        self.load, self.settings = load, settings
        self.turn = threading.Lock()  # one asks at a time
        self.ready = self.closed = False
        try:
            self.known = self._start()
        except ModelDied as error:
            self.process.join()
            raise ArgumentError(
                f"the process that loads the models ended with status {self.process.exitcode}; "
                "has the machine memory for them?"
            ) from error
        threading.Thread(target=self._watch, name="watch", daemon=True).start()
        util.Finalize(None, self.close, exitpriority=10)  # before those of our processes that still run are waited for

    def models(self) -> dict[str, Served]:
        """The models by name; their tasks ask the process."""
        return {name: Served(_RemoteTask(self, name, *task), about) for name, (*task, about) in self.known.items()}

    def answer(self, name: str, rows: Sequence[tuple[str, ...]]) -> list[str]:
        """A line for each row, in order.

        Raises:
            ModelDied: the process ended meanwhile.
            AnswerFailed: the model failed.
        """
        with self.turn:
            self._start_again()
            try:
                self.pipe.send((name, rows))
                return self._receive()
            except ModelDied:
                raise
            except OSError as error:  # it had ended before it was asked
                self.ready = False
                raise ModelDied from error

    def close(self) -> None:
        """End the process."""
        self.closed, self.ready = True, False
        self.pipe.close()
        self.process.join(10)
        self.process.kill()

    def _start(self) -> dict[str, tuple]:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_work, args=(other, self.load, self.settings), name="model")
        self.process.start()
        other.close()
        known = self._receive()
        self.ready = True
        return known

    def _start_again(self) -> None:
        """Start another process if there is none."""
        if self.closed:
            raise ModelDied
        if not self.ready or not self.process.is_alive():
            self.ready = False
            self.process.kill()
            self.process.join()
            logger.error("the process with the model ended with status %s; starting another", self.process.exitcode)
            self._start()

    def _receive(self) -> Any:
        try:
            found = self.pipe.recv()
        except (EOFError, OSError) as error:
            self.ready = False
            raise ModelDied from error
        if isinstance(found, _Failed):
            raise ArgumentError(found.text) if found.repairable else AnswerFailed(found.text)
        return found

    def _watch(self) -> None:
        pause = LOOK
        while not self.closed:
            time.sleep(pause)
            pause = LOOK
            try:
                with self.turn:
                    if not self.closed:
                        self._start_again()
            except Exception:  # whatever it is, a later try may do better
                logger.exception("the models could not be loaded again")
                pause = AGAIN


def end_with_parent() -> None:
    """Ask this process to end, by SIGTERM, once the one that started it is dead: nobody else would end it."""

    def wait():
        multiprocessing.parent_process().join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()


class _RemoteTask(NamedTuple):
    process: ModelProcess
    name: str
    kind: str
    pair: bool

    def lines(self, ids: None, *columns: list[str]) -> list[str]:
        return self.process.answer(self.name, list(zip(*columns, strict=True)))


def _work(pipe: connection.Connection, load: str, settings: Mapping[str, Any]) -> None:
    """What the process does until its pipe is closed."""
    for each in (signal.SIGINT, signal.SIGTERM):  # sent to all processes of a server; what was asked is answered first
        signal.signal(each, signal.SIG_IGN)
    try:
        models = resolve_name(load)(settings)
    except Exception as error:
        pipe.send(_failed(error))
        return
    try:
        pipe.send({name: (one.task.kind, one.task.pair, dict(one.about)) for name, one in models.items()})
        while True:
            name, rows = pipe.recv()
            try:
                found = list(models[name].task.lines(None, *map(list, zip(*rows, strict=True))))
            except Exception as error:
                found = _failed(error)._replace(repairable=False)
            pipe.send(found)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the server has ended


def _failed(error: Exception) -> _Failed:
    repairable = isinstance(error, (ArgumentError, DataError, OSError))
    return _Failed(str(error) if repairable else "".join(traceback.format_exception(error)), repairable)
