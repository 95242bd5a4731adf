"""Answers from start and end scores of windows; and a trained directory, or a Hub model, applied to questions."""

import contextlib
import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from datasets import Dataset
from transformers import AutoModelForQuestionAnswering, PreTrainedModel

from ..encoding.answer_windows import AnswerEncoder
from ..encoding.collators import TextCollator
from ..encoding.entity_windows import group_windows
from ..encoding.tokenization import longest_input
from .trained_models import choose_device, load_model, load_own_tokenizer, require_kind

CANDIDATES = 20  # spans of a question that are compared, and among which probability is shared out
MAX_ANSWER_LENGTH = 50  # sub-tokens; what stock models, whose configuration says nothing, are held to
MAX_QUESTION_LENGTH = 64  # sub-tokens


class Answer(NamedTuple):
    """A part of a passage: `text` is exactly the characters `start` to `end` (exclusive), empty for no answer.

    `score` is its share of probability (0-1) among the `CANDIDATES` best spans and, where it may be given, no answer.
    """

    text: str
    start: int
    end: int
    score: float


class Candidates(NamedTuple):
    """The best spans of one window, the best first.

    Attributes:
        scores: start score + end score.
        spans: (character start, end) in the passage, all different.
        null_score: start score + end score of position 0, where the encoder says that the window has no answer.
    """

    scores: list[float]
    spans: list[tuple[int, int]]
    null_score: float


class Ranking(NamedTuple):
    """What the windows of a question say together.

    Attributes:
        scores, spans: as of `Candidates`, over all windows; a span that several windows hold has its highest score.
        null_score: the lowest of the windows, because the answer is missing only if it is in none of them.
    """

    scores: list[float]
    spans: list[tuple[int, int]]
    null_score: float

    @property
    def null_odds(self) -> float:
        """Score of no answer minus score of the best span; infinite if there is no span."""
        return self.null_score - self.scores[0] if self.scores else float("inf")

    def answers(self, context: str, *, null_threshold: float | None, n_best: int) -> list[Answer]:
        """The best answers, the chosen one first.

        Args:
            context: the passage.
            null_threshold: `null_odds` above which no answer is chosen; None: never, unless there is no span at all.
            n_best: how many.
        """
        scores, spans = list(self.scores), list(self.spans)
        if null_threshold is not None or not spans:
            scores.append(self.null_score)
            spans.append((0, 0))
        shares = np.exp(np.asarray(scores) - max(scores))
        shares /= shares.sum()
        order = sorted(range(len(scores)), key=lambda i: -scores[i])
        if null_threshold is not None and self.spans:
            chosen = len(self.spans) if self.null_odds > null_threshold else 0
            order = [chosen, *(i for i in order if i != chosen)]
        return [Answer(context[slice(*spans[i])], *spans[i], float(shares[i])) for i in order[:n_best]]


def find_candidates(
    row: dict, start_scores: np.ndarray, end_scores: np.ndarray, *, max_answer_length: int, count: int = CANDIDATES
) -> Candidates:
    """Find the best spans of a window.

    Args:
        row: columns `first`, `starts`, `ends` of the window, see `AnswerEncoder`.
        start_scores, end_scores: (length,) of the window's positions; what lies behind the passage is not looked at.
        max_answer_length: sub-tokens of an answer at most.
        count: how many, at most.
    """
    null_score = float(start_scores[0]) + float(end_scores[0])
    starts, ends = np.asarray(row["starts"]), np.asarray(row["ends"])
    inside = slice(row["first"], row["first"] + len(starts))
    is_border = starts < ends  # white space neither begins nor ends an answer
    if not is_border.any():
        return Candidates([], [], null_score)
    width = min(max_answer_length, len(starts))
    first = np.where(is_border, start_scores[inside], -np.inf).astype(np.float64)  # (tokens,)
    last = np.where(is_border, end_scores[inside], -np.inf).astype(np.float64)
    last = np.concatenate([last, np.full(width - 1, -np.inf)])
    band = np.lib.stride_tricks.sliding_window_view(last, width)  # (tokens, width): end scores of each start's spans
    sums = (first[:, None] + band).ravel()
    possible = int((sums > -np.inf).sum())
    taken = count
    while True:  # tokens that share a character give the same span, so that more may be needed
        taken = min(taken, possible)
        best = np.argpartition(-sums, taken - 1)[:taken]
        best = best[np.lexsort((best, -sums[best]))]
        found: dict[tuple[int, int], float] = {}
        for i in best.tolist():
            token, more = divmod(i, width)
            found.setdefault((int(starts[token]), int(ends[token + more])), float(sums[i]))
        if len(found) >= count or taken == possible:
            spans = list(found)[:count]
            return Candidates([found[span] for span in spans], spans, null_score)
        taken *= 2


def rank(windows: Iterable[Candidates], *, count: int = CANDIDATES) -> Ranking:
    """Put the candidates of a question's windows together.

    Example:
        >>> one, other = Candidates([3.0], [(0, 2)], -1.0), Candidates([4.0, 1.0], [(0, 2), (5, 9)], 2.0)
        >>> rank([one, other])
        Ranking(scores=[4.0, 1.0], spans=[(0, 2), (5, 9)], null_score=-1.0)
    """
    windows = list(windows)
    best: dict[tuple[int, int], float] = {}
    for window in windows:
        for span, score in zip(window.spans, window.scores, strict=True):
            best[span] = max(score, best.get(span, score))
    spans = sorted(best, key=lambda span: (-best[span], span))[:count]
    return Ranking([best[span] for span in spans], spans, min(window.null_score for window in windows))


