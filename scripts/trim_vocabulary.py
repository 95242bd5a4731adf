"""Cut a model's vocabulary to what texts use: multilingual encoders are mostly embeddings.

    python scripts/trim_vocabulary.py xlm-roberta-base outputs/xlm-r-zh --texts data/*.json corpus.txt

Takes a folder or a Hub id, of an encoder or of a stock model, with any fast tokenizer (WordPiece, Unigram, byte-level
BPE). Keeps the pieces that the texts use, what these are built from, special tokens, and all single characters (where
others can be written as bytes: all Chinese ones). On texts that use no other pieces, outputs are equal bit for bit,
which is tried before anything is written; others are cut into smaller pieces. Prints how many parameters, how much
memory and how much time this saves.
"""

import argparse
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
import transformers
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from utils.data.errors import ArgumentError, ErrorLog
from utils.encoding.tokenization import load_tokenizer
from utils.encoding.trimmed_tokenizer import choose_pieces, count_pieces, save_trimmed
from utils.files.parquet_files import read_parquet
from utils.files.text_lines import read_lines
from utils.modeling.encoders import OFFSET_POSITIONS
from utils.modeling.pretrained_weights import load_as_saved
from utils.modeling.trimmed_vocabulary import trim_vocabulary
from utils.options.arguments import run_script
from utils.reading.text_forms import find_form
from utils.reading.text_records import read_records
from utils.running.atomic_files import making_folder
from utils.tagging.column_files import are_columns
from utils.tagging.readers_ner import read_ner

CHECKED = 1000  # texts that are cut into pieces again, to compare
TRIED = 16  # texts whose outputs are compared, and which are a step of training
LONGEST = 128  # tokens of each of them
STEPS = 5
ADAM = 4  # values in memory for each parameter: the weight, its gradient and two moments


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="folder or Hub id")
    parser.add_argument("output_dir", help="folder for the smaller model")
    parser.add_argument(
        "--texts", nargs="+", required=True, help="files of any form that the scripts read; all their strings count"
    )
    parser.add_argument("--min_count", type=int, default=1, help="how often a piece must occur to be kept (1)")
    parser.add_argument(
        "--split_characters",
        action="store_true",
        help="make each Chinese character a token of its own, so that pieces of several go",
    )
    parser.add_argument("--model_revision", default="main", help="branch, tag or commit of the Hub model (main)")
    parser.add_argument("--no_timing", action="store_true", help="do not measure the steps of training")
    args = parser.parse_args(argv)
    if args.min_count < 1:
        raise ArgumentError(f"--min_count {args.min_count}: expected 1 or more")
    if Path(args.output_dir).exists():
        raise ArgumentError(f"{args.output_dir}: expected a new folder, found one; remove it or name another")
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()

    tokenizer, config = load_tokenizer(args.model, split=args.split_characters, revision=args.model_revision)
    model, new = load_as_saved(args.model, config, revision=args.model_revision)
    texts = list(dict.fromkeys(text for path in args.texts for text in read_strings(path)))
    counts = count_pieces(tokenizer, texts)
    used = {id for id, count in counts.items() if count >= args.min_count}
    try:
        kept = choose_pieces(tokenizer, used, through_padding=config.model_type in OFFSET_POSITIONS)
        smaller = trim_vocabulary(model, kept)
    except ValueError as error:
        raise ArgumentError(f"{args.model}: {error}") from None
    with making_folder(args.output_dir) as folder:
        weights = {name: weight for name, weight in smaller.state_dict().items() if name not in new}
        smaller.save_pretrained(folder, state_dict=weights)
        save_trimmed(tokenizer, kept, folder)
        tokenizer_again, _ = load_tokenizer(str(folder))
        covered = find_covered(tokenizer, texts, set(kept))
        compare(model, tokenizer, smaller, tokenizer_again, covered, kept)
    tried = min(TRIED, len(covered))
    print(f"outputs on {tried} of {len(covered):,} texts that use no other pieces: equal bit for bit")
    if others := sorted(set(texts) - set(covered)):
        unknown = sum(map(int.__gt__, *(count_unknown(each, others) for each in (tokenizer_again, tokenizer))))
        print(f"{len(others):,} texts use other pieces: {len(others) - unknown:,} are cut into smaller ones, ", end="")
        print(f"{unknown:,} have characters that are unknown now")
    batch = texts[:TRIED]
    show("pieces", *(f"{each.get_input_embeddings().weight.shape[0]:,}" for each in (model, smaller)))
    sizes = [sum(weight.numel() for weight in each.parameters()) for each in (model, smaller)]
    show("parameters", *(f"{size / 1e6:.1f} M" for size in sizes))
    show("weights, fp32", *(f"{size * 4 / 1e6:,.0f} MB" for size in sizes))
    show("memory of AdamW, fp32", *(f"{size * 4 * ADAM / 1e6:,.0f} MB" for size in sizes))
    if not args.no_timing:
        seconds = time_steps((model, encode(tokenizer, batch)), (smaller, encode(tokenizer_again, batch)))
        show(f"a step of {len(batch)} texts", *(f"{each:.2f} s" for each in seconds))


