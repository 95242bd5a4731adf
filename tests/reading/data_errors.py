"""What a `DataError` says."""

import pytest

from utils.data.errors import DataError


def message_of(read, *args, **options):
    with pytest.raises(DataError) as caught:
        read(*args, **options)
    return str(caught.value)
