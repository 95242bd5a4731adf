"""Write a trained model as an ONNX graph: encoder and head, for batches and texts of any size.

    python export_onnx.py outputs/ner outputs/ner_onnx
    python export_onnx.py outputs/ner outputs/ner_onnx --int8

Takes an output directory of any run_*.py, or a Hub id. Writes model.onnx, with --int8 also model_int8.onnx (weights of
matrices in eight bits), the configuration and the tokenizer; predict.py and serve.py take that folder in place of the
model. For programs without torch it adds, for taggers, onnx_decoding.py, which decodes the graph's scores into tags
and entities, or spans; tag_scores.npz, the CRF's transitions; and tags.json, their names. For a classifier that reads
long texts in windows, the graph gives those of windows and onnx_decoding.py pools them. The graph is compared with the
model once, and a difference of more than 1e-3 is an error. Of an ensemble (--folds), each member has a folder, beside
ensemble.json. Needs the packages of requirements-onnx.txt.
"""

import argparse
from pathlib import Path

from utils.data.errors import ArgumentError
from utils.options.arguments import run_script

NEWEST = 20  # version of the operators


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="output directory of a run_*.py script, or the Hub id of such a model")
    parser.add_argument("output_dir", type=Path, help="folder for the graph")
    parser.add_argument("--model_revision", default="main", help="branch, tag or commit of the Hub model (main)")
    parser.add_argument(
        "--opset", type=int, default=NEWEST, help=f"version of the operators, 14 to {NEWEST} ({NEWEST})"
    )
    parser.add_argument("--int8", action="store_true", help="also write a graph with eight-bit weights")
    args = parser.parse_args(argv)
    if not 14 <= args.opset <= NEWEST:
        raise ArgumentError(f"--opset {args.opset}: expected 14 to {NEWEST}")

    # Imported here so that --help and wrong flags answer at once.
    import transformers

    from utils.prediction.ensemble_files import NAME, read_ensemble
    from utils.prediction.onnx_model import require_packages
    from utils.running.atomic_files import write_json

    require_packages()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    options = {"opset": args.opset, "int8": args.int8}
    if ensemble := read_ensemble(args.model):
        names = [f"{number}-{Path(member).name}" for number, member in enumerate(ensemble["members"], start=1)]
        for name, member in zip(names, ensemble["members"], strict=True):
            export(member, args.output_dir / name, **options)
        write_json(args.output_dir / NAME, ensemble | {"members": names})
    else:
        export(args.model, args.output_dir, revision=args.model_revision, **options)


def export(name, output_dir, **options):
    """Write one model's graph and say what it is."""
    from utils.prediction.onnx_export import export_graph

    written = export_graph(name, output_dir, **options)
    for each in sorted(output_dir.glob("*.onnx")):
        print(f"{each}: {each.stat().st_size / 1e6:.1f} MB")
    inputs, outputs = (", ".join(names) for names in (written.inputs, written.outputs))
    print(f"inputs {inputs}; outputs {outputs}; at most {written.worst:.1e} from the model's scores")
    config = written.config
    if pooling := getattr(config, "window_pooling", None):
        of_windows = f"windows of {config.input_length} sub-tokens that overlap by {config.window_stride}"
        print(f"a row is a text or one of its {of_windows}: pool_windows of onnx_decoding.py pools them ({pooling})")


if __name__ == "__main__":
    run_script(main)
