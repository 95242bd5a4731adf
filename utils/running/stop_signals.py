"""SIGINT and SIGTERM: training saves a checkpoint first, everything else stops; the exit status is 130 or 143."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Mapping

SIGNALS = (signal.SIGINT, signal.SIGTERM)
ECHO = 2.0  # seconds in which a launcher may pass on to its processes a signal that they have had from the terminal


def name_of(received: int) -> str:
    """SIGINT or SIGTERM."""
    return signal.Signals(received).name


class Stopped(KeyboardInterrupt):
    """The program was told to stop.

    Args:
        received: the signal.
        message: for the user; empty where another process speaks.
    """

    def __init__(self, received: int, message: str | None = None):
        super().__init__(f"stopped by {name_of(received)}" if message is None else message)
        self.status = 128 + received


class StopSignals:
    """What the process does when it is told to stop: at once outside of training, there when a checkpoint is saved.

    Args:
        environment: variables of the process; a launcher of several tells their number.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ):
        self.launched = int(environment.get("WORLD_SIZE") or 1) > 1
        self.process = os.getpid()
        self.waiting = False  # training is under way, which stops by itself
        self.received: int | None = None
        self.since = 0.0

    def handle(self, received: int, frame: object) -> None:
        """The handler of the signals."""
        if os.getpid() != self.process:  # a worker, forked off
            self._let_worker_stop(received)
        elif not self.waiting:
            raise self.stop(received)
        elif self.received is None:
            self.received, self.since = received, time.monotonic()
            text = f"\n{name_of(received)}: stopping with a checkpoint as soon as this step, or evaluation, is done; "
            os.write(2, f"{text}once more stops at once\n".encode())  # a logger may be in the middle of a line
        elif not (self.launched and time.monotonic() - self.since < ECHO):
            raise self.stop(received)

    def stop(self, received: int, message: str | None = None) -> Stopped:
        """The end of the process; while it ends, a further signal of a launcher that is in a hurry does no harm."""
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN if self.launched else signal.SIG_DFL)
        return Stopped(received, message)

    def _let_worker_stop(self, received: int) -> None:
        if received == signal.SIGINT:
            if not self.waiting:  # else the process that it works for ends it
                raise KeyboardInterrupt
            return
        signal.signal(received, signal.SIG_DFL)
        os.kill(os.getpid(), received)


def _current() -> StopSignals | None:
    """What handles the signals of this program, if `watched` does."""
    found = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return found if isinstance(found, StopSignals) else None


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """Let signals stop what runs in the block, by `Stopped`."""
    handle = StopSignals().handle
    earlier = {each: signal.signal(each, handle) for each in SIGNALS}
    try:
        yield
    finally:
        for each, handler in earlier.items():
            if signal.getsignal(each) == handle:  # a program that is ending goes on doing so
                signal.signal(each, handler)


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Let the block look for itself whether it was told to stop; if it was and did not, stop at its end."""
    signals = _current()
    if signals is None:
        yield
        return
    signals.waiting = True
    try:
        yield
    finally:
        signals.waiting = False
    if signals.received is not None:
        raise signals.stop(signals.received)


def received() -> int:
    """The signal that the program has received in `deferred`; 0 for none."""
    signals = _current()
    return (signals and signals.received) or 0


def stop(received: int, message: str) -> Stopped:
    """The end of a program of which this process, or another one, has received a signal."""
    signals = _current()
    return signals.stop(received, message) if signals else Stopped(received, message)
