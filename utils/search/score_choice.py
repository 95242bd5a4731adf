"""The score by which the trials of a search are compared."""

import difflib
from collections.abc import Collection, Sequence
from typing import NamedTuple

from ..data.errors import ArgumentError
from ..scoring.score_names import SCORES, describe_score, scores_of

_SCORED = {  # script -> what it scores, see `Score.of`
    "run_ner.py": "entities",
    "run_classification.py": "classes scores",
    "run_qa_cls.py": "classes ranks",
    "run_qa_span.py": "answers chinese_answers mixed_answers",
    "run_prompt.py": "classes entities",
    "run_mlm.py": "words",
}
_OWN_LOSS = {  # settings with each of whose values another loss is meant
    *("head", "loss", "class_weights", "label_smoothing_factor", "focal_gamma", "logit_adjustment"),
    *("masking", "mlm_probability", "mlm_weight", "max_length", "teacher_weight", "teacher_temperature"),
}
_USUAL = {"run_mlm.py": ("loss",), "run_classification.py": ("f1", "pearson")}  # of a regression, Pearson's


class ChosenScore(NamedTuple):
    """The score of trials.

    Attributes:
        names: without `eval_`; the first one that a run has counts.
        lower_is_better: whether trials with a lower score are better.
        share: whether it lies between 0 and 1.
    """

    names: Sequence[str]
    lower_is_better: bool
    share: bool


def choose_score(script: str, *, asked: str | None, chosen: str | None, varied: Collection[str] = ()) -> ChosenScore:
    """The score that a search goes by.

    Args:
        script: name of the script.
        asked: `--metric` of the search.
        chosen: `metric_for_best_model` of the base.
        varied: the settings that are searched.

    Returns:
        That of `asked`, else `chosen`, else what the script chooses its best epoch by.

    Raises:
        ArgumentError: the script does not compute it, both are given and differ, or it is the loss, to which settings
            that are searched give another meaning.
    """
    asked, chosen = (name and name.removeprefix("eval_") for name in (asked, chosen))
    if asked and chosen and asked != chosen:
        raise ArgumentError(
            f"--metric {asked}: expected the score by which the best epoch is chosen, metric_for_best_model {chosen}, "
            "so that both mean the same; leave one of them out"
        )
    names = (asked or chosen,) if asked or chosen else _USUAL.get(script, ("f1",))
    kinds = _SCORED.get(script)
    known = [*SCORES] if kinds is None else ["loss", *(name for kind in kinds.split() for name in scores_of(kind))]
    if names[0] not in known:
        near = difflib.get_close_matches(names[0], known, n=1, cutoff=0.5)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise ArgumentError(
            f"--metric {names[0]}: expected a score of {script}: {', '.join(dict.fromkeys(known))}{meant}"
        )
    if names[0] == "loss" and (units := sorted(_OWN_LOSS & set(varied))):
        raise ArgumentError(
            f"trials are compared by their loss, which is another one with each {units[0]}; give --metric another "
            f"score, or take {', '.join(units)} out of what is searched"
        )
    facts = describe_score(names[0])
    return ChosenScore(names, facts.lower_is_better, facts.share)
