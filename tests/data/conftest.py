"""Texts with classes, written and read; what the readers log; standard input."""

import io
import logging
import sys
from types import SimpleNamespace

import pytest

from tests.data.written_files import write_and_read
from utils.data.readers_text import read_classes


@pytest.fixture
def read(tmp_path):
    """Write a file of texts with classes and read it, as a list of rows; tests of other readers have their own."""
    return write_and_read(tmp_path, lambda path, **options: read_classes(path, **options).to_list())


@pytest.fixture
def info(caplog):
    caplog.set_level(logging.INFO)
    return caplog


@pytest.fixture
def feed(monkeypatch):
    """Put bytes, or an iterable of lines, on standard input."""

    def run(lines):
        stream = io.BytesIO(lines) if isinstance(lines, bytes) else lines
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stream))

    return run
