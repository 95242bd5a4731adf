"""What a masked-language model learns from another encoder: its last states, by characters of the text.

The two may have different tokenizers: the student's tokens are written out again, so that the teacher reads the text
as the student does, and a token of the student learns the mean of the teacher's tokens on its characters.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, layer_norm
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ..data.errors import DataError
from ..encoding.tokenization import load_tokenizer, longest_input
from ..modeling.pretrained_weights import load_encoder
from ..modeling.token_inputs import SpecialTokens, tokenize
from .lessons import TAUGHT, TaughtCollator

MAP = "teacher_map"  # a module of the student's encoder while it learns
SPACE, CONTINUES = "\u2581", "##"  # before a word (SentencePiece), before the rest of a word (WordPiece)


class WrittenTokens:
    """Writes the tokens of a tokenizer as text again.

    Args:
        tokenizer: with pieces of text, WordPiece or SentencePiece.

    Raises:
        DataError: its pieces are bytes.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase):
        special = set(tokenizer.all_special_ids)
        names = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        if any(name.startswith("\u0120") for name in names if name):  # a space, in byte-level BPE
            raise DataError(
                "--teacher: expected a student whose tokens are pieces of text (WordPiece, SentencePiece), found one "
                "whose tokens are bytes; train one of another family"
            )
        self.pieces = ["" if i in special else name or "" for i, name in enumerate(names)]
        self.unknown = tokenizer.unk_token_id
        self.joined = any(name.startswith(CONTINUES) for name in self.pieces)  # words are apart unless marked

    def write(self, ids: Sequence[int]) -> tuple[str, np.ndarray]:
        """The text of tokens, and (tokens, 2) the characters of each, end exclusive; equal where there are none."""
        text, places = "", np.zeros((len(ids), 2), dtype=np.int64)
        for i, id_ in enumerate(ids):
            piece = self.pieces[id_]
            if id_ == self.unknown:
                text += " "
            elif not piece:
                text += "\n" if text and not text.endswith("\n") else ""  # a border of documents
            elif self.joined and piece.startswith(CONTINUES):
                piece = piece[len(CONTINUES) :]
            elif self.joined:
                text += " " if text and _is_letter(text[-1]) and _is_letter(piece[0]) else ""
            else:
                text += " " if piece.startswith(SPACE) else ""
                piece = piece.replace(SPACE, "")
            places[i] = len(text), len(text) + len(piece)
            text += piece
        return text, places


def _is_letter(sign: str) -> bool:
    """Whether a sign is written in words with spaces between them."""
    return sign.isalnum() and sign < "\u2e80"


class TeacherTexts:
    """Makes the teacher's inputs of the student's tokens.

    Args:
        tokenizer: of the teacher.
        student: tokenizer of the student.
        longest: sub-tokens that the teacher takes; what is behind them teaches nothing.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, student: PreTrainedTokenizerBase, longest: int):
        self.tokenizer, self.special, self.longest = tokenizer, SpecialTokens.of(tokenizer), longest
        self.written = WrittenTokens(student)

    def add(self, rows: Sequence[dict], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The teacher's part of a batch.

        Returns:
            `taught_ids`, `taught_mask`: (batch, teacher's length) int64; `taught_first`, `taught_stop`: (batch,
            length) int64, the teacher's positions on each token of the student, equal where there are none.
        """
        texts, places = zip(*(self.written.write(row["input_ids"]) for row in rows), strict=True)
        before, room = len(self.special.prefix), self.longest - len(self.special)
        ids, spans = [], np.zeros((2, *batch["input_ids"].shape), dtype=np.int64)
        for i, (tokens, own) in enumerate(zip(tokenize(self.tokenizer, texts), places, strict=True)):
            ids.append(torch.tensor(self.special.around(tokens.ids[:room])["input_ids"]))
            first = np.searchsorted(np.array(tokens.ends[:room]), own[:, 0], side="right")
            stop = np.searchsorted(np.array(tokens.starts[:room]), own[:, 1], side="left")
            stop = np.where(own[:, 0] < own[:, 1], np.maximum(stop, first), first)
            spans[:, i, : len(own)] = first + before, stop + before
        padded = pad_sequence(ids, batch_first=True, padding_value=self.tokenizer.pad_token_id or 0)
        mask = pad_sequence([torch.ones_like(each) for each in ids], batch_first=True)
        told = {"ids": padded, "mask": mask, "first": torch.from_numpy(spans[0]), "stop": torch.from_numpy(spans[1])}
        return {TAUGHT + name: value for name, value in told.items()}


