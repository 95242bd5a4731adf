"""A trained directory, or a Hub model, applied to questions: answers from start and end scores of windows."""

import contextlib
import json
from collections.abc import Sequence

import numpy as np
import torch
from datasets import Dataset
from transformers import PreTrainedModel

from ..encoding.answer_windows import AnswerEncoder
from ..encoding.collators import TextCollator
from ..encoding.tokenization import longest_input
from ..modeling.joined_windows import group_windows
from ..scoring.answer_ranking import Answer, find_candidates, rank
from .model_kinds import class_of, require_kind
from .trained_models import choose_device, load_model, load_own_tokenizer

MAX_ANSWER_LENGTH = 50  # sub-tokens; for stock models, whose configuration has no limit
MAX_QUESTION_LENGTH = 64  # sub-tokens


class AnswerFinder:
    """Answers questions about passages with any stock span question answering model.

    Window length, stride, longest question and answer, and the threshold for no answer are those of training, read
    from the model's configuration. A model from elsewhere gets windows of 512 sub-tokens, an overlap of a quarter, and
    always answers.

    Args:
        model: in eval mode, on its device.
        tokenizer: the model's fast tokenizer.
        batch_size: windows per forward pass.
        bf16: run the encoder in bfloat16.
        n_best: answers per question.

    `AnswerFinder.load("outputs/qa").find(["谁？"], ["张伟在北京。"])` gives a list of `Answer` for each question.
    """

    def __init__(
        self, model: PreTrainedModel, tokenizer, *, batch_size: int = 64, bf16: bool = False, n_best: int = 1
    ):
        config = model.config
        if bf16:
            model.base_model.to(torch.bfloat16)  # once; autocast would do it in each pass
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
            device: such as `cuda:1`; None: the first accelerator, else the CPU.
            **options: `batch_size`, `bf16`, `n_best`.

        Raises:
            OSError: there is no such model.
            DataError: it is a model of another kind.
        """
        fields = require_kind("answers", name_or_path, revision=revision)
        model = load_model(class_of(fields), name_or_path, revision=revision)
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
    """`{"id", "question", "answer", "start", "end", "score"}`, and `"n_best"` on request, as one line of JSON.

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
