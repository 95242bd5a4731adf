"""A Hub of our own on loopback, and a folder that looks like a finished run."""

import contextlib
import json

import pytest

from tests.hub.local_hub import LocalHub


@contextlib.contextmanager
def serve(folder):
    """A server, which this process takes for the Hub, with its token in the environment and its cache in a folder."""
    from huggingface_hub import constants

    with LocalHub() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_TOKEN", server.token)
        address = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        settings = {"ENDPOINT": server.url, "HUGGINGFACE_CO_URL_TEMPLATE": address}
        settings |= {"HF_HUB_OFFLINE": False, "HF_HUB_DISABLE_XET": True}
        settings |= {"HF_HUB_CACHE": str(folder / "cache"), "HF_TOKEN_PATH": str(folder / "no_token")}
        for name, value in settings.items():
            patch.setattr(constants, name, value)
        patch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)  # between its own retries
        yield server


@pytest.fixture
def hub(tmp_path):
    """A Hub for one test."""
    with serve(tmp_path) as server:
        yield server


@pytest.fixture(scope="module")
def lasting_hub(tmp_path_factory):
    """A Hub for the tests of a module."""
    with serve(tmp_path_factory.mktemp("hub")) as server:
        yield server


@pytest.fixture
def run_folder(tmp_path):
    """The least of a run: weights of five numbers, configuration, card, record; and what must stay at home."""
    import torch
    from safetensors.torch import save_file

    folder = tmp_path / "outputs" / "ner"
    (folder / "checkpoint-3").mkdir(parents=True)
    save_file({"weight": torch.arange(5.0)}, folder / "model.safetensors")
    labels = {"0": "O", "1": "B-name", "2": "I-name"}
    config = {"architectures": ["CrfTagger"], "model_type": "crf-tagger", "id2label": labels}
    flags = ["--train_file", "/home/me/secret/train.json", "--output_dir=/home/me/outputs/ner"]
    record = {
        "argv": ["run_ner.py", *flags, "--ask", "张伟", "李娜"],
        "arguments": {
            "train_file": "/home/me/secret/train.json",
            "model_name_or_path": "pretrained/bert-mini-zh",
            "ask": ["张伟", "李娜"],
        },
        "data": {"/home/me/secret/train.json": "ab12"},
    }
    card = f'# ner\n\n    path = "{folder}"\n    python predict.py {folder} --interactive\n\nhf_abcdefghijklmnop\n'
    texts = {"config.json": json.dumps(config), "run.json": json.dumps(record), "README.md": card}
    texts |= {name: "{}" for name in ("tokenizer.json", "tokenizer_config.json", "all_results.json", "crf_tagger.py")}
    private = ("predictions.jsonl", "submission.csv", "validation_ids.json", "error_report.html", "report.json")
    texts |= {name: "张伟" for name in (*private, "train.json", "optimizer.pt", "training_args.bin", "events.out")}
    texts |= {"trainer_state.json": "{}", "checkpoint-3/model.safetensors": "", "checkpoint-3/optimizer.pt": ""}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder
