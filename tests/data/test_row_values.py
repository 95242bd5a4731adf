"""Tests of utils/data/row_values.py."""

import pytest

from utils.data.errors import DataError, ErrorLog
from utils.data.row_values import RowIds


def test_id_is_the_row_s_own_or_its_index():
    ids = RowIds(ErrorLog("train.json"))
    assert [ids.take(given, index=i, number=i + 1) for i, given in enumerate([None, "a", None])] == ["0", "a", "2"]


def test_id_that_is_used_again_is_reported_with_the_place_of_its_first_use():
    log = ErrorLog("train.json")
    ids = RowIds(log)
    for index, given in enumerate([None, "7", "7", "7", "0"]):
        ids.take(given, index=index, number=index + 1)
    with pytest.raises(DataError) as raised:
        log.finish(skip_bad_lines=False)
    lines = str(raised.value).splitlines()
    wanted = [(3, '"7" as in line 2'), (4, '"7" as in line 2'), (5, '"0" as in line 1')]
    for number, found in wanted:
        assert any(f"train.json:{number}: expected a unique id, found {found}; change one" in line for line in lines)


def test_places_are_named_in_the_unit_of_the_source():
    log = ErrorLog("train.parquet", unit="row")
    ids = RowIds(log)
    ids.take("x", index=0, number=1)
    ids.take("x", index=1, number=2)
    with pytest.raises(DataError, match=r'train\.parquet, row 2: expected a unique id, found "x" as in row 1'):
        log.finish(skip_bad_lines=False)
