"""Write a trained model as an ONNX graph: encoder and head, for batches and texts of any size.

    PYTHONPATH=. python scripts/export_onnx.py outputs/ner outputs/ner_onnx
    PYTHONPATH=. python scripts/export_onnx.py outputs/ner outputs/ner_onnx --int8

Takes an output directory of any run_*.py, or a Hub id. Writes model.onnx, with --int8 also model_int8.onnx (weights of
matrices in eight bits), the configuration and the tokenizer. For taggers it adds onnx_decoding.py, which decodes the
graph's scores into tags and entities, or spans; tag_scores.npz, the CRF's transitions; and tags.json, their names. For
a classifier that reads long texts in windows, the graph gives those of windows and onnx_decoding.py pools them. The
graph is compared with the model once, and a difference of more than 1e-3 is an error. Of an ensemble (--folds), each
member has a folder, beside ensemble.json. Needs the packages of requirements-onnx.txt.
"""

import argparse
import logging
import shutil
import warnings
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import (
    PreTrainedConfig,
)

from utils.data.errors import ArgumentError
from utils.modeling.cloze_classifier import ClozeClassifier
from utils.modeling.crf_tagger import CrfTagger
from utils.modeling.span_tagger import SpanTagger
from utils.modeling.tag_rules import tag_rules
from utils.modeling.weight_files import require_safetensors
from utils.options.arguments import run_script
from utils.prediction.ensemble_files import NAME, read_ensemble
from utils.prediction.entity_finder import find_tags
from utils.prediction.model_kinds import class_of, find_kind
from utils.prediction.probe_inputs import make_inputs
from utils.prediction.trained_models import load_model, load_own_tokenizer
from utils.running.atomic_files import write_json

OPSET = 20  # the newest that torch writes without onnxscript
TOLERANCE = 1e-3


class Graph(torch.nn.Module):
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


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="output directory of a run_*.py script, or the Hub id of such a model")
    parser.add_argument("output_dir", help="folder for the graph")
    parser.add_argument("--model_revision", default="main", help="branch, tag or commit of the Hub model")
    parser.add_argument("--opset", type=int, default=OPSET, help=f"version of the operators, 14 to {OPSET} ({OPSET})")
    parser.add_argument("--int8", action="store_true", help="also write a graph with eight-bit weights")
    args = parser.parse_args(argv)
    if not 14 <= args.opset <= OPSET:
        raise ArgumentError(f"--opset {args.opset}: expected 14 to {OPSET}")
    try:
        import onnx  # noqa: F401
        import onnxruntime
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError as error:
        raise ArgumentError(f"expected the package {error.name}: pip install -r requirements-onnx.txt") from None

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    if ensemble := read_ensemble(args.model):
        export_members(ensemble, Path(args.output_dir), opset=args.opset, int8=args.int8)
        return
    model, tokenizer = load(args.model, revision=args.model_revision)
    tags = None if isinstance(model, SpanTagger) or find_labels(model) is None else find_tags(model)
    output_dir = Path(args.output_dir)
    output_dir.mkdir(parents=True, exist_ok=True)
    example, other = (make_inputs(model, tokenizer, size=size) for size in ((2, 9), (3, 21)))
    inputs = list(example)
    answers = model.config.architectures[0].endswith("ForQuestionAnswering")
    outputs = ["start_logits", "end_logits"] if answers else ["logits"]
    graph = Graph(model, inputs, outputs).eval()  # else the export puts it and the model into training mode
    example, other = tuple(example.values()), tuple(other.values())
    path, special = output_dir / "model.onnx", getattr(model.config, "special_token_ids", None)
    if special is not None:
        model.config.special_token_ids = None  # the graph knows only padding; decoding knows special tokens
    try:
        write_graph(graph, example, path, opset=args.opset)
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ArgumentError(f"{args.model}: expected a model that torch can trace, found: {reason}") from error

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    used = [each.name for each in session.get_inputs()]  # some encoders ignore token_type_ids
    found = session.run(outputs, {name: other[inputs.index(name)].numpy() for name in used})
    with torch.no_grad():
        expected = graph(*other)
    worst = max(float(np.abs(a - b.numpy()).max()) for a, b in zip(found, expected, strict=True))
    if not worst <= TOLERANCE:
        path.unlink()
        raise ArgumentError(
            f"{args.model}: expected the graph to give the model's scores, found a difference of {worst:.1e}"
        )
    if args.int8:
        logging.disable(logging.WARNING)  # it advises to optimise the graph first
        quantize_dynamic(path, output_dir / "model_int8.onnx", weight_type=QuantType.QInt8)
        logging.disable(logging.NOTSET)
    if special is not None:
        model.config.special_token_ids = special
    model.config.save_pretrained(output_dir)
    tokenizer.save_pretrained(output_dir)
    pooling = getattr(model.config, "window_pooling", None)
    if pooling or find_labels(model) is not None:
        shutil.copyfile(Path(__file__).with_name("onnx_decoding.py"), output_dir / "onnx_decoding.py")
        if tags:
            np.savez(output_dir / "tag_scores.npz", **tag_scores(model))
            write_json(output_dir / "tags.json", {"names": tags.names, "scheme": tags.scheme})
    for each in sorted(output_dir.glob("*.onnx")):
        print(f"{each}: {each.stat().st_size / 1e6:.1f} MB")
    print(f"inputs {', '.join(used)}; outputs {', '.join(outputs)}; at most {worst:.1e} from the model's scores")
    if pooling:
        of_windows = f"windows of {model.config.input_length} sub-tokens that overlap by {model.config.window_stride}"
        print(f"a row is a text or one of its {of_windows}: pool_windows of onnx_decoding.py pools them ({pooling})")


