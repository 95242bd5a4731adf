"""Requests that arrive together are answered together, each by its own lines, whatever becomes of the others."""

import asyncio
import threading

import pytest

from utils.serving.batcher import Batcher, Busy


class Model:
    """Answers rows by their text in capitals; keeps what it was given together, and can be held up."""

    def __init__(self):
        self.batches, self.free = [], threading.Event()
        self.free.set()
        self.begun = threading.Event()

    def __call__(self, rows):
        self.begun.set()
        self.free.wait(10)
        self.batches.append([row[0] for row in rows])
        if any(row[0] == "bad" for row in rows):
            raise ValueError("expected no bad text")
        return [row[0].upper() for row in rows]


def run(scenario, **options):
    """Run a scenario, a coroutine function of batcher and model."""
    model = Model()

    async def whole():
        batcher = Batcher(model, **options)
        batcher.start()
        try:
            return await asyncio.wait_for(scenario(batcher, model), 20)
        finally:
            model.free.set()
            batcher.close()
            assert batcher.rows == 0 and not batcher.alive

    return asyncio.run(whole()), model


def test_waiting_requests_are_answered_together():
    async def scenario(batcher, model):
        model.free.clear()
        first = asyncio.ensure_future(batcher.ask([("a",)]))
        await asyncio.to_thread(model.begun.wait, 10)
        rest = [asyncio.ensure_future(batcher.ask([(name,), (name * 2,)])) for name in "bcd"]
        await asyncio.sleep(0.05)
        model.free.set()
        return [await first, *[await each for each in rest]]

    found, model = run(scenario, wait=0)
    assert found == [["A"], ["B", "BB"], ["C", "CC"], ["D", "DD"]]
    assert model.batches == [["a"], ["b", "bb", "c", "cc", "d", "dd"]]


def test_requests_of_a_few_milliseconds_share_a_batch_of_limited_size():
    async def scenario(batcher, model):
        return await asyncio.gather(*(batcher.ask([(name,)]) for name in "abcde"))

    found, model = run(scenario, wait=0.5, most_rows=3)
    assert found == [[name] for name in "ABCDE"]
    assert model.batches[0] == ["a", "b", "c"]


def test_request_larger_than_a_batch_is_answered():
    async def scenario(batcher, model):
        return await batcher.ask([(str(i),) for i in range(10)])

    found, model = run(scenario, most_rows=3, wait=0)
    assert found == list(map(str, range(10))) and len(model.batches) == 1


def test_no_rows_give_no_lines():
    async def scenario(batcher, model):
        return await batcher.ask([])

    assert run(scenario)[0] == []


def test_error_in_one_request_spoils_no_other():
    async def scenario(batcher, model):
        asked = [batcher.ask([(name,)]) for name in ("a", "bad", "b")]
        return await asyncio.gather(*asked, return_exceptions=True)

    (one, error, other), model = run(scenario, wait=0.3)
    assert (one, other) == (["A"], ["B"])
    assert isinstance(error, ValueError) and "no bad text" in str(error)
    assert model.batches == [["a", "bad", "b"], ["a"], ["bad"], ["b"]]


def test_request_that_nobody_waits_for_is_not_answered():
    async def scenario(batcher, model):
        model.free.clear()
        first = asyncio.ensure_future(batcher.ask([("a",)]))
        await asyncio.to_thread(model.begun.wait, 10)
        gone, kept = (asyncio.ensure_future(batcher.ask([(name,)])) for name in ("gone", "kept"))
        await asyncio.sleep(0.01)
        gone.cancel()
        await asyncio.sleep(0.01)
        model.free.set()
        return await first, await kept

    found, model = run(scenario, wait=0)
    assert found == (["A"], ["KEPT"])
    assert model.batches == [["a"], ["kept"]]


def test_full_queue_says_when_to_come_again():
    async def scenario(batcher, model):
        assert await batcher.ask([("x",)] * 9) == ["X"] * 9  # more than may wait, but nothing waits
        model.free.clear()
        waiting = [asyncio.ensure_future(batcher.ask([(name,)])) for name in "abc"]
        await asyncio.sleep(0.05)
        with pytest.raises(Busy, match="too many texts are waiting; try again in 1 s") as error:
            await batcher.ask([("d",)])
        assert error.value.seconds == 1
        model.free.set()
        await asyncio.gather(*waiting)
        return await batcher.ask([("d",)])

    assert run(scenario, most_waiting=3, wait=0)[0] == ["D"]


def test_who_has_an_answer_waits_no_more():
    async def scenario(batcher, model):
        left = []
        for _ in range(300):
            await batcher.ask([("x",)])
            left.append(batcher.rows)
        return left

    assert run(scenario, wait=0)[0] == [0] * 300


def test_closing_answers_what_waits():
    async def scenario(batcher, model):
        model.free.clear()
        asked = [asyncio.ensure_future(batcher.ask([(name,)])) for name in "abc"]
        await asyncio.sleep(0.05)
        closing = asyncio.ensure_future(asyncio.to_thread(batcher.close))
        await asyncio.sleep(0.05)
        model.free.set()
        await closing
        return await asyncio.gather(*asked)

    assert run(scenario, wait=0, most_rows=1)[0] == [["A"], ["B"], ["C"]]
