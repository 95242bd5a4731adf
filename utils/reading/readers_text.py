"""Texts, or pairs of texts, with classes, from files, the Hub and saved data sets, always as the same columns.

| file_format | a row |
|---|---|
| csv, tsv | cells under a header; in quotes, cells may have line breaks |
| json | JSON lines or one JSON array of `{"text": "...", "label": "..."}` |
| parquet | the same columns |
| tab | `text<TAB>label`, `label<TAB>text`, `text<TAB>second text<TAB>label`, or `text` alone, without a header |
| marked | `text_!_label`, `text_!_second text_!_label`, or `id_!_code_!_label_!_text_!_keywords` |
| faq | `answer question`: all after the first white space is the question |

Separators are found, or given; files without a header are recognised by their shape (see `text_forms`), or the user
names their fields. Every file may be gzipped; `text_encodings` finds its encoding. An error in it is a `DataError`.
"""

import logging
from collections.abc import Collection, Sequence
from os import PathLike
from pathlib import Path

from datasets import Dataset

from ..data.errors import DataError, ErrorLog
from ..files.parquet_files import read_parquet
from ..files.saved_datasets import load_splits
from ..files.text_lines import read_lines
from .class_names import CLASS_FILE, find_class_names, name_classes, read_class_names, settle_labels
from .column_names import (
    KNOWN_COLUMNS,
    LABEL_KEYS,
    TEXT_KEYS,
    TextColumns,
    choose_columns,
    plain_name,
    warn_of_texts_left_out,
)
from .remembered_reading import Reading, TextForm, read_names, read_separator
from .text_forms import FILE_FORMATS, NOTHING, REST, find_form
from .text_labels import Records, fold_numbers, gather_labels, is_missing, list_labels
from .text_records import dataset_records, read_records
from .text_rows import labels_of, records_to_rows, rows_to_dataset

logger = logging.getLogger(__name__)


