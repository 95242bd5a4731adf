"""Tokenizers with fewer pieces, which cut texts as before as long as the pieces of these texts are kept."""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase

from .word_borders import HAN

TEXTS = 1000  # texts that are counted at a time
_KINDS = ("Unigram", "WordPiece", "BPE", "WordLevel")
_BYTE = re.compile("<0x[0-9A-F]{2}>")  # what Unigram and BPE make of characters that they do not have
_SPACES = "▁Ġ"  # how pieces write a space


def count_pieces(tokenizer: PreTrainedTokenizerBase, texts: Iterable[str]) -> Counter[int]:
    """How often each piece occurs in texts; none of special tokens, unless they are written in a text."""
    counts: Counter[int] = Counter()
    texts = iter(texts)
    while some := list(islice(texts, TEXTS)):
        encoded = tokenizer(some, add_special_tokens=False, return_attention_mask=False, verbose=False)
        for ids in encoded["input_ids"]:
            counts.update(ids)
    return counts


def choose_pieces(
    tokenizer: PreTrainedTokenizerBase, used: Collection[int], *, through_padding: bool = False
) -> list[int]:
    """The pieces that stay: those in use, what these are built from, and what any text may need.

    Args:
        tokenizer: a fast one.
        used: ids of the pieces that texts use.
        through_padding: also keep all that come before the padding token, since the encoder counts positions from
            its id.

    Returns:
        Ids, ascending: pieces in use; those that BPE merges into them; single characters, of a tokenizer that writes
        unknown ones as bytes only Chinese ones; bytes; added and special tokens; the least probable piece of Unigram,
        since an unknown character is told to be even less so.

    Raises:
        ValueError: the tokenizer is not fast, or of a kind that is not known.
    """
    state = _state_of(tokenizer)
    model = state["model"]
    unigram = model["type"] == "Unigram"
    pieces = {piece: id for id, (piece, _) in enumerate(model["vocab"])} if unigram else model["vocab"]
    kept = {id for id in used if id >= 0} | {token["id"] for token in state["added_tokens"]}
    kept |= {pieces[token] for token in tokenizer.all_special_tokens if token in pieces}
    kept |= {id for id in [pieces.get(model.get("unk_token")), model.get("unk_id")] if id is not None}
    byte_level = is_byte_level(state)
    prefix = model.get("continuing_subword_prefix") or ""
    spells = byte_level or bool(model.get("byte_fallback"))
    for piece, id in pieces.items():
        bare = piece.removeprefix(prefix) if prefix else piece
        if len(bare) == 1 and byte_level:
            kept.add(id)  # a byte
        elif _BYTE.fullmatch(piece) or _is_character(_decode_bytes(bare) if byte_level else bare, chinese=spells):
            kept.add(id)
    if unigram:
        kept.add(min(range(len(model["vocab"])), key=lambda id: model["vocab"][id][1]))
    if model["type"] == "BPE":
        kept = _with_parts(kept, pieces, model)
    if through_padding and tokenizer.pad_token_id is not None:
        kept |= set(range(tokenizer.pad_token_id + 1))
    return sorted(kept)


