"""What a cross-validation does with the models of its folds, for each kind of task.

Each class has `kind`, see `model_kinds`; `load`, of a finder; `read(finder, rows)`, what a model says about rows, one
element a row; `answer(split, rows, outputs, train=...)`, the `Answers` from what the models say about a split;
`gold(rows, said)`, what is right, of entities with the probability that the model gives them; and `decision()`, what
the ensemble keeps. Of the training rows there is one output each, that of the model which has not
seen the row; whatever is fitted is fitted to those.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from datasets import Dataset

from ..encoding.text_inputs import label_values
from ..prediction.answer_finder import AnswerFinder
from ..prediction.cloze_entity_finder import ClozeEntityFinder
from ..prediction.entity_finder import EntityFinder
from ..prediction.label_finder import LabelFinder
from ..prediction.prediction_tasks import load_entity_finder
from ..prediction.verdict_lines import prediction_lines
from ..reading.readers_qa import has_unanswerable, is_labelled
from ..scoring.answer_evaluator import AnswerScorer
from ..scoring.entity_evaluator import score_entities
from ..scoring.joint_answers import AnswerChances, rank_together
from ..scoring.joint_decisions import CharacterTags, join_entities, span_chance, tune_minimum
from ..scoring.score_names import OUT_OF_FOLD
from .answer_tasks import answer_questions
from .answers import Answers
from .entity_tasks import answer_entities


class CrossedClasses:
    """Classes, several labels or scores of texts.

    Args:
        task: `TextClasses`, `QuestionClasses` or `TextScores`, without splits.
        label2id: id of each class; None for scores.
    """

    kind = "classes"
    load = LabelFinder.load

    def __init__(self, task, label2id: dict[str, int] | None):
        self.task, self.label2id = task, label2id
        task.tuned_on = OUT_OF_FOLD

    def read(self, finder: LabelFinder, rows: Dataset) -> np.ndarray:
        """(rows, num_labels) logits."""
        return finder.logits(rows["text"][:], rows["text_pair"][:] if "text_pair" in rows.column_names else None)

    def answer(self, split: str, rows: Dataset, outputs: Sequence[Sequence], *, train: Dataset | None) -> Answers:
        """The answers for a split; of the training rows with the probabilities of all classes."""
        labels = {"labels": label_values(rows[:], self.label2id)} if {"label", "labels"} & set(rows.features) else {}
        self.task.evaluators[split] = self.task.watch(Dataset.from_dict({"index": range(len(rows)), **labels}))
        logits = [np.asarray(each, dtype=np.float64) for each in outputs]
        joined = logits[0] if split == OUT_OF_FOLD else self.task.rule.combine(logits)
        answers = self.task.answer(split, rows, self.task.decode(split, joined), scores={}, train=train)
        if split != OUT_OF_FOLD:
            return answers
        rule = self.task.rule
        return answers._replace(lines=prediction_lines(rule, rows, rule.verdicts(joined), top_k=len(rule.labels)))

    def gold(self, rows: Dataset, said: Sequence) -> list:
        """The label of each row, or its labels."""
        return rows["labels" if "labels" in rows.features else "label"][:]

    def decision(self) -> dict[str, Any]:
        """The fitted rule."""
        return self.task.decision().get("decision", {})


class CrossedEntities:
    """Entities of texts.

    Args:
        types: sorted.
    """

    kind = "entities"
    load = staticmethod(load_entity_finder)

    def __init__(self, types: Sequence[str]):
        self.types, self.nested, self.fitted = types, False, {}

    def read(self, finder: EntityFinder | ClozeEntityFinder, rows: Dataset) -> list:
        """Of each text the probabilities of its characters' tags; of a model without tags, the entities.

        Those that are joined may overlap if a model's may, as in the ensemble that is left.
        """
        self.nested = self.nested or finder.nested
        texts = rows["text"][:]
        if finder.tagged:
            return finder.character_tags(texts, self.types)
        return finder.find(texts, rows["candidates"][:]) if "candidates" in rows.features else finder.find(texts)

    def answer(self, split: str, rows: Dataset, outputs: Sequence[Sequence], *, train: Dataset | None) -> Answers:
        """The answers for a split; first, where members vote, the minimum is fitted to the training rows.

        Where all that single models find is worth keeping, their scores do not tell the least score of a vote. The
        best one for F1 is then half of F1 itself (Lipton, Elkan and Naryanaswamy, 2014).
        """
        joining = {"types": self.types, "nested": self.nested}
        if split == OUT_OF_FOLD and outputs[0] and isinstance(outputs[0][0], list):
            self.fitted = {"minimum": tune_minimum(outputs[0], rows["entities"][:])}
        found = join_entities(outputs, **joining, minimum=self.fitted.get("minimum", 0.0))
        scores = score_entities(found, rows)
        table = scores.pop("table")
        if split == OUT_OF_FOLD and self.fitted.get("minimum") == 0:
            self.fitted = {"minimum": scores["f1"] / 2}
        return answer_entities(split, rows, found, table=table, scores=scores, train=train)._replace(scores=scores)

    def gold(self, rows: Dataset, said: Sequence) -> list[list[dict]]:
        """The entities of each row, with the model's `score`: 0 of what a model without tags does not find."""
        number = {kind: i for i, kind in enumerate(self.types)}

        def chance(one: dict, model) -> float:
            span = one["start"], one["end"], one["label"]
            if isinstance(model, CharacterTags):
                return span_chance(model, *span[:2], number[span[2]])
            return max((other.score for other in model if other[:3] == span), default=0.0)

        return [
            [one | {"score": round(chance(one, model), 4)} for one in entities]
            for entities, model in zip(rows["entities"][:], said, strict=True)
        ]

    def decision(self) -> dict[str, Any]:
        """The minimum, if members vote."""
        return self.fitted


class CrossedAnswers:
    """Answers to questions about passages.

    Args:
        language: of the scores, `zh` or `en`.
        n_best: answers written for each question.
        null_threshold: as told by the user; None to fit it where some questions have no answer.
    """

    kind = "answers"
    load = AnswerFinder.load

    def __init__(self, *, language: str, n_best: int, null_threshold: float | None):
        self.language, self.n_best, self.null_threshold = language, n_best, null_threshold

    def read(self, finder: AnswerFinder, rows: Dataset) -> list[AnswerChances]:
        """How probable each place is as the start and as the end of the answer to each question."""
        return finder.chances(rows["question"][:], rows["context"][:])

    def answer(self, split: str, rows: Dataset, outputs: Sequence[Sequence], *, train: Dataset | None) -> Answers:
        """The answers for a split; the threshold for no answer is fitted to the training rows."""
        rankings = [rank_together(members) for members in zip(*outputs, strict=True)]
        tune = split == OUT_OF_FOLD and self.null_threshold is None and has_unanswerable(rows)
        scorer = AnswerScorer(rows, language=self.language, null_threshold=self.null_threshold, tune=tune)
        labelled = is_labelled(rows)
        scores = scorer.score(rankings) if labelled else {}
        self.null_threshold = scorer.null_threshold
        found = scorer.choose(rankings, n_best=self.n_best)
        known = {"scores": scores, "n_best": self.n_best}
        return answer_questions(split, rows, found, scorer if labelled else None, **known)._replace(scores=scores)

    def gold(self, rows: Dataset, said: Sequence) -> list[dict]:
        """The answers to each question."""
        return rows["answers"][:]

    def decision(self) -> dict[str, Any]:
        """The threshold for no answer."""
        return {"null_threshold": self.null_threshold}
