"""Options of scripts that use trained models: which, and how they are run."""

import argparse
from typing import Any

BACKENDS = ("auto", "torch", "onnx")
OF_MODELS = ("model", "adapter", "ensemble", "model_revision", "top_k", "threshold", "backend", "int8")


def add_model_options(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """Add the options.

    Args:
        parser: gets them.
        several: let `model` be several directories, which answer one by one.
    """
    about = "output directory of a run_*.py script or of export_onnx.py, or the Hub id of such a model"
    parser.add_argument("model", nargs="*" if several else "?", help=about)
    parser.add_argument(
        "--adapter", nargs="+", help="several directories of adapters; an encoder that they share is loaded once"
    )
    parser.add_argument("--ensemble", nargs="+", help="several directories of one task that answer together")
    parser.add_argument("--model_revision", default="main", help="branch, tag or commit of the Hub model (main)")
    parser.add_argument("--top_k", type=int, help="write this many of the most probable classes (3) or answers")
    parser.add_argument(
        "--threshold",
        type=float,
        help="replaces the tuned threshold: lowest probability of the positive class, of each of several labels, or "
        "of any answer; with passages: score above which there is no answer",
    )
    parser.add_argument("--batch_size", type=int, help="inputs per forward pass (64; 16 of a graph)")
    parser.add_argument("--device", help="cpu, cuda, cuda:1, ...; the first accelerator, else cpu, if not given")
    parser.add_argument(
        "--precision",
        choices=["auto", "fp32", "bf16"],
        default="auto",
        help="auto (default): bf16 where it is fast, else fp32",
    )
    parser.add_argument(
        "--backend",
        choices=BACKENDS,
        default="auto",
        help="onnx: score by a graph on the CPU, made of the weights if there is none; auto (default): a graph where "
        "there are no weights",
    )
    parser.add_argument(
        "--onnx", dest="backend", action="store_const", const="onnx", help="the same as --backend onnx"
    )
    parser.add_argument("--int8", action="store_true", help="a graph whose matrices have eight bits; implies --onnx")


def check_model_options(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """End the script with status 2 if the options do not fit each other."""
    if sum(map(bool, (args.model, args.adapter, args.ensemble))) != 1 or len(args.ensemble or "two") < 2:
        parser.error("expected a model, --adapter with several, or --ensemble with two or more")
    for name in ("top_k", "batch_size"):
        if (value := getattr(args, name)) is not None and value < 1:
            parser.error(f"--{name} {value}: expected 1 or more")
    if args.int8 and args.backend == "torch":
        parser.error("--int8: expected --backend onnx, found torch")
    graph = args.int8 or args.backend == "onnx"
    if graph and (args.precision == "bf16" or not (args.device or "cpu").startswith("cpu")):
        parser.error("--backend onnx: a graph runs on the CPU with 32 or 8 bits; leave out --device and --precision")


def model_loading(args: argparse.Namespace) -> dict[str, Any]:
    """What `prediction_tasks.load_task` is told about how models are loaded."""
    import torch

    from .fine_tuning_arguments import has_bf16

    cpu = args.device == "cpu" or not torch.accelerator.is_available()
    bf16 = args.precision == "bf16" or (args.precision == "auto" and has_bf16(cpu=cpu))
    loading = {"revision": args.model_revision, "device": args.device, "bf16": bf16}
    if args.batch_size:
        loading["batch_size"] = args.batch_size
    return loading | {"backend": args.backend, "int8": args.int8}
