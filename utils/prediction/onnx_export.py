"""A trained model as an ONNX graph: encoder and head, for batches and texts of any size, compared with the model once.

Needs the packages of requirements-onnx.txt.
"""

import json
import logging
import shutil
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from transformers import PreTrainedConfig, PreTrainedModel

from ..data.errors import ArgumentError
from ..modeling.cloze_classifier import ClozeClassifier
from ..modeling.crf_tagger import CrfTagger
from ..modeling.span_tagger import SpanTagger
from ..modeling.tag_rules import tag_rules
from ..modeling.weight_files import require_model, require_safetensors
from .entity_finder import find_tags
from .model_kinds import class_of, find_kind
from .onnx_model import GRAPH, SCORES, SMALL_GRAPH, require_packages
from .probe_inputs import make_inputs
from .trained_models import load_model, load_own_tokenizer

OPSET = 20  # the newest that torch writes without onnxscript
TOLERANCE = 1e-3
TAGS = "tags.json"
DECODING = Path(__file__).with_name("onnx_decoding.py")


class Exported(NamedTuple):
    """What `export_graph` wrote.

    Attributes:
        inputs, outputs: of the graph, by name; encoders that ignore token types have no input for them.
        worst: the largest difference from the model's scores that was found.
        config: the model's.
    """

    inputs: list[str]
    outputs: list[str]
    worst: float
    config: PreTrainedConfig


class _Graph(torch.nn.Module):
    """A model whose inputs and outputs are positional."""

    def __init__(self, model, inputs, outputs):
        super().__init__()
        self.model, self.inputs, self.outputs = model, inputs, outputs
        if getattr(model, "shares", None) is not None:  # learned shares of label words are constants from now on
            with torch.no_grad():
                model.words.shares = model.shares(model.words.labels)
            model.shares = None

    def forward(self, *values):
        given = dict(zip(self.inputs, values, strict=True))
        if isinstance(self.model, ClozeClassifier):
            return (self.compare_words(self.model(**given, output_word_scores=True).word_scores),)
        found = self.model(**given)
        return tuple(found[name] for name in self.outputs)

    def compare_words(self, scores):
        """(batch, words) -> (batch, num_labels): as the model does, but in a way that can be traced."""
        model, words = self.model, self.model.words
        members = [(words.labels == label).nonzero()[:, 0] for label in range(words.num_labels)]
        if model.config.aggregation == "max":
            logits = torch.stack([scores[:, each].amax(1) for each in members], 1)
        else:
            logits = torch.stack([scores[:, each] @ words.shares[each] for each in members], 1)
        return logits if model.config.bias is None else logits - torch.tensor(model.config.bias)


def load_exportable(name_or_path: str, *, revision: str = "main"):
    """A model, or an adapter on its base, with plain attention, and its tokenizer; no code of its directory is run.

    Raises:
        OSError: there is no such model.
        DataError: it has none of the kinds.
    """
    fields = require_model(name_or_path, revision=revision)
    require_safetensors(name_or_path, revision=revision)
    if (model_class := class_of(fields)) is None:
        find_kind(name_or_path, revision=revision)  # says what was expected
    model = load_model(model_class, name_or_path, revision=revision).float().eval()
    model.set_attn_implementation("eager")
    return model, load_own_tokenizer(name_or_path, revision=revision)


