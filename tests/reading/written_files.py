"""Small files for the readers to read: their lines, and where they are written."""

import gzip
import json

from utils.reading import class_readers
from utils.reading.column_names import KNOWN_COLUMNS, PAIR_KEYS, TEXT_KEYS
from utils.reading.text_stream import read_rows


def lines(*parts):
    return b"\n".join(part if isinstance(part, bytes) else part.encode() for part in parts) + b"\n"


def json_lines(records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def write_and_read(folder, read):
    """`read` for contents: they become a file, `file.txt` if no name is given."""

    def run(content, name="file.txt", **options):
        return read(write(folder / name, content), **options)

    return run


def write_and_stream(folder, stream):
    """`stream` for contents: they become a file of this name, packed if it ends in .gz; gives the list of all."""

    def run(name, content, **options):
        raw = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        return list(stream(str(folder / name), **options))

    return run


def read_pairs(path, *, columns=(None, None), known=(TEXT_KEYS, PAIR_KEYS), **options):
    return read_rows(path, columns=columns, known=known, **options)


def read_classes(path, *, columns=KNOWN_COLUMNS, fields=None, **options):
    named = {f"{field}_column": name for field, name in columns._asdict().items()}
    return class_readers.read_classes(path, columns=fields, **named, **options)
