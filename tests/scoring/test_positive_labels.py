"""Which of two classes precision, recall and F1 are about, and that it is said wherever they stand."""

import json

import pytest

import run_classification
import run_prompt
from utils.data.errors import ArgumentError, DataError
from utils.scoring.positive_labels import describe_positive, positive_class

PAIRS = [  # two classes, and the positive one of them
    *(("0", "1", "1"), ("no", "yes", "yes"), ("False", "True", "True"), ("negative", "positive", "positive")),
    *(("正面", "负面", "正面"), ("好评", "差评", "好评"), ("积极", "消极", "积极"), ("否", "是", "是")),
    *(("entailment", "not_entailment", "entailment"), ("Negative", "Positive", "Positive"), ("-1", "1", "1")),
    *(("ham", "spam", "spam"), ("cat", "dog", None), ("yes", "positive", None), ("体育", "财经", None)),
]


@pytest.mark.parametrize("one, other, positive", PAIRS)
def test_well_known_pair_has_its_positive_class_in_either_order(one, other, positive):
    for labels in ([one, other], [other, one]):
        found = positive_class(labels)
        assert (None if found is None else labels[found]) == positive


def test_positive_class_that_is_asked_for_wins():
    assert positive_class(["no", "yes"], "no") == 0
    assert positive_class(["a", "b", "c"]) is None and describe_positive(["a", "b", "c"], None) is None


@pytest.mark.parametrize(("labels", "asked"), [(["no", "yes"], "maybe"), (["a", "b", "c"], "a")])
def test_positive_class_that_cannot_be_is_an_error_that_names_the_classes(labels, asked):
    with pytest.raises(DataError, match=f"{asked}: expected one of two classes, found {', '.join(labels)}"):
        positive_class(labels, asked)


@pytest.fixture
def train(tiny_encoder, tmp_path):
    def call(labels, *words):
        rows = [
            {"text": f"张{'王李赵'[i // 4 % 3]}在{'北' if i % 4 else '上'}京开会", "label": labels[i % 4 == 0]}
            for i in range(32)
        ]
        file = tmp_path / "rows.jsonl"
        file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        argv = ["--model_name_or_path", tiny_encoder, "--train_file", str(file), "--validation_file", str(file)]
        results = run_classification.main([*argv, "--output_dir", str(tmp_path / "out"), "--max_steps", "2", *words])
        table = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["validation"]["table"]
        return results, table, tmp_path / "out"

    return call


def test_f1_is_that_of_the_positive_class_and_log_card_and_page_say_whose(train, capsys):
    results, table, folder = train(("负面", "正面"))
    assert results["eval_f1"] == table["正面"]["f1"]
    said = "recision, recall, F1, AUROC and average precision are for the class 正面"
    assert said in capsys.readouterr().err and said in (folder / "README.md").read_text(encoding="utf-8")
    assert said in (folder / "error_report.html").read_text(encoding="utf-8")


def test_f1_of_two_unknown_classes_is_their_mean_and_asks_for_the_positive_one(train, capsys):
    results, table, _ = train(("体育", "财经"))
    assert results["eval_f1"] == results["eval_macro_f1"] == (table["体育"]["f1"] + table["财经"]["f1"]) / 2
    assert "--positive_label 财经 reports them for that class" in capsys.readouterr().err
    with pytest.raises(ArgumentError, match="neither 体育 nor 财经 is known as one; add --positive_label 财经"):
        train(("体育", "财经"), "--threshold_metric", "f1", "--overwrite_output_dir", "true")


def test_both_scripts_call_the_same_thing_f1(train, tiny_masked_lm, tmp_path):
    train(("坏", "好"))
    words = ["--model_name_or_path", tiny_masked_lm, "--validation_file", str(tmp_path / "rows.jsonl")]
    words += [
        "--template",
        "{text}很{mask}",
        "--verbalizer",
        "{坏: 北, 好: 京}",
        "--output_dir",
        str(tmp_path / "cloze"),
    ]
    for positive in ("好", "坏"):
        results = run_prompt.main([*words, "--positive_label", positive, "--overwrite_output_dir", "true"])
        report = json.loads((tmp_path / "cloze" / "report.json").read_text(encoding="utf-8"))["validation"]
        assert results["eval_f1"] == report["table"][positive]["f1"]
        assert report["about"].endswith(f"are for the class {positive}")
