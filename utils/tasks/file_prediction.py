"""What predict.py does with files: rows are read as a stream, and each gives a line, in order."""

import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

import transformers
from tqdm import tqdm

from ..files.text_lines import count_lines
from ..options.model_options import model_loading
from ..prediction.prediction_tasks import AnswerTask, load_task
from ..reading.model_inputs import read_inputs
from ..reading.text_stream import cut_chunks

OF_TASKS = ("question", "text_pair", "top_k", "threshold", "submission_columns", "submission_labels")


class FilePredictor:
    """The model of a command line, loaded, with what it says about files.

    Args:
        args: the options of predict.py.

    Attributes:
        task: see `prediction_tasks.Task`.
        passages: whether it is asked about passages.

    Raises:
        OSError, DataError, ArgumentError: see `load_task`.
    """

    def __init__(self, args: Namespace):
        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        self.args, loading = args, model_loading(args)
        if args.adapter:
            from ..adapters.directories import BaseModels  # peft takes seconds

            loading["bases"] = BaseModels()
        names, loading["together"] = args.adapter or args.ensemble or [args.model], bool(args.ensemble)
        options: dict[str, Any] = {name: getattr(args, name) for name in OF_TASKS}
        self.task = load_task(names, output_format=args.output_format, options=options, **loading)
        self.passages = isinstance(self.task, AnswerTask)

    def rows_of(self, path: str) -> Iterator[tuple]:
        """(id, text), (id, text, other text) or (id, text, candidate spans) of each row of a file.

        Raises:
            DataError: it cannot be read.
        """
        args, task = self.args, self.task
        told = {"separator": args.separator, "fields": args.columns, "file_format": args.file_format}
        reading = task.reading(**told, encoding=args.encoding, id=args.id_column)
        columns = (args.text_column, args.text_pair_column) if task.pair else (args.text_column,)
        known = {"kind": task.kind, "columns": columns, "known": task.columns, "reading": reading}
        known["spans"] = task.takes_spans
        return read_inputs(path, **known, skip_bad_lines=args.skip_bad_lines)

    def write(self, rows: Iterable[tuple], output: TextIO, *, total: int | None = None) -> int:
        """Write the lines of rows and return their number; `total` is for the bar on standard error."""
        typed = bool(self.args.text)
        if self.args.output_format == "csv":
            output.write(self.task.header + "\n")
        # The bar is shown only on a terminal.
        count, progress = 0, tqdm(total=total, unit=" texts", disable=True if typed else None, file=sys.stderr)
        for chunk in cut_chunks(rows, self.args.chunk_size):
            ids, *texts = map(list, zip(*chunk, strict=True))
            for line in self.task.lines(None if typed else ids, *texts):
                output.write(line + "\n")
            count += len(chunk)
            progress.update(len(chunk))
        progress.close()
        return count

    def write_file(self, path: str, output: TextIO) -> int:
        """Write the lines of a file's rows and return their number.

        Raises:
            DataError: it cannot be read.
        """
        return self.write(self.rows_of(path), output, total=None if path == "-" else count_lines(path))
