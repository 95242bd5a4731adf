"""Documents -> full sequences of sub-tokens, each with the numbers of its words.

A data set of them is tokenised once and kept on disk; a corpus too large for that is tokenised during training.
"""

import hashlib
import itertools
import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from datasets import Dataset, Features, List, Value
from torch.utils.data import IterableDataset
from transformers import PreTrainedTokenizerBase

from ..modeling.token_inputs import PLAIN, SpecialTokens
from .row_batches import iterate_column
from .tokenizer_files import refuse_unknown
from .word_borders import number_words

DOCUMENTS = 500  # documents in a batch, which leaves at most one sequence that is not full
CHARACTERS = 200_000  # characters that are tokenised at once; some 30 MB of offsets
VALIDATION = 2_000  # sequences, enough to measure a loss
FEATURES = Features({"input_ids": List(Value("int32")), "words": List(Value("int16")), "length": Value("int32")})


class TokenRun(NamedTuple):
    """Sub-tokens of documents, one after the other, each document followed by the separator."""

    ids: np.ndarray  # (tokens,) int32
    begins: np.ndarray  # (tokens,) bool, whether a word begins here

    def __add__(self, other: "TokenRun") -> "TokenRun":
        return TokenRun(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))


@dataclass
class SequencePacker:
    """Batches of `text` -> rows of packed sequences; a callable for `Dataset.map`.

    Documents follow each other with the closing special token between them, and are cut wherever a sequence is full
    (FULL-SENTENCES of Liu et al., 2019, section 4.2), so that no place is lost to padding. What is left at the end of
    a batch becomes a shorter sequence: nothing is dropped.

    Columns:
        input_ids: of a sequence. words: number of each token's word, rising; -1 for special tokens, unknown ones among
        them, which are never hidden. length: of the sequence.

    Raises:
        ValueError: the tokenizer has no offsets; no room for text.
    """

    tokenizer: PreTrainedTokenizerBase
    max_length: int  # sub-tokens per sequence, special tokens included; 32,767 at most
    whole_words: bool  # number the words; otherwise each token counts as one
    special: SpecialTokens = field(init=False)

    def __post_init__(self):
        if self.whole_words and not self.tokenizer.is_fast:
            found = type(self.tokenizer).__name__
            raise ValueError(f"{found} gives no character offsets; use a model with a fast tokenizer")
        self.special = SpecialTokens.of(self.tokenizer)
        if not len(self.special) < self.max_length < 2**15:
            least = len(self.special) + 1
            raise ValueError(f"max_length {self.max_length}: expected {least} to {2**15 - 1} sub-tokens")

    def __call__(self, batch: dict) -> dict[str, list]:
        rows, rest = self.cut(self.join([text for text in batch["text"] if text and text.strip()]))
        rows += self.finish(rest)
        return {name: [row[name] for row in rows] for name in FEATURES}

    def fingerprint(self, documents: Dataset) -> str:
        """The key of the packed sequences in the cache.

        It changes with the documents, the tokenizer, the options and this code: `datasets` would not notice an edit
        of an imported module, and stale rows would come back.
        """
        code = [Path(__file__).with_name(f"{name}.py").read_text("utf-8") for name in ("packing", "word_borders")]
        tokenizer = self.tokenizer.backend_tokenizer.to_str() if self.tokenizer.is_fast else repr(self.tokenizer)
        key = [documents._fingerprint, tokenizer, repr(self.special), self.max_length, self.whole_words, code]
        return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]

    def join(self, texts: Sequence[str]) -> TokenRun:
        """Tokenise documents, only as many at a time as memory easily holds."""
        parts = [TokenRun(np.empty(0, np.int32), np.empty(0, bool))]
        for some in _portions(texts):
            encoded = self.tokenizer(some, **PLAIN, return_offsets_mapping=self.whole_words)
            for i, text in enumerate(some):
                ids = np.array(encoded["input_ids"][i] + self.special.suffix, np.int32)
                begins = np.ones(len(ids), bool)
                if self.whole_words and (offsets := encoded["offset_mapping"][i]):
                    begins[: len(offsets)] = find_begins(text, np.array(offsets))
                parts.append(TokenRun(ids, begins))
        return TokenRun(*map(np.concatenate, zip(*parts, strict=True)))

    def cut(self, run: TokenRun) -> tuple[list[dict], TokenRun]:
        """Full sequences, and what is left."""
        room = self.max_length - len(self.special)
        full = len(run.ids) // room * room
        rows = self._rows(*(part[:full].reshape(-1, room) for part in run))
        return rows, TokenRun(*(part[full:] for part in run))

    def finish(self, rest: TokenRun) -> list[dict]:
        """The last sequence, shorter than the others, if any text is left."""
        if not len(rest.ids) or np.isin(rest.ids, self.tokenizer.all_special_ids).all():
            return []
        return self._rows(*(part[None] for part in rest))

    def _rows(self, ids: np.ndarray, begins: np.ndarray) -> list[dict]:
        """(sequences, room) -> rows of (sequences, max_length)."""
        count = len(ids)
        before, behind = (
            np.tile(np.array(part, np.int32), (count, 1)) for part in (self.special.prefix, self.special.suffix)
        )
        ids = np.concatenate([before, ids, behind], axis=1)
        begins = np.pad(begins, [(0, 0), (before.shape[1], behind.shape[1])], constant_values=True)
        begins[:, 0] = False  # so that numbers begin at 0
        words = begins.cumsum(axis=1)
        words[np.isin(ids, self.tokenizer.all_special_ids)] = -1
        words = words.astype(np.int16)
        return [{"input_ids": ids[i], "words": words[i], "length": ids.shape[1]} for i in range(count)]


