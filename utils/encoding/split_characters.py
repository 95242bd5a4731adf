"""Tokenizers whose pieces hold one Chinese character or sign at most, so that its borders can be an entity's."""

import json
import re

from tokenizers import Regex, Tokenizer
from tokenizers.pre_tokenizers import Sequence, Split
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from .trimmed_tokenizer import byte_characters, is_byte_level
from .word_borders import HAN

SIGNS = "\u3001-\u301f“”"  # 、。〈〉《》「」『』【】 and the like, quotation marks
PROBE = "他们在北京大学学习中文，《使用人工智能技术》。"


def splits_characters(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether no piece holds two Chinese characters, as with BERT's tokenizers."""
    offsets = tokenizer(PROBE, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    return all(end - start <= 1 for start, end in offsets)


def split_characters(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """A tokenizer that cuts before and after each Chinese character and sign; all else is cut as by the given one.

    Returns:
        A tokenizer with the same pieces and ids; saved, its tokenizer.json holds the splitting, so that whatever
        loads it splits, too. The given one if its pieces hold one Chinese character at most already.
    """
    if splits_characters(tokenizer):
        return tokenizer
    backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    state = json.loads(backend.to_str())
    pattern = _byte_pattern() if is_byte_level(state) else f"▁?[{HAN}{SIGNS}]"
    split = Split(Regex(pattern), "isolated")
    backend.pre_tokenizer = split if backend.pre_tokenizer is None else Sequence([backend.pre_tokenizer, split])
    fields = "model_max_length", "model_input_names", "padding_side", "truncation_side"
    kept = {name: getattr(tokenizer, name) for name in fields}
    for name in ("clean_up_tokenization_spaces", "split_special_tokens"):
        if name in tokenizer.init_kwargs:
            kept[name] = tokenizer.init_kwargs[name]
    # The generic class: others are built anew from the pieces alone.
    special = tokenizer.special_tokens_map
    return PreTrainedTokenizerFast(tokenizer_object=backend, split_characters=True, **kept, **special)


def _byte_pattern() -> str:
    """Chinese characters and signs as byte-level BPE writes their UTF-8, with the space before them."""
    written = {byte: character for character, byte in byte_characters().items()}

    def any_of(first: int, last: int) -> str:
        return "[" + "".join(re.escape(written[byte]) for byte in range(first, last + 1)) + "]"

    following = any_of(0x80, 0xBF)
    ranges: list[tuple[tuple[int, int], ...]] = [
        ((0xE2, 0xE2), (0x80, 0x80), (0x9C, 0x9D)),  # “ and ”
        ((0xE3, 0xE3), (0x80, 0x80), (0x81, 0x9F)),  # U+3001 to U+301F
        ((0xE3, 0xE3), (0x90, 0xBF)),  # from U+3400 on
        ((0xE4, 0xE4), (0x80, 0xB6)),  # up to U+4DBF
        ((0xE4, 0xE4), (0xB8, 0xBF)),  # from U+4E00 on
        ((0xE5, 0xE9), (0x80, 0xBF)),  # up to U+9FFF
        ((0xEF, 0xEF), (0xA4, 0xAB)),  # U+F900 to U+FAFF
        ((0xF0, 0xF0), (0xA0, 0xBF), (0x80, 0xBF)),  # U+20000 to U+3FFFF
    ]
    characters = []
    for each in ranges:
        length = 4 if each[0][0] == 0xF0 else 3
        characters.append("".join(any_of(*pair) for pair in each) + following * (length - len(each)))
    return f"Ġ?(?:{'|'.join(characters)})"
