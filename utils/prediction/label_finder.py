"""A trained text classifier, from a directory or the Hub, applied to texts or pairs, in order."""

from collections.abc import Sequence

import numpy as np
import torch
from transformers import PreTrainedModel

from ..encoding.collators import TextCollator
from ..encoding.text_inputs import TextEncoder, split_windows
from ..encoding.tokenization import longest_input
from ..modeling.cloze_classifier import ClozeClassifier
from ..prompting.cloze_inputs import ClozeCollator, ClozeEncoder
from ..prompting.errors import PromptError
from ..prompting.packed_questions import FAMILIES, PACK, count_shared, pack_questions
from ..prompting.templates import Template
from ..reading.text_cleaning import TextCleaner
from ..scoring.decisions import DecisionRule, Rule, Verdict
from ..scoring.regression import ScoreRule, is_regression
from .trained_models import Finder

WINDOW_FIELDS = ("window_pooling", "window_stride", "max_windows")  # of a configuration, see `TextEncoder`


class LabelFinder(Finder):
    """Classifies texts with any of our text classifiers, or with a stock one.

    Batch size and processor change answers only by rounding: a logit is a sum, which may be added up in another order,
    and each addition rounds to the model's precision (float32: 2^-24 of what is added, with bf16 2^-8). Labels are the
    same wherever the scores of two classes, or a score and its threshold, differ by more than that.

    Args:
        model, tokenizer: see `Finder`.
        rule, encoder: how to decide and how to prepare texts, in place of what the model's configuration has.
        **running: `batch_size` (texts) and `bf16`, see `Finder`.

    Example:
        >>> finder = LabelFinder.load("outputs/reviews")  # doctest: +SKIP
        >>> finder.find(["物流很快，包装也高档。"])[0].labels  # doctest: +SKIP
        ['Positive']
    """

    kind = "classes"

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer,
        *,
        rule: Rule | None = None,
        encoder: TextEncoder | ClozeEncoder | None = None,
        **running,
    ):
        super().__init__(model, tokenizer, **running)
        config = model.config
        self.rule = rule or (ScoreRule if is_regression(config) else DecisionRule).from_config(config)
        self.encoder = encoder or own_encoder(config, tokenizer)
        self.collate = TextCollator(tokenizer)
        if isinstance(self.encoder, ClozeEncoder):
            self.collate = ClozeCollator(tokenizer, self.encoder.lengths)

    @property
    def reading(self) -> dict:
        """How the training data was read, see `TextReader.remember`; empty if the model does not say."""
        return getattr(self.model.config, "data_reading", None) or {}

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
            rows: each with its `length`; those of similar length share a batch. Of rows of several windows each is an
                input of its own, so that a batch never holds more, and the logits of a row are pooled.
            word_scores: return (rows, words) of a cloze classifier instead, see the method `word_scores`.
        """
        name, width, asked = "logits", len(self.rule.labels), {}
        if word_scores:
            name, width, asked = "word_scores", len(self.model.config.words), {"output_word_scores": True}
        parts = [split_windows(row) for row in rows]
        inputs = [each for part in parts for each in part]
        collected = np.zeros((len(inputs), width))
        for indices in self._batches(inputs):
            collected[indices] = self._score(self.collate([inputs[i] for i in indices]) | asked, name)
        if len(inputs) == len(rows):
            return collected
        counts = torch.tensor([len(part) for part in parts])
        there = torch.arange(int(counts.max())) < counts[:, None]  # (rows, most windows)
        return self.encoder.pool(torch.from_numpy(collected), there).numpy()

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
            collected[[number for i in chosen for number in numbers[i]]] = self._score(batch, "logits")
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

    def _score(self, batch: dict, name: str) -> np.ndarray:
        return self._forward(batch)[name].double().cpu().numpy()


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
        **{name: getattr(config, name) for name in WINDOW_FIELDS if getattr(config, name, None) is not None},
    )
