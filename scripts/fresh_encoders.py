"""Make encoders with random weights, the size of a given BERT and with its tokenizer: OUTPUT/bert, albert and roberta.

    python scripts/fresh_encoders.py pretrained/bert-mini-zh outputs/fresh --seed 1

They show what pre-training is worth, and that the scripts work with each family, where no published ones are at hand.
They are masked-language models, so that every script loads them. ALBERT's layers share their weights.
"""

import argparse
from pathlib import Path

from transformers import (
    AlbertConfig,
    AlbertForMaskedLM,
    AutoConfig,
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    RobertaConfig,
    RobertaForMaskedLM,
    set_seed,
)

from utils.options.arguments import run_script
from utils.running.atomic_files import replacing_files

FAMILIES = {
    "bert": (BertConfig, BertForMaskedLM),
    "albert": (AlbertConfig, AlbertForMaskedLM),
    "roberta": (RobertaConfig, RobertaForMaskedLM),
}
SIZES = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("like", help="the BERT whose size and tokenizer they get: a folder or a Hub id")
    parser.add_argument("output", type=Path)
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn (1)")
    args = parser.parse_args(argv)
    like, tokenizer = AutoConfig.from_pretrained(args.like), AutoTokenizer.from_pretrained(args.like)
    sizes = {name: getattr(like, name) for name in SIZES}
    for family, (config_class, model_class) in FAMILIES.items():
        own = dict(sizes)
        if family == "albert":
            own["embedding_size"] = like.hidden_size
        positions = like.max_position_embeddings
        if family == "roberta":  # its positions begin after that of padding
            positions += tokenizer.pad_token_id + 1
        set_seed(args.seed)
        config = config_class(**own, max_position_embeddings=positions, pad_token_id=tokenizer.pad_token_id)
        model = model_class(config)
        (args.output / family).mkdir(parents=True, exist_ok=True)
        with replacing_files(args.output / family) as folder:
            model.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
        print(f"{args.output / family}: {model.num_parameters():,} weights")


if __name__ == "__main__":
    run_script(main)
