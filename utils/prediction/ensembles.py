"""Several trained models of one task that answer together, each as a finder like that of one.

Their encoders may differ. A member may be an ensemble itself, and counts as much as each of the others. Each class
takes `decision`, see `ensemble_files`.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..data.errors import DataError
from ..modeling.joined_windows import Entity
from ..scoring.answer_ranking import Answer
from ..scoring.decisions import DecisionRule, Verdict
from ..scoring.joint_answers import AnswerChances, mean_chances, rank_together
from ..scoring.joint_decisions import CharacterTags, join_entities, mean_tags
from .answer_finder import AnswerFinder
from .ensemble_files import read_ensemble
from .entity_finder import EntityFinder
from .label_finder import LabelFinder

HALF = 0.5  # least score of a span, and least probability of a label, if nothing was fitted


class LabelEnsemble:
    """Classes, by the mean of the members' probabilities; scores, by their mean.

    Args:
        members: with the same labels, in any order.
        decision: fields of a `DecisionRule` for all members. If empty, each has its own temperature, and thresholds
            are the means of theirs.

    Attributes:
        rule: the ensemble's.
        encoder, reading: of the first member; they say how inputs are read.
    """

    def __init__(self, members: Sequence[LabelFinder], decision: dict[str, Any]):
        _agree(members, "kind of prediction", lambda one: one.rule.problem_type)
        _agree(members, "set of labels", lambda one: ", ".join(sorted(one.rule.labels)))
        _agree(members, "kind of input", lambda one: "pairs" if one.encoder.pair else "single texts")
        first = next((one for one in members if one.reading), members[0])  # n-grams remember none
        self.members, self.encoder, self.reading = members, first.encoder, first.reading
        self.rule, self.scales = first.rule, [1.0] * len(members)
        if isinstance(self.rule, DecisionRule) and decision:
            self.rule = DecisionRule(first.rule.labels, first.rule.multi_label, **decision)
        elif isinstance(self.rule, DecisionRule):
            self.scales = [one.rule.temperature for one in members]
            self.rule = replace(self.rule, temperature=1.0, **_mean_limits([one.rule for one in members], first.rule))
        self.columns = [[one.rule.labels.index(label) for label in self.rule.labels] for one in members]

    def logits(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> np.ndarray:
        """(texts, num_labels) float64, in order, see `Rule.combine`."""
        members = zip(self.members, self.columns, self.scales, strict=True)
        return self.rule.combine([one.logits(texts, pairs)[:, columns] / scale for one, columns, scale in members])

    def find(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> list[Verdict] | list[float]:
        """The verdict on each text, or pair, in order; for a regression its score."""
        return list(self.rule.verdicts(self.logits(texts, pairs)))


class EntityEnsemble:
    """Entities: taggers by the mean probability of each character's tags, others by votes.

    Args:
        members: with the same types.
        decision: `minimum`, of a span's score, see `joint_decisions.vote`.
    """

    def __init__(self, members: Sequence[EntityFinder], decision: dict[str, Any]):
        _agree(members, "set of types", lambda one: ", ".join(one.types))
        self.members, self.types = members, members[0].types
        self.minimum, self.nested = decision.get("minimum", HALF), any(one.nested for one in members)
        self.tagged = all(one.tagged for one in members)
        self.takes_spans = all(one.takes_spans for one in members)

    def find(self, texts: Sequence[str], *candidates: Sequence) -> list[list[Entity]]:
        """The entities of each text, in order; members that take them are given `candidates`, as one by itself is."""
        joining = {"types": self.types, "minimum": self.minimum, "nested": self.nested}
        tagged = self.tagged
        read = [
            one.character_tags(texts, self.types) if tagged else one.find(texts, *candidates) for one in self.members
        ]
        return join_entities(read, **joining)

    def character_tags(self, texts: Sequence[str], types: Sequence[str]) -> list[CharacterTags]:
        """The mean of what the members say, see `EntityFinder.character_tags`; of taggers only."""
        return list(map(mean_tags, zip(*(one.character_tags(texts, types) for one in self.members), strict=True)))


class AnswerEnsemble:
    """Answers, by the mean probability of each place of the passage as start and as end.

    Args:
        members: any.
        decision: `null_threshold`; None: a question is left unanswered only where there is no span at all.

    Attributes:
        n_best: answers per question.
    """

    def __init__(self, members: Sequence[AnswerFinder], decision: dict[str, Any]):
        self.members, self.n_best = members, 1
        thresholds = [one.null_threshold for one in members]
        usual = None if None in thresholds else float(np.mean(thresholds))
        self.null_threshold: float | None = decision.get("null_threshold", usual)

    def chances(self, questions: Sequence[str], contexts: Sequence[str]) -> list[AnswerChances]:
        """The mean of what the members say, see `AnswerFinder.chances`."""
        return list(map(mean_chances, zip(*(one.chances(questions, contexts) for one in self.members), strict=True)))

    def find(self, questions: Sequence[str], contexts: Sequence[str]) -> list[list[Answer]]:
        """The `n_best` answers to each question, the chosen one first; empty text where the passage has no answer."""
        asked = zip(*(one.chances(questions, contexts) for one in self.members), contexts, strict=True)
        choosing = {"null_threshold": self.null_threshold, "n_best": self.n_best}
        return [rank_together(chances).answers(context, **choosing) for *chances, context in asked]


ENSEMBLES = {"classes": LabelEnsemble, "entities": EntityEnsemble, "answers": AnswerEnsemble}


def load_ensemble(
    ensemble: Mapping[str, Any], *, kind: str, load: Callable[..., Any], inside: tuple[str, ...] = (), **loading
):
    """Load the members, and let them answer together.

    Args:
        ensemble: `members`, folders or Hub ids, and perhaps `decision`, see `read_ensemble`.
        kind: of all of them, see `model_kinds`.
        load: of a finder.
        inside: the ensembles that it is a member of.
        **loading: see the finders' `load`.

    Raises:
        OSError: there is no such model.
        DataError: a member is of another kind, or predicts other things than the first.
    """

    def load_member(name: str):
        inner = read_ensemble(name)
        if inner is None:
            return load(name, **loading)
        if (here := os.path.realpath(name)) in inside:
            raise DataError(f"{name}: expected an ensemble of other folders, found itself among its members")
        return load_ensemble(inner, kind=kind, load=load, inside=(*inside, here), **loading)

    return ENSEMBLES[kind]([load_member(name) for name in ensemble["members"]], ensemble.get("decision") or {})


def _agree(members: Sequence, what: str, look: Callable[[Any], str]) -> None:
    """Refuse members that differ in what they predict."""
    first, *others = map(look, members)
    for found in others:
        if found != first:
            raise DataError(
                f"expected members of one {what}, found {first} in the first and {found} in another; an ensemble has "
                "one task"
            )


def _mean_limits(rules: Sequence[DecisionRule], like: DecisionRule) -> dict[str, Any]:
    """Positive class, thresholds and abstention of several rules, as means, for the labels of the rule `like`."""
    positive = next((rule.labels[rule.positive] for rule in (like, *rules) if rule.positive is not None), None)
    if like.multi_label:
        each = [[_limit(rule, label) for label in like.labels] for rule in rules]
    else:
        each = [[_limit(rule, positive)] for rule in rules if positive is not None]
    told = any(rule.thresholds for rule in rules) and each
    return {
        "positive": None if positive is None else like.labels.index(positive),
        "thresholds": np.mean(each, axis=0).tolist() if told else (),
        "abstain_below": float(np.mean([rule.abstain_below for rule in rules])),
    }


def _limit(rule: DecisionRule, label: str) -> float:
    """The probability from which on a rule gives a label, one of several or of two."""
    if not rule.thresholds or (not rule.multi_label and rule.positive is None):
        return HALF
    if rule.multi_label:
        return rule.thresholds[rule.labels.index(label)]
    own = rule.labels[rule.positive] == label
    return rule.thresholds[0] if own else 1 - rule.thresholds[0]