class StateLessons:
    """The distance of the student's last states from the teacher's, after a linear map that is learnt beside them.

    Of tokens, the mean squared error; the teacher's states are brought to mean 0 and deviation 1, so that the map need
    not learn their scale. Of the whole input, 1 - the cosine of the mean states, as sentence encoders take them.

    Args:
        encoder: the teacher, in eval mode on its device.
        texts: makes its inputs.
        weight: of both beside the loss of masked tokens.
    """

    def __init__(self, encoder: PreTrainedModel, texts: TeacherTexts, *, weight: float):
        self.encoder, self.texts, self.weight = encoder.requires_grad_(False), texts, weight

    @classmethod
    def load(
        cls, name: str, student: PreTrainedTokenizerBase, *, weight: float, device: str, bf16: bool
    ) -> "StateLessons":
        """Load the teacher.

        Args:
            name: an encoder, or a model that was trained on one: a folder or a Hub id.
            student: tokenizer of the student.
            weight: see the class.
            device, bf16: where and how the teacher is run.

        Raises:
            OSError, DataError: there is no such model, or the student's tokens cannot be written as text.
        """
        tokenizer, config = load_tokenizer(name)
        encoder = load_encoder(name)[0].to(device, torch.bfloat16 if bf16 else torch.float32).eval()
        return cls(encoder, TeacherTexts(tokenizer, student, longest_input(tokenizer, config)), weight=weight)

    def attach(self, model: PreTrainedModel) -> PreTrainedModel:
        """Give a student the linear map, which is trained and kept in checkpoints with it."""
        width, target = model.config.hidden_size, self.encoder.config.hidden_size
        setattr(model.base_model, MAP, nn.Linear(width, target))
        return model

    def leave(self, model: PreTrainedModel) -> None:
        """Take the map away."""
        delattr(model.base_model, MAP)

    def collate(self, collator: Callable[[list[dict]], dict]) -> TaughtCollator:
        """A collator whose batches also have the teacher's inputs."""
        return TaughtCollator(collator, self.texts)

    def divide(self, inputs: Mapping[str, Tensor]) -> tuple[dict, dict[str, Tensor]]:
        """A batch as the student takes it, which shall return its states; and the teacher's part of it."""
        taught = {name.removeprefix(TAUGHT): value for name, value in inputs.items() if name.startswith(TAUGHT)}
        plain = {name: value for name, value in inputs.items() if not name.startswith(TAUGHT)}
        return plain | {"with_states": True}, taught

    def join(self, loss: Tensor, outputs, inputs, taught: Mapping[str, Tensor], *, model, share=1.0) -> Tensor:
        """The whole loss of a batch, see `Lessons.join`."""
        with torch.no_grad():
            states = self.encoder(input_ids=taught["ids"], attention_mask=taught["mask"]).last_hidden_state.float()
        learnt = getattr(model.base_model, MAP)(outputs["hidden_states"][-1]).float()  # (batch, length, target width)
        first, stop = taught["first"], taught["stop"]
        there = stop > first  # (batch, length)
        wanted = average_spans(layer_norm(states, states.shape[-1:]), first, stop)
        token = ((learnt - wanted) ** 2).mean(-1)[there].sum() / there.sum().clamp(min=1)
        mean = average(learnt, there)
        sentence = 1 - cosine_similarity(mean, average(states, taught["mask"].bool()), dim=-1).mean()
        return loss + self.weight * share * (token + sentence)


def average(states: Tensor, there: Tensor) -> Tensor:
    """(batch, length, width) states and (batch, length) bool -> (batch, width), the mean where it is set."""
    return (states * there[..., None]).sum(1) / there.sum(1, keepdim=True).clamp(min=1)


def average_spans(states: Tensor, first: Tensor, stop: Tensor) -> Tensor:
    """The mean of the states from `first` to `stop`, end exclusive.

    Args:
        states: (batch, length, width).
        first, stop: (batch, spans) int64.

    Returns:
        (batch, spans, width); 0 for an empty span.
    """
    sums = torch.cat([torch.zeros_like(states[:, :1]), states.cumsum(1)], 1)
    take = [each[..., None].expand(-1, -1, states.shape[-1]) for each in (first, stop)]
    total = sums.gather(1, take[1]) - sums.gather(1, take[0])
    return total / (stop - first).clamp(min=1)[..., None]
