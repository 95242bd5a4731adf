"""run_qa_cls.py from questions to answers, with a tiny random encoder."""

import json
import random
import shutil
from pathlib import Path

import pytest

import predict
import run_qa_cls
from utils.data.errors import ArgumentError, DataError
from utils.tables.paired_examples import examples_of
from utils.tables.run_groups import group_runs, read_runs

OFFICES = {"停車處": "北京", "戶政所": "上海", "稅務局": "广州", "衛生局": "深圳"}


def draw_lines(per_office, seed):
    draw = random.Random(seed)
    lines = []
    for office, word in OFFICES.items():
        for _ in range(per_office):
            person = draw.choice("张王李赵陈") + draw.choice("伟芳娜敏静")
            lines.append(
                f"{office} {person}{draw.choice(['在', '去了', '来自'])}{word}{draw.choice(['开会', '看病'])}\n"
            )
    return lines


def read_json(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


def read_lines(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def run(tiny_encoder, tmp_path):
    """Call run_qa_cls; keyword arguments are flags, None leaves one out."""
    train = tmp_path / "faq.txt"
    train.write_text("".join(draw_lines(40, 0)), encoding="utf-8")

    def call(output_dir=tmp_path / "run", **flags):
        values = {
            "model_name_or_path": tiny_encoder,
            "train_file": train,
            "output_dir": output_dir,
            "num_train_epochs": 3,
            "per_device_train_batch_size": 8,
            "learning_rate": 5e-3,
            "pooling": "mean",
            "precision": "fp32",
        } | flags
        words = []
        for name, value in values.items():
            if value is not None:
                words += [f"--{name}", *map(str, value if isinstance(value, list) else [value])]
        return run_qa_cls.main(words)

    return call


def test_a_run_scores_ranks_and_leaves_everything(run, tmp_path):
    results = run(test_share=0.2, num_train_epochs=6)
    folder = tmp_path / "run"
    names = {path.name for path in folder.iterdir()}
    wanted = {"model.safetensors", "config.json", "README.md", "run.json", "all_results.json", "report.json"}
    assert names >= wanted | {"predictions.jsonl", "validation_ids.json", "test_ids.json", "text_classifier.py"}
    assert names >= {"error_report.html", "curves.png"}
    errors = read_json(folder / "error_report.json")["splits"]["test"]
    silent = sum(one["errors"] == ["not said, would be right"] for one in errors["worst"])
    assert 1 - (errors["wrong"] - silent) / errors["examples"] == pytest.approx(results["test_accuracy"])
    assert results["eval_hits@3"] >= results["eval_accuracy"] > 0.5
    assert results["test_accuracy"] <= results["test_mrr"] <= 1
    report = read_json(folder / "report.json")
    assert report["test"]["coverage"][0]["coverage"] == 1.0
    assert report["test"]["coverage"][0]["accuracy"] == pytest.approx(results["test_accuracy"])
    assert [row["id"] for row in read_lines(folder / "predictions.jsonl")] == read_json(folder / "test_ids.json")


def test_held_out_questions_are_of_every_class_and_never_trained_on(run, tmp_path):
    run(num_train_epochs=1, test_share=0.2, validation_share=0.2)
    lines = draw_lines(40, 0)
    test, validation = (read_json(tmp_path / "run" / f"{split}_ids.json") for split in ("test", "validation"))
    questions = [line.split(maxsplit=1)[1] for line in lines]
    apart = [{questions[int(i)] for i in ids} for ids in (test, validation)]
    apart.append({questions[i] for i in range(len(lines)) if str(i) not in {*test, *validation}})
    assert not (apart[0] & apart[1] or apart[0] & apart[2] or apart[1] & apart[2])
    for ids in (test, validation):
        assert {lines[int(i)].split()[0] for i in ids} == set(OFFICES)


def test_questions_are_answered_after_training_and_alike_from_the_saved_run(run, tmp_path, capsys):
    asked = tmp_path / "ask.jsonl"
    rows = [{"question": "张伟在北京开会", "answer": "停車處"}, {"question": "李娜去了深圳看病", "answer": "衛生局"}]
    asked.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    results = run(ask=["王敏来自上海"], ask_file=asked, num_train_epochs=6)
    said = capsys.readouterr().err
    assert "王敏来自上海\n  1. 戶政所" in said and "<- expected" in said
    assert (results["asked"], results["asked_right"]) == (2, 2)
    fresh = {"train_file": None, "output_dir": None, "num_train_epochs": None, "pooling": None, "learning_rate": None}
    again = run(**fresh, model_name_or_path=tmp_path / "run", ask=["王敏来自上海"], ask_file=asked)
    assert again == {"asked": 2, "asked_right": 2}
    first, second = (text[text.index("王敏来自上海") :].split("\n\n")[0] for text in (said, capsys.readouterr().err))
    assert first == second


def test_a_template_rewrites_questions_in_training_and_ever_after(run, tmp_path, capsys):
    run(question_template="{text}，去了北京", num_train_epochs=1)
    assert read_json(tmp_path / "run" / "config.json")["text_template"] == "{text}，去了北京"
    capsys.readouterr()
    predict.main([str(tmp_path / "run"), "--text", "张伟", "--precision", "fp32"])
    with_template = json.loads(capsys.readouterr().out)
    plain = read_json(tmp_path / "run" / "config.json") | {"text_template": None}
    (tmp_path / "run" / "config.json").write_text(json.dumps(plain), encoding="utf-8")
    predict.main([str(tmp_path / "run"), "--text", "张伟，去了北京", "--precision", "fp32"])
    assert json.loads(capsys.readouterr().out)["top"] == with_template["top"]
    assert with_template["text"] == "张伟"


def test_what_is_not_sure_enough_is_not_said_unless_asked_to(run, tmp_path, capsys):
    run(num_train_epochs=6)
    folder = tmp_path / "run"
    config = read_json(folder / "config.json")
    config["decision"]["abstain_below"] = 1.01
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    capsys.readouterr()
    predict.main([str(folder), "--text", "今天天气"])
    assert json.loads(capsys.readouterr().out)["label"] is None
    predict.main([str(folder), "--text", "今天天气", "--threshold", "0"])
    assert json.loads(capsys.readouterr().out)["label"] in OFFICES


def test_counts_of_examples_add_up_to_the_scores_also_where_nothing_is_said(run, tmp_path):
    draw = random.Random(1)
    unclear = [
        f"{draw.choice(list(OFFICES))} {a}{b}人{c}人\n" for a in "张王李赵陈" for b in "伟芳娜敏静" for c in "在去来"
    ]
    (tmp_path / "faq.txt").write_text("".join(draw_lines(40, 0) + unclear), encoding="utf-8")
    results = run(target_accuracy=0.9)
    assert any(line["label"] is None for line in read_lines(tmp_path / "run" / "predictions.jsonl"))
    (group,) = group_runs(read_runs([tmp_path / "run"]))
    for metric in ("eval_accuracy", "eval_macro_f1"):
        found = examples_of(group, metric)
        assert float(found.metric(found.counts.sum(0))) == pytest.approx(results[metric])


def test_long_tails_are_weighed_sampled_and_adjusted(run):
    results = run(class_sampling="balanced", class_weights="auto", logit_adjustment=1.0, num_train_epochs=1)
    assert 0 <= results["eval_macro_f1"] <= 1


def test_rare_answers_and_questions_with_two_answers_are_counted(run, tmp_path, capsys):
    path = tmp_path / "more.txt"
    path.write_text("".join(draw_lines(20, 0)) + "稀有處 张伟是王敏\n停車處 张伟是王敏\n", encoding="utf-8")
    run(train_file=path, num_train_epochs=1)
    said = capsys.readouterr().err
    assert "with fewer than 5 questions: 稀有處 (1)" in said
    assert "kept 1 text with different labels in different rows" in said


def test_csv_and_json_lines_are_read_too(run, tmp_path):
    rows = [line.split(maxsplit=1) for line in draw_lines(20, 0)]
    table, lines = tmp_path / "faq.csv", tmp_path / "faq.jsonl"
    table.write_text("question,answer\n" + "".join(f"{text.strip()},{label}\n" for label, text in rows))
    lines.write_text("".join(json.dumps({"question": text.strip(), "answer": label}) + "\n" for label, text in rows))
    one = run(tmp_path / "one", train_file=table, num_train_epochs=1)
    other = run(tmp_path / "other", train_file=lines, num_train_epochs=1)
    assert one["eval_accuracy"] == other["eval_accuracy"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"question_template": "何處"}, r"--question_template '何處': expected \{text\} exactly once"),
        ({"test_share": 1.0}, "--test_share 1.0: expected 0 or more and below 1"),
        ({"target_accuracy": 2.0}, "--target_accuracy 2.0: expected a number from 0 to 1"),
        ({"top_k": 0}, "--top_k 0: expected 1 or more"),
        ({"train_file": None, "pooling": None}, "nothing to do"),
        ({"output_dir": None}, "--output_dir: expected a folder"),
        ({"fusion_weights": "equal"}, "--fusion_weights equal does nothing with --pooling mean"),
    ],
)
def test_options_that_make_no_sense_are_refused(run, flags, message):
    with pytest.raises(ArgumentError, match=message):
        run(**flags)


