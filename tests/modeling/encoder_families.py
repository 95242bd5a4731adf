"""A tiny encoder of each family, and texts for them."""

import torch

SMALL = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
}
ENCODERS = {
    "bert": {},
    "roberta": {"pad_token_id": 1},
    "albert": {"embedding_size": 8},
    "electra": {"embedding_size": 8},
    "modernbert": {
        "global_attn_every_n_layers": 2,
        "local_attention": 16,
        **{f"{name}_token_id": 2 for name in ("bos", "cls", "eos", "sep")},
    },
    "deberta-v2": {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "type_vocab_size": 0},
}


def make_batch():
    """Three texts of 10, 7 and 4 tokens."""
    torch.manual_seed(1)
    mask = torch.ones(3, 10, dtype=torch.int64)
    mask[1, 7:] = 0
    mask[2, 4:] = 0
    ids = torch.randint(5, 50, (3, 10)) * mask
    ids[:, 0] = 2
    return {"input_ids": ids, "attention_mask": mask}
