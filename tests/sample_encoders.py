"""Tiny random encoders that have the characters of the sample data, which the smallest one of the tests lacks."""

from pathlib import Path

import torch
from transformers import BertConfig, BertTokenizerFast, PreTrainedModel

DATA = Path(__file__).resolve().parent.parent / "data"
SAMPLES = ("ner_sample/train.json", "review_sample/train.tsv", "faq_sample/questions.txt", "qa_sample/train.json")


def write_encoder(tiny_encoder: str, folder: Path, model_class: type[PreTrainedModel], **fields) -> str:
    """An encoder like the tiny one, with more pieces, and its tokenizer."""
    pieces = (Path(tiny_encoder) / "vocab.txt").read_text(encoding="utf-8").split()
    texts = "".join((DATA / name).read_text(encoding="utf-8") for name in SAMPLES)
    pieces += sorted({each for each in texts if "\u3000" < each < "\ua000"} - set(pieces))
    folder.mkdir(exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt"), do_lower_case=True).save_pretrained(folder)
    torch.manual_seed(0)
    model_class(BertConfig.from_pretrained(tiny_encoder, vocab_size=len(pieces), **fields)).save_pretrained(folder)
    return str(folder)
