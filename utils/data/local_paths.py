"""Paths of the machine at hand, kept out of what is published."""

from pathlib import PurePosixPath, PureWindowsPath


def hide_folders(value):
    """Shorten absolute paths to their last name, in a word of a command line or anywhere in lists and mappings.

    Relative paths, Hub ids and all other text stay.

    Example:
        >>> hide_folders({"argv": ["run_ner.py", "--train_file=/home/me/train.json"], "/home/me/train.json": "~/a/b"})
        {'argv': ['run_ner.py', '--train_file=train.json'], 'train.json': 'b'}
    """
    if isinstance(value, dict):
        return {hide_folders(key): hide_folders(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [hide_folders(each) for each in value]
    if not isinstance(value, str):
        return value
    flag, equals, path = value.partition("=") if value.startswith("-") else ("", "", value)
    for kind in (PurePosixPath, PureWindowsPath):
        if kind(path).is_absolute() or (kind is PurePosixPath and path.startswith("~/")):
            return flag + equals + kind(path).name
    return value
