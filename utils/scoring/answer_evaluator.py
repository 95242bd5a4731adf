"""Start and end scores of windows -> answers to questions -> scores over the full gold."""

import bisect
import itertools
import math
from collections.abc import Sequence

import numpy as np
from datasets import Dataset
from transformers import EvalPrediction

from ..modeling.joined_windows import group_windows
from .answer_metrics import CmrcScores, SquadScores
from .answer_ranking import Answer, Ranking, find_candidates, rank
from .example_counts import count_answers
from .score_names import plain_name, scores_of

COLUMNS = ["first", "starts", "ends", "text_index", "window"]


class AnswerScorer:
    """Scores the answers to the questions of a split.

    Args:
        dataset: the split's rows (`question`, `context`, `answers`).
        language: `zh` for the measure of CMRC 2018, `en` for SQuAD's.
        null_threshold: score of no answer minus score of the best answer above which a question is left unanswered;
            None: all are answered.
        tune: at each `score`, find the threshold with the highest F1 and score with it.

    Attributes:
        null_threshold: if tuned, the one that the last `score` found.
        scores: names of the scores that `score` returns.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        language: str,
        null_threshold: float | None = None,
        tune: bool = False,
    ):
        self.dataset, self.null_threshold, self.tune = dataset, null_threshold, tune
        self.measure = (CmrcScores if language == "zh" else SquadScores)(keep_in_memory=True)
        self.gold = [(each or {}).get("text") or [] for each in dataset["answers"][:]]
        self.mixed = not all(self.gold)
        self.scores = scores_of("answers") + (scores_of("chinese_answers") if language == "zh" else ())
        self.scores += scores_of("mixed_answers") if self.mixed else ()

    def choose(self, rankings: Sequence[Ranking], *, n_best: int = 1) -> list[list[Answer]]:
        """The best answers to each question of the dataset, with the threshold of the last `score`."""
        return [
            ranking.answers(context, null_threshold=self.null_threshold, n_best=n_best)
            for ranking, context in zip(rankings, self.dataset["context"][:], strict=True)
        ]

    def counts(self, answers: Sequence[Sequence[Answer]]) -> dict:
        """What each question adds to the scores, see `example_counts`.

        Args:
            answers: the answers to each question, the best first.
        """
        pairs = [
            self.measure.score(found[0].text, known, has_unanswerable=self.mixed)
            for found, known in zip(answers, self.gold, strict=True)
        ]
        exact, f1 = ([getattr(pair, name) for pair in pairs] for name in ("exact_match", "f1"))
        return count_answers(self.dataset, exact, f1)

    def score(self, rankings: Sequence[Ranking]) -> dict[str, float]:
        """Scores (0-1) of the best spans of each question."""
        contexts = self.dataset["context"][:]
        given = {
            "predictions": [
                {"text": context[slice(*ranking.spans[0])] if ranking.spans else "", "null_odds": ranking.null_odds}
                for ranking, context in zip(rankings, contexts, strict=True)
            ],
            "references": self.gold,
        }
        if not self.tune:
            return self.measure.compute(**given, threshold=self.null_threshold)
        # The measure's own search finds the odds of a question. The threshold is half way to the next ones, so that
        # another batch or a graph does not answer otherwise; or below these, as several questions may have them; or
        # below all, where none is answered.
        odds = sorted({ranking.null_odds for ranking in rankings if math.isfinite(ranking.null_odds)}) or [0.0]
        found = self.measure.compute(**given).get("best_f1_threshold", odds[-1])
        cuts = [odds[0] - 1, *((low + high) / 2 for low, high in itertools.pairwise(odds)), odds[-1] + 1]
        place = bisect.bisect_left(odds, found)
        chosen = dict.fromkeys([cuts[min(place + 1, len(odds))], cuts[min(place, len(odds))], cuts[0]])
        tried = {threshold: self.measure.compute(**given, threshold=threshold) for threshold in chosen}
        self.null_threshold = max(tried, key=lambda threshold: tried[threshold]["f1"])
        return tried[self.null_threshold]

    def describe(self, scores: dict[str, float]) -> str:
        """One line for the log; names of scores may start with `eval_` or `test_`."""
        names = ("exact_match", "f1", "average", "has_answer_f1", "no_answer_f1")
        plain = {plain_name(name): value for name, value in scores.items()}
        shown = [f"{name.replace('_', ' ')} {plain[name]:.4f}" for name in names if name in plain]
        if self.null_threshold is not None:
            shown.append(f"no answer above odds of {self.null_threshold:.4f}")
        return ", ".join(shown)


class AnswerEvaluator(AnswerScorer):
    """Scores a split from start and end scores; a `compute_metrics` for `Trainer`.

    Args:
        dataset: the split's rows.
        encoded: its windows, in the order in which the trainer sees them.
        max_answer_length: longest answer in sub-tokens.
        **scoring: see `AnswerScorer`.
    """

    def __init__(self, dataset: Dataset, encoded: Dataset, *, max_answer_length: int, **scoring):
        super().__init__(dataset, **scoring)
        self.max_answer_length = max_answer_length
        self.rows = list(encoded.select_columns(COLUMNS).with_format("numpy"))
        self.windows = group_windows(self.rows, len(dataset))

    def rankings(self, outputs: tuple[np.ndarray, np.ndarray]) -> list[Ranking]:
        """The best spans of each question over all its windows, in the order of the dataset.

        Args:
            outputs: start and end scores, (windows, length) each; padding is ignored.
        """
        candidates = [
            find_candidates(row, start, end, max_answer_length=self.max_answer_length)
            for row, start, end in zip(self.rows, *outputs[:2], strict=True)
        ]
        return [rank(candidates[i] for i in indices) for indices in self.windows]

    def answers(self, outputs: tuple, *, n_best: int = 1) -> list[list[Answer]]:
        """The best answers to each question of the dataset, with the threshold of the last `score`."""
        return self.choose(self.rankings(outputs), n_best=n_best)

    def __call__(self, prediction: EvalPrediction) -> dict[str, float]:
        return self.score(self.rankings(prediction.predictions))