def save_trimmed(tokenizer: PreTrainedTokenizerBase, kept: Sequence[int], folder: str | PathLike) -> None:
    """Save a tokenizer that has these pieces only, with ids from 0 on in the same order.

    Args:
        tokenizer: a fast one.
        kept: as `choose_pieces` gives them.
        folder: an existing folder; files of tokenizers in it are replaced.
    """
    new = {id: place for place, id in enumerate(kept)}
    state = _state_of(tokenizer)
    model = state["model"]
    if model["type"] == "Unigram":
        model["vocab"] = [model["vocab"][id] for id in kept if id < len(model["vocab"])]
        model["unk_id"] = new.get(model["unk_id"])
    else:
        model["vocab"] = {piece: new[id] for piece, id in model["vocab"].items() if id in new}
    if model["type"] == "BPE":
        prefix = model.get("continuing_subword_prefix") or ""
        merges = (_pair(merge) for merge in model["merges"])
        model["merges"] = [list(pair) for pair in merges if {*pair, _merged(pair, prefix)} <= model["vocab"].keys()]
    for token in state["added_tokens"]:
        token["id"] = new[token["id"]]
    state["post_processor"] = _renumber(state["post_processor"], new)
    state["truncation"] = state["padding"] = None

    tokenizer.save_pretrained(folder)
    for path in Path(folder).iterdir():
        if path.name in ("vocab.txt", "vocab.json", "merges.txt", "added_tokens.json") or path.suffix == ".model":
            path.unlink()  # they have the other ids
    Tokenizer.from_str(json.dumps(state)).save(str(Path(folder) / "tokenizer.json"))
    config = Path(folder) / "tokenizer_config.json"
    values = json.loads(config.read_text(encoding="utf-8"))
    if "added_tokens_decoder" in values:
        added = values["added_tokens_decoder"]
        values["added_tokens_decoder"] = {str(new[int(id)]): token for id, token in added.items() if int(id) in new}
    config.write_text(json.dumps(values, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _state_of(tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    if not tokenizer.is_fast:
        raise ValueError(f"expected a fast tokenizer, with a tokenizer.json, found {type(tokenizer).__name__}")
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    if state["model"]["type"] not in _KINDS:
        raise ValueError(f"expected a tokenizer of {', '.join(_KINDS)}, found {state['model']['type']}")
    return state


def is_byte_level(state: Mapping) -> bool:
    """Whether the pieces of a tokenizer.json are bytes."""
    return '"ByteLevel"' in json.dumps([state["pre_tokenizer"], state["normalizer"]])


def _is_character(piece: str | None, *, chinese: bool) -> bool:
    """Whether a piece is one character, `chinese`: one Chinese character."""
    return piece is not None and bool(re.fullmatch(f"[{HAN}]" if chinese else ".", piece.lstrip(_SPACES)))


def _decode_bytes(piece: str) -> str | None:
    """The text of a byte-level piece; None if it ends within a character."""
    try:
        return bytes(_BYTES[character] for character in piece).decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        return None


def byte_characters() -> dict[str, int]:
    """What byte-level BPE writes for each byte: printable Latin-1 stands for itself, all else from U+0100 on."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {chr(0x100 + place): byte for place, byte in enumerate(hidden)}


_BYTES = byte_characters()


def _pair(merge: str | Sequence[str]) -> tuple[str, str]:
    first, second = merge.split(" ") if isinstance(merge, str) else merge
    return first, second


def _merged(pair: tuple[str, str], prefix: str) -> str:
    return pair[0] + pair[1].removeprefix(prefix)


def _with_parts(kept: set[int], pieces: Mapping[str, int], model: Mapping) -> set[int]:
    """These pieces and all that can be merged into them, in whatever order: so the merges of a text stay possible."""
    prefix = model.get("continuing_subword_prefix") or ""
    parts: dict[str, list[str]] = {}
    for pair in map(_pair, model["merges"]):
        parts.setdefault(_merged(pair, prefix), []).extend(pair)
    names = {id: piece for piece, id in pieces.items()}
    found, waiting = set(kept), [names[id] for id in kept if id in names]
    while waiting:
        for part in parts.get(waiting.pop(), ()):
            if pieces[part] not in found:
                found.add(pieces[part])
                waiting.append(part)
    return found


def _renumber(value: Any, new: Mapping[int, int]) -> Any:
    """A post-processor with the new ids of its special tokens."""
    if isinstance(value, dict):
        ids = value.get("ids")
        value = {key: _renumber(each, new) for key, each in value.items()}
        return value | {"ids": [new[id] for id in ids]} if isinstance(ids, list) else value
    if isinstance(value, list):
        if len(value) == 2 and isinstance(value[0], str) and type(value[1]) is int:  # ["[SEP]", 102]
            return [value[0], new[value[1]]]
        return [_renumber(each, new) for each in value]
    return value