def test_one_answer_only_is_refused(run, tmp_path):
    path = tmp_path / "one.txt"
    path.write_text("停車處 张伟\n停車處 李娜\n", encoding="utf-8")
    with pytest.raises(DataError, match="expected two answers or more, found 停車處"):
        run(train_file=path)


def test_a_line_without_a_question_is_an_error_with_its_place(run, tmp_path):
    path = tmp_path / "bad.txt"
    path.write_text("停車處 张伟\n戶政所\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"bad\.txt:2: "):
        run(train_file=path)


@pytest.mark.parametrize(
    ("name", "found"),
    [("class-score", "scores"), ("class-fusion", "several labels"), ("class-mean", "pairs of texts")],
)
@pytest.mark.parametrize("asked", [["--ask", "张伟在哪里"], ["--test_file"]])
def test_model_that_gives_no_single_answer_is_refused(tmp_path, name, found, asked):
    saved = Path(__file__).resolve().parent / "modeling" / "saved_models"
    shutil.copytree(saved / name, tmp_path / name)
    for path in saved.glob("encoder/tokenizer*"):
        shutil.copy(path, tmp_path / name)
    (tmp_path / "faq.txt").write_text("".join(draw_lines(1, 0)), encoding="utf-8")
    asked = asked if len(asked) > 1 else [*asked, str(tmp_path / "faq.txt")]
    with pytest.raises(DataError, match=f"gives a single text one class, found one for {found}"):
        run_qa_cls.main(["--model_name_or_path", str(tmp_path / name), "--output_dir", str(tmp_path / "out"), *asked])


@pytest.mark.parametrize("split", ["validation", "test"])
def test_questions_with_several_answers_each_are_refused(run, tmp_path, split):
    path = tmp_path / "several.jsonl"
    path.write_text('{"question": "张伟在哪里", "answer": ["停車處", "戶政所"]}\n', encoding="utf-8")
    with pytest.raises(DataError, match=f"the {split} data: expected one answer for each question, found several"):
        run(**{f"{split}_file": path})
