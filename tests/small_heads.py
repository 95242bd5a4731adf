"""Every head on a tiny random encoder, saved with its tokenizer as a run leaves it."""

import torch
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForTokenClassification,
    AutoTokenizer,
)

from utils.modeling.cloze_classifier import ClozeClassifier
from utils.modeling.crf_tagger import CrfTagger
from utils.modeling.span_tagger import SpanTagger
from utils.modeling.text_classifier import TextClassifier

TYPES = ["name", "place"]
TAGS = ["O", *(f"{prefix}-{kind}" for kind in TYPES for prefix in "BI")]
CLASSES = ["travel", "work", "health"]
TEXTS = [
    "张伟在北京开会。",
    " 李娜去了\u3000上海2018年学习Python，王芳来自深圳看病。陈静是广州的人和张敏在北京开会。",  # several windows
    "人",
]
AUTOS = {
    "softmax": "AutoModelForTokenClassification",
    "crf": "AutoModelForTokenClassification",
    "span": "AutoModel",
    "pooled": "AutoModelForSequenceClassification",
    "cloze": "AutoModelForSequenceClassification",
    "answers": "AutoModelForQuestionAnswering",
    "masked": "AutoModelForMaskedLM",
}
OURS = ("crf", "span", "pooled", "cloze")  # bring code along


def names(labels):
    return {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}


def build_heads(encoder, folder):
    """Save each head of `AUTOS` in a folder of its own.

    Args:
        encoder: folder of a random BERT with its tokenizer.
        folder: where the heads go.

    Returns:
        Models in eval mode, by name.
    """
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    windows = {"window_length": 24, "window_stride": 8}
    own = {"special_token_ids": sorted(set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}), **windows}
    config = AutoConfig.from_pretrained(encoder)
    torch.manual_seed(1)
    masked = AutoModelForMaskedLM.from_config(config)
    masked.save_pretrained(folder / "masked")
    words = [[i, 1.0, [tokenizer.convert_tokens_to_ids(word)]] for i, word in enumerate("会学病")]
    decision = {"temperature": 1.7, "thresholds": [], "positive": None, "abstain_below": 0.0}
    cleaning = {"text_cleaning": [["2018", "20"]], "input_length": 20, "takes_pairs": False, "decision": decision}
    problem = {"problem_type": "single_label_classification"}
    cloze = {"words": words, "mask_token_id": tokenizer.mask_token_id, "template": "{text}{mask}"}
    tagging = AutoConfig.from_pretrained(encoder, tag_scheme="bio", **names(TAGS), **windows)
    models = {
        "softmax": AutoModelForTokenClassification.from_pretrained(encoder, config=tagging),
        "crf": CrfTagger.from_encoder(encoder, lstm_hidden=3, layers="weighted", **names(TAGS), **own),
        "span": SpanTagger.from_encoder(encoder, head_size=8, nested=False, **names(TYPES), **own),
        "pooled": TextClassifier.from_encoder(encoder, pooling="fusion", **names(CLASSES), **cleaning, **problem),
        "cloze": ClozeClassifier.from_encoder(str(folder / "masked"), **cloze, **names(CLASSES), **problem),
        "answers": AutoModelForQuestionAnswering.from_pretrained(encoder),
        "masked": masked,
    }
    with torch.no_grad():  # so that entities are common
        models["crf"].classifier.bias[TAGS.index("B-name")] += 1
        models["span"].borders.bias.add_(5)
    for name, model in models.items():
        torch.manual_seed(2)  # each head's own: what another one draws shall not change its answers
        with torch.no_grad():
            for key, weight in model.named_parameters():
                if any(part in key for part in ("classifier", "pointer", "borders", "crf", "fusion", "qa_outputs")):
                    weight.add_(torch.randn_like(weight) / 2)  # so that answers differ from text to text
        model.eval().save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    return models
