"""The classical baselines and the scripts that prepare tables, on the sample data and on a few rows."""

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import pytest
from transformers import AutoModelForMaskedLM, AutoTokenizer

import predict
import report
from utils.data.errors import ArgumentError

ROOT = Path(__file__).resolve().parent.parent


def load(path):
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_feature_crf_leaves_what_a_run_leaves(tmp_path, capsys):
    files = ["--train_file", str(ROOT / "data/ner_sample/train.json")]
    files += ["--validation_file", str(ROOT / "data/ner_sample/dev.json")]
    load("benchmarks/feature_crf.py").main(
        [*files, "--iterations", "50", "--output_dir", str(tmp_path / "crf" / "seed-1")]
    )
    report.main([str(tmp_path), "--by_folder", "--per_class", "validation", "--output_dir", str(tmp_path / "report")])
    out = capsys.readouterr().out
    results = json.loads((tmp_path / "crf" / "seed-1" / "all_results.json").read_text())
    assert results["eval_f1"] > 0.5  # names and places of the sample repeat
    assert f"| crf | {100 * results['eval_f1']:.2f} | " in out and "| address | " in out


def test_svm_leaves_what_a_run_leaves_on_both_parts(tmp_path, capsys):
    files = [ROOT / "data/review_sample" / name for name in ("train.tsv", "dev.tsv", "dev.tsv")]
    given = [
        word
        for split, path in zip(("train", "validation", "test"), files, strict=True)
        for word in (f"--{split}_file", str(path))
    ]
    load("benchmarks/tfidf_svm.py").main([*given, "--output_dir", str(tmp_path / "svm" / "seed-1")])
    results = json.loads((tmp_path / "svm" / "seed-1" / "all_results.json").read_text())
    assert results["eval_accuracy"] == results["test_accuracy"] > 0.8
    capsys.readouterr()
    predict.main([str(tmp_path / "svm" / "seed-1"), "--input_file", str(files[1])])
    told = [json.loads(line)["label"] for line in capsys.readouterr().out.splitlines()]
    gold = [line.split("\t")[-1] for line in files[1].read_text(encoding="utf-8").splitlines()][-len(told) :]
    assert sum(map(str.__eq__, told, gold)) / len(gold) == pytest.approx(results["eval_accuracy"])
    score = load("benchmarks/ensemble_scores.py").main
    for members in ([tmp_path / "svm" / "seed-1"], [tmp_path / "svm" / "seed-1"] * 2):
        words = ["--validation_file", str(files[1]), "--output_dir", str(tmp_path / "again")]
        score([*map(str, members), *words])
        again = json.loads((tmp_path / "again" / "all_results.json").read_text())
        assert again == {name: value for name, value in results.items() if name.startswith("eval_")}
    shutil.rmtree(tmp_path / "again")
    capsys.readouterr()
    report.main([str(tmp_path), "--by_folder", "--output_dir", str(tmp_path / "report")])
    assert f"| svm | {100 * results['test_f1']:.2f} | " in capsys.readouterr().out


def test_split_has_every_row_once_and_equal_texts_on_one_side(tmp_path):
    rows = [{"text": f"text {i // 2}", "label": "ab"[i // 2 % 2]} for i in range(100)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    shares = ["--test_share", "0.2", "--validation_share", "0.1"]
    load("scripts/split_rows.py").main([str(tmp_path / "rows.jsonl"), str(tmp_path / "out"), "--seed", "1", *shares])
    parts = {
        name: [json.loads(line)["text"] for line in (tmp_path / "out" / f"{name}.jsonl").read_text().splitlines()]
        for name in ("train", "validation", "test")
    }
    assert {name: len(texts) for name, texts in parts.items()} == {"train": 70, "validation": 10, "test": 20}
    assert sorted(text for texts in parts.values() for text in texts) == sorted(row["text"] for row in rows)
    assert not set(parts["train"]) & set(parts["test"]) and not set(parts["train"]) & set(parts["validation"])


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        (["--test_share", "1.5"], "--test_share 1.5: expected a number between 0 and 1"),
        (["--test_share", "0.2", "--validation_share", "0"], "--validation_share 0.0: expected a number between 0"),
        (["--test_share", "0.6", "--validation_share", "0.5"], "expected a sum below 1, as the rest is the training"),
    ],
)
def test_shares_that_leave_nothing_are_refused(tmp_path, shares, message):
    (tmp_path / "rows.jsonl").write_text('{"text": "a", "label": "x"}\n{"text": "b", "label": "y"}\n' * 5)
    with pytest.raises(ArgumentError, match=message):
        load("scripts/split_rows.py").main(
            [str(tmp_path / "rows.jsonl"), str(tmp_path / "out"), "--seed", "1", *shares]
        )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("family", ["albert", "roberta"])
def test_fresh_encoder_takes_the_longest_text_and_differs_by_seed(family, tmp_path):
    like = str(ROOT / "pretrained/bert-mini-zh")
    module = load("scripts/fresh_encoders.py")
    for seed in ("1", "2"):
        module.main([like, str(tmp_path / seed), "--seed", seed])
    one, other = (AutoModelForMaskedLM.from_pretrained(tmp_path / seed / family) for seed in ("1", "2"))
    assert one.config.model_type == family
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "1" / family)
    inputs = tokenizer("好" * 600, truncation=True, max_length=512, return_tensors="pt")
    assert one(**inputs).logits.shape == (1, 512, one.config.vocab_size)
    assert not one.get_input_embeddings().weight.equal(other.get_input_embeddings().weight)
