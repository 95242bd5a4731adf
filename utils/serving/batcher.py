"""Rows of many requests are answered together, by one thread that has the model."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

logger = logging.getLogger(__name__)

Row = tuple[str, ...]
Answer = Callable[[list[Row]], list[str]]


class Busy(Exception):
    """Too many rows are waiting; `seconds` is when to try again."""

    def __init__(self, seconds: int):
        super().__init__(f"too many texts are waiting; try again in {seconds} s")
        self.seconds = seconds


class _Waiting(NamedTuple):
    rows: list[Row]
    found: asyncio.Future
    loop: asyncio.AbstractEventLoop


class Batcher:
    """Collects the rows of requests that arrive within a few milliseconds, or while others are answered.

    A request whose rows fail is answered alone, so that it spoils no other; one that nobody waits for any more, and
    that has not been begun, costs nothing.

    Args:
        answer: rows -> a line for each, in order; called in the batcher's thread only.
        most_rows: that are answered together; a request with more is answered as one.
        most_waiting: rows that may wait, those in work included.
        wait: seconds for which the first request of a batch waits for others.
        seen: is told the number of rows and of requests of each batch.
    """

    def __init__(
        self,
        answer: Answer,
        *,
        most_rows: int = 256,
        most_waiting: int = 4096,
        wait: float = 0.002,
        seen: Callable[[int, int], None] = lambda rows, requests: None,
    ):
        self.answer, self.most_rows, self.most_waiting, self.wait, self.seen = (
            answer,
            most_rows,
            most_waiting,
            wait,
            seen,
        )
        self.queue: deque[_Waiting] = deque()
        self.rows = 0  # waiting or in work
        self.speed = 0.0  # rows per second, of late
        self.changed = threading.Condition()
        self.closed = False
        self.thread = threading.Thread(target=self._work, name="model", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self.thread.start()

    def close(self) -> None:
        """Answer what waits, then end the thread."""
        with self.changed:
            self.closed = True
            self.changed.notify()
        if self.thread.is_alive():
            self.thread.join()

    @property
    def alive(self) -> bool:
        """Whether requests are answered."""
        return self.thread.is_alive() and not self.closed

    async def ask(self, rows: Sequence[Row]) -> list[str]:
        """A line for each row, in order.

        Raises:
            Busy: too many rows wait.
            Exception: what `answer` raised about these rows.
        """
        loop = asyncio.get_running_loop()
        one = _Waiting(list(rows), loop.create_future(), loop)
        if not one.rows:
            return []
        with self.changed:
            if self.rows and self.rows + len(one.rows) > self.most_waiting:
                raise Busy(max(1, round(self.rows / self.speed)) if self.speed else 1)
            self.rows += len(one.rows)
            self.queue.append(one)
            self.changed.notify()
        return await one.found

    def _work(self) -> None:
        while batch := self._collect():
            started = time.monotonic()
            wanted = [one for one in batch if not one.found.cancelled()]
            count = sum(len(one.rows) for one in batch)
            with self.changed:
                self.rows -= count - sum(len(one.rows) for one in wanted)
            self._answer(wanted)
            speed = count / max(time.monotonic() - started, 1e-6)
            self.speed = speed if not self.speed else 0.9 * self.speed + 0.1 * speed

    def _collect(self) -> list[_Waiting]:
        """The next requests; none when all are answered and the batcher is closed."""
        with self.changed:
            while not self.queue:
                if self.closed:
                    return []
                self.changed.wait()
            until = time.monotonic() + self.wait
            while sum(len(one.rows) for one in self.queue) < self.most_rows and not self.closed:
                if (left := until - time.monotonic()) <= 0 or not self.changed.wait(left):
                    break
            batch = [self.queue.popleft()]
            while self.queue and sum(len(one.rows) for one in (*batch, self.queue[0])) <= self.most_rows:
                batch.append(self.queue.popleft())
            return batch

    def _answer(self, batch: list[_Waiting]) -> None:
        if not batch:
            return
        self.seen(sum(len(one.rows) for one in batch), len(batch))
        rows = [row for one in batch for row in one.rows]
        try:
            lines = iter(self.answer(rows))
        except Exception as error:  # whatever it is, it is told to those who asked
            if len(batch) > 1:
                for one in batch:
                    self._answer([one])
                return
            logger.exception("a request with %d texts failed", len(rows))
            self._tell(batch[0], error=error)
            return
        for one in batch:
            self._tell(one, lines=[next(lines) for _ in one.rows])

    def _tell(self, one: _Waiting, *, lines: list[str] | None = None, error: Exception | None = None) -> None:
        with self.changed:  # before the answer, which may bring the next request at once
            self.rows -= len(one.rows)
        _tell(one, lines=lines, error=error)


def _tell(one: _Waiting, *, lines: list[str] | None = None, error: Exception | None = None) -> None:
    def tell():
        if one.found.done():  # nobody waits any more
            return
        if error is None:
            one.found.set_result(lines)
        else:
            one.found.set_exception(error)

    try:
        one.loop.call_soon_threadsafe(tell)
    except RuntimeError:  # the loop is closed: the server has ended
        logger.info("a request was answered after the server had ended")
