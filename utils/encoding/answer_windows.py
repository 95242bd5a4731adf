"""Questions and passages as windows of one encoder input each, and answers as positions in them.

A window is [CLS] question [SEP] a part of the passage [SEP], or what the tokenizer makes of a pair. Neighbouring parts
overlap, so that an answer at a border of one is complete in another.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from ..modeling.token_inputs import SpecialTokens, Tokens, Window, cut_windows, token_ids, tokenize
from .tokenization import find_tokens

logger = logging.getLogger(__name__)


@dataclass
class AnswerEncoder:
    """Questions with passages -> windows; a callable for `Dataset.map(batched=True)`, see `entity_windows`.

    Columns of a window:
        input_ids, token_type_ids (where the encoder has them), length: of the input.
        first: position of the first token of the passage.
        starts, ends: offsets into the passage of each of its tokens in the window; equal for white space.
        start_positions, end_positions: of the answer's first and last token (both inclusive), or 0, the [CLS], if
            the window does not hold all of it or there is none. Of several gold answers, the first that occurs in the
            passage is taken.
        text_index: row number of the question. `num_tokens`: sub-tokens of the whole passage.
        window: `Window` fields, in tokens of the passage.
        shortened, widened, uncovered, cut: 1 on the first window of a question that lost its end; whose answer has a
            border inside a token, so that whole tokens are learnt; whose answer the tokenizer drops; whose answer is
            longer than the overlap, and complete in no window.

    Raises:
        ValueError: a window has no room to move on through the passage.
    """

    tokenizer: PreTrainedTokenizerBase  # a fast one
    max_length: int  # sub-tokens a window, question and special tokens included
    stride: int  # sub-tokens of the passage by which neighbouring windows overlap
    max_question_length: int  # sub-tokens that are kept of a question, so that there is room for the passage
    special: SpecialTokens = field(init=False)

    def __post_init__(self):
        self.special = SpecialTokens.of(self.tokenizer, pair=True)
        room = self.max_length - len(self.special) - self.max_question_length
        if not 0 <= self.stride < room:
            raise ValueError(
                f"expected 0 <= stride < room for the passage, found stride {self.stride} and room for {room} tokens "
                f"next to a question of {self.max_question_length}"
            )

    def __call__(self, batch: dict, indices: Sequence[int]) -> dict[str, list]:
        windows = self.encode(batch["question"], batch["context"], batch.get("answers") or (), indices)
        rows = [row for each in windows for row in each]
        return {column: [row[column] for row in rows] for column in rows[0]}

    def encode(
        self, questions: Sequence[str], contexts: Sequence[str], answers: Iterable = (), indices: Iterable = ()
    ) -> list[list[dict]]:
        """The windows of each question, in the order of the passage.

        Args:
            questions, contexts: of the same length.
            answers: `{"text", "answer_start"}` or None, of each question.
            indices: row numbers, for `text_index`.
        """
        answers = list(answers) or [None] * len(questions)
        indices = list(indices) or range(len(questions))
        different = list(dict.fromkeys(contexts))  # questions often share a passage
        passages = dict(zip(different, tokenize(self.tokenizer, different), strict=True))
        tokenized = token_ids(self.tokenizer, questions)
        return [
            self._encode_question(question, passages[context], first_answer(gold), index)
            for question, context, gold, index in zip(tokenized, contexts, answers, indices, strict=True)
        ]

    def _encode_question(
        self, question: list[int], passage: Tokens, answer: tuple[int, int] | None, index: int
    ) -> list[dict]:
        counts = {"shortened": int(len(question) > self.max_question_length), "widened": 0, "uncovered": 0, "cut": 0}
        question = question[: self.max_question_length]
        span = None  # first and last token of the passage, inclusive
        if answer is not None:
            tokens = passage.visible()
            starts, ends = [passage.starts[i] for i in tokens], [passage.ends[i] for i in tokens]
            first, last = find_tokens(starts, ends, *answer)
            counts["uncovered"] = int(first == last)
            if first < last:
                counts["widened"] = int((starts[first], ends[last - 1]) != answer)
                span = tokens[first], tokens[last - 1]
        size = self.max_length - len(self.special) - len(question)
        windows = cut_windows(len(passage.ids), size=size, stride=self.stride)
        if span is not None:
            counts["cut"] = int(not any(_holds(window, span) for window in windows))
        rows = [self._encode_window(question, passage, span, window) for window in windows]
        for i, row in enumerate(rows):
            row |= {"text_index": index} | (counts if i == 0 else dict.fromkeys(counts, 0))
        return rows

    def _encode_window(
        self, question: list[int], passage: Tokens, span: tuple[int, int] | None, window: Window
    ) -> dict:
        inside = slice(window.start, window.stop)
        row = self.special.around(question, passage.ids[inside])
        before = len(self.special.prefix) + len(question) + len(self.special.middle)
        whole = span is not None and _holds(window, span)
        return row | {
            "length": len(row["input_ids"]),
            "first": before,
            "starts": passage.starts[inside],
            "ends": passage.ends[inside],
            "start_positions": span[0] - window.start + before if whole else 0,
            "end_positions": span[1] - window.start + before if whole else 0,
            "num_tokens": len(passage.ids),
            "window": list(window),
        }


def drop_empty(dataset: Dataset, encoded: Dataset) -> Dataset:
    """Leave out the windows that do not hold the answer of their question; those of unanswerable questions stay."""
    answered = [first_answer(gold) is not None for gold in dataset["answers"][:]]
    kept = [
        i
        for i, (question, last) in enumerate(zip(encoded["text_index"][:], encoded["end_positions"][:], strict=True))
        if last or not answered[question]
    ]
    logger.info("train: %s windows are left to learn from", f"{len(kept):,}")
    return encoded.select(kept, keep_in_memory=True)


def first_answer(answers: dict | None) -> tuple[int, int] | None:
    """Character span of the first gold answer that occurs in the passage; None if there is none.

    Example:
        >>> first_answer({"text": ["五年", "北京"], "answer_start": [-1, 4]})
        (4, 6)
    """
    if answers is not None:
        for text, start in zip(answers["text"], answers["answer_start"], strict=True):
            if start >= 0:
                return start, start + len(text)
    return None


def _holds(window: Window, span: tuple[int, int]) -> bool:
    return window.start <= span[0] and span[1] < window.stop


def describe_windows(encoded: Dataset, dataset: Dataset, *, limit: int) -> str:
    """One line for the log: what became of a split on its way to the encoder; see the columns of `AnswerEncoder`.

    `limit` is the number of sub-tokens that are kept of a question.
    """
    windows, lengths, answers = encoded["window"][:], encoded["num_tokens"][:], dataset["answers"][:]
    answered = sum(first_answer(gold) is not None for gold in answers)
    parts = [
        f"{len(dataset):,} questions, {answered:,} with an answer in the passage, "
        f"longest passage {max(lengths, default=0)} sub-tokens"
    ]
    if unanswerable := sum(gold is not None and not gold["text"] for gold in answers):
        parts.append(f"{unanswerable:,} questions are known to have no answer")
    if cut := sum(not start and stop < length for (start, stop, *_), length in zip(windows, lengths, strict=True)):
        parts.append(f"{cut:,} with a passage cut into windows ({len(windows):,} in all)")
    losses = {
        "shortened": f"questions are longer than {limit} sub-tokens and lose their end",
        "widened": "answers begin or end inside a token and are learnt by whole tokens",
        "uncovered": "answers consist of characters that the tokenizer drops and are learnt as no answer",
        "cut": "answers do not fit into any window and are learnt as no answer (raise --stride)",
    }
    for name, meaning in losses.items():
        if count := sum(encoded[name][:]):
            parts.append(f"{count:,} {meaning}")
    return "; ".join(parts)
