"""Tiny masked-language models of each family, and the plain way to ask them."""

import torch
from transformers import AutoConfig, AutoModelForMaskedLM

TEXTS = ["电影很好", "great movie food", "a", "这部电影真是太好了不错"]
BYTE_LEVEL = ("roberta", "modernbert")
WORDS = {"good": {"不错": 3, "好": 1, "great": 1}, "bad": ["terrible", "太一般"]}
SPACED = "{text} It was {mask}."
JOINED = "{text}。真是{mask}{mask}了。"
TEMPLATE, OTHER = "{text}。真是{mask}了", "{text}很{mask}{mask}"  # of runs
CHOSEN = {"good": ["好", "不错"], "bad": "一般"}

SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 96,
    "initializer_range": 0.2,  # so that words differ
}
FAMILIES = {
    "bert": {},
    "albert": {"embedding_size": 8},
    "electra": {"embedding_size": 8},
    "roberta": {},
    "modernbert": {"global_attn_every_n_layers": 2, "local_attention": 16},
    "distilbert": {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32},
}


def save_model(kind, tokenizer, folder):
    """A random model of a family over a tokenizer, on disk with it."""
    torch.manual_seed(0)
    names = {
        f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("pad", "cls", "sep", "bos", "eos")
    }
    config = AutoConfig.for_model(kind, vocab_size=len(tokenizer), **(SMALL | FAMILIES[kind] | names))
    AutoModelForMaskedLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def ask_plainly(path, tokenizer, sentence, words, *, spaced):
    """Mean log-probability of each word: one sentence a word, written out, with a mask for each of its tokens."""
    model = AutoModelForMaskedLM.from_pretrained(path, dtype=torch.float32).eval()
    scores = []
    for word in words:
        ids = tokenizer(f"{tokenizer.mask_token}{' ' * spaced}{word}", add_special_tokens=False)["input_ids"][1:]
        written = sentence.replace("<>", tokenizer.mask_token * len(ids))
        batch = tokenizer(written, return_tensors="pt")
        with torch.no_grad():
            logits = model(**batch).logits[0].log_softmax(-1)
        at_masks = logits[batch["input_ids"][0] == tokenizer.mask_token_id]
        scores.append(sum(float(row[id]) for row, id in zip(at_masks, ids, strict=True)) / len(ids))
    return scores
