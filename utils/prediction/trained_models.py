"""A trained directory, or a model on the Hub, is loaded and run: weights, adapter and tokenizer, none of its code."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils.peft_utils import find_adapter_config_file

from ..data.errors import DataError
from ..encoding.tokenizer_files import open_tokenizer
from ..modeling.pretrained_weights import load_weights, read_config
from .model_kinds import class_of, require_kind
from .onnx_model import BATCH, open_graph

if TYPE_CHECKING:
    from ..adapters.directories import BaseModels


class Finder:
    """A trained model that answers in batches; what it finds is up to the class.

    Args:
        model: in eval mode, on its device.
        tokenizer: the model's fast tokenizer.
        batch_size: inputs per forward pass.
        bf16: run the encoder in bfloat16.
    """

    kind: str  # a key of `KINDS`

    def __init__(self, model: PreTrainedModel, tokenizer, *, batch_size: int = 64, bf16: bool = False):
        if bf16:
            model.base_model.to(torch.bfloat16)  # once; autocast would do it in each pass. The head stays float32
        self.model, self.tokenizer, self.batch_size, self.bf16 = model, tokenizer, batch_size, bf16

    @classmethod
    def load(
        cls,
        name_or_path: str,
        *,
        revision: str = "main",
        device: str | None = None,
        kind: str | None = None,
        bases: "BaseModels | None" = None,
        backend: str = "auto",
        int8: bool = False,
        **options,
    ):
        """Load a model and its tokenizer. No code of the model's directory is run.

        Args:
            name_or_path: a folder or a Hub id.
            revision: branch, tag or commit on the Hub.
            device: such as `cuda:1`; None: the first accelerator, else the CPU.
            kind: the kind that the model must have, see `find_kind`; None for that of the class.
            bases: encoders that adapters share, see `adapters.directories.BaseModels`.
            backend, int8: whether a graph scores in place of the weights, see `onnx_model.open_graph`.
            **options: arguments of the class.

        Raises:
            OSError: there is no such model.
            DataError: it is a model of another kind.
        """
        fields = require_kind(kind or cls.kind, name_or_path, revision=revision)
        cls._check(name_or_path, fields)
        head = class_of(fields)
        if head is None:
            raise DataError(
                f"{name_or_path}: expected one model, found an ensemble or n-grams; predict.py answers with them: "
                f"python predict.py {name_or_path} --input_file FILE"
            )
        if graph := open_graph(name_or_path, head=head, backend=backend, int8=int8):
            return cls(graph, load_own_tokenizer(name_or_path), **{"batch_size": BATCH, **options, "bf16": False})
        model = load_model(head, name_or_path, revision=revision, bases=bases)
        tokenizer = load_own_tokenizer(name_or_path, revision=revision)
        return cls(model.to(choose_device(device)).eval(), tokenizer, **options)

    @classmethod
    def _check(cls, name_or_path: str, fields: Mapping[str, Any]) -> None:
        """Refuse a model that has the kind, but that this class cannot use."""

    def _batches(self, rows: Sequence[Mapping]) -> Iterator[list[int]]:
        """Indices of the rows that make up each batch; rows of similar `length` share one."""
        by_length = sorted(range(len(rows)), key=lambda i: -rows[i]["length"])
        for start in range(0, len(rows), self.batch_size):
            yield by_length[start : start + self.batch_size]

    def _forward(self, batch: Mapping[str, Any]):
        """The model's outputs for a batch."""
        device = self.model.device
        casting = torch.autocast(device.type, torch.bfloat16) if self.bf16 else contextlib.nullcontext()
        with casting:
            tensors = {name: each.to(device) for name, each in batch.items() if torch.is_tensor(each)}
            return self.model(**{**batch, **tensors})


def load_model(
    model_class: type[PreTrainedModel],
    name_or_path: str,
    *,
    revision: str = "main",
    bases: "BaseModels | None" = None,
) -> PreTrainedModel:
    """A trained model, or the base of a trained adapter with the adapter in it; no code of its directory is run.

    Args:
        model_class: one of our heads, or an `AutoModelFor...`.
        name_or_path, revision: where it is.
        bases: see `adapters.directories.BaseModels`.

    Raises:
        OSError: a file is missing.
        WeightsError: weights are missing, or do not fit the configuration.
        DataError: an adapter does not fit its base.
    """
    if find_adapter_config_file(name_or_path, revision=revision) is None:
        return load_weights(model_class, name_or_path, whole=True, loading={"revision": revision, "dtype": "auto"})[0]
    from ..adapters.directories import AdapterError, load_adapter  # peft takes seconds

    config_class = getattr(model_class, "config_class", None) or AutoConfig
    config = config_class.from_pretrained(name_or_path, revision=revision)
    try:
        return load_adapter(model_class, config, name_or_path, revision=revision, bases=bases)
    except AdapterError as error:
        raise DataError(str(error)) from error


def load_own_tokenizer(name_or_path: str, *, revision: str = "main") -> PreTrainedTokenizerBase:
    """The tokenizer in a model's directory; no code of the directory is run.

    Raises:
        OSError: it does not fit the model, see `open_tokenizer`.
    """
    loading = {"revision": revision, "trust_remote_code": False}
    config = read_config(name_or_path, loading=loading)
    return open_tokenizer(name_or_path, config, saved_again=False, **loading)


def choose_device(device: str | None) -> str:
    """The given device, else the first accelerator, else the CPU."""
    if device:
        return device
    return torch.accelerator.current_accelerator().type if torch.accelerator.is_available() else "cpu"
