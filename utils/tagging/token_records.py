"""Records of tokens with tags, as JSON files and data sets hold them, checked and turned into rows."""

from ..data.errors import RowReport, show
from ..data.row_values import is_unicode, read_id
from .span_records import SPAN_TEXT_KEYS
from .tag_spellings import respell_tags
from .tagged_rows import TaggedRow

TOKEN_KEYS = ("tokens", "words", "characters", "chars")
TAG_KEYS = ("ner_tags", "tags", "labels", "ner", "ner_labels", "label", "tag", "bio", "bio_tags", "iob_tags")


def find_tokens(record: dict) -> str | None:
    """The key of a record's tokens: a list of strings, or a text with a tag for each of its characters."""
    tags = record.get(find_tags(record))
    for key in (*TOKEN_KEYS, *(SPAN_TEXT_KEYS if tags is None or isinstance(tags, list) else ())):
        value = record.get(key)
        if isinstance(value, list) and all(isinstance(token, str) for token in value):
            return key
    if not isinstance(tags, list) or not tags or not all(isinstance(tag, str) for tag in tags):
        return None
    if not respell_tags(tags) and set(tags) != {"O"}:
        return None
    texts = [key for key in SPAN_TEXT_KEYS if isinstance(record.get(key), str)]
    return next((key for key in texts if len(record[key]) == len(tags)), None)


def find_tags(record: dict) -> str | None:
    """The key of a record's tags."""
    return next((key for key in TAG_KEYS if record.get(key) is not None), None)


def parse_tokens(record: dict, number: int, report: RowReport) -> TaggedRow:
    """The row of a record of tokens, with or without tags."""
    token_key = find_tokens(record) or next((key for key in TOKEN_KEYS if key in record), "tokens")
    tokens = record.get(token_key)
    if isinstance(tokens, str) and token_key in SPAN_TEXT_KEYS:
        tokens = list(tokens)
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        report(f'expected "{token_key}": a list of strings, found {show(tokens)}; correct them')
        tokens = []
    elif not tokens or "" in tokens:
        report(f"expected tokens that are not empty, found {show(tokens)}; remove empty ones with their tags")
    elif not is_unicode("".join(tokens)):
        report("expected tokens in Unicode, found half of a surrogate pair; repair the escapes")
    key = find_tags(record)
    tags = record.get(key)
    if key and (not isinstance(tags, list) or any(type(tag) not in (str, int) for tag in tags)):
        report(f'expected "{key}": a list of tags, found {show(tags)}; write them like "B-PER"')
        tags = None
    elif key and len(tags) != len(tokens):
        report(
            f"expected a tag for each token, found {len(tokens)} tokens and {len(tags)} tags; give each token one tag"
        )
    return TaggedRow(number, read_id(record.get("id"), report), tokens, tags)
