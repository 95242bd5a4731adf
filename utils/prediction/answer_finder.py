"""A trained directory, or a Hub model, applied to questions: answers from start and end scores of windows."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from transformers import PreTrainedModel

from ..encoding.answer_windows import AnswerEncoder
from ..encoding.collators import TextCollator
from ..encoding.tokenization import longest_input
from ..modeling.joined_windows import group_windows
from ..scoring.answer_ranking import Answer, Ranking, find_candidates, rank
from ..scoring.joint_answers import AnswerChances, answer_chances
from .trained_models import Finder

MAX_ANSWER_LENGTH = 50  # sub-tokens; for stock models, whose configuration has no limit
MAX_QUESTION_LENGTH = 64  # sub-tokens

Scored = tuple[dict, np.ndarray, np.ndarray]  # a window, and its start and end scores, (length,) each


class AnswerFinder(Finder):
    """Answers questions about passages with any stock span question answering model.

    Window length, stride, longest question and answer, and the threshold for no answer are those of training, read
    from the model's configuration. A model from elsewhere gets windows of 512 sub-tokens, an overlap of a quarter, and
    always answers.

    Args:
        model, tokenizer: see `Finder`.
        n_best: answers per question.
        **running: `batch_size` (windows) and `bf16`, see `Finder`.

    `AnswerFinder.load("outputs/qa").find(["谁？"], ["张伟在北京。"])` gives a list of `Answer` for each question.
    """

    kind = "answers"

    def __init__(self, model: PreTrainedModel, tokenizer, *, n_best: int = 1, **running):
        super().__init__(model, tokenizer, **running)
        config, self.n_best = model.config, n_best
        longest = getattr(config, "window_length", None) or min(512, longest_input(tokenizer, config))
        stride = getattr(config, "window_stride", None)
        self.null_threshold: float | None = getattr(config, "null_threshold", None)
        self.max_answer_length: int = getattr(config, "max_answer_length", None) or MAX_ANSWER_LENGTH
        question = getattr(config, "max_question_length", None) or min(MAX_QUESTION_LENGTH, longest // 2)
        stride = longest // 4 if stride is None else stride
        self.encoder = AnswerEncoder(tokenizer, max_length=longest, stride=stride, max_question_length=question)
        self.collate = TextCollator(tokenizer)

    def find(self, questions: Sequence[str], contexts: Sequence[str]) -> list[list[Answer]]:
        """The `n_best` answers to each question, the chosen one first; empty text where the passage has no answer."""
        choosing = {"null_threshold": self.null_threshold, "n_best": self.n_best}
        scored = zip(self._score(questions, contexts), contexts, strict=True)
        return [self._rank(windows).answers(context, **choosing) for windows, context in scored]

    def chances(self, questions: Sequence[str], contexts: Sequence[str]) -> list[AnswerChances]:
        """For each question, how probable each place of its passage is as the start and as the end of the answer."""
        return [answer_chances(windows, self._rank(windows).spans) for windows in self._score(questions, contexts)]

    def _rank(self, windows: Sequence[Scored]) -> Ranking:
        return rank(find_candidates(*window, max_answer_length=self.max_answer_length) for window in windows)

    @torch.inference_mode()
    def _score(self, questions: Sequence[str], contexts: Sequence[str]) -> Iterator[list[Scored]]:
        """The windows of each question, in order."""
        rows = [row for windows in self.encoder.encode(questions, contexts) for row in windows]
        scored: list = [None] * len(rows)
        for indices in self._batches(rows):
            batch = self.collate([rows[i] for i in indices])
            outputs = self._forward({name: batch[name] for name in batch if not name.endswith("_positions")})
            scores = (each.float().cpu().numpy() for each in (outputs.start_logits, outputs.end_logits))
            for i, *both in zip(indices, *scores, strict=True):
                scored[i] = (rows[i], *both)
        return ([scored[i] for i in indices] for indices in group_windows(rows, len(questions)))
