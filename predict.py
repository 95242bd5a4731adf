"""Apply a trained output directory to texts; prints one line of JSON for each text.

    python predict.py outputs/ner --text "张伟在北京大学教书。"
    python predict.py outputs/reviews --input_file texts.csv --output_format csv --output_file submission.csv
    python predict.py outputs/qa --question "谁在北京大学教书？" --text "张伟在北京大学教书。"
    python predict.py outputs/ner --interactive
    python predict.py --adapter outputs/ner_lora outputs/reviews_lora --input_file texts.txt
    python predict.py --ensemble outputs/ner_1 outputs/ner_2 outputs/ner_3 --input_file texts.txt
    python predict.py outputs/ner_lora --merge outputs/ner_whole

What the directory was trained for is read from its config.json: entities, classes (one text or a pair, one label or
several, FAQ answers) or answers to questions about a passage. Input comes from --text, from a file (txt: one text a
line, pairs separated by a tab; json lines, csv, tsv, parquet: columns), or from standard input. Every row gives one
line, in order; a file is read as a stream, however long it is. Many files give one output each in --output_dir, also
in many processes:

    accelerate launch predict.py outputs/ner --input_file 'shards/*.parquet' --output_dir found
"""

import argparse
import contextlib
import os
import sys
from functools import partial

from utils.data.errors import ArgumentError
from utils.data.submission_columns import LABELS, parse_columns
from utils.options.arguments import refusing, run_script
from utils.options.model_options import OF_MODELS, add_model_options, check_model_options
from utils.options.option_checks import refuse_unused

SUFFIXES = {"jsonl": ".jsonl", "csv": ".csv", "cluener": ".json"}
OF_FILES = ("text_column", "text_pair_column", "id_column", "file_format", "columns", "separator", "encoding")
OF_FILES += ("skip_bad_lines",)
OF_SUBMISSIONS = ("submission_columns", "submission_labels")
RECORDED = (*OF_MODELS, "output_format", *OF_SUBMISSIONS, *OF_FILES)
OF_MERGING = {"model", "merge", "model_revision"}
USED_WITH = dict.fromkeys(OF_FILES, "!text !interactive") | {"output_file": "!interactive"}
USED_WITH |= {"output_format": "!interactive", "question": "text", "text_pair": "text"}
USED_WITH |= dict.fromkeys(OF_SUBMISSIONS, "output_format=csv") | {"ray_address": "output_dir"}


def main(argv=None):
    args = parse(argv)

    # Imported here so that --help and wrong flags answer at once.
    import torch

    from utils.prediction import sharded_files
    from utils.reading.model_inputs import number_typed
    from utils.running import processes
    from utils.running.atomic_files import open_whole, write_json
    from utils.tasks.file_prediction import FilePredictor

    if args.merge:
        merge(args.model, args.merge, revision=args.model_revision)
        return
    index, local, world = processes.meet_others()
    with refusing(ValueError):
        processes.refuse_copies(world, environment=os.environ, parent=processes.parent_command())
    if world > 1 and not args.output_dir:
        raise ArgumentError(f"{world} processes would write one output; give --input_file 'FILES*' and --output_dir")
    if world > 1 and not args.device and torch.accelerator.is_available():
        args.device = f"{torch.accelerator.current_accelerator().type}:{local % torch.accelerator.device_count()}"
    if args.ray_address:
        predict_on_cluster(args)
        return
    predictor = FilePredictor(args)
    task = predictor.task

    if args.interactive:
        print("Type one text a line; an empty line or Ctrl-D ends.", file=sys.stderr)
        passage = read_line("passage> ") if predictor.passages else None
        for text in iter(lambda: read_line("> "), ""):
            other = passage if predictor.passages else read_line("+ ") if task.pair else None
            print(*task.show(text, other), sep="\n")
        return

    if args.output_dir:
        files, record = open_files(args)
        if local == 0:
            files.remove_unfinished()
        processes.gather(None)  # no process writes before this point
        if index == 0:
            write_json(files.folder / sharded_files.RECORD, record)
        failures = files.write_each(
            files.left(index=index, processes=world),
            predictor.write_file,
            open_file=open_whole,
            tell=partial(print, file=sys.stderr),
        )
        failures = [message for each in processes.gather(failures) for message in each]
        if failures and index > 0:
            processes.end_quietly()
        files.finish(failures)
        return
    output_file = open_whole(args.output_file) if args.output_file else contextlib.nullcontext(sys.stdout)
    if args.text:
        typed = {"questions": args.question, "pairs": args.text_pair}
        rows = number_typed(args.text, **typed, passages=predictor.passages, pair=task.pair)
    with output_file as output:
        if args.text:
            predictor.write(rows, output)
        else:
            predictor.write_file(args.input_file, output)


