"""Apply a trained output directory to texts; one line of JSON a text on standard output.

    python predict.py outputs/ner --text "张伟在北京大学教书。"
    python predict.py outputs/ner --input_file texts.txt --output_file found.jsonl
    python predict.py outputs/ner --interactive

Texts come from --text, from a file (txt: one a line; json lines and csv: a column), or from standard input. Every
text gives one
line, in order, however long the file: it is read as a stream. About 1,400 short sentences a second with
pretrained/bert-mini-zh on two CPU cores.
"""

import argparse
import contextlib
import sys

from utils.data.errors import DataError
from utils.data.text_stream import count_lines, read_texts
from utils.training.arguments import run_script


def main(argv=None):
    args = parse(argv)

    # Imported here so that --help and wrong flags answer at once.
    import torch
    import transformers
    from tqdm import tqdm

    from utils.evaluation.entity_finder import EntityFinder
    from utils.evaluation.entity_lines import cluener_line, entity_line
    from utils.training.atomic_files import open_whole
    from utils.training.fine_tuning_arguments import has_bf16

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    cpu = args.device == "cpu" or not torch.accelerator.is_available()
    bf16 = args.precision == "bf16" or (args.precision == "auto" and has_bf16(cpu=cpu))
    try:
        finder = EntityFinder.load(
            args.model, revision=args.model_revision, device=args.device, batch_size=args.batch_size, bf16=bf16
        )
    except ValueError as error:
        raise DataError(str(error)) from error
    to_line = cluener_line if args.output_format == "cluener" else entity_line

    if args.interactive:
        print("One text a line; an empty line or Ctrl-D ends.", file=sys.stderr)
        for text in iter(lambda: read_line("> "), ""):
            for one in finder.find([text])[0]:
                print(f"  {one.label:<14} {text[one.start : one.end]}  [{one.start}, {one.end})  {one.score:.3f}")
        return

    if args.text:
        rows, total = ((str(i), text) for i, text in enumerate(args.text)), len(args.text)
    else:
        rows = read_texts(args.input_file, column=args.text_column, skip_bad_lines=args.skip_bad_lines)
        total = None if args.input_file == "-" else count_lines(args.input_file)
    output_file = open_whole(args.output_file) if args.output_file else contextlib.nullcontext(sys.stdout)
    with output_file as output:
        # The bar goes to standard error, and only to a person.
        progress = tqdm(total=total, unit=" texts", disable=None if total != 1 else True, file=sys.stderr)
        for ids, texts in chunks(rows, args.chunk_size):
            for id, text, entities in zip(ids, texts, finder.find(texts), strict=True):
                output.write(to_line(text, entities, id=None if args.text else id) + "\n")
            progress.update(len(texts))
        progress.close()


def parse(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("model", help="output directory of run_ner.py, or the Hub id of such a model")
    parser.add_argument("--model_revision", default="main", help="branch, tag or commit of the Hub model")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--text", action="append", help="a text; may be given several times")
    source.add_argument(
        "--input_file", default="-", help="txt, json lines or csv, also .gz; - for standard input (default)"
    )
    source.add_argument("--interactive", action="store_true", help="type sentences and see what is found")
    parser.add_argument(
        "--text_column", help="column of the texts in json lines and csv (default: text, sentence or content)"
    )
    parser.add_argument("--output_file", help="write here instead of standard output; whole or not at all")
    parser.add_argument(
        "--output_format", choices=["jsonl", "cluener"], default="jsonl", help="cluener: its submission format"
    )
    parser.add_argument("--skip_bad_lines", action="store_true", help="leave malformed lines out instead of stopping")
    parser.add_argument("--batch_size", type=int, default=64, help="windows a forward pass (64)")
    parser.add_argument(
        "--chunk_size", type=int, default=4096, help="texts read, sorted by length and held at a time (4096)"
    )
    parser.add_argument("--device", help="cpu, cuda, cuda:1, ...; the first accelerator if there is one")
    parser.add_argument(
        "--precision", choices=["auto", "fp32", "bf16"], default="auto", help="auto: bf16 where it is fast"
    )
    return parser.parse_args(argv)


def chunks(rows, size):
    """Split a stream of (id, text) into lists of ids and of texts."""
    ids, texts = [], []
    for id, text in rows:
        ids.append(id)
        texts.append(text)
        if len(texts) == size:
            yield ids, texts
            ids, texts = [], []
    if texts:
        yield ids, texts


def read_line(prompt):
    try:
        return input(prompt).strip()
    except EOFError:
        return ""


if __name__ == "__main__":
    run_script(main)
