"""A trained directory, or a Hub model, applied to questions: answers from start and end scores of windows."""

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel

from ..encoding.answer_windows import AnswerEncoder
from ..encoding.collators import TextCollator
from ..encoding.tokenization import longest_input
from ..modeling.joined_windows import group_windows
from ..scoring.answer_ranking import Answer, find_candidates, rank
from .trained_models import Finder

MAX_ANSWER_LENGTH = 50  # sub-tokens; for stock models, whose configuration has no limit
MAX_QUESTION_LENGTH = 64  # sub-tokens


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

    @torch.inference_mode()
    def find(self, questions: Sequence[str], contexts: Sequence[str]) -> list[list[Answer]]:
        """The `n_best` answers to each question, the chosen one first; empty text where the passage has no answer."""
        rows = [row for windows in self.encoder.encode(questions, contexts) for row in windows]
        candidates: list = [None] * len(rows)
        for indices in self._batches(rows):
            batch = self.collate([rows[i] for i in indices])
            outputs = self._forward({name: batch[name] for name in batch if not name.endswith("_positions")})
            scores = (each.float().cpu().numpy() for each in (outputs.start_logits, outputs.end_logits))
            for i, first, last in zip(indices, *scores, strict=True):
                candidates[i] = find_candidates(rows[i], first, last, max_answer_length=self.max_answer_length)
        return [
            rank(candidates[i] for i in indices).answers(
                context, null_threshold=self.null_threshold, n_best=self.n_best
            )
            for indices, context in zip(group_windows(rows, len(questions)), contexts, strict=True)
        ]