def parse(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    add_model_options(parser)
    parser.add_argument(
        "--merge", metavar="OUTPUT", help="merge the model's adapter into its encoder and write the full model"
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--text", action="append", help="a text, or the passage for --question; may be repeated")
    source.add_argument(
        "--input_file",
        default="-",
        help="txt, json lines, csv or tsv, also .gz, or parquet; - for standard input (default)",
    )
    source.add_argument("--interactive", action="store_true", help="type texts and see the answers")
    parser.add_argument("--text_pair", action="append", help="second text of each --text, where the model takes pairs")
    parser.add_argument("--question", action="append", help="question about the passage --text; may be repeated")
    parser.add_argument(
        "--text_column", help="column of the text (with passages: of the question); found by name if not given"
    )
    parser.add_argument("--text_pair_column", help="column of the second text, or of the passage")
    parser.add_argument("--id_column", help="column of the row's id; without one, rows or lines are numbered")
    parser.add_argument("--file_format", help="format of the file; `plain`: one text a line, tabs included")
    parser.add_argument("--columns", help="names of the fields of a file without a header, such as `id,_,text`")
    parser.add_argument("--separator", help="separator of fields or cells, such as `||` or `tab`")
    parser.add_argument("--encoding", help="encoding of the file, such as gb18030 or big5; detected if not given")
    parser.add_argument("--output_file", help="write here instead of standard output; appears when complete")
    parser.add_argument(
        "--output_dir",
        help="write one file for each of --input_file 'shards/*.parquet' (a pattern or folder); existing ones are "
        "skipped, so a stopped run can be continued",
    )
    parser.add_argument(
        "--ray_address",
        help="with --output_dir: send the files to this Ray cluster, host:port of its head, or `auto`; its machines "
        "share a disk on which all has the same paths",
    )
    parser.add_argument(
        "--output_format",
        choices=["jsonl", "csv", "cluener"],
        default="jsonl",
        help="jsonl (default): a line of JSON each; csv: id,label,score for classes; cluener: CLUENER's submission "
        "format",
    )
    parser.add_argument(
        "--submission_columns", help="of csv: `id=ID,label=Target`, the fields id, label or score and their headers"
    )
    parser.add_argument(
        "--submission_labels",
        choices=LABELS,
        help="of csv: classes by name, or by their number in the training file, else their id in the model",
    )
    parser.add_argument("--skip_bad_lines", action="store_true", help="skip malformed lines instead of stopping")
    parser.add_argument(
        "--chunk_size", type=int, default=4096, help="texts that are read and sorted by length at a time (4096)"
    )
    args = parser.parse_args(argv)
    check_model_options(parser, args)
    refuse_unused(parser, vars(args), USED_WITH)
    if args.merge:
        refuse_unused(parser, vars(args), dict.fromkeys(sorted(vars(args).keys() - OF_MERGING), "!merge"))
    if args.adapter and args.output_format != "jsonl":
        parser.error("--adapter: expected --output_format jsonl, as adapters may be of several kinds")
    if args.submission_columns is not None:
        parse_columns(args.submission_columns)
    if args.chunk_size < 1:
        parser.error(f"--chunk_size {args.chunk_size}: expected 1 or more")
    if args.output_dir and (args.output_file or args.text or args.interactive or args.input_file == "-"):
        parser.error(
            "--output_dir: expected --input_file with a pattern or folder, and neither --output_file nor texts"
        )
    return args


def merge(model, output_dir, *, revision):
    """Write the full model that an adapter makes."""
    import transformers

    from utils.prediction.merged_models import merge_into
    from utils.running import output_folder
    from utils.running.atomic_files import replacing_files

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    with replacing_files(output_folder.prepare_output_dir(output_dir, resume=False, overwrite=False)) as folder:
        merge_into(folder, model, revision=revision)
    print(f"{output_dir} holds the full model", file=sys.stderr)


def open_files(args):
    """The outputs of many files, and the record of what makes them; a folder with other outputs is refused."""
    from utils.prediction.sharded_files import ShardedFiles, find_shards

    files = ShardedFiles(find_shards(args.input_file), args.output_dir, suffix=SUFFIXES[args.output_format])
    record = {name: getattr(args, name) for name in RECORDED}
    files.check_record(record)
    return files, record


def predict_on_cluster(args):
    """Predict many files on a Ray cluster."""
    from utils.prediction.sharded_files import RECORD
    from utils.running.atomic_files import write_json

    try:
        from utils.tasks.cluster_prediction import predict_files
    except ImportError as error:
        raise ArgumentError(f"{error.name} is missing: pip install -r requirements-ray.txt") from error
    files, record = open_files(args)
    files.remove_unfinished()
    write_json(files.folder / RECORD, record)
    left = files.left(index=0, processes=1)
    tell = partial(print, file=sys.stderr)
    failures = predict_files(args.ray_address, left, args, files=files, tell=tell) if left else []
    files.remove_unfinished()  # of workers that were lost
    files.finish(failures)


def read_line(prompt):
    try:
        return input(prompt).strip()
    except EOFError:
        return ""


if __name__ == "__main__":
    run_script(main)