def export_members(ensemble, output_dir, *, opset, int8):
    """Write the graph of each member, and the file that makes the folder an ensemble."""
    names = [f"{number}-{Path(member).name}" for number, member in enumerate(ensemble["members"], start=1)]
    for name, member in zip(names, ensemble["members"], strict=True):
        main([member, str(output_dir / name), "--opset", str(opset), *["--int8"][: int(int8)]])
    write_json(output_dir / NAME, ensemble | {"members": names})


def load(name_or_path, *, revision):
    """A model, or an adapter on its base, with plain attention, and its tokenizer; no code of its directory is run."""
    fields, _ = PreTrainedConfig.get_config_dict(name_or_path, revision=revision)
    require_safetensors(name_or_path, revision=revision)
    if (model_class := class_of(fields)) is None:
        find_kind(name_or_path, revision=revision)  # says what was expected
    model = load_model(model_class, name_or_path, revision=revision).float().eval()
    model.set_attn_implementation("eager")
    return model, load_own_tokenizer(name_or_path, revision=revision)


def write_graph(graph, example, path, *, opset):
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


def find_labels(model):
    """The names of a tagger's tags or types in the order of their ids; None if it is no tagger."""
    tags = isinstance(model, CrfTagger | SpanTagger) or type(model).__name__.endswith("ForTokenClassification")
    return [model.config.id2label[i] for i in range(model.config.num_labels)] if tags else None


def tag_scores(model):
    """Scores of transitions, starts and ends: the CRF's, else 0, with -inf for what constrained decoding forbids."""
    names = ("transitions", "starts", "ends")
    if getattr(model, "crf", None) is not None:
        return {name: scores.detach().numpy() for name, scores in zip(names, model.crf.constrain(), strict=True)}
    rules = tag_rules(find_labels(model))
    if not getattr(model.config, "constrained", False):
        return {name: np.zeros(rule.shape, dtype=np.float32) for name, rule in zip(names, rules[:3], strict=True)}
    forbid = {name: ~rule.numpy() for name, rule in zip(names, rules[:3], strict=True)}
    return {name: np.where(rule, -np.inf, 0).astype(np.float32) for name, rule in forbid.items()}


if __name__ == "__main__":
    run_script(main)
