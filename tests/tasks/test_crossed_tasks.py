"""What a cross-validation fits for its ensemble."""

from types import SimpleNamespace

import pytest
from datasets import Dataset

from utils.modeling.joined_windows import Entity
from utils.prediction.ensembles import EntityEnsemble
from utils.scoring.score_names import OUT_OF_FOLD
from utils.tasks.crossed_tasks import CrossedEntities

NAME = {"start": 0, "end": 2, "label": "name"}


@pytest.mark.parametrize(
    "found, minimum",
    [
        ([[Entity(0, 2, "name", 0.9)], []], 1 / 3),  # all is worth keeping: half of F1, 2 * 1 / (1 + 2)
        ([[Entity(0, 2, "name", 0.9), Entity(2, 3, "name", 0.5)], [Entity(1, 2, "name", 0.3)]], 0.7),
    ],
)
def test_least_score_of_a_vote_is_fitted_to_unseen_rows(found, minimum):
    rows = Dataset.from_dict({"id": ["0", "1"], "text": ["张伟在", "李娜去"], "entities": [[NAME], [NAME]]})
    crossed = CrossedEntities(["name"])
    answers = crossed.answer(OUT_OF_FOLD, rows, [found], train=None)
    assert crossed.decision()["minimum"] == pytest.approx(minimum)
    assert answers.scores["f1"] == pytest.approx(2 / 3)
    [told] = [crossed.gold(rows, found)]
    assert [one["score"] for each in told for one in each] == [0.9, 0.0]
    # of five members, the fitted minimum asks for two that are sure, or for four
    votes = [[[Entity(0, 2, "name", 0.95)] if i < 2 else []] for i in range(5)]
    kept = crossed.answer("validation", rows.select([0]), votes, train=None).scores["f1"]
    assert kept == (1.0 if minimum < 0.38 else 0.0)


@pytest.mark.parametrize("nested", [False, True])
def test_entities_overlap_in_the_scores_if_they_do_in_the_ensemble(nested):
    """As those of its members do, whatever the head could find."""
    rows = Dataset.from_dict({"id": ["0"], "text": ["张伟在"], "entities": [[NAME]]})
    spans = [Entity(0, 2, "name", 0.9), Entity(0, 1, "name", 0.8)]
    member = SimpleNamespace(nested=nested, tagged=False, takes_spans=False, find=lambda texts: [spans])
    crossed = CrossedEntities(["name"])
    crossed.fitted = {"minimum": 0.5}
    answers = crossed.answer("validation", rows, [crossed.read(member, rows)] * 2, train=None)
    found = EntityEnsemble([SimpleNamespace(**vars(member), types=["name"])] * 2, crossed.decision()).find(["张伟在"])
    assert len(found[0]) == 1 + nested
    assert answers.scores["precision"] == 1 / len(found[0])