def read_strings(path: str) -> Iterator[str]:
    """All strings of a file: lines of text, cells of a table, values of JSON at any depth, or texts of tagged tokens.

    Raises:
        DataError: the file cannot be read.
    """
    name = Path(path).name.lower().removesuffix(".gz")
    if name.endswith(".parquet"):
        yield from strings_of(read_parquet(path).to_list())
        return
    log = ErrorLog(path, stops=True)
    lines = read_lines(path, log)
    if not name.endswith(("json", "jsonl")) and are_columns(lines, is_csv=name.endswith(".csv")):
        yield from read_ner(path)["text"]
        return
    _, records = read_records(lines, find_form(lines, name), log)
    for number, record in records:
        if isinstance(record, str):
            log.add(number, record)
        yield from strings_of(record)


def strings_of(value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from strings_of(each)


def count_unknown(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[int]:
    """How many unknown pieces each text has."""
    encoded = tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False, verbose=False)
    return [ids.count(tokenizer.unk_token_id) for ids in encoded["input_ids"]]


def find_covered(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], kept: set[int]) -> list[str]:
    """The texts that use kept pieces only."""
    covered = []
    for start in range(0, len(texts), CHECKED):
        some = texts[start : start + CHECKED]
        rows = tokenizer(some, add_special_tokens=False, verbose=False)["input_ids"]
        covered += [text for text, row in zip(some, rows, strict=True) if kept.issuperset(row)]
    return covered


def encode(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> dict[str, torch.Tensor]:
    return dict(tokenizer(list(texts), padding=True, truncation=True, max_length=LONGEST, return_tensors="pt"))


def compare(model, tokenizer, smaller, tokenizer_again, texts: Sequence[str], kept: Sequence[int]) -> None:
    """Check that the smaller model has the same tokens and outputs.

    Raises:
        ArgumentError: it has not.
    """
    ids = torch.tensor(kept)
    for text in texts[:CHECKED]:
        one, other = (each(text, verbose=False)["input_ids"] for each in (tokenizer, tokenizer_again))
        if one != ids[torch.tensor(other, dtype=torch.long)].tolist():
            raise ArgumentError(f"expected the same pieces of {text[:40]!r} as before, found others; this is a bug")
    if texts := texts[:TRIED]:
        with torch.no_grad():
            one, other = model(**encode(tokenizer, texts))[0], smaller(**encode(tokenizer_again, texts))[0]
        one = one[..., ids] if one.shape[-1] != other.shape[-1] else one  # scores of the words that are left
        if not torch.equal(one, other):
            raise ArgumentError(
                f"expected equal outputs, found a difference of {(one - other).abs().max():.1e}; this is a bug"
            )


def time_steps(*runs: tuple[PreTrainedModel, dict[str, torch.Tensor]]) -> list[float]:
    """Seconds of a step of training for each model and batch, the fastest of some, in turn."""
    seconds: list[list[float]] = [[] for _ in runs]
    optimizers = [torch.optim.AdamW(model.parameters(), lr=0.0) for model, _ in runs]
    for _ in range(STEPS):
        for (model, batch), optimizer, found in zip(runs, optimizers, seconds, strict=True):
            began = time.perf_counter()
            model.train()(**batch)[0].float().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
            found.append(time.perf_counter() - began)
    return [min(found) for found in seconds]


def show(what: str, before: str, after: str) -> None:
    print(f"{what:<24}{before:>12} -> {after}")


if __name__ == "__main__":
    run_script(main)