class TextReader:
    r"""Reads the files of a run, all in the way that the first one turns out to be written.

    Texts are taken as they are; labels without white space around them. A label that is no string becomes what JSON
    writes for it: "1", "1.0", "true"; where 1 and 1.0 both occur, they are one. Repeated rows and texts with several
    labels are kept, and counted in the log.

    Args:
        file_format: one of `FILE_FORMATS`, or "auto" to go by extension and content.
        separator: between cells; `tab` and `\t` are tabs. None finds it.
        columns: names of the fields of files without a header, separated by commas: `source,label,_,text`; `_` is
            ignored, `*` at the end stands for any number.
        encoding: encoding of the files, see `text_encodings`.
        text_column, text_pair_column, label_column, id_column: names of columns, see `TextColumns`.
        group_column: name of a column of the training data, whose values become the column `group`.
        label_separator: separates the labels of a cell (multi-label). Lists of labels need none.
        label_columns: names of columns, separated by commas, each with 1 or 0 for the label of its name.
        class_file: its line n, from 0 on, names class n. Without it, a `class.txt` next to the file is used if
            all labels are integers that it has a line for, from 0 on.
        skip_bad_lines: leave rows with errors out, and log how many, instead of raising.
        plain: what lines without a header and tabs are: texts (`fields`), or `faq`.

    Example:
        >>> reader = TextReader(separator="||", columns="id,text,label")
        >>> reader.remember()["separator"]
        '||'
    """

    def __init__(
        self,
        *,
        file_format: str = "auto",
        separator: str | None = None,
        columns: str | None = None,
        encoding: str | None = None,
        text_column: str | None = None,
        text_pair_column: str | None = None,
        label_column: str | None = None,
        id_column: str | None = None,
        group_column: str | None = None,
        label_separator: str | None = None,
        label_columns: str | None = None,
        class_file: str | PathLike | None = None,
        skip_bad_lines: bool = False,
        plain: str = "fields",
    ):
        if file_format not in ("auto", *FILE_FORMATS):
            known = ", ".join(FILE_FORMATS)
            raise DataError(f"expected the file format auto, {known}, found {file_format}; choose one of these")
        if label_columns and (label_column or label_separator):
            raise DataError("--label_columns: expected no --label_column or --label_separator together with it")
        fields = read_names(columns, option="columns")
        self.reading = Reading(file_format, read_separator(separator), fields, encoding, plain)
        self.label_columns = read_names(label_columns, option="label_columns")
        self.named = TextColumns(text_column, text_pair_column, label_column, id_column)
        self.columns = {
            *(key for key in self.named if key and key != "none"),
            *self.label_columns,
            *filter(None, [group_column]),
        }  # all that are named
        self.label_separator, self.class_file, self.skip_bad_lines = label_separator, class_file, skip_bad_lines
        self.group_column = group_column
        self.taken = KNOWN_COLUMNS  # columns of the first file
        self.classes: list[str] = []  # names by number, where a file of names was used

    def read(
        self,
        path: str | PathLike,
        *,
        labels: Collection[str] | None = None,
        allow_empty: bool = False,
        trains: bool | None = None,
    ) -> Dataset:
        """Read a file.

        Args:
            labels: those that are allowed, such as those of the training file; None allows all.
            allow_empty: texts may be empty, as in data to be predicted.
            trains: whether it is the training data, which has groups; None: if all labels are allowed.

        Returns:
            Columns `id` (if the file has none, the number of the row, or of the line where a line is a row, from "0"
            on), `text`, `text_pair` if there are pairs, and `label`, or in multi-label data `labels`, sorted and
            without duplicates. If no row has a label, there is no such column.

        Raises:
            DataError: the file cannot be read, or has errors; the first 20 are shown.
        """
        name = Path(path).name.lower().removesuffix(".gz")
        told = self.reading.file_format
        if told == "parquet" or (told == "auto" and name.endswith(".parquet")):
            dataset = read_parquet(path)
            log, form, names = ErrorLog(path, unit="row"), TextForm("parquet"), dataset.column_names
            records = dataset_records(dataset, self.columns, self.named.label, labels, log)
        else:
            log = ErrorLog(path)
            form, records, names = self._parse(name, log, labels)
        self.reading = self.reading._replace(form=self.reading.form or form)
        return self._to_dataset(
            records,
            names,
            log,
            folder=Path(path).parent,
            labels=labels,
            allow_empty=allow_empty,
            by_line=form.has_lines,
            trains=trains,
        )

    def load(self, name_or_path: str, config_name: str | None = None) -> dict[str, Dataset]:
        """Load a data set, see `load_splits`, and turn each of its splits into the columns of `read`.

        If there is a split "train", only its labels are allowed.

        Raises:
            DataError: it cannot be loaded, and the message says what to do; or rows have errors.
        """
        splits = load_splits(name_or_path, config_name)
        labels = None
        for split in sorted(splits, key=lambda name: name != "train"):
            source = f"{name_or_path}, {split}"
            splits[split] = self.turn(splits[split], labels=labels, source=source, allow_empty=split == "test")
            if split == "train":
                labels = list_labels(splits[split])
        return splits

    def turn(
        self,
        dataset: Dataset,
        *,
        labels: Collection[str] | None = None,
        source: str | PathLike = "dataset",
        allow_empty: bool = False,
    ) -> Dataset:
        """Turn a loaded data set into the columns of `read`.

        Args:
            dataset: texts, and labels that are names, numbers, lists of these, or ints with `ClassLabel` names.
                If all labels are -1, which marks hidden labels on the Hub, there are none.
            labels, allow_empty: as in `read`.
            source: what errors call the data set.

        Raises:
            DataError: columns are missing, or rows have errors.
        """
        log = ErrorLog(source, unit="row")
        records = dataset_records(dataset, self.columns, self.named.label, labels, log)
        return self._to_dataset(records, dataset.column_names, log, labels=labels, allow_empty=allow_empty)

    def remember(self) -> dict:
        """What prediction needs to read files as these were read; goes into a model's configuration."""
        form = self.reading.form or TextForm("json")
        kept = {"kind": form.kind, "separator": self.reading.separator or form.separator, "fields": list(form.fields)}
        kept |= {"quoted": form.quoted, "columns": self.taken._asdict() | {"label": None}}
        kept |= {"classes": self.classes} if self.classes else {}
        return kept | {"named": [key for key in ("text", "text_pair", "id") if getattr(self.named, key)]}

    def _parse(self, name: str, log: ErrorLog, labels: Collection[str] | None) -> tuple[TextForm, Records, list[str]]:
        lines = read_lines(log.source, log, encoding=self.reading.encoding)
        if self.reading.file_format == "auto" and next(line for line in lines if line is None or line.strip()) is None:
            log.finish(skip_bad_lines=False)  # without its first line, the form of the file is unknown
        form = find_form(lines, name, self.reading._replace(named=self.columns, answers=labels or ()))
        if self.columns and form.has_lines and not form.told:
            named = ", ".join(sorted(self.columns))
            raise DataError(
                f"{log.source}: expected a first line with the names of columns ({named}), found none; name the "
                "columns there, or all of them with --columns, such as id,label,text"
            )
        names, rows = read_records(lines, form, log)
        records = []
        for number, record in rows:
            if isinstance(record, str):
                log.add(number, record)
                record = None
            if form.kind != "plain" or record is None or record["text"].strip():
                records.append((number, record))
        if form.kind == "json":
            return form, records, list(dict.fromkeys(key for _, record in records if record for key in record))
        if not records:
            raise DataError(f"{log.source}: expected rows below the header, found none; check how it was written")
        if form.kind == "fields" and _may_be_header([record for _, record in records]):
            repair = "if it names columns, name that of the labels with --label_column"
            logger.warning("%s: the first line is read as a row; %s", log.source, repair)
        return form, records, [key for key in names if key not in (NOTHING, REST)]

    def _to_dataset(
        self,
        records: Records,
        names: Sequence[str],
        log: ErrorLog,
        *,
        folder: Path | None = None,
        labels: Collection[str] | None,
        allow_empty: bool,
        by_line: bool = False,
        trains: bool | None = None,
    ) -> Dataset:
        finishing = {"skip_bad_lines": self.skip_bad_lines, "labels": labels, "by_line": by_line}
        if all(record is None for _, record in records):  # no record shows the columns
            return rows_to_dataset([None] * len(records), log, **finishing)
        chosen, key = self.named, None
        if self.label_columns:
            training = labels is None and self.taken == KNOWN_COLUMNS
            records, key = gather_labels(records, names, self.label_columns, log, is_training=training)
            names = [*(name for name in names if name not in self.label_columns), *filter(None, [key])]
            chosen = chosen._replace(label=key or "none of these")
        whole = [record for _, record in records if record is not None]
        group = self.group_column if (labels is None if trains is None else trains) else None
        if group and group not in names:
            raise DataError(f"{log.source}: expected the column {group} (--group_column), found {', '.join(names)}")
        taken = choose_columns(
            names,
            chosen,
            log.source,
            filled={name for name in names if any(record.get(name) is not None for record in whole)},
            labelled={name for name in names if not all(is_missing(record.get(name)) for record in whole)},
            before=self.taken,
            needs_label=labels is None and self.taken == KNOWN_COLUMNS,
        )
        if taken != KNOWN_COLUMNS._replace(**{field: field for field in taken._fields if getattr(taken, field)}):
            shown = [f"{name} as {field}" for field, name in taken._asdict().items() if name]
            logger.info("%s: columns %s", log.source, ", ".join(shown))
        if self.taken == KNOWN_COLUMNS:
            self.taken = taken
            if self.named.text_pair != "none":
                warn_of_texts_left_out(whole, names, taken, log.source)
        separator = self.label_separator
        reading = {"label_separator": separator, "allow_empty": allow_empty, "group": group}
        rows = records_to_rows(records, log, taken, **reading)
        found = {label for row in rows for label in labels_of(row)}
        class_names, origin, coded = None, CLASS_FILE, {"encoding": self.reading.encoding}
        if self.class_file is not None:
            class_names, origin = read_class_names(self.class_file, **coded), Path(self.class_file).name
        elif folder is not None:
            class_names = find_class_names(folder / CLASS_FILE, found, labels, **coded)
        if class_names:
            self.classes = self.classes or class_names
            spellings = fold_numbers(found, [*map(str, range(len(class_names))), *class_names])
            rows = name_classes(rows, class_names, log, origin=origin, spellings=spellings)
        return rows_to_dataset(settle_labels(rows, log, labels), log, **finishing)


def _may_be_header(records: Sequence[dict | None]) -> bool:
    """Whether the first line looks like a header: it names texts, or labels and is no label of another line."""
    first = records[0] or {}
    label = first.get("label")
    is_name = label is not None and plain_name(label) in LABEL_KEYS
    return first.get("text") in TEXT_KEYS or (
        is_name and all(record["label"] != label for record in records[1:] if record)
    )
