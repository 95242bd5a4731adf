"""The encoding of a text file, found from its byte-order mark, its bytes, and the characters they would decode to."""

import codecs
import re
from collections import Counter
from typing import NamedTuple

from ..data.errors import DataError

MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
WIDE = ("utf-16", "utf-32")  # in these a line feed is more than one byte

# Files under these names often hold characters of the later, larger encodings.
_SUPERSETS = {"gb2312": "gb18030", "gbk": "gb18030", "big5": "cp950"}
_NAMES = {"gb18030": "GB18030", "cp950": "Big5"}
# Every second character of Chinese text is one of these; in Korean or noise read as Chinese, every thirtieth is.
_FREQUENT = {
    "gb18030": "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着"
    "去之过家学对可里后小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行"
    "方又如前所本见经头面公同三已老从动两长知民样现分将外但身些",
    "cp950": "的一是不了在人有我他這中大來上國個到說們為子和你地出道也時年得就那要下以生會自著"
    "去之過家學對可里後小麼心多天而能好都然沒日於起還發成事只作當想看文無開手十用主行"
    "方又如前所本見經頭面公同三已老從動兩長知民樣現分將外但身些",
}
# For frequent characters (level 1): their codec, and the first of their two bytes in it.
_LEVEL_1 = {"gb18030": ("gb2312", range(0xB0, 0xD8)), "cp950": ("big5", range(0xA4, 0xC7))}
_ODD = re.compile("[\u3040-\u30ff\ue000-\uf8ff]")  # kana and private-use characters
_ENOUGH = 40  # Chinese characters; with fewer, frequencies mean nothing

