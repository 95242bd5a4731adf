"""A trained text classifier, from a directory or the Hub, applied to texts or pairs, in order."""

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from transformers import PreTrainedModel

from ..encoding.collators import TextCollator
from ..encoding.text_inputs import TextEncoder
from ..encoding.tokenization import longest_input
from ..modeling.cloze_classifier import ClozeClassifier
from ..prompting.cloze_inputs import ClozeCollator, ClozeEncoder
from ..prompting.errors import PromptError
from ..prompting.packed_questions import FAMILIES, PACK, count_shared, pack_questions
from ..prompting.templates import Template
from ..reading.text_cleaning import TextCleaner
from ..scoring.decisions import DecisionRule, Verdict
from ..scoring.regression import ScoreRule, is_regression
from .model_kinds import class_of, require_kind
from .trained_models import choose_device, load_model, load_own_tokenizer

if TYPE_CHECKING:
    from ..adapters.directories import BaseModels


class LabelFinder:
    """Classifies texts with any of our text classifiers, or with a stock one.

    Batch size and processor change answers only by rounding: a logit is a sum, which may be added up in another order,
    and each addition rounds to the model's precision (float32: 2^-24 of what is added, with bf16 2^-8). Labels are the
    same wherever the scores of two classes, or a score and its threshold, differ by more than that.

    Args:
        model: in eval mode, on its device.
        tokenizer: the model's tokenizer.
        batch_size: texts per forward pass.
        bf16: run the encoder in bfloat16.
        rule, encoder: how to decide and how to prepare texts, in place of what the model's configuration has.

    Example:
        >>> finder = LabelFinder.load("outputs/reviews")  # doctest: +SKIP
        >>> finder.find(["物流很快，包装也高档。"])[0].labels  # doctest: +SKIP
        ['Positive']
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer,
        *,
        batch_size: int = 64,
        bf16: bool = False,
        rule: DecisionRule | ScoreRule | None = None,
        encoder: TextEncoder | ClozeEncoder | None = None,
    ):
        config = model.config
        if bf16:
            model.base_model.to(torch.bfloat16)  # once; autocast would do it in each pass
        self.model, self.tokenizer, self.batch_size, self.bf16 = model, tokenizer, batch_size, bf16
        self.rule = rule or (ScoreRule if is_regression(config) else DecisionRule).from_config(config)
        self.encoder = encoder or own_encoder(config, tokenizer)
        self.collate = TextCollator(tokenizer)
        if isinstance(self.encoder, ClozeEncoder):
            self.collate = ClozeCollator(tokenizer, self.encoder.lengths)

    @classmethod
    def load(
        cls,
        name_or_path: str,
        *,
        revision: str = "main",
        device: str | None = None,
        kind: str = "classes",
        bases: "BaseModels | None" = None,
        **options,
    ) -> "LabelFinder":
        """Load a model and its tokenizer. No code of the model's directory is run.

        Args:
            name_or_path, revision: where the model is.
            device: where it runs; None: the first accelerator, else the CPU.
            kind: the kind that the model must have, see `find_kind`; `entities` where its classes are those of spans.
            bases: encoders that adapters share, see `adapters.directories.BaseModels`.
            **options: arguments of the class.

        Raises:
            OSError: there is no such model.
            DataError: the model has another kind.
        """
        fields = require_kind(kind, name_or_path, revision=revision)
        model = load_model(class_of(fields), name_or_path, revision=revision, bases=bases)
        tokenizer = load_own_tokenizer(name_or_path, revision=revision)
        return cls(model.to(choose_device(device)).eval(), tokenizer, **options)

    def find(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> list[Verdict] | list[float]:
        """The verdict on each text, or pair, in order; for a regression its score."""
        return list(self.rule.verdicts(self.logits(texts, pairs)))

    def logits(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> np.ndarray:
        """(texts, num_labels) float64, in order; texts of similar length share a batch."""
        return self.score_rows(self.encoder.encode(texts, pairs))

    def word_scores(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> np.ndarray:
        """For a cloze classifier: (texts, words) float64 log-probability of each label word, mean over its tokens."""
        return self.score_rows(self.encoder.encode(texts, pairs), word_scores=True)

    @torch.inference_mode()
    def score_rows(self, rows: Sequence[dict], *, word_scores: bool = False) -> np.ndarray:
        """(rows, num_labels) float64 of inputs that the encoder has prepared, in order.

        Args:
            rows: each with its `length`; those of similar length share a batch.
            word_scores: return (rows, words) of a cloze classifier instead, see the method `word_scores`.
        """
        name, width, asked = "logits", len(self.rule.labels), {}
        if word_scores:
            name, width, asked = "word_scores", len(self.model.config.words), {"output_word_scores": True}
        by_length = sorted(range(len(rows)), key=lambda i: -rows[i]["length"])
        collected = np.zeros((len(rows), width))
        for start in range(0, len(rows), self.batch_size):
            indices = by_length[start : start + self.batch_size]
            collected[indices] = self._forward(self.collate([rows[i] for i in indices]) | asked, name)
        return collected

    @torch.inference_mode()
    def score_packed(self, groups: Sequence[Sequence[dict]]) -> np.ndarray:
        """(questions, num_labels) float64 of a cloze classifier, in order; each text is read once for many questions.

        Args:
            groups: the questions of each text, after one about its empty span, which gets no logits.

        Raises:
            PromptError: the model or its label words do not allow it.
        """
        self.check_packing()
        packs, numbers, first = [], [], 0
        for group in groups:
            shared, rows = count_shared(group), group[1:]
            for start in range(0, len(rows), PACK):
                packs.append((shared, rows[start : start + PACK]))
                numbers.append(range(first + start, first + start + len(packs[-1][1])))
            first += len(rows)
        width = [shared + sum(row["length"] - shared for row in rows) for shared, rows in packs]
        by_width = sorted(range(len(packs)), key=lambda i: -width[i])
        collected = np.zeros((first, len(self.rule.labels)))
        size = max(self.batch_size // PACK, 1)
        for start in range(0, len(packs), size):
            chosen = by_width[start : start + size]
            batch = pack_questions([packs[i] for i in chosen], self.tokenizer, masks=self.encoder.lengths[0])
            collected[[number for i in chosen for number in numbers[i]]] = self._forward(batch, "logits")
        return collected

    def check_packing(self) -> None:
        """Check that `score_packed` is possible.

        Raises:
            PromptError: the model or its label words do not allow it.
        """
        family = self.model.config.encoder_config.model_type
        if family not in FAMILIES or len(self.encoder.lengths) > 1:
            raise PromptError(
                f"expected one of {', '.join(FAMILIES)} and label words of equal token count to share texts, found "
                f"{family} and {self.encoder.lengths}; ask about each span by itself"
            )

    def _forward(self, batch: dict, name: str) -> np.ndarray:
        device = self.model.device
        batch = {key: value.to(device) if torch.is_tensor(value) else value for key, value in batch.items()}
        casting = torch.autocast(device.type, torch.bfloat16) if self.bf16 else contextlib.nullcontext()
        with casting:
            return self.model(**batch)[name].double().cpu().numpy()


def own_encoder(config, tokenizer) -> TextEncoder | ClozeEncoder:
    """The encoder that prepares texts as a model's configuration says."""
    inner = getattr(config, "encoder_config", None) or config
    cleaning = getattr(config, "text_cleaning", None)
    max_length = getattr(config, "input_length", None) or min(512, longest_input(tokenizer, inner))
    clean = TextCleaner(cleaning) if cleaning else str
    if config.model_type == ClozeClassifier.config_class.model_type:
        lengths = sorted({len(ids) for _, _, ids in config.words})
        return ClozeEncoder(tokenizer, Template(config.template), max_length, lengths, inner.vocab_size, clean=clean)
    return TextEncoder(
        tokenizer,
        max_length=max_length,
        pair=bool(getattr(config, "takes_pairs", False)),
        clean=clean,
        template=getattr(config, "text_template", None) or "{text}",
    )
