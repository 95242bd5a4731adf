"""Names of fields and the separator between them, as users type them."""

from ..data.errors import DataError


def read_separator(separator: str | None) -> str | None:
    """A separator as users write it: `tab` and a backslash with a t are tabs."""
    return "\t" if separator in ("tab", "\\t") else separator or None


def read_names(names: str | None, *, option: str) -> tuple[str, ...]:
    """Split names at commas.

    Raises:
        DataError: a name is empty or occurs twice.
    """
    if not names:
        return ()
    found = tuple(name.strip() for name in names.split(","))
    own = [name for name in found if name != "_"]
    if "" in found or len(set(own)) < len(own) or "*" in found[:-1]:
        raise DataError(f"--{option} {names}: expected different names, separated by commas; `_` ignores a field")
    return found
