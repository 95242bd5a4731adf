"""A graph that `onnx_export` wrote, in place of the model that it was made of."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import AutoConfig
from transformers.modeling_outputs import (
    QuestionAnsweringModelOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
)
from transformers.utils import ModelOutput

from ..data.errors import ArgumentError, DataError
from ..modeling.crf import LinearChainCRF
from ..modeling.crf_tagger import CrfTagger, CrfTaggerOutput, decode_softmax
from ..modeling.span_tagger import MASKED, SpanTagger, SpanTaggerOutput, decode_spans
from ..modeling.weight_files import WEIGHTS

BACKENDS = ("auto", "torch", "onnx")
BATCH = 16  # inputs per pass: what lies between the layers should fit into a core's cache
SLOW = ["SkipLayerNormFusion"]  # optimizations of onnxruntime: sums and norms take twice as long with this one
GRAPH, SMALL_GRAPH, SCORES = "model.onnx", "model_int8.onnx", "tag_scores.npz"  # files of a folder


class OnnxModel:
    """A graph that scores on the CPU, and decodes as the model that it was made of.

    Args:
        folder: written by `export_graph`.
        head: class of that model, ours or an auto class.
        int8: take the graph with eight-bit matrices.

    Attributes:
        config, device, crf: as of that model; `crf` is None if it has none.

    Raises:
        ArgumentError: onnxruntime is missing, or there is no graph with eight bits.
        DataError: the graph is damaged.
    """

    device = torch.device("cpu")

    def __init__(self, folder: str | Path, *, head: type, int8: bool = False):
        require_packages()
        path = Path(folder) / (SMALL_GRAPH if int8 else GRAPH)
        if not path.is_file():
            raise ArgumentError(f"--int8: expected {path}, found none; export the model again with --int8")
        self.session = open_session(path, int8=int8)
        self.head, self.name_or_path, self.path, self.crf = head, str(folder), path, None
        config_class = getattr(head, "config_class", None) or AutoConfig
        self.config = config_class.from_pretrained(folder)
        self.outputs = [each.name for each in self.session.get_outputs()]
        if head is CrfTagger and self.config.head == "crf":
            self.crf = _load_crf(Path(folder) / SCORES, self.labels)

    @property
    def labels(self) -> list[str]:
        """In the order of their ids."""
        return [self.config.id2label[i] for i in range(self.config.num_labels)]

    def state_dict(self) -> dict[str, Tensor]:
        """What decides about the scores, as a model has it: the bytes of the graph, and the CRF."""
        graph = {"graph": torch.frombuffer(bytearray(self.path.read_bytes()), dtype=torch.uint8)}
        return graph if self.crf is None else graph | self.crf.state_dict()

    def __call__(self, token_mask: Tensor | None = None, **inputs: Tensor) -> ModelOutput:
        """What the model gives for a batch, see its `forward`; inputs that the graph does not know are left out."""
        ids = inputs["input_ids"]
        given = {each.name: inputs.get(each.name, torch.zeros_like(ids)).numpy() for each in self.session.get_inputs()}
        found = {
            name: torch.from_numpy(scores)
            for name, scores in zip(self.outputs, self.session.run(self.outputs, given), strict=True)
        }
        if "start_logits" in found:
            return QuestionAnsweringModelOutput(**found)
        logits = found["logits"]
        if self.head is CrfTagger:
            if self.crf is None:
                tags, along = decode_softmax(
                    logits, token_mask, labels=self.labels, constrained=self.config.constrained
                )
            else:
                tags = self.crf.decode(logits, token_mask, pad=-100)
                along = self.crf.posteriors(logits, tags, token_mask)
            return CrfTaggerOutput(logits=logits, tags=tags, posteriors=along)
        if self.head is SpanTagger:  # the graph leaves out padding only
            cells = (token_mask[:, :, None] & token_mask[:, None]).triu()  # (batch, length, length)
            logits = logits.masked_fill(~cells[:, None], MASKED)
            spans, scores = decode_spans(logits, nested=self.config.nested)
            return SpanTaggerOutput(logits=logits, spans=spans, span_scores=scores)
        return (TokenClassifierOutput if logits.dim() == 3 else SequenceClassifierOutput)(logits=logits)


def open_graph(folder: str, *, head: type, backend: str = "auto", int8: bool = False) -> OnnxModel | None:
    """The graph in a folder, to use in place of a model's weights; None: its weights are to be used.

    Args:
        folder: or a Hub id, which has none.
        head: class of the model.
        backend: `torch`, `onnx`, or `auto`: where there are no weights, or where `int8` asks for it.
        int8: with eight-bit matrices.

    Raises:
        ArgumentError: `backend` is `onnx`, and there is no graph.
    """
    wanted = backend == "onnx" or (int8 and backend == "auto")
    if not has_graph(folder):
        if wanted:
            raise ArgumentError(f"{folder}: expected {GRAPH}, found none; export_onnx.py makes it of a model")
        return None
    if not wanted and (backend == "torch" or any((Path(folder) / name).is_file() for name in WEIGHTS)):
        return None
    return OnnxModel(folder, head=head, int8=int8)


def has_graph(folder: str) -> bool:
    """Whether `export_graph` has written a graph there."""
    return (Path(folder) / GRAPH).is_file()


def open_session(path: Path, *, int8: bool):
    """An `onnxruntime.InferenceSession` of a graph on the CPU, with as many threads as torch would use.

    Args:
        path: the graph.
        int8: its matrices have eight bits.

    Raises:
        DataError: the graph is damaged.
    """
    onnxruntime = require_packages()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # else idle threads hold up a server's
    if int8 and not has_vnni():
        options.add_session_config_entry("session.x64quantprecision", "1")  # slower, but the sums are exact
    try:
        session = onnxruntime.InferenceSession
        return session(path, options, providers=["CPUExecutionProvider"], disabled_optimizers=SLOW)
    except Exception as error:  # onnxruntime's errors have no class in common but this
        raise DataError(f"{path}: expected a graph, found: {str(error).splitlines()[0]}") from error


def has_vnni() -> bool:
    """Whether the processor adds up products of eight bits in 32; others of its kind cut sums off at 16."""
    found = torch.cpu.get_capabilities()
    return any(found.get(name) for name in ("avx512_vnni", "avx_vnni"))


def answers_like(model: Any, heads: type | tuple[type, ...]) -> bool:
    """Whether a model is of one of these classes, or a graph of such a model."""
    return issubclass(model.head, heads) if isinstance(model, OnnxModel) else isinstance(model, heads)


def require_packages():
    """The module onnxruntime.

    Raises:
        ArgumentError: it, or onnx, is missing.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime
    except ImportError as error:
        raise ArgumentError(f"expected the package {error.name}: pip install -r requirements-onnx.txt") from None
    return onnxruntime


def _load_crf(path: Path, labels: list[str]) -> LinearChainCRF:
    crf = LinearChainCRF(labels)
    try:
        with np.load(path, allow_pickle=False) as scores, torch.no_grad():
            for name, parameter in crf.named_parameters():
                parameter.copy_(torch.from_numpy(scores[name]))
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise DataError(f"{path}: expected the scores of a CRF with {len(labels)} tags, found: {error}") from error
    return crf.eval()
