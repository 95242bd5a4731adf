"""F1 and speed of a CRF tagger in torch, as an ONNX graph, and with eight-bit weights, side by side on one thread.

    python export_onnx.py outputs/cluener_bert_mini outputs/cluener_onnx --int8
    python benchmarks/onnx_speed.py outputs/cluener_bert_mini outputs/cluener_onnx cluener/dev.json

The three take turns on all texts, in batches of similar length, including tokenizing and decoding. Prints the rows of
the table in docs/en/predict.md: strict F1, median of texts per second, megabytes. Takes a minute for the validation
file of CLUENER2020.
"""

import argparse
import importlib.util
import statistics
import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from utils.prediction.entity_finder import EntityFinder
from utils.prediction.onnx_model import open_session
from utils.running.atomic_files import write_json
from utils.running.run_setup import hardware
from utils.tagging.readers_ner import read_ner


class OnnxFinder(EntityFinder):
    """Finds entities with an ONNX graph instead of the model."""

    def open(self, path):
        spec = importlib.util.spec_from_file_location("onnx_decoding", path.with_name("onnx_decoding.py"))
        self.decoding = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.decoding)
        self.session = open_session(path, int8="int8" in path.name)
        self.scores = dict(np.load(path.with_name("tag_scores.npz")))
        return self

    def _decode(self, batch, rows):
        given = {name: batch[name].numpy() for name in ("input_ids", "attention_mask")}
        if any(each.name == "token_type_ids" for each in self.session.get_inputs()):
            given["token_type_ids"] = np.zeros_like(given["input_ids"])
        (emissions,) = self.session.run(["logits"], given)
        tags = self.decoding.viterbi(emissions, batch["token_mask"].numpy(), **self.scores)
        return tags.tolist(), np.ones((*tags.shape, 3)).tolist()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="output directory of run_ner.py --head crf")
    parser.add_argument("onnx", type=Path, help="folder written by export_onnx.py with --int8")
    parser.add_argument("file", help="labelled texts")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output_file", help="write the results of every round here (JSON)")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    dataset = read_ner(args.file)
    texts = dataset["text"][:]
    gold = [{(one["start"], one["end"], one["label"]) for one in row} for row in dataset["entities"][:]]

    finder = EntityFinder.load(args.model, device="cpu")
    finders = {"torch": (finder, Path(args.model) / "model.safetensors")}
    for name, file in {"ONNX": "model.onnx", "ONNX, eight bits": "model_int8.onnx"}.items():
        graph = OnnxFinder(finder.model, finder.tokenizer).open(args.onnx / file)
        finders[name] = graph, args.onnx / file
    speeds, scores = {name: [] for name in finders}, {}
    for _ in range(args.rounds):
        for name, (each, _) in finders.items():
            started = time.perf_counter()
            found = each.find(texts)
            speeds[name].append(len(texts) / (time.perf_counter() - started))
            found = [{entity[:3] for entity in row} for row in found]
            right = sum(len(a & b) for a, b in zip(found, gold, strict=True))
            scores[name] = 2 * right / (sum(map(len, found)) + sum(map(len, gold)))
    rows = {
        name: {
            "f1": scores[name],
            "texts_per_second": statistics.median(speeds[name]),
            "rounds": speeds[name],
            "megabytes": path.stat().st_size / 1e6,
        }
        for name, (_, path) in finders.items()
    }
    print("| | F1 | texts/s | MB |\n|---|---|---|---|")
    for name, row in rows.items():
        print(f"| {name} | {100 * row['f1']:.2f} | {row['texts_per_second']:.0f} | {row['megabytes']:.1f} |")
    if args.output_file:
        record = {"texts": len(texts), "threads": args.threads, "onnxruntime": onnxruntime.__version__, "rows": rows}
        record |= {"torch": torch.__version__, "hardware": hardware()}
        write_json(args.output_file, record)


if __name__ == "__main__":
    main()