def export_graph(
    name_or_path: str, folder: str | Path, *, revision: str = "main", opset: int = OPSET, int8: bool = False
) -> Exported:
    """Write a model's graph, its configuration and tokenizer, and what decoding needs.

    Args:
        name_or_path: a folder with weights or an adapter, or a Hub id.
        folder: where to.
        revision: branch, tag or commit on the Hub.
        opset: version of the operators, 14 to `OPSET`.
        int8: write a second graph whose matrices have eight bits.

    Raises:
        ArgumentError: a package is missing, the model can't be traced, or the graph gives other scores.
    """
    onnxruntime = require_packages()
    model, tokenizer = load_exportable(name_or_path, revision=revision)
    tagger = find_labels(model) is not None
    tags = find_tags(model) if tagger and not isinstance(model, SpanTagger) else None
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    example, other = (make_inputs(model, tokenizer, size=size) for size in ((2, 9), (3, 21)))
    inputs = list(example)
    answers = model.config.architectures[0].endswith("ForQuestionAnswering")
    outputs = ["start_logits", "end_logits"] if answers else ["logits"]
    graph = _Graph(model, inputs, outputs).eval()  # else the export puts it and the model into training mode
    example, other = tuple(example.values()), tuple(other.values())
    path, special = folder / GRAPH, getattr(model.config, "special_token_ids", None)
    if special is not None:
        model.config.special_token_ids = None  # the graph knows only padding; decoding knows special tokens
    try:
        write_graph(graph, example, path, opset=opset)
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ArgumentError(f"{name_or_path}: expected a model that torch can trace, found: {reason}") from error

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    used = [each.name for each in session.get_inputs()]
    found = session.run(outputs, {name: other[inputs.index(name)].numpy() for name in used})
    with torch.no_grad():
        expected = graph(*other)
    worst = max(float(np.abs(a - b.numpy()).max()) for a, b in zip(found, expected, strict=True))
    if not worst <= TOLERANCE:
        path.unlink()
        raise ArgumentError(
            f"{name_or_path}: expected the graph to give the model's scores, found a difference of {worst:.1e}"
        )
    if int8:
        _write_small(path, folder / SMALL_GRAPH)
    if special is not None:
        model.config.special_token_ids = special
    model.config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if tagger or getattr(model.config, "window_pooling", None):
        shutil.copyfile(DECODING, folder / DECODING.name)
    if tags:
        np.savez(folder / SCORES, **tag_scores(model))
        about = {"names": tags.names, "scheme": tags.scheme}
        (folder / TAGS).write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")
    return Exported(used, outputs, worst, model.config)


def write_graph(graph: torch.nn.Module, example: tuple, path: Path, *, opset: int) -> None:
    """Trace the model and write the part that its outputs need, without its decoding."""
    axes = {0: "batch", 1: "length"} if example[0].dim() == 2 else {0: "batch", 2: "length"}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # tracing warns that checks of shapes and lengths of loops become constants
        torch.onnx.export(
            graph,
            example,
            str(path),
            dynamo=False,
            opset_version=opset,
            input_names=graph.inputs,
            output_names=graph.outputs,
            dynamic_axes=dict.fromkeys(graph.inputs, axes) | {name: {0: "batch"} for name in graph.outputs},
        )


def _write_small(path: Path, small: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.disable(logging.WARNING)  # it advises to optimise the graph first
    # Signed, twice as fast with VNNI; without it `OnnxModel` has onnxruntime take them as unsigned.
    quantize_dynamic(path, small, weight_type=QuantType.QInt8, per_channel=True)
    logging.disable(logging.NOTSET)


def find_labels(model: PreTrainedModel) -> list[str] | None:
    """The names of a tagger's tags or types in the order of their ids; None if it is no tagger."""
    tags = isinstance(model, CrfTagger | SpanTagger) or type(model).__name__.endswith("ForTokenClassification")
    return [model.config.id2label[i] for i in range(model.config.num_labels)] if tags else None


def tag_scores(model: PreTrainedModel) -> dict[str, np.ndarray]:
    """Scores of transitions, starts and ends: the CRF's, else 0, with -inf for what constrained decoding forbids."""
    names = ("transitions", "starts", "ends")
    if getattr(model, "crf", None) is not None:
        return {name: scores.detach().numpy() for name, scores in zip(names, model.crf.constrain(), strict=True)}
    rules = tag_rules(find_labels(model))
    if not getattr(model.config, "constrained", False):
        return {name: np.zeros(rule.shape, dtype=np.float32) for name, rule in zip(names, rules[:3], strict=True)}
    forbid = {name: ~rule.numpy() for name, rule in zip(names, rules[:3], strict=True)}
    return {name: np.where(rule, -np.inf, 0).astype(np.float32) for name, rule in forbid.items()}
