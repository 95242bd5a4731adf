"""The task of run_mlm.py: validation sequences, limits on sequences, and the card of a masked-language model."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from ..data.errors import ArgumentError
from ..distillation.state_lessons import StateLessons
from ..encoding.packing import VALIDATION, describe_sequences, split_sequences
from ..options.arguments import Options
from ..options.fine_tuning_arguments import FineTuningArguments
from ..options.mlm_arguments import CorpusArguments
from ..reporting.model_card import model_card
from ..running.atomic_files import write_json
from ..running.processes import once
from .split_data import limit_rows

logger = logging.getLogger(__name__)


def share_out(
    encoded: Mapping[str, Dataset], data: CorpusArguments, *, max_length: int, seed: int, folder: Path
) -> dict[str, Dataset]:
    """Hold out validation data if there is none, and limit the number of sequences of each split.

    Args:
        encoded: packed sequences by split; without `train` if that is streamed.
        data: the share to hold out, and the limits.
        max_length: sub-tokens of a full sequence.
        seed: for the draw of the held-out sequences.
        folder: of the run, for the numbers of the held-out rows.

    Raises:
        ArgumentError: there are fewer than two sequences.
    """
    encoded = dict(encoded)
    if "train" in encoded and "validation" not in encoded:
        most = {"share": data.validation_share, "most": VALIDATION, "seed": seed}
        try:
            encoded["train"], encoded["validation"], rows = split_sequences(encoded["train"], **most)
        except ValueError as error:
            raise ArgumentError(str(error)) from None
        once(write_json, folder / "validation_ids.json", rows)
    encoded = limit_rows(encoded, data)
    for split, rows in encoded.items():
        logger.info("%s: %s", split, describe_sequences(rows, max_length=max_length))
    return encoded


def find_teacher(
    options: Options, tokenizer: PreTrainedTokenizerBase, training: FineTuningArguments
) -> StateLessons | None:
    """What is learnt from the encoder of `--teacher`; None without one.

    Args:
        options: of the run.
        tokenizer: of the student.
        training: where and how models are run.

    Raises:
        OSError, DataError: see `StateLessons.load`.
    """
    if not options.teacher:
        return None
    running = {"device": str(training.device), "bf16": training.bf16}
    return StateLessons.load(options.teacher, tokenizer, weight=options.teacher_weight, **running)


class HiddenWords:
    """Prediction of masked words; see `answers` for what a task is.

    Args:
        fields: of the saved configuration, with their values before training changed them.
    """

    def __init__(self, fields: Mapping[str, Any]):
        self.fields = dict(fields)

    def decision(self) -> dict:
        """The fields that training changed, as they were before."""
        return self.fields

    def card(self, record: dict, reports: None) -> str:
        """The model card."""
        return masked_card(record)


def masked_card(record: dict) -> str:
    """Model card of a masked-language model."""
    results, names = record["results"], ("loss", "perplexity", "accuracy")
    return model_card(
        "masked_card",
        record,
        task="fill-mask",
        tags=["fill-mask", "masked-lm", f"masking-{record['arguments']['masking']}"],
        metrics=names,
        auto="AutoModelForMaskedLM",
        stock=True,
        scores={name: results[f"eval_{name}"] for name in names} if "eval_loss" in results else {},
    )
