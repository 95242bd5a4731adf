"""SIGINT and SIGTERM: training saves a checkpoint first, anything else stops at once; exit status 130 or 143."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Mapping

SIGNALS = (signal.SIGINT, signal.SIGTERM)
ECHO = 2.0  # seconds in which a launcher may repeat to its processes a signal that the terminal has already sent them


def name_of(received: int) -> str:
    """The name of a signal: SIGINT or SIGTERM."""
    return signal.Signals(received).name


class Stopped(KeyboardInterrupt):
    """The program was told to stop by a signal; `message` is for the user, empty if another process reports it."""

    def __init__(self, received: int, message: str | None = None):
        super().__init__(f"stopped by {name_of(received)}" if message is None else message)
        self.status = 128 + received


class StopSignals:
    """Handles stop signals: training stops once a checkpoint is saved, anything else stops at once."""

    def __init__(self, environment: Mapping[str, str] | None = None):
        environment = os.environ if environment is None else environment
        self.launched = int(environment.get("WORLD_SIZE") or 1) > 1  # set by a launcher of several processes
        self.process = os.getpid()
        self.waiting = False  # whether training is running, which stops by itself
        self.received: int | None = None
        self.since = 0.0

    def handle(self, received: int, frame: object) -> None:
        """The signal handler."""
        if os.getpid() != self.process:  # a forked worker
            self._let_worker_stop(received)
        elif not self.waiting:
            raise self.stop(received)
        elif self.received is None:
            self.received, self.since = received, time.monotonic()
            text = f"\n{name_of(received)}: stopping with a checkpoint after this step or evaluation; "
            os.write(2, f"{text}a second signal stops at once\n".encode())  # a logger may be in the middle of a line
        elif not (self.launched and time.monotonic() - self.since < ECHO):
            raise self.stop(received)

    def stop(self, received: int, message: str | None = None) -> Stopped:
        """The exception that ends the process; from now on further signals of a launcher are ignored."""
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN if self.launched else signal.SIG_DFL)
        return Stopped(received, message)

    def _let_worker_stop(self, received: int) -> None:
        if received == signal.SIGINT:
            if not self.waiting:  # otherwise the process that it works for ends it
                raise KeyboardInterrupt
            return
        signal.signal(received, signal.SIG_DFL)
        os.kill(os.getpid(), received)


def _current() -> StopSignals | None:
    """The handler that `watched` has installed, if it has."""
    found = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return found if isinstance(found, StopSignals) else None


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """Let signals stop the block by raising `Stopped`."""
    handle = StopSignals().handle
    earlier = {each: signal.signal(each, handle) for each in SIGNALS}
    try:
        yield
    finally:
        for each, handler in earlier.items():
            if signal.getsignal(each) == handle:  # if the program is already stopping, keep what `stop` has set
                signal.signal(each, handler)


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Let the block itself check for stop signals; if it has received one and not stopped, stop at its end."""
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
    """The signal that the program has received inside `deferred`; 0 for none."""
    signals = _current()
    return (signals and signals.received) or 0


def stop(received: int, message: str) -> Stopped:
    """The exception that ends this process because it, or another process of the run, has received a signal."""
    signals = _current()
    return signals.stop(received, message) if signals else Stopped(received, message)
