"""Scripts push what they have trained; a wrong wish is told before anything is read or trained."""

import importlib
import json
import re
from pathlib import Path

import pytest
import yaml

from tests.hub.local_hub import USER
from utils.options import arguments
from utils.options.adapter_arguments import AdapterArguments
from utils.options.shared_arguments import DataArguments, ModelArguments, TrickArguments
from utils.options.tag_files import TagArguments
from utils.running.hub import HubError
from utils.tasks import run_folder

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ["run_ner", "run_classification", "run_qa_cls", "run_qa_span", "run_prompt", "run_mlm"]
OWN = {"run_prompt": ["--template", "{text}很{mask}", "--verbalizer", '{"a": "好", "b": "的"}']}


@pytest.mark.parametrize("script", SCRIPTS)
def test_refused_token_stops_a_script_before_it_reads_its_data(hub, tiny_encoder, tmp_path, script):
    (tmp_path / "unread").write_bytes(b"\xff")
    argv = ["--model_name_or_path", tiny_encoder, "--train_file", str(tmp_path / "unread"), *OWN.get(script, ())]
    argv += [
        "--output_dir",
        str(tmp_path / "out"),
        "--push_to_hub",
        "--hub_model_id",
        "me/new",
        "--hub_token",
        "hf_no",
    ]
    with pytest.raises(HubError, match="refuses the token"):
        importlib.import_module(script).main(argv)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_pushes_after_its_last_file_was_written(script):
    text = (ROOT / f"{script}.py").read_text(encoding="utf-8")
    assert text.count("run.leave(") == 1
    assert "write_" not in text.partition("run.leave(")[2]


def test_run_is_pushed_when_its_record_is_there(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(run_folder, "push", lambda folder, to: seen.append({path.name for path in folder.iterdir()}))
    ours = TagArguments, DataArguments, ModelArguments, AdapterArguments, TrickArguments
    words = ["--model_name_or_path", "model", "--output_dir", str(tmp_path / "out"), "--test_file", "none.txt"]
    run = run_folder.open_run(arguments.parse_arguments(*ours, argv=words))
    run.leave({"test_f1": 0.5}, learnt=False)
    assert seen == [{"all_results.json", "run.json"}]


@pytest.fixture
def pushed(hub, tiny_encoder, ner_files, tmp_path):
    """Files on the Hub and folder of a run that was pushed."""
    folder = tmp_path / "outputs" / "names"
    argv = ["--model_name_or_path", tiny_encoder, "--train_file", ner_files[0], "--validation_file", ner_files[1]]
    argv += ["--output_dir", str(folder), "--num_train_epochs", "1", "--precision", "fp32", "--max_length", "32"]
    argv += ["--push_to_hub", "--hub_model_id", f"{USER}/names", "--hub_token", hub.token, "--hub_license", "mit"]
    importlib.import_module("run_ner").main(argv)
    return hub.repositories[f"{USER}/names"], folder


def test_run_is_pushed_once_with_a_card_that_the_hub_can_read(pushed, hub):
    repository, folder = pushed
    assert len(repository.commits) == 2
    assert {"model.safetensors", "crf_tagger.py", "crf.py", "entity_pipeline.py", "run.json"} < set(repository.files)
    assert not {name for name in repository.files if re.search(r"ids|predictions|state|optimizer|checkpoint", name)}
    card = repository.files["README.md"].decode()
    front = yaml.safe_load(card.split("---\n")[1])
    assert front["language"] == "zh"
    assert front["license"] == "mit"
    assert front["pipeline_tag"] == "token-classification"
    assert front["model-index"][0]["name"] == "names"
    metrics = front["model-index"][0]["results"][0]["metrics"]
    results = json.loads(repository.files["all_results.json"])
    assert {each["type"]: each["value"] for each in metrics}["f1"] == round(results["eval_f1"], 4)
    assert f'    path = "{USER}/names"\n    apply = pipeline(model=path, trust_remote_code=True)' in card
    assert "base_model" not in front  # a folder is no model of the Hub
    for name in ("README.md", "run.json"):
        assert hub.token not in repository.files[name].decode()
        assert str(folder.parent) not in repository.files[name].decode()
    record = json.loads(repository.files["run.json"])
    assert record["arguments"]["train_file"] == "train.json"