class SequenceStream(IterableDataset):
    """Rows of a packer without end, round after round through the documents; every sequence is full.

    What is left of a batch of documents goes into the next one's first sequence. Rows have the columns of the packer
    and `round`, the number of times that all documents have been read before, so that each round can be masked anew.

    Args:
        read: returns the documents, from the first one on.
        packer: makes sequences of them.
        seed: seed of the order.
        buffer: sequences that are held and drawn from at random; an even mix of the corpus needs shuffled files.
    """

    def __init__(self, read: Callable[[], Iterable[str]], packer: SequencePacker, *, seed: int, buffer: int = 4096):
        super().__init__()
        self.read, self.packer, self.seed, self.buffer = read, packer, seed, buffer

    def __iter__(self) -> Iterator[dict]:
        draw = random.Random(self.seed)
        held: list[dict] = []
        for row in self._sequences():
            if len(held) < self.buffer:
                held.append(row)
                continue
            place = draw.randrange(self.buffer)
            yield held[place]
            held[place] = row

    def _sequences(self) -> Iterator[dict]:
        worker = torch.utils.data.get_worker_info()
        first, step = (worker.id, worker.num_workers) if worker else (0, 1)
        rest = self.packer.join([])
        for number in itertools.count():
            documents, found = itertools.islice(self.read(), first, None, step), False
            while texts := list(itertools.islice(documents, DOCUMENTS)):
                found = True
                rows, rest = self.packer.cut(rest + self.packer.join(texts))
                for row in rows:
                    yield row | {"round": number}
            if not found:  # fewer documents than worker processes, or none at all
                return


def find_begins(text: str, offsets: np.ndarray) -> np.ndarray:
    """Which tokens begin a word: those whose first character is in another word than the last character before.

    Args:
        text: raw text.
        offsets: (tokens, 2) characters of each token, end exclusive. A token that reaches over a border joins the
            words on both sides, as no part of it can be hidden.

    Returns:
        (tokens,) bool.
    """
    words = number_words(text)
    starts = offsets[:, 0].clip(max=len(text) - 1)
    last = (offsets[:, 1] - 1).clip(min=0)
    begins = np.ones(len(offsets), bool)
    begins[1:] = words[starts[1:]] != words[last[:-1]]
    return begins


def pack_documents(documents: Dataset, packer: SequencePacker, *, num_proc: int | None = None) -> Dataset:
    """Pack a data set of documents; the result is memory-mapped, and found again by the next run.

    Args:
        documents: rows of `text`.
        packer: makes sequences of them.
        num_proc: processes that share the work; None uses this one only.
    """
    packed = documents.map(
        packer,
        batched=True,
        batch_size=DOCUMENTS,
        remove_columns=documents.column_names,
        features=FEATURES,
        num_proc=num_proc if len(documents) > DOCUMENTS else None,
        new_fingerprint=packer.fingerprint(documents),
        desc="Tokenise",
    )
    refuse_unknown(iterate_column(packed, "input_ids"), packer.tokenizer)
    return packed


def split_sequences(encoded: Dataset, *, share: float, most: int, seed: int) -> tuple[Dataset, Dataset, list[int]]:
    """Hold out a random part for validation.

    Args:
        encoded: packed sequences.
        share: share of them that is held out, 0-1.
        most: hold out no more than this number.
        seed: the same seed holds out the same sequences.

    Returns:
        Train and validation, in the order of `encoded`, and the row numbers of validation.

    Raises:
        ValueError: there are fewer than two.
    """
    if len(encoded) < 2:
        raise ValueError(
            "expected text for two sequences or more to split off validation data, found less; give a "
            "--validation_file, or lower --max_length"
        )
    count = min(max(round(share * len(encoded)), 1), most, len(encoded) - 1)
    rows = sorted(random.Random(seed).sample(range(len(encoded)), count))
    train = np.delete(np.arange(len(encoded)), rows)
    return encoded.select(train, keep_in_memory=True), encoded.select(rows, keep_in_memory=True), rows


def describe_sequences(encoded: Dataset, *, max_length: int) -> str:
    """One line for the log: how many sequences, how long, how many are not full."""
    lengths = np.array(encoded["length"][:], dtype=np.int64)
    short = int((lengths < max_length).sum())
    full = len(lengths) - short
    line = f"{full:,} full sequence{'' if full == 1 else 's'} of {max_length} sub-tokens"
    if short:
        line += f" and {short:,} shorter, {int(lengths.sum()):,} sub-tokens in all"
    return line


def _portions(texts: Sequence[str]) -> Iterator[list[str]]:
    """Lists of texts with some 200,000 characters each."""
    some, size = [], 0
    for text in texts:
        some.append(text)
        size += len(text)
        if size >= CHARACTERS:
            yield some
            some, size = [], 0
    if some:
        yield some
