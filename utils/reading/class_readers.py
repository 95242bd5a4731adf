"""One file of texts with classes, or of questions, read by a `TextReader` of its own."""

from collections.abc import Collection, Iterable
from os import PathLike

from datasets import Dataset

from .readers_text import TextReader


def read_classes(
    path: str | PathLike, *, labels: Collection[str] | None = None, allow_empty: bool = False, **options
) -> Dataset:
    """Read one file of texts with classes, with the options of `TextReader`; the others as in `TextReader.read`.

    Raises:
        DataError: the file cannot be read, or has errors; the first 20 are shown.
    """
    return TextReader(**options).read(path, labels=labels, allow_empty=allow_empty)


def read_questions(
    path: str | PathLike | None, more: Iterable[str] | None = None, *, encoding: str | None = None
) -> list[tuple[str, str | None]]:
    """Questions to be asked, each with the answer that is expected of it, or None: `more`, then those of a file.

    The file has one question per line, or any form that `read_classes` reads.
    """
    questions = [(question, None) for question in more or []]
    if path:
        asked = read_classes(path, encoding=encoding)
        expected = asked["label"][:] if "label" in asked.features else [None] * len(asked)
        questions += zip(asked["text"][:], expected, strict=True)
    return questions