_OTHER_FILES = (
    (b"PK\x03\x04", "an Excel table or a zip archive", "save it as CSV, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "an Excel table", "save it as CSV"),
    (b"%PDF-", "a PDF", "export its text"),
    (b"PAR1", "parquet", "name it .parquet, or give --file_format parquet"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it"),
    (b"Rar!", "a rar archive", "unpack it"),
    (b"BZh", "a bzip2 file", "unpack it with bunzip2"),
    (b"\xfd7zXZ", "an xz file", "unpack it with unxz"),
    (b"(\xb5/\xfd", "a zstd file", "unpack it with unzstd"),
)


class Encoding(NamedTuple):
    """How bytes become text."""

    codec: str  # its name in Python
    mark: int = 0  # length in bytes of the byte-order mark at the start; 0 if there is none
    guessed: bool = False  # whether it was found from the bytes alone

    @property
    def name(self) -> str:
        """The name as people write it, such as UTF-16."""
        return _NAMES.get(self.codec, self.codec.upper().removesuffix("-LE").removesuffix("-BE"))

    @property
    def is_wide(self) -> bool:
        """Whether a line feed is more than one byte."""
        return self.codec.startswith(WIDE)


def name_encoding(name: str) -> Encoding:
    """The encoding that a user names.

    Raises:
        DataError: Python knows no text encoding of this name.
    """
    try:
        found = codecs.lookup(name)
        if not found._is_text_encoding:
            raise LookupError
    except LookupError:
        raise DataError(
            f"--encoding {name}: expected one that Python knows, such as utf-8, gb18030, big5, utf-16 or cp1252"
        ) from None
    return Encoding(_SUPERSETS.get(found.name, found.name))


def undecodable(raw: bytes, error: UnicodeDecodeError, encoding: Encoding) -> str:
    """What is wrong with a line, and what to do about it."""
    return (
        f"expected {encoding.name}, found the byte 0x{raw[error.start]:02x} at byte {error.start + 1} of the line; "
        "correct it, or name the encoding of the file, such as --encoding gb18030, big5 or cp1252"
    )


def find_encoding(sample: bytes, name: str | None = None) -> Encoding:
    """Find the encoding of a file by its beginning, unless a byte-order mark or the user tells it (see
    `told_encoding`).

    It is UTF-8 unless it is certainly another one: a UTF-8 file that is damaged in places stays UTF-8.

    Raises:
        DataError: there is no encoding of this name.
    """
    if told := told_encoding(sample, name):
        return told
    if sample.isascii() and b"\0" not in sample:
        return Encoding("utf-8")
    if b"\0" in sample and (wide := _find_wide(sample)):
        return Encoding(wide, guessed=True)
    if not _is_utf8(sample) and (chinese := _find_chinese(sample)):
        return Encoding(chinese, guessed=True)
    return Encoding("utf-8")


def refuse_other_files(raw: bytes, source: str) -> None:
    """Refuse a file that is not text, and say what it is.

    Raises:
        DataError: it begins like an archive, an Excel table, a PDF or a parquet file.
    """
    for mark, found, repair in _OTHER_FILES:
        if raw.startswith(mark):
            raise DataError(f"{source}: expected text, found {found}; {repair}")


def told_encoding(raw: bytes, name: str | None) -> Encoding | None:
    """The encoding that a byte-order mark shows or a user names; a mark decides which kind of UTF-16 it is.

    Raises:
        DataError: there is no encoding of this name.
    """
    named = name_encoding(name) if name else None
    for mark, codec in MARKS:
        if raw.startswith(mark) and (named is None or codec.startswith(named.codec.removesuffix("-sig"))):
            return Encoding(codec, len(mark))
    return named


def _is_utf8(sample: bytes) -> bool:
    """Whether it is UTF-8, damaged or not: in another encoding few characters would be valid, by chance."""
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(sample)
    broken = text.count("\ufffd")
    return broken == 0 or sum(1 for one in text if not one.isascii()) > 4 * broken


def _find_wide(sample: bytes) -> str | None:
    """UTF-16 without a mark: in its line feeds, digits and Latin letters, one of the two bytes is NUL.

    In some Chinese characters the other byte is, so that text with many of these must have frequent characters.
    """
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if (even + odd) * 4 < len(sample) and _is_utf8(sample):
        return None
    plain = min(even, odd) * 20 <= max(even, odd)
    likely, other = ("utf-16-le", "utf-16-be") if odd > even else ("utf-16-be", "utf-16-le")
    for codec in (likely,) if plain else (likely, other):
        try:
            text = codecs.getincrementaldecoder(codec)().decode(sample)  # the last one may be cut
        except UnicodeDecodeError:
            continue
        readable = sum(1 for character in text if character.isprintable() or character in "\t\r\n")
        if readable * 20 > len(text) * 19 and (plain or _is_frequent(text)):
            return codec
    return None


def _is_frequent(text: str) -> bool:
    """Whether as many of a text's Chinese characters are frequent ones as in Chinese."""
    chinese = [one for one in text if "\u3400" <= one <= "\u9fff"]
    frequent = sum(any(one in characters for characters in _FREQUENT.values()) for one in chinese)
    return frequent * 12 > len(chinese)


def _find_chinese(sample: bytes) -> str | None:
    """GB18030 or Big5, whichever decodes the bytes to common characters; None if neither does."""
    scores = {}
    for codec, (level_codec, leads) in _LEVEL_1.items():
        try:
            counts = Counter(codecs.getincrementaldecoder(codec)().decode(sample))  # the last one may be cut
        except UnicodeDecodeError:
            continue
        chinese = {one: count for one, count in counts.items() if "\u3400" <= one <= "\u9fff"}
        total = sum(chinese.values())
        common = 0
        for one, count in chinese.items():
            code = one.encode(level_codec, errors="ignore")
            common += count * (len(code) == 2 and code[0] in leads)
        frequent = sum(count for one, count in chinese.items() if one in _FREQUENT[codec])
        others = sum(count for one, count in counts.items() if _ODD.match(one))
        if total and (total < _ENOUGH or frequent * 12 > total):
            scores[codec] = common / (total + others)
    best = max(scores, key=scores.get, default=None)
    return best if best and scores[best] > 0.6 else None
