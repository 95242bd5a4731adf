"""Tags in other spellings: `B_PER`, `PER-B`, `b-per`, plain `PER`, in any order, also among labels that are not tags.

The scheme of a model's labels is found from the set of their prefixes; their order means nothing.
"""

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from ..data.errors import DataError
from ..data.tag_schemes import ANY_PREFIX

# Labels of sequence borders, of padding, of a word's pieces after the first: no entity is where they are predicted.
_NO_TYPE = re.compile(r"[\[<].*[\]>]|X|PAD|START|STOP|END")
_NUMBERED = re.compile(r"(LABEL_)?-?\d+")  # the usual names of labels that nobody has named
_SPELLINGS = (
    re.compile(r"(?P<prefix>[A-Za-z])(?P<mark>[-_:/.|])(?P<type>.+)"),
    re.compile(r"(?P<type>.+)(?P<mark>[-_:/.|])(?P<prefix>[A-Za-z])"),
)
_LETTERS = ANY_PREFIX | {"W": "S"}  # BMEWO


class ModelTags(NamedTuple):
    """The labels of a token classifier as tags.

    The scheme is `bioes` or `bios` where all of its prefixes occur, else `conlleval`: an I- may begin an entity, and
    none needs an end tag. See `tag_schemes.tags_to_spans`.
    """

    names: list[str]  # a tag for each label, in their order, with the prefixes of BIOES; "O" for one without a type
    scheme: str


def respell_tags(tags: Collection[str]) -> dict[str, str]:
    """Write tags with a prefix and a hyphen, if all of them (but "O") have a prefix.

    Returns:
        Tag -> its new spelling; empty if some have no prefix, or prefixes are separated in different ways.

    Example:
        >>> respell_tags(["O", "B_PER", "I_PER"])
        {'O': 'O', 'B_PER': 'B-PER', 'I_PER': 'I-PER'}
    """
    named = [tag for tag in tags if tag != "O"]
    for spelling in _SPELLINGS:
        parts = [spelling.fullmatch(tag) for tag in named]
        if not parts or not all(parts):
            continue
        prefixes = {part["prefix"] for part in parts}
        letters = {prefix.upper() for prefix in prefixes}
        alike = len({part["mark"] for part in parts}) == 1 and (prefixes == letters or not prefixes & letters)
        if alike and letters <= _LETTERS.keys() and letters & {"B", "I"}:
            spelled = {part.string: f"{part['prefix'].upper()}-{part['type']}" for part in parts}
            return {tag: spelled.get(tag, "O") for tag in tags}
    return {}


def is_numbered(labels: Collection[str]) -> bool:
    """Whether labels are mere numbers: `3`, `LABEL_3`."""
    return bool(labels) and all(_NUMBERED.fullmatch(label) for label in labels)


def read_model_tags(labels: Sequence[str]) -> ModelTags:
    """Read the labels of a token classifier that was trained elsewhere, in the order of their ids.

    Raises:
        DataError: they name no entities; the message does not name the model.

    Example:
        >>> read_model_tags(["E-PER", "B-PER", "S-PER", "O", "I-PER", "[PAD]"])
        ModelTags(names=['E-PER', 'B-PER', 'S-PER', 'O', 'I-PER', 'O'], scheme='bioes')
        >>> read_model_tags(["O", "PER"])
        ModelTags(names=['O', 'I-PER'], scheme='conlleval')
    """
    types = [label for label in labels if label.upper() != "O" and not _NO_TYPE.fullmatch(label)]
    shown = ", ".join(labels[:4]) + (", ..." if len(labels) > 4 else "")
    if not types or is_numbered(types):
        raise DataError(
            f"expected the names of tags (O, B-PER, I-PER, ...) under id2label in config.json, found {shown}; "
            "write them there, in the order in which the model was trained"
        )
    spelled = respell_tags(types)
    if not spelled and not any(label.upper() == "O" for label in labels):
        raise DataError(
            f"expected the tags of entities under id2label in config.json, O among them, found {shown}; if the model "
            "finds entities, rename the label of all other tokens to O there"
        )
    names = {label: f"{_LETTERS[tag[0]]}{tag[1:]}" for label, tag in spelled.items()}
    names = names or {label: f"I-{label}" for label in types}
    prefixes = {name[0] for name in names.values()}
    scheme = "bioes" if prefixes == set("BIES") else "bios" if prefixes == set("BIS") else "conlleval"
    return ModelTags([names.get(label, "O") for label in labels], scheme)
