"""Texts with classes, written and read."""

import pytest

from tests.reading.written_files import read_classes, write_and_read


@pytest.fixture
def read(tmp_path):
    """Write a file of texts with classes and read it, as a list of rows; tests of other readers have their own."""
    return write_and_read(tmp_path, lambda path, **options: read_classes(path, **options).to_list())
