"""Keeps the private parts of a command, folders and texts, out of what is published."""

from collections.abc import Sequence
from pathlib import PurePosixPath, PureWindowsPath

TEXT_OPTIONS = ("text", "text_pair", "ask", "fill")  # options whose values are texts for a model


def hide_folders(value):
    """Shorten absolute paths to their last part, in a word of a command line or anywhere in lists and mappings.

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


def hide_texts(argv: Sequence[str]) -> list[str]:
    """Remove the options that hold texts, and their values, from a command.

    Example:
        >>> hide_texts(["run_prompt.py", "--text", "how are you", "--text=and you", "--seed", "1"])
        ['run_prompt.py', '--seed', '1']
    """
    kept, inside = [], False
    for word in argv:
        if word.startswith("--"):
            inside = word[2:].partition("=")[0] in TEXT_OPTIONS
        if not inside:
            kept.append(word)
    return kept
