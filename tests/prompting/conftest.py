"""Tokenizers of the two kinds: WordPiece over characters, and byte-level BPE, which begins words with their space."""

import pytest
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import BertTokenizerFast, PreTrainedTokenizerFast

from tests.prompting import cloze_models
from utils.modeling.cloze_classifier import ClozeClassifier
from utils.prompting.cloze_inputs import ClozeCollator, ClozeEncoder
from utils.prompting.templates import Template
from utils.prompting.verbalizers import read_verbalizer

TEXTS = [
    "It was great.",
    "It was terrible.",
    "这部电影真是太好了。",
    "不错，很一般。",
    "a great movie",
    "terrible food",
]


@pytest.fixture(scope="session")
def wordpiece(tmp_path_factory):
    """[UNK] for what is not a character of `TEXTS` or one of some words."""
    path = tmp_path_factory.mktemp("wordpiece") / "vocab.txt"
    words = ["it", "was", "great", "terr", "##ible", "a", "movie", "food", *".,"]
    characters = sorted({character for text in TEXTS for character in text if character > "\u2000"})
    path.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words, *characters]), encoding="utf-8")
    return BertTokenizerFast(str(path), do_lower_case=True)


@pytest.fixture(scope="session")
def byte_level():
    """As RoBERTa's: `<mask>` takes the space before it along."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS * 20, trainer)
    around = [(token, tokenizer.token_to_id(token)) for token in ("</s>", "<s>")]
    tokenizer.post_processor = processors.RobertaProcessing(*around, trim_offsets=True, add_prefix_space=False)
    names = {"bos": "<s>", "eos": "</s>", "cls": "<s>", "sep": "</s>", "pad": "<pad>", "unk": "<unk>"}
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        mask_token=AddedToken("<mask>", lstrip=True, special=True),
        **{f"{name}_token": token for name, token in names.items()},
    )
    return fast


@pytest.fixture
def build(tmp_path, wordpiece, byte_level):
    """(path, tokenizer, model, batch) of a family: `build("bert", template, aggregation=...)`."""

    def make(kind, pattern, *, words=cloze_models.WORDS, soft=(), max_length=64, **options):
        tokenizer = byte_level if kind in cloze_models.BYTE_LEVEL else wordpiece
        path = cloze_models.save_model(kind, tokenizer, tmp_path / "encoder")
        template = Template(pattern)
        words = read_verbalizer(words).encode(tokenizer, spaced=template.spaced)
        torch.manual_seed(1)
        model = ClozeClassifier.from_encoder(
            path,
            words=[[word.label, word.weight, list(word.ids)] for word in words],
            mask_token_id=tokenizer.mask_token_id,
            soft_words=soft,
            id2label={0: "good", 1: "bad"},
            label2id={"good": 0, "bad": 1},
            template=pattern,
            **options,
        ).eval()
        encoder = ClozeEncoder(tokenizer, template, max_length, model.words.lengths, soft_start=len(tokenizer))
        rows = encoder.encode(cloze_models.TEXTS)
        return path, tokenizer, model, ClozeCollator(tokenizer, model.words.lengths)(rows)

    return make
