"""Tokenizers of the two kinds: WordPiece over characters, and byte-level BPE, which begins words with their space."""

import json
import random

import pytest
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import BertTokenizerFast, PreTrainedTokenizerFast

import run_prompt
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


@pytest.fixture
def files(tmp_path):
    """Train, test and pair files: a text is good where it says 电."""
    draw = random.Random(0)
    for name, count in (("train", 64), ("test", 9)):
        rows = []
        for i in range(count):
            rest = "".join(draw.choice("影真是") for _ in range(draw.randint(0, 2)))
            rows.append(
                {"id": f"{name}{i}", "text": ("电" if i % 2 else "般") + rest, "label": ["bad", "good"][i % 2]}
            )
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(files, wordpiece):
    """Call the script: `run(template=..., test_file="test.jsonl")` -> its results."""
    verbalizer = json.dumps(cloze_models.CHOSEN, ensure_ascii=False)
    model = cloze_models.save_model("bert", wordpiece, files / "model")

    def call(output="out", **flags):
        words = [str(files / flags.pop("config"))] if "config" in flags else []
        words += ["--model_name_or_path", str(flags.pop("model", model)), "--output_dir", str(files / output)]
        words += ["--use_cpu", "true", "--precision", "fp32"]
        for name, value in ({"template": cloze_models.TEMPLATE, "verbalizer": verbalizer} | flags).items():
            if value is not None:
                values = value if isinstance(value, list) else [value]
                paths = [str(files / one) if str(one).endswith((".jsonl", ".yaml")) else str(one) for one in values]
                words += [f"--{name}", *paths]
        return run_prompt.main(words)

    return call
