"""Texts with classes, written and read."""

import pytest

from tests.reading.written_files import write_and_read
from utils.reading.class_readers import read_classes


@pytest.fixture
def read(tmp_path):
    """Write a file of texts with classes and read it, as a list of rows; tests of other readers have their own."""
    return write_and_read(tmp_path, lambda path, **options: read_classes(path, **options).to_list())
