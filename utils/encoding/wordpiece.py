"""Trains a WordPiece vocabulary like BERT's on a corpus."""

import logging
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from os import PathLike
from pathlib import Path

from tokenizers import BertWordPieceTokenizer
from transformers import BertTokenizerFast

logger = logging.getLogger(__name__)

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SINGLE = 0.8  # largest share of the vocabulary for single characters, the most frequent ones


def train_wordpiece(read: Callable[[], Iterable[str]], size: int) -> BertTokenizerFast:
    """Build a vocabulary; Chinese characters are pieces by themselves; other text is lower-cased, without accents.

    Args:
        read: returns the texts, from the first one on; called twice.
        size: most pieces, special tokens included. Texts of few words give fewer.

    Returns:
        A tokenizer, the same for the same texts.

    Raises:
        ValueError: no room for anything but special tokens.

    Example:
        >>> train_wordpiece(lambda: ["ab ab 好"], 20).tokenize("ab好")
        ['ab', '好']
    """
    if size <= len(SPECIAL):
        raise ValueError(f"expected a vocabulary of more than {len(SPECIAL)} pieces, found {size}")
    tokenizer = BertWordPieceTokenizer(lowercase=True)
    counts: Counter[str] = Counter()
    for text in read():
        counts.update(tokenizer.normalize(text))
    # Of pieces that are equally frequent the trainer prefers the one that it met first, and it meets words in a random
    # order: so all characters, and their forms inside words, are given to it beforehand.
    frequent = sorted((character for character in counts if not character.isspace()), key=lambda c: (-counts[c], c))
    alphabet, forms = [], []
    for character in frequent:
        inner = [f"##{character}"] if _joins(character) else []
        if len(alphabet) + len(forms) + 1 + len(inner) > SINGLE * size - len(SPECIAL):
            break
        alphabet.append(character)
        forms += inner
    tokenizer.train_from_iterator(
        read(),
        vocab_size=size,
        min_frequency=2,
        limit_alphabet=len(alphabet),
        initial_alphabet=alphabet,
        special_tokens=[*SPECIAL, *forms],
        show_progress=False,
    )
    pieces = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    if len(pieces) < size:
        logger.info("vocabulary: %s pieces; the corpus has no more", f"{len(pieces):,}")
    return BertTokenizerFast(vocab={piece: i for i, piece in enumerate(pieces)}, do_lower_case=True)


def is_built(folder: str | PathLike) -> bool:
    """Whether a folder holds a complete tokenizer."""
    return all((Path(folder) / name).is_file() for name in ("tokenizer.json", "tokenizer_config.json"))


def _joins(character: str) -> bool:
    """Whether BERT lets a character stand inside a word: no punctuation, and no Chinese character, which is a word."""
    if character.isascii():
        return character.isalnum()
    chinese = unicodedata.name(character, "").startswith(("CJK UNIFIED", "CJK COMPATIBILITY IDEOGRAPH"))
    return unicodedata.category(character)[0] != "P" and not chinese
