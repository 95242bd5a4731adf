"""Inputs of run_prompt.py: templates with their label words, rows of files, sentences with blanks, and texts."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import PreTrainedConfig

from ..data.errors import ArgumentError
from ..files.prompt_files import read_label_words
from ..modeling.cloze_classifier import is_masked_lm, load_masked_lm
from ..options.arguments import refusing
from ..options.prompt_arguments import PromptArguments
from ..options.shared_arguments import DataArguments
from ..prediction.json_lines import filling_line, filling_text
from ..prompting import blanks
from ..prompting.cloze_inputs import ClozeEncoder
from ..prompting.errors import PromptError
from ..prompting.templates import Template, read_templates
from ..prompting.verbalizers import Verbalizer, Word, read_verbalizer, token_counts
from ..running.atomic_files import write_json, write_text
from ..running.processes import once
from .split_data import limit_rows, take_fold
from .starting_point import StartingPoint

logger = logging.getLogger(__name__)

FILES = ("train", "validation", "test", "prior")


@dataclass(frozen=True)
class Question:
    """Templates, and the words that fill them.

    Attributes:
        templates: used together.
        verbalizer: the words of each class; None while they are searched.
        words: for each template, the words as the tokenizer encodes them there.
    """

    templates: Sequence[Template]
    verbalizer: Verbalizer | None
    words: Sequence[Sequence[Word]]

    @classmethod
    def read(
        cls, start: StartingPoint, templates: Sequence[str], verbalizer: str | None, *, searches: bool
    ) -> "Question":
        """Read the templates and words of the command line.

        Args:
            start: its tokenizer encodes the words.
            templates: see `read_templates`.
            verbalizer: see `read_label_words`.
            searches: whether this run searches for label words.

        Raises:
            ArgumentError: a template or a word cannot be used.
        """
        with refusing(PromptError):
            read = read_templates(templates)
            if searches:
                return cls(read, None, [[]])
            known = read_verbalizer(read_label_words(verbalizer))
            return cls(read, known, [known.encode(start.tokenizer, spaced=each.spaced) for each in read])

    @property
    def labels(self) -> list[str]:
        """The classes; empty while label words are searched."""
        return self.verbalizer.labels if self.verbalizer else []

    @property
    def pair(self) -> bool:
        """Whether inputs are pairs of texts."""
        return "text_pair" in self.templates[0].fields

    @property
    def spans(self) -> bool:
        """Whether the templates ask about spans of a text."""
        return "span" in self.templates[0].fields

    @property
    def soft(self) -> bool:
        """Whether any template has trainable vectors."""
        return any(template.soft for template in self.templates)

    @property
    def about(self) -> dict[str, bool]:
        """`pair`, `spans` and `soft`."""
        return {"pair": self.pair, "spans": self.spans, "soft": self.soft}

    @property
    def label2id(self) -> dict[str, int]:
        """The id of each class."""
        return {label: i for i, label in enumerate(self.labels)}

    @property
    def shown_words(self) -> list[list[tuple[str, int]]]:
        """For each template, the words and the ids of their classes."""
        return [[(word.text, word.label) for word in known] for known in self.words]

    def encoders(self, start: StartingPoint, **preparing) -> list[ClozeEncoder]:
        """Encoders that turn rows into inputs, one for each template; `preparing`: see `ClozeEncoder`.

        Raises:
            ArgumentError: a template and its words leave no room for text.
        """
        own = {"soft_start": start.config.vocab_size, "label2id": self.label2id, **preparing}
        with refusing(PromptError):
            return [
                ClozeEncoder(start.tokenizer, template, lengths=token_counts(known), **own)
                for template, known in zip(self.templates, self.words, strict=True)
            ]

    def body(self, k: int) -> dict[str, Any]:
        """Arguments for `ClozeClassifier.from_encoder` that describe template `k`."""
        words = [[word.label, word.weight, [*word.ids]] for word in self.words[k]]
        names = {"label2id": self.label2id, "id2label": dict(enumerate(self.labels))}
        return {"template": self.templates[k].pattern, "words": words, **names}


def require_masked_lm(start: StartingPoint, *, asks: bool) -> None:
    """Refuse a model that is not a masked-language model.

    Args:
        start: the model.
        asks: whether it answers typed texts without training; then a trained directory is refused, as `predict.py`
            answers with all that it has learnt.

    Raises:
        ArgumentError: as described.
    """
    kind = PreTrainedConfig.get_config_dict(start.path, revision=start.loading["revision"])[0].get("model_type")
    if not is_masked_lm(start.config) or (kind != start.config.model_type and asks):
        raise ArgumentError(
            f"{start.base.model_name_or_path}: expected a masked-language model, found {kind}; "
            "use predict.py for a trained directory"
        )


def fill_blanks(start: StartingPoint, texts: Sequence[str], *, top_k: int, output_file: str | None) -> None:
    """Fill the blanks of texts, and write the fillings to the log and, if given, to a file.

    Raises:
        ArgumentError: a text has no blank, or the model has no output layer.
    """
    with refusing(ValueError):
        model = load_masked_lm(start.path, loading=start.loading).eval()
        limits = {"top_k": top_k, "max_length": start.longest}
        found = [(text, blanks.fill_blanks(model, start.tokenizer, text, **limits)) for text in texts]
    logger.info("%s", "\n\n".join(filling_text(*each) for each in found))
    if output_file:
        once(write_text, output_file, "".join(filling_line(*each) for each in found))


def read_rows(task, data: DataArguments, prompt: PromptArguments, *, seed: int, folder: Path | None) -> dict:
    """The rows of all files, after holding out validation data and drawing few shots as the command line asks.

    Args:
        task: see `cloze_classes`.
        data, prompt: the files, shares and limits.
        seed: for splitting and drawing.
        folder: of the run, for ids of rows; None for a search.

    Returns:
        Rows by split, including `prior`.
    """
    paths = {split: getattr(prompt if split == "prior" else data, f"{split}_file") for split in FILES}
    if data.fold:
        paths |= {"validation": None, "test": None}
    dataset: dict[str, Dataset] = {split: once(task.read, path, split) for split, path in paths.items() if path}
    ids: Mapping[str, str] = {}
    if task.trains and "validation" not in dataset and not prompt.few_shot and not data.folds:
        share = {"validation_share": data.validation_share, "seed": seed}
        dataset["train"], dataset["validation"] = task.split(dataset["train"], **share)
        ids = {"validation": "validation_ids.json"}
    if prompt.few_shot:
        dataset["train"] = task.draw(dataset["train"], prompt.few_shot, seed=seed)
        ids = {"train": "train_ids.json"} if folder else {}
    for split, name in ids.items():
        once(write_json, folder / name, dataset[split]["id"][:])
    dataset = limit_rows({split: dataset[split] for split in FILES if split in dataset}, data)
    return take_fold(dataset, data, seed=seed, folder=folder)


def explain(task, texts: Sequence[str], pairs: Sequence[str] | None, *, output_file: str | None) -> None:
    """Log what a task finds in texts, and write it to a file if one is given."""
    explained = task.explain(texts, pairs)
    logger.info("%s", "\n\n".join(shown for shown, _ in explained))
    if output_file:
        once(write_text, output_file, "".join(line for _, line in explained))
