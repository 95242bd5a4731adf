"""Loads tokenizers, and refuses those that do not belong to the weights: unknown tokens teach nothing."""

import contextlib
import itertools
import logging
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from transformers import AutoTokenizer, BertTokenizer, PreTrainedConfig, PreTrainedTokenizerBase
from transformers.models.auto.tokenization_auto import get_tokenizer_config
from transformers.utils import cached_file

from ..modeling.encoders import OFFSET_POSITIONS

logger = logging.getLogger(__name__)

# Files of tokenizers other than WordPiece: next to one of them, vocab.txt is not the complete tokenizer.
OTHERS = ("tokenizer.json", "vocab.json", "bpe.codes", "spiece.model", "spm.model", "sentencepiece.bpe.model")
OTHERS += ("tokenizer.model", "tokenizer.jsonl")
LOOKED_AT = 1000  # inputs that are searched for unknown tokens
CASED = 0.05  # share of tokens of Latin letters with a capital: 0 in uncased vocabularies, a third in cased ones
PROBES = (
    "我们在北京大学的图书馆学习，今天天气非常好。",
    "John Smith's café in New York costs $5.99, doesn't it?",
    "２０１８年iPhone発売　ÀÉÎ ﬁne  résumé",
)


def open_tokenizer(
    name_or_path: str, config: PreTrainedConfig, *, saved_again: bool, **loading
) -> PreTrainedTokenizerBase:
    """Load a tokenizer, and refuse one that does not fit its encoder.

    If vocab.txt is the only tokenizer file, texts are tokenised by WordPiece, whatever the encoder's family. With a
    vocabulary that has capitals, texts are not lower-cased unless tokenizer_config.json asks for it. A byte-order mark
    is removed from the first token. Each of these is logged.

    Args:
        name_or_path: a folder or a Hub id.
        config: the encoder's configuration.
        saved_again: whether it will be saved; one that would tokenise differently after that is refused.
        **loading: `revision`, `trust_remote_code` and the like.

    Raises:
        OSError: there is no tokenizer, a package for it is missing, it gives no offsets, has more tokens than the
            encoder has embeddings, or tokenises differently once it is saved.
    """
    vocabulary = _find_plain_vocabulary(name_or_path, config, loading)
    with _without_mark(name_or_path, vocabulary) as place:
        cases = {}
        lines = [] if vocabulary is None else _read_lines(vocabulary)
        if lines and "do_lower_case" not in get_tokenizer_config(place, **_origin(loading)) and is_cased(lines):
            cases["do_lower_case"] = False
            logger.info("%s: vocab.txt has capitals, so texts are not lower-cased", name_or_path)
        try:
            tokenizer = AutoTokenizer.from_pretrained(place, config=config, **loading, **cases)
        except ImportError as error:
            reason = " ".join(str(error).split())
            raise OSError(
                f"{name_or_path}: expected the packages that its tokenizer needs, found: {reason}"
            ) from error
        except Exception as error:  # tokenizers may raise anything on a file that it cannot read
            if not lines:
                raise _complain(name_or_path, error) from error
            tokenizer = None
        if lines and (tokenizer is None or not _covers(tokenizer, lines)):
            if missing := [token for token in ("[UNK]", "[CLS]", "[SEP]") if token not in lines]:
                raise OSError(
                    f"{name_or_path}: expected a tokenizer of {config.model_type}, found vocab.txt alone, without "
                    f"{', '.join(missing)}; put the files of the tokenizer it was trained with next to the weights"
                )
            tokenizer = BertTokenizer.from_pretrained(place, **_origin(loading), **cases)
            logger.info(
                "%s: vocab.txt is the only tokenizer file: texts are tokenised by WordPiece, which is unusual for %s",
                *(name_or_path, config.model_type),
            )
        _refuse_unfit(tokenizer, config, name_or_path)
        if saved_again:
            _refuse_change(tokenizer, name_or_path)
    return tokenizer


def is_cased(vocabulary: Sequence[str]) -> bool:
    """Whether a WordPiece vocabulary has tokens with capitals.

    Example:
        >>> is_cased(["[PAD]", "the", "##s"]), is_cased(["[PAD]", "The", "the", "##s"])
        (False, True)
    """
    latin = [token for token in vocabulary if re.search("[A-Za-z]", token) and not re.fullmatch(r"\[.*\]|<.*>", token)]
    return sum(token != token.lower() for token in latin) > CASED * len(latin)


