"""Tiny configurations of any family, and batches for each head."""

import inspect

import torch
from transformers import AutoConfig, AutoModelForQuestionAnswering, AutoModelForTokenClassification
from transformers.models.auto.modeling_auto import MODEL_MAPPING, MODEL_MAPPING_NAMES

from utils.modeling.crf_tagger import CrfTagger
from utils.modeling.label_rows import load_with_head
from utils.modeling.pretrained_weights import read_config
from utils.modeling.span_tagger import SpanTagger
from utils.modeling.text_classifier import load_classifier

LABELS = {"id2label": {0: "O", 1: "B-X", 2: "I-X"}, "label2id": {"O": 0, "B-X": 1, "I-X": 2}}
ONE_OF = {"problem_type": "single_label_classification", **LABELS}
HEADS = {
    "softmax": lambda path: load_with_head(AutoModelForTokenClassification, path, config=labelled(path)),
    "answers": lambda path: load_with_head(AutoModelForQuestionAnswering, path, config=read_config(path)),
    "cls": lambda path: load_classifier(path, **ONE_OF),
    "fusion": lambda path: load_classifier(path, pooling="fusion", layers="weighted", **ONE_OF),
    "crf": lambda path: CrfTagger.from_encoder(path, **LABELS),
    "span": lambda path: SpanTagger.from_encoder(path, **LABELS),
}
WIDTHS = {"hidden_size", "d_model", "dim", "n_embd", "embed_dim", "word_embed_proj_dim", "emb_dim"}
INNER = {"intermediate_size", "ffn_dim", "d_ff", "hidden_dim", "n_inner", "d_inner"}
INNER |= {"encoder_ffn_dim", "decoder_ffn_dim", "moe_intermediate_size"}
PLACES = {"max_position_embeddings", "n_positions", "n_ctx"}


def labelled(path):
    config = read_config(path)
    config.update(LABELS)
    return config


def reads_text():
    """Names of the families whose `AutoModel` takes token ids and nothing of images or sounds."""
    for kind in MODEL_MAPPING_NAMES:
        try:
            model_class = MODEL_MAPPING[type(AutoConfig.for_model(kind))]
            model_class = model_class[0] if isinstance(model_class, tuple) else model_class
            taken = set(inspect.signature(model_class.forward).parameters)
        except (KeyError, ImportError, AttributeError, ValueError):  # of a package that is not here
            continue
        if "input_ids" in taken and not taken & {"pixel_values", "input_features", "input_values"}:
            yield kind


def tiny_config(kind, **own):
    """A configuration of two narrow layers, of whatever names its fields have."""
    fields = {}
    for name, value in AutoConfig.for_model(kind).to_dict().items():
        if isinstance(value, bool) or not isinstance(value, int):
            continue
        if name in WIDTHS:
            fields[name] = 32
        elif name in ("embedding_size", "rotary_dim", "entity_emb_size"):
            fields[name] = 16
        elif name.endswith("_layers") or name in ("n_layer", "n_layers", "num_blocks"):
            fields[name] = 2
        elif name.endswith("heads") or name in ("n_head", "n_heads"):
            fields[name] = 2 if "kv" in name or "key_value" in name else 4
        elif name in INNER:
            fields[name] = 64
        elif name in ("vocab_size", "entity_vocab_size"):
            fields[name] = 60
        elif name in PLACES:
            fields[name] = 64
        elif name in ("head_dim", "d_kv", "d_head"):
            fields[name] = 8
        elif name.endswith("_token_id") and value >= 60:
            fields[name] = 3
    return AutoConfig.for_model(kind, **fields | own)


def make_batch(head, config):
    """Three texts of 10, 9 and 8 tokens, closed as each family closes them, with labels."""
    torch.manual_seed(1)
    separator, padding = getattr(config, "eos_token_id", None), getattr(config, "pad_token_id", None) or 0
    ids, mask = torch.randint(5, 50, (3, 10)), torch.ones(3, 10, dtype=torch.int64)
    for row, length in enumerate((10, 9, 8)):
        mask[row, length:] = 0
        ids[row, length:] = padding
        if isinstance(separator, int):
            places = [3, 4, length - 1] if head == "answers" else [length - 1]  # Longformer looks for three
            ids[row, places] = separator
    batch = {"input_ids": ids, "attention_mask": mask}
    if head in ("softmax", "crf"):
        return batch | {"labels": torch.where(mask.bool(), torch.randint(0, 3, ids.shape), -100)}
    if head == "span":
        return batch | {"labels": torch.tensor([[[1, 2, 0]], [[2, 4, 1]], [[1, 1, 2]]])}
    if head == "answers":
        return batch | {"start_positions": torch.tensor([1, 2, 3]), "end_positions": torch.tensor([2, 3, 3])}
    return batch | {"labels": torch.tensor([0, 1, 2])}