class AnswerFinder:
    """Answers questions about passages with any stock span question answering model.

    Window length, stride, longest question and answer, and the threshold for no answer are those of training, which
    the model's configuration holds; a model from elsewhere gets windows of 512, an overlap of a quarter, and always
    answers.

    Args:
        model: in eval mode, on its device.
        tokenizer: the model's fast tokenizer.
        batch_size: windows a forward pass.
        bf16: run the encoder in bfloat16.
        n_best: answers a question.

    `AnswerFinder.load("outputs/qa").find(["谁？"], ["张伟在北京。"])` gives a list of `Answer` for each question.
    """

    def __init__(
        self, model: PreTrainedModel, tokenizer, *, batch_size: int = 64, bf16: bool = False, n_best: int = 1
    ):
        config = model.config
        if bf16:
            model.base_model.to(torch.bfloat16)  # once, where autocast would do so in each pass
        self.model, self.tokenizer = model, tokenizer
        self.batch_size, self.bf16, self.n_best = batch_size, bf16, n_best
        longest = getattr(config, "window_length", None) or min(512, longest_input(tokenizer, config))
        stride = getattr(config, "window_stride", None)
        self.null_threshold: float | None = getattr(config, "null_threshold", None)
        self.max_answer_length: int = getattr(config, "max_answer_length", None) or MAX_ANSWER_LENGTH
        question = getattr(config, "max_question_length", None) or min(MAX_QUESTION_LENGTH, longest // 2)
        stride = longest // 4 if stride is None else stride
        self.encoder = AnswerEncoder(tokenizer, max_length=longest, stride=stride, max_question_length=question)
        self.collate = TextCollator(tokenizer)

    @classmethod
    def load(
        cls, name_or_path: str, *, revision: str = "main", device: str | None = None, **options
    ) -> "AnswerFinder":
        """Load a model and its tokenizer. No code of the model's directory is run.

        Args:
            name_or_path: a folder or a Hub id.
            revision: branch, tag or commit on the Hub.
            device: such as `cuda:1`; the first accelerator if there is one.
            **options: `batch_size`, `bf16`, `n_best`.

        Raises:
            OSError: there is no such model.
            DataError: it is of another kind.
        """
        require_kind("answers", name_or_path, revision=revision)
        model = load_model(AutoModelForQuestionAnswering, name_or_path, revision=revision)
        tokenizer = load_own_tokenizer(name_or_path, revision=revision)
        return cls(model.to(choose_device(device)).eval(), tokenizer, **options)

    def find(self, questions: Sequence[str], contexts: Sequence[str]) -> list[list[Answer]]:
        """The `n_best` answers to each question, the chosen one first; empty text where the passage has no answer."""
        rows = [row for windows in self.encoder.encode(questions, contexts) for row in windows]
        by_length = sorted(range(len(rows)), key=lambda i: -rows[i]["length"])
        candidates: list = [None] * len(rows)
        for start in range(0, len(rows), self.batch_size):
            indices = by_length[start : start + self.batch_size]
            scores = self._score(self.collate([rows[i] for i in indices]))
            for i, first, last in zip(indices, *scores, strict=True):
                candidates[i] = find_candidates(rows[i], first, last, max_answer_length=self.max_answer_length)
        return [
            rank(candidates[i] for i in indices).answers(
                context, null_threshold=self.null_threshold, n_best=self.n_best
            )
            for indices, context in zip(group_windows(rows, len(questions)), contexts, strict=True)
        ]

    @torch.inference_mode()
    def _score(self, batch: dict) -> tuple[np.ndarray, np.ndarray]:
        """Start and end scores: (batch, length) each."""
        device = self.model.device
        batch = {name: batch[name].to(device) for name in batch if not name.endswith("_positions")}
        casting = torch.autocast(device.type, torch.bfloat16) if self.bf16 else contextlib.nullcontext()
        with casting:
            outputs = self.model(**batch)
        return outputs.start_logits.float().cpu().numpy(), outputs.end_logits.float().cpu().numpy()


def answer_line(question: str, answers: Sequence[Answer], *, id: str | None = None, n_best: bool = False) -> str:
    """`{"id", "question", "answer", "start", "end", "score"}`, and `"n_best"` if asked, as one line of JSON.

    Example:
        >>> answer_line("谁？", [Answer("张伟", 0, 2, 0.98765)])
        '{"question": "谁？", "answer": "张伟", "start": 0, "end": 2, "score": 0.9877}'
    """
    row = ({} if id is None else {"id": id}) | {"question": question} | _as_dict(answers[0])
    if n_best:
        row["n_best"] = [_as_dict(answer) for answer in answers]
    return json.dumps(row, ensure_ascii=False)


def answer_lines(dataset: Dataset, answers: Sequence[Sequence[Answer]], *, n_best: bool) -> str:
    """The text of `predictions.jsonl`: an `answer_line` for each row, with its id."""
    rows = zip(dataset["id"][:], dataset["question"][:], answers, strict=True)
    return "".join(answer_line(question, found, id=id, n_best=n_best) + "\n" for id, question, found in rows)


def _as_dict(answer: Answer) -> dict:
    return {"answer": answer.text, "start": answer.start, "end": answer.end, "score": round(answer.score, 4)}
