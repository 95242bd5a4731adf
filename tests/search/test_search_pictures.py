"""Pictures of a search are drawn, whatever its trials came to."""

from io import BytesIO

import optuna
import pytest
from optuna.trial import TrialState
from PIL import Image

from utils.search import search_pictures, search_table, spaces
from utils.search.score_choice import ChosenScore

PAINTERS = (search_pictures.draw_history, search_pictures.draw_settings, search_pictures.draw_importance)


@pytest.fixture
def study(tmp_path):
    """Twelve trials: complete, stopped early, failed; and the space that they are drawn from."""
    (tmp_path / "space.yaml").write_text(
        "rate: {log: [1e-5, 1e-3]}\nhead: [crf, a_long_name_of_a_head]\nepochs: {int: [2, 6], when: {head: crf}}\n"
    )
    space = spaces.read_space(str(tmp_path / "space.yaml"))
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    for number in range(12):
        trial = study.ask()
        drawn = space.draw(trial)
        trial.report(0.3, 1)
        score = 0.5 + 200 * drawn["rate"]
        if number % 4 == 3:
            study.tell(trial, state=TrialState.PRUNED if number < 6 else TrialState.FAIL)
        else:
            study.tell(trial, score)
    return study, space


def test_pictures_are_drawn(study):
    study, space = study
    finals = {43: {"eval_f1": 0.6}, 44: {"eval_f1": 0.62}}
    result = search_table.Result(ChosenScore(["f1"], False, True), study.best_trial, finals)
    weights = search_pictures.weigh_settings(study)
    assert sum(weights.values()) == pytest.approx(1) and max(weights, key=weights.get) == "rate"
    history, settings, importance = PAINTERS
    drawn = [
        history(study.trials, "f1", lower_is_better=False, result=result),
        settings(study.trials, "f1", space, best=study.best_trial),
        importance(weights, trials=9),
    ]
    for content in drawn:
        picture = Image.open(BytesIO(content)).convert("L")
        assert picture.width > 900 and picture.getextrema() == (0, 255)


def test_importance_of_few_or_equal_trials_is_not_computed():
    study = optuna.create_study()
    for _ in range(5):
        assert search_pictures.weigh_settings(study) == {}
        trial = study.ask()
        trial.suggest_float("rate", 0, 1)
        study.tell(trial, 0.5)