def _refuse_unfit(tokenizer: PreTrainedTokenizerBase, config: PreTrainedConfig, name_or_path: str) -> None:
    """Refuse a tokenizer without offsets, or with ids that its encoder has no embeddings for."""
    if not tokenizer.is_fast:
        raise OSError(
            f"{name_or_path}: expected a fast tokenizer, which gives the offsets of tokens, found "
            f"{type(tokenizer).__name__}, which has no fast version; take another encoder"
        )
    if not any(token.strip("▁ ") for token in tokenizer.get_vocab() if token not in tokenizer.all_special_tokens):
        raise OSError(
            f"{name_or_path}: expected the files of a tokenizer next to the weights, found none: put tokenizer.json "
            "or vocab.txt of the model there"
        )
    rows = getattr(config, "vocab_size", None)
    beyond = {token: id for token, id in tokenizer.get_vocab().items() if rows and id >= rows and token.strip()}
    if beyond:
        token = min(beyond, key=beyond.get)
        raise OSError(
            f"{name_or_path}: expected a tokenizer of at most {rows} tokens, as its config.json has embeddings for, "
            f"found {len(tokenizer)} (the first without one is {token!r}); take the vocabulary that belongs to the "
            "weights"
        )
    padding = getattr(config, "pad_token_id", None)
    if config.model_type in OFFSET_POSITIONS and tokenizer.pad_token_id not in (None, padding):
        logger.warning(
            "%s: config.json says that padding has the id %s, and the tokenizer pads with %s: positions are counted "
            "from the former; set pad_token_id in config.json if that is wrong",
            *(name_or_path, padding, tokenizer.pad_token_id),
        )


def refuse_unknown(rows: Iterable[Sequence[int]], tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse training data if more than half of its tokens are unknown to the encoder, and warn of many.

    Args:
        rows: token ids of inputs, of which the first thousand are looked at.
        tokenizer: what made them.

    Raises:
        OSError: more than half are unknown.
    """
    unknown, special = tokenizer.unk_token_id, set(tokenizer.all_special_ids)
    found = Counter(
        id for row in itertools.islice(rows, LOOKED_AT) for id in row if id == unknown or id not in special
    )
    share = found[unknown] / max(found.total(), 1)
    if share > 0.5:
        raise OSError(
            f"the training data: expected texts that the encoder has tokens for, found {share:.0%} of their tokens "
            "unknown; take an encoder for this language, or put the tokenizer it was trained with next to its weights"
        )
    if share > 0.1:
        logger.warning("the training data: %.0f %% of tokens are unknown to the encoder", 100 * share)


def _origin(loading: Mapping) -> dict:
    return {key: value for key, value in loading.items() if key in ("revision", "token", "cache_dir")}


def _find_plain_vocabulary(name_or_path: str, config: PreTrainedConfig, loading: Mapping) -> str | None:
    """The path of vocab.txt if it is the only file of a tokenizer."""
    reasons = ("missing_entries", "gated_repo", "connection_errors")
    missing_is_fine = {f"_raise_exceptions_for_{reason}": False for reason in reasons}
    if not hasattr(config, "vocab_size"):  # CANINE reads characters
        return None

    def find(name):
        return cached_file(str(name_or_path), name, **_origin(loading), **missing_is_fine)

    if find(OTHERS[0]):
        return None
    vocabulary = find("vocab.txt")
    return None if vocabulary is None or any(find(name) for name in OTHERS[1:]) else vocabulary


def _read_lines(path: str) -> list[str]:
    with open(path, encoding="utf-8-sig") as file:
        return [line.rstrip("\n") for line in file]


@contextlib.contextmanager
def _without_mark(name_or_path: str, vocabulary: str | None) -> Iterator[str]:
    """A folder to load from: the model's own, or a copy of the tokenizer's files without the byte-order mark."""
    if vocabulary is None or not Path(vocabulary).read_bytes().startswith(b"\xef\xbb\xbf"):
        yield name_or_path
        return
    logger.info("%s: vocab.txt begins with a byte-order mark, which is left out", name_or_path)
    with tempfile.TemporaryDirectory() as folder:
        for path in Path(vocabulary).parent.glob("*.json"):
            if path.name.startswith(("tokenizer", "special_tokens", "added_tokens", "config")):
                shutil.copyfile(path, Path(folder) / path.name)
        content = Path(vocabulary).read_bytes().removeprefix(b"\xef\xbb\xbf")
        (Path(folder) / "vocab.txt").write_bytes(content)
        yield folder


def _covers(tokenizer: PreTrainedTokenizerBase, lines: Sequence[str]) -> bool:
    """Whether a tokenizer has read a vocabulary: it has almost all of its tokens, at their places, and no more."""
    known = tokenizer.get_vocab()
    in_place = sum(known.get(token) == place for place, token in enumerate(lines))
    return len(known) <= len(lines) and in_place > 0.9 * len(lines)


def _refuse_change(tokenizer: PreTrainedTokenizerBase, name_or_path: str) -> None:
    """Save a tokenizer and load it again: ids must be the same."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            tokenizer.save_pretrained(folder)
            again = AutoTokenizer.from_pretrained(folder)
            changed = [text for text in PROBES if again(text)["input_ids"] != tokenizer(text)["input_ids"]]
        except Exception as error:  # as in `open_tokenizer`
            raise _complain(f"{name_or_path}, saved and loaded again", error) from error
    if changed:
        one, other = (each.tokenize(changed[0])[:12] for each in (tokenizer, again))
        raise OSError(
            f"{name_or_path}: expected a tokenizer that tokenises alike after it was saved, found "
            f"{' '.join(one)} before and {' '.join(other)} after; take an encoder with a tokenizer.json"
        )


def _complain(name_or_path: str, error: Exception) -> OSError:
    reason = " ".join(str(error).split())[:300]
    return OSError(
        f"{name_or_path}: expected a tokenizer that transformers knows, found: {reason}; put the files of the "
        "tokenizer it was trained with next to the weights"
    )
