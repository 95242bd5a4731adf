"""A data set that grows row by row."""

import pytest
from datasets import Features, Value

from utils.files import growing_dataset
from utils.files.growing_dataset import GrowingDataset

FEATURES = Features({"id": Value("string"), "spans": [{"start": Value("int64"), "label": Value("string")}]})


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5])
def test_rows_come_back_whatever_fits_into_a_chunk(monkeypatch, count):
    monkeypatch.setattr(growing_dataset, "CHUNK", 2)
    grown = GrowingDataset(FEATURES)
    rows = [{"id": str(i), "spans": [{"start": i, "label": "a"}] * (i % 3)} for i in range(count)]
    for i, row in enumerate(rows, start=1):
        grown.add(row | {"other": object()})
        assert len(grown) == i
    whole = grown.whole()
    assert whole.to_list() == rows and whole.features == FEATURES
