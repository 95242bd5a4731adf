"""The question of run_prompt.py and what it is asked about: templates with their words, rows, blanks and texts."""

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
from ..prediction.cloze_lines import filling_line, filling_text
from ..prompting import blanks
from ..prompting.cloze_inputs import ClozeEncoder
from ..prompting.errors import PromptError
from ..prompting.templates import Template, read_templates
from ..prompting.verbalizers import Verbalizer, Word, read_verbalizer, token_counts
from ..running.atomic_files import write_json, write_text
from ..running.processes import once
from .split_data import limit_rows
from .starting_point import StartingPoint

logger = logging.getLogger(__name__)

FILES = ("train", "validation", "test", "prior")


@dataclass(frozen=True)
class Question:
    """Templates, and the words that answer them.

    Attributes:
        templates: asked together.
        verbalizer: the words of each class; None before they are searched.
        words: of each template, as the tokenizer has them there.
    """

    templates: Sequence[Template]
    verbalizer: Verbalizer | None
    words: Sequence[Sequence[Word]]

    @classmethod
    def read(
        cls, start: StartingPoint, templates: Sequence[str], verbalizer: str | None, *, searches: bool
    ) -> "Question":
        """Read what the command line says.

        Args:
            start: whose tokenizer cuts the words.
            templates: see `read_templates`.
            verbalizer: see `read_label_words`.
            searches: whether its words are to be found.

        Raises:
            ArgumentError: a template or a word that cannot be asked.
        """
        with refusing(PromptError):
            read = read_templates(templates)
            if searches:
                return cls(read, None, [[]])
            known = read_verbalizer(read_label_words(verbalizer))
            return cls(read, known, [known.encode(start.tokenizer, spaced=each.spaced) for each in read])

    @property
    def labels(self) -> list[str]:
        """The classes; none before their words are searched."""
        return self.verbalizer.labels if self.verbalizer else []

    @property
    def pair(self) -> bool:
        """Whether it is about two texts."""
        return "text_pair" in self.templates[0].fields

    @property
    def spans(self) -> bool:
        """Whether it is about the spans of a text."""
        return "span" in self.templates[0].fields

    @property
    def soft(self) -> bool:
        """Whether a template has trainable vectors."""
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
        """Of each template the words and the ids of their classes."""
        return [[(word.text, word.label) for word in known] for known in self.words]

    def encoders(self, start: StartingPoint, **preparing) -> list[ClozeEncoder]:
        """What makes inputs of rows, one for each template; `preparing`: see `ClozeEncoder`.

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
        """What `ClozeClassifier.from_encoder` is told of a template."""
        words = [[word.label, word.weight, [*word.ids]] for word in self.words[k]]
        names = {"label2id": self.label2id, "id2label": dict(enumerate(self.labels))}
        return {"template": self.templates[k].pattern, "words": words, **names}


def require_masked_lm(start: StartingPoint, *, asks: bool) -> None:
    """Refuse what is no masked-language model.

    Args:
        start: the model.
        asks: whether it is asked as it is; a trained directory, which `predict.py` asks, is refused then.

    Raises:
        ArgumentError: as described.
    """
    kind = PreTrainedConfig.get_config_dict(start.path, revision=start.loading["revision"])[0].get("model_type")
    if not is_masked_lm(start.config) or (kind != start.config.model_type and asks):
        raise ArgumentError(
            f"{start.base.model_name_or_path}: expected a masked-language model, found {kind}; "
            "a trained directory is asked by predict.py"
        )


def fill_blanks(start: StartingPoint, texts: Sequence[str], *, top_k: int, output_file: str | None) -> None:
    """Fill the blanks of texts, for the log and for a file.

    Raises:
        ArgumentError: no blank, or no output layer that fills it.
    """
    with refusing(ValueError):
        model = load_masked_lm(start.path, loading=start.loading).eval()
        limits = {"top_k": top_k, "max_length": start.longest}
        found = [(text, blanks.fill_blanks(model, start.tokenizer, text, **limits)) for text in texts]
    logger.info("%s", "\n\n".join(filling_text(*each) for each in found))
    if output_file:
        once(write_text, output_file, "".join(filling_line(*each) for each in found))


def read_rows(task, data: DataArguments, prompt: PromptArguments, *, seed: int, folder: Path | None) -> dict:
    """The rows of all files, held out and drawn as the command line says.

    Args:
        task: see `cloze_classes`.
        data, prompt: the files, shares and limits.
        seed: of shares and draws.
        folder: of the run, for ids of rows; None where words or templates are searched.

    Returns:
        Rows by split, `prior` among them.
    """
    paths = {split: getattr(prompt if split == "prior" else data, f"{split}_file") for split in FILES}
    dataset: dict[str, Dataset] = {split: once(task.read, path, split) for split, path in paths.items() if path}
    ids: Mapping[str, str] = {}
    if task.trains and "validation" not in dataset and not prompt.few_shot:
        share = {"validation_share": data.validation_share, "seed": seed}
        dataset["train"], dataset["validation"] = task.split(dataset["train"], **share)
        ids = {"validation": "validation_ids.json"}
    if prompt.few_shot:
        dataset["train"] = task.draw(dataset["train"], prompt.few_shot, seed=seed)
        ids = {"train": "train_ids.json"} if folder else {}
    for split, name in ids.items():
        once(write_json, folder / name, dataset[split]["id"][:])
    return limit_rows({split: dataset[split] for split in FILES if split in dataset}, data)


def explain(task, texts: Sequence[str], pairs: Sequence[str] | None, *, output_file: str | None) -> None:
    """Say, and write, what a task finds in texts."""
    explained = task.explain(texts, pairs)
    logger.info("%s", "\n\n".join(shown for shown, _ in explained))
    if output_file:
        once(write_text, output_file, "".join(line for _, line in explained))
