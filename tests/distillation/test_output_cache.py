"""What a teacher said is kept on the disk: read once, found by content, whole after a kill."""

import os
import pickle

import numpy as np
import pytest

from utils.distillation.output_cache import INDEX, NUMBERS, PLACE, OutputCache

TEXTS = [("北京",), ("上海", "广州"), ("",), ("深圳",)]


def numbers_of(text):
    return np.arange(sum(map(len, text)), dtype=np.float16) + 0.5


class Reader:
    def __init__(self, fails_after=None):
        self.seen, self.fails_after = [], fails_after

    def __call__(self, texts):
        for text in texts:
            if self.fails_after is not None and len(self.seen) >= self.fails_after:
                raise KeyboardInterrupt
            self.seen.append(text)
        return [numbers_of(text) for text in texts]


@pytest.fixture
def cache(tmp_path):
    return OutputCache(tmp_path / "cache", np.dtype("<f2"))


def check(cache, texts):
    for text, found in zip(texts, cache.find(texts), strict=True):
        assert found.tolist() == numbers_of(text).tolist()


def test_each_text_is_read_once_and_found_in_any_order(cache):
    reader, told = Reader(), []
    assert cache.fill([*TEXTS, TEXTS[0]], reader, told=told.append) == 4
    assert sorted(reader.seen) == sorted(TEXTS) and told == [4]
    check(cache, [TEXTS[3], TEXTS[0], TEXTS[0], TEXTS[2], TEXTS[1]])
    again = OutputCache(cache.folder, cache.dtype)
    assert again.fill([*TEXTS, ("广州",)], reader) == 1 and reader.seen[4:] == [("广州",)]
    check(again, [("广州",), *TEXTS])


def test_pair_is_not_the_text_that_it_makes_together(cache):
    cache.fill(
        [("ab", "c"), ("a", "bc"), ("abc",)], lambda texts: [np.array([i], np.float16) for i, _ in enumerate(texts)]
    )
    assert [each[0] for each in cache.find([("abc",), ("a", "bc"), ("ab", "c")])] == [2, 1, 0]


def test_killed_reading_goes_on_where_it_stopped(cache, monkeypatch):
    monkeypatch.setattr("utils.distillation.output_cache.CHUNK", 1)
    with pytest.raises(KeyboardInterrupt):
        cache.fill(TEXTS, Reader(fails_after=2))
    reader = Reader()
    assert cache.fill(TEXTS, reader) == 2 and reader.seen == TEXTS[2:]
    check(cache, TEXTS)


@pytest.mark.parametrize("torn", ["numbers without a place", "half a place", "a place without numbers"])
def test_what_a_kill_leaves_half_written_is_written_again(cache, torn):
    cache.fill(TEXTS[:2], Reader())
    numbers, index = cache.folder / NUMBERS, cache.folder / INDEX
    if torn == "numbers without a place":
        numbers.write_bytes(numbers.read_bytes() + b"abc")
    elif torn == "half a place":
        index.write_bytes(index.read_bytes() + b"a" * (PLACE.itemsize // 2))
    else:
        os.truncate(numbers, numbers.stat().st_size - 1)
    reader = Reader()
    cache.fill(TEXTS, reader)
    assert reader.seen == TEXTS[(1 if torn == "a place without numbers" else 2) :]
    check(cache, TEXTS)


def test_outputs_are_read_in_another_process_too(cache):
    cache.fill(TEXTS, Reader())
    found = cache.find(TEXTS)
    assert found[1].tolist() == numbers_of(TEXTS[1]).tolist()
    assert pickle.loads(pickle.dumps(found))[3].tolist() == numbers_of(TEXTS[3]).tolist()


def test_cache_of_empty_outputs_can_be_read(cache):
    cache.fill([("",)], Reader())
    assert cache.find([("",)])[0].tolist() == []
