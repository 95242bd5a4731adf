"""Two processes do what one does: the same losses, every row exactly once, files by the first process alone."""

import json
import math

import pytest

from tests.processes.jobs import COUNTS, HEADS, PREDICTING, STEPS, losses_of

pytestmark = pytest.mark.long


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def read_predictions(folder):
    return [json.loads(line) for line in (folder / "predictions.jsonl").read_text(encoding="utf-8").splitlines()]


def same(one, other, tolerance=1e-6):
    """Equal, numbers up to the tolerance."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key], tolerance) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(lambda a, b: same(a, b, tolerance), one, other))
    if isinstance(one, float):
        return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)  # a float32 has seven digits
    return one == other


def test_the_world_is_two_processes_and_no_job_failed(pair):
    ended, _ = pair
    assert [each["world_size"] for each in ended] == [2, 2]
    for each in ended:
        assert len(each["ended"]) == len(HEADS) + len(PREDICTING) * len(COUNTS)
        assert [one for one in each["ended"] if not isinstance(one, dict)] == []


@pytest.mark.parametrize("head", HEADS)
def test_two_processes_learn_as_one_with_twice_the_batch(pair, alone, head):
    _, two = pair
    found, wanted = losses_of(two / head), losses_of(alone / head)
    assert len(wanted) == STEPS and len(set(wanted)) > STEPS / 2
    assert found == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("head", PREDICTING)
def test_every_row_is_scored_exactly_once(pair, alone, head, count):
    _, two = pair
    found, wanted = (read_json(folder / f"{head}-{count}" / "all_results.json") for folder in (two, alone))
    apart = ["_runtime", "_per_second", "_time"]
    if head != "masked":
        apart.append("eval_loss")  # Trainer's mean over batches; the rows fall into others here
    scores = [name for name in wanted if name.startswith(("eval_", "test_")) and not name.endswith(tuple(apart))]
    found, wanted = ({name: each[name] for name in scores} for each in (found, wanted))
    assert len(wanted) > 1
    assert same(found, wanted), (found, wanted)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("head", [head for head in PREDICTING if head != "masked"])
def test_every_row_is_predicted_exactly_once(pair, alone, head, count):
    _, two = pair
    found, wanted = (read_predictions(folder / f"{head}-{count}") for folder in (two, alone))
    assert len(found) == count and len({row["id"] for row in found}) == count
    assert same(found, wanted)


def test_only_the_first_process_writes(pair):
    ended, _ = pair
    first, second = (set(each["written"]) for each in ended)
    assert len(first) > 100 and "crf-7/.unfinished-" in " ".join(first)
    assert second == set()
