"""Ids of the rows of one source: given or counted, each used once."""

from .errors import ErrorLog, show


class RowIds:
    """Hands out the ids of rows, and reports repeated ones.

    Args:
        log: takes the errors.

    Example:
        >>> log = ErrorLog("train.json")
        >>> ids = RowIds(log)
        >>> ids.take(None, index=0, number=1), ids.take("0", index=1, number=2), len(log)
        ('0', '0', 1)
    """

    def __init__(self, log: ErrorLog):
        self.log = log
        self.first_use: dict[str, int] = {}

    def take(self, row_id: str | None, *, index: int, number: int) -> str:
        """The id of a row: its own, else its index.

        Args:
            row_id: as given in the data, if at all.
            index: index of the row, from 0 on.
            number: number of the line or row, for errors.
        """
        taken = str(index) if row_id is None else row_id
        if taken in self.first_use:
            self.log.add(
                number,
                f"expected a unique id, found {show(taken)} as in {self.log.unit} {self.first_use[taken]}; change one",
            )
        self.first_use.setdefault(taken, number)
        return taken
