"""search.py over the real scripts: a search from its command to its files, and the spaces that are shipped."""

import importlib
import json
import os
from pathlib import Path

import pytest
import yaml
from transformers import BertModel

import search
from tests.sample_encoders import write_encoder
from utils.data.errors import ArgumentError
from utils.search import run_configs, spaces

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = sorted(path for path in (ROOT / "configs" / "search").glob("*.yaml") if not path.name.startswith("base_"))
SCRIPTS = {"ner": ["run_ner"], "classification": ["run_classification", "run_qa_cls"], "prompt": ["run_prompt"]}


@pytest.fixture
def files(tiny_encoder, tmp_path):
    """A base and a space on a few reviews, in files."""
    for name, count in (("train", 64), ("dev", 24)):
        lines = (ROOT / "data" / "review_sample" / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
        (tmp_path / f"{name}.tsv").write_text("\n".join(lines[: count + 1]) + "\n", encoding="utf-8")
    base = {"model_name_or_path": write_encoder(tiny_encoder, tmp_path / "encoder", BertModel)}
    base |= {"train_file": str(tmp_path / "train.tsv"), "validation_file": str(tmp_path / "dev.tsv")}
    base |= {"validation_share": 0.25, "num_train_epochs": 2, "precision": "fp32"}
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(base))
    (tmp_path / "space.yaml").write_text("learning_rate: {log: [1e-4, 1e-2]}\npooling: [cls, mean]\n")
    return [str(tmp_path / "base.yaml"), str(tmp_path / "space.yaml")]


def test_search_over_a_classifier_ends_with_a_model_and_two_numbers(files, tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, "CUDA_VISIBLE_DEVICES", "")
    out = tmp_path / "out"
    words = ["run_classification.py", *files, "--output_dir", str(out), "--trials", "2", "--final_seeds", "1"]
    numbers = search.main([*words, "--jobs", "2"])
    record = json.loads((out / "search.json").read_text())
    assert [each["state"] for each in record["trials"]] == ["complete"] * 2
    assert [len(each["epoch_scores"]) for each in record["trials"]] == [2, 2]
    assert numbers["searched_f1"] == max(each["score"] for each in record["trials"])
    for number, trial in enumerate(record["trials"]):
        folder = out / "trials" / f"{number:04d}"
        assert trial["score"] == json.loads((folder / "all_results.json").read_text())["eval_f1"]
        assert len(json.loads((folder / "validation_ids.json").read_text())) == 16  # a quarter of the training texts
        assert not list(folder.glob("*.safetensors")) and not list(folder.glob("checkpoint-*"))
        assert "epoch 2  f1 " in (folder / "log.txt").read_text(encoding="utf-8")
    (final,) = (out / "final").glob("*/*")
    assert (final / "model.safetensors").exists() and not list(final.glob("checkpoint-*"))
    assert len((final / "predictions.jsonl").read_text().splitlines()) == 24
    assert json.loads((final / "all_results.json").read_text())["eval_f1"] == numbers["eval_f1"]
    best = yaml.safe_load((out / "best.yaml").read_text())
    assert best["pooling"] in ("cls", "mean") and best["validation_file"] == str(tmp_path / "dev.tsv")


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ("lerning_rate: [1, 2]", r"space\.yaml: unknown option --lerning_rate; did you mean --learning_rate\?"),
        ("dropout: {uniform: [0, 1.5]}", r"space\.yaml: --dropout 1\.5: expected 0 or more and below 1"),
        ("pooling: [cls, maxi]", r"space\.yaml: argument --pooling: invalid choice: 'maxi'.*\(with pooling maxi\)"),
        ("focal_gamma: {uniform: [1, 3]}", r"space\.yaml: --focal_gamma does nothing with --loss default"),
    ],
)
def test_script_refuses_settings_before_the_first_trial(space, said, files, tmp_path):
    Path(files[1]).write_text(space)
    with pytest.raises(ArgumentError, match=said):
        search.main(["run_classification.py", *files, "--output_dir", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_space_is_accepted_by_its_script(path, tmp_path):
    space = spaces.read_space(str(path))
    base = {"model_name_or_path": "m", "train_file": str(ROOT / "README.md")}
    if path.stem == "prompt":
        base |= {"template": "{text}{mask}", "verbalizer": "{a: b, c: d}"}
    for script in SCRIPTS[path.stem]:
        main = importlib.import_module(script).main
        for number, drawn in enumerate(space.probes()):
            config = tmp_path / f"{number}.yaml"
            own = run_configs.Base("base.yaml", base).trial(space.values(drawn), tmp_path / "run")
            config.write_text(yaml.safe_dump(own))
            with pytest.raises(SystemExit) as ended:
                main([str(config), "--check_options"])
            assert ended.value.code == 0


def test_three_spaces_and_a_base_are_shipped(tmp_path):
    assert [path.stem for path in SHIPPED] == sorted(SCRIPTS)
    space = spaces.read_space(str(ROOT / "configs/search/ner.yaml"))
    run_configs.read_base(str(ROOT / "configs/search/base_ner_sample.yaml"), space.settings, space="s", scored=True)
