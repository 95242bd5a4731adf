"""Every head on a tiny pre-trained encoder, and a batch with labels for each."""

import torch
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)

from tests.modeling.encoder_families import make_batch
from utils.data.tag_schemes import tag_names
from utils.modeling.cloze_classifier import ClozeClassifier
from utils.modeling.crf_tagger import CrfTagger
from utils.modeling.masked_lm import predict_hidden_only
from utils.modeling.span_tagger import SpanTagger
from utils.modeling.text_classifier import TextClassifier

STOCK = {
    "softmax": AutoModelForTokenClassification,
    "cls": AutoModelForSequenceClassification,
    "answers": AutoModelForQuestionAnswering,
}
OURS = {"crf": CrfTagger, "span": SpanTagger, "fusion": TextClassifier, "cloze": ClozeClassifier}
HEADS = [*STOCK, *OURS]  # and masked-language models, whose head is pre-trained
KINDS = ["lora", "bottleneck", "bitfit", "layernorm", "ia3", "prefix", "prompt", "p_tuning"]
MASK = 4


def names_of(labels):
    return {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}


def build_head(head, base):
    """A model for training, freshly built on a checkpoint."""
    torch.manual_seed(0)
    if head == "mlm":
        return predict_hidden_only(AutoModelForMaskedLM.from_pretrained(base))
    if head in STOCK:
        config = AutoConfig.from_pretrained(base, **names_of(["O", "B-X", "I-X"]) if head != "answers" else {})
        return STOCK[head].from_pretrained(base, config=config)
    if head == "crf":
        return CrfTagger.from_encoder(
            base, **names_of(tag_names(["X"], scheme="bio")), lstm_hidden=4, layers="weighted"
        )
    if head == "span":
        return SpanTagger.from_encoder(base, **names_of(["X", "Y"]))
    if head == "fusion":
        return TextClassifier.from_encoder(base, **names_of(["a", "b"]), pooling="fusion")
    words = [[0, 0.5, [7]], [0, 0.5, [10]], [1, 0.5, [8]], [1, 0.5, [11]]]
    asking = {"words": words, "mask_token_id": MASK, "soft_words": [9, None], "aggregation": "learned"}
    return ClozeClassifier.from_encoder(base, **asking, **names_of(["a", "b"]))


def batch_for(head):
    """Inputs and labels for the heads' losses."""
    batch = make_batch()
    seen = batch["attention_mask"].bool()
    tagged = torch.where(seen, torch.randint(0, 3, seen.shape), -100)
    if head == "mlm":
        return batch | {"labels": torch.where(torch.rand(seen.shape) < 0.4, batch["input_ids"], -100)}
    if head == "answers":
        return batch | {"start_positions": torch.tensor([1, 2, 3]), "end_positions": torch.tensor([2, 3, 3])}
    if head in ("softmax", "crf"):
        return batch | {"labels": tagged} | ({"token_mask": seen} if head == "crf" else {})
    if head == "span":
        spans = torch.full((3, 2, 3), -100)
        spans[:, 0] = torch.tensor([1, 2, 0])
        return batch | {"labels": spans, "token_mask": seen}
    if head == "cloze":
        batch["input_ids"][:, 3] = MASK
        batch["input_ids"][:, 1:3] = torch.tensor([50, 51])
    return batch | {"labels": torch.tensor([0, 1, 1])}


def outputs_of(model, head):
    """The scores of a model for its inputs without labels."""
    inputs = {name: value for name, value in batch_for(head).items() if name != "labels" and "positions" not in name}
    with torch.no_grad():
        found = model.eval()(**inputs) if head != "mlm" else model.eval()(**batch_for(head))
    return torch.cat([found.start_logits, found.end_logits]) if head == "answers" else found.logits
