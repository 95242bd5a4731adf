"""A tokenizer of each kind: WordPiece, byte-level BPE, and Unigram with a mark for spaces."""

import string

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

CHINESE = "我在北京大學学校的人民和国國家上海市台臺灣说話话今年天"
LETTERS = string.ascii_letters + string.digits
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def wordpiece():
    """BERT's tokenizer: drops spaces and controls, lower-cases, strips accents, splits Chinese characters."""
    alphabet = set(CHINESE + "。，《》%—" + string.ascii_lowercase + string.digits)
    vocabulary = (
        SPECIALS + sorted(alphabet) + [f"##{c}" for c in string.ascii_lowercase + string.digits] + ["20", "北京"]
    )
    tokenizer = Tokenizer(models.WordPiece({token: i for i, token in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return wrap(tokenizer)


def byte_level_bpe():
    """RoBERTa's and ModernBERT's: several tokens may share one character, spaces belong to words."""
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=SPECIALS, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(["the new york times 北京 北京 2018 年 20 20 the the new new"] * 5, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("[SEP]", 3), ("[CLS]", 2), trim_offsets=True)
    return wrap(tokenizer)


def sentencepiece():
    """ALBERT's and DeBERTa's: a marker for the space before a word."""
    tokenizer = Tokenizer(models.Unigram([("[UNK]", -10.0)], unk_id=0, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=120, special_tokens=SPECIALS, unk_token="[UNK]", show_progress=False)
    tokenizer.train_from_iterator([CHINESE, "the new york times 北京 2018", LETTERS] * 5, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return wrap(tokenizer)


def wrap(tokenizer):
    names = {
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    }
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)


TOKENIZERS = {"wordpiece": wordpiece(), "byte-level": byte_level_bpe(), "sentencepiece": sentencepiece()}
