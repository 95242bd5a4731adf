"""Keep some layers of an encoder: a smaller and faster one, to be trained further.

    python scripts/keep_layers.py hfl/chinese-roberta-wwm-ext outputs/six_layers --layers 0 2 4 6 8 10

Takes a folder or a Hub id, of an encoder or of a stock model. Layers are counted from 0. Fine-tuned, every second
layer often has nearly the score of all; run_mlm.py --teacher brings the rest closer (docs/en/distillation.md).
"""

import argparse
import logging
from pathlib import Path

import torch
import transformers
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from utils.data.errors import ArgumentError
from utils.distillation.kept_layers import keep_layers
from utils.encoding.tokenization import load_tokenizer
from utils.modeling.pretrained_weights import WeightsError, load_as_saved
from utils.options.arguments import run_script
from utils.running.atomic_files import making_folder

PROBE = "今天 the weather is 很好。"


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="folder or Hub id")
    parser.add_argument("output_dir", help="folder for the smaller model")
    parser.add_argument("--layers", nargs="+", type=int, required=True, help="layers that are kept, from 0, in order")
    parser.add_argument("--model_revision", default="main", help="branch, tag or commit of the Hub model (main)")
    args = parser.parse_args(argv)
    if Path(args.output_dir).exists():
        raise ArgumentError(f"{args.output_dir}: expected a new folder, found one; remove it or name another")
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()

    tokenizer, config = load_tokenizer(args.model, revision=args.model_revision)
    model, new = load_as_saved(args.model, config, revision=args.model_revision)
    try:
        smaller = keep_layers(model, args.layers)
    except ValueError as error:
        raise ArgumentError(f"{args.model}: {error}") from None
    with making_folder(args.output_dir) as folder:
        weights = {name: weight for name, weight in smaller.state_dict().items() if name not in new}
        smaller.save_pretrained(folder, state_dict=weights)
        tokenizer.save_pretrained(folder)
        check(smaller, str(folder), tokenizer)
    for what, values in (
        ("layers", (f"{each.config.num_hidden_layers}" for each in (model, smaller))),
        ("parameters", (f"{each.num_parameters() / 1e6:.1f} M" for each in (model, smaller))),
    ):
        print(f"{what:<12}{' -> '.join(values)}")
    print(f"saved in    {args.output_dir}")


def check(model: PreTrainedModel, folder: str, tokenizer: PreTrainedTokenizerBase) -> None:
    """Check that what was saved computes the same when it is loaded.

    Raises:
        ArgumentError: it does not, as when a family's first layer is unlike the others and is not there.
    """
    inputs = tokenizer(PROBE, return_tensors="pt")
    try:
        again, _ = load_as_saved(folder, model.config)
        with torch.no_grad():
            one, other = (each.base_model(**inputs).last_hidden_state for each in (model, again))
        same = torch.equal(one, other)
    except WeightsError:
        same = False
    if not same:
        raise ArgumentError(
            f"--layers: expected layers that {model.config.model_type} can have, found that it is another model when "
            "it is loaded again; keep the first layer, and the distances between kinds of layers"
        )


if __name__ == "__main__":
    run_script(main)
