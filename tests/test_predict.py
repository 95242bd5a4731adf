"""predict.py on every kind of input."""

import io
import json
from types import SimpleNamespace

import pytest

import predict
import run_ner
from utils.data.errors import ArgumentError, DataError
from utils.modeling.joined_windows import Entity
from utils.prediction.entity_finder import EntityFinder
from utils.prediction.json_lines import cluener_line


@pytest.fixture(scope="module")
def trained(tiny_encoder, ner_files, tmp_path_factory):
    """A CRF tagger that has learnt a little."""
    folder = tmp_path_factory.mktemp("trained") / "crf"
    train, validation = map(str, ner_files)
    flags = [
        "--train_file",
        train,
        "--validation_file",
        validation,
        "--learning_rate",
        "5e-3",
        "--num_train_epochs",
        "6",
    ]
    size = ["--per_device_train_batch_size", "8", "--max_length", "32", "--stride", "8", "--precision", "fp32"]
    run_ner.main(["--model_name_or_path", str(tiny_encoder), "--output_dir", str(folder), *flags, *size])
    return str(folder)


@pytest.fixture(scope="module")
def texts(ner_files):
    with open(ner_files[1], encoding="utf-8") as file:
        return [json.loads(line)["text"] for line in file]


def output_of(capsys, *argv):
    capsys.readouterr()
    predict.main([*argv, "--precision", "fp32"])
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def assert_same_entities(found, wanted):
    """Scores may differ by the rounding of another batch, which can reach the last of four printed digits."""
    for one, other in zip(found, wanted, strict=True):
        assert [{**entity, "score": None} for entity in one] == [{**entity, "score": None} for entity in other]
        assert [e["score"] for e in one] == pytest.approx([e["score"] for e in other], abs=2e-4)


def test_texts_come_back_in_order_with_exact_spans(trained, texts, capsys):
    rows = output_of(capsys, trained, *[word for text in texts for word in ("--text", text)])
    assert [row["text"] for row in rows] == texts
    assert any(row["entities"] for row in rows)
    assert all(row["text"][one["start"] : one["end"]] == one["text"] for row in rows for one in row["entities"])


def test_files_of_each_format_and_standard_input_give_the_same(trained, texts, capsys, tmp_path, monkeypatch):
    wanted = [row["entities"] for row in output_of(capsys, trained, *[w for t in texts for w in ("--text", t)])]
    plain, lines, table = tmp_path / "a.txt", tmp_path / "a.jsonl", tmp_path / "a.csv"
    plain.write_text("\n".join(texts), encoding="utf-8")
    lines.write_text(
        "\n".join(json.dumps({"id": f"n{i}", "text": text}) for i, text in enumerate(texts)), encoding="utf-8"
    )
    table.write_text("id,sentence\n" + "".join(f'{i},"{text}"\n' for i, text in enumerate(texts)), encoding="utf-8")
    for path in (plain, lines, table):
        rows = output_of(capsys, trained, "--input_file", str(path), "--chunk_size", "5")
        assert_same_entities([row["entities"] for row in rows], wanted)
    assert output_of(capsys, trained, "--input_file", str(lines))[1]["id"] == "n1"
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(plain.read_bytes())))
    assert_same_entities([row["entities"] for row in output_of(capsys, trained)], wanted)


def test_batch_and_chunk_size_change_nothing(trained, texts, capsys, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("\n".join(texts * 3), encoding="utf-8")
    one = output_of(capsys, trained, "--input_file", str(path), "--batch_size", "1")
    many = output_of(capsys, trained, "--input_file", str(path), "--batch_size", "64", "--chunk_size", "7")
    for row, other in zip(one, many, strict=True):
        assert [(e["start"], e["end"], e["label"]) for e in row["entities"]] == [
            (e["start"], e["end"], e["label"]) for e in other["entities"]
        ]


def test_odd_texts_are_answered(trained, capsys):
    odd = [
        "",
        " ",
        "\u3000\u200b",
        "😀👨‍👩‍👧",
        "张" * 3000,
        "\ud83d".encode("utf-8", "replace").decode(),
        "[CLS][SEP][MASK]",
    ]
    rows = output_of(capsys, trained, *[word for text in odd for word in ("--text", text)])
    assert [row["text"] for row in rows] == odd


def test_a_stream_is_answered_without_holding_it(trained, texts):
    finder = EntityFinder.load(trained, device="cpu")
    taken = []

    def stream():
        for i in range(1000):
            taken.append(i)
            yield texts[i % len(texts)]

    found = finder.find_all(stream(), chunk=10)
    for _ in range(10):
        next(found)
    assert len(taken) == 10


def test_output_file_appears_when_it_is_complete_and_not_before(trained, capsys, tmp_path):
    good, bad, output = tmp_path / "good.jsonl", tmp_path / "bad.jsonl", tmp_path / "out.jsonl"
    good.write_text('{"text": "张三"}\n', encoding="utf-8")
    bad.write_text('{"text": "张三"}\nnonsense\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"bad\.jsonl:2: expected a JSON object"):
        predict.main([trained, "--input_file", str(bad), "--output_file", str(output)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.jsonl", "good.jsonl"]
    predict.main([trained, "--input_file", str(good), "--output_file", str(output)])
    assert json.loads(output.read_text(encoding="utf-8"))["text"] == "张三"
    predict.main([trained, "--input_file", str(bad), "--output_file", str(output), "--skip_bad_lines"])
    assert len(output.read_text(encoding="utf-8").splitlines()) == 1


def test_cluener_format_has_inclusive_ends_and_numeric_ids():
    line = cluener_line("张三见张三", [Entity(0, 2, "name", 0.9), Entity(3, 5, "name", 0.8)], id="7")
    assert json.loads(line) == {"id": 7, "label": {"name": {"张三": [[0, 1], [3, 4]]}}}


def test_interactive_answers_each_line_until_an_empty_one(trained, texts, capsys, monkeypatch):
    answers = iter([*texts, ""])
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    predict.main([trained, "--interactive", "--precision", "fp32"])
    assert "[" in capsys.readouterr().out


def test_a_folder_that_is_no_tagger_is_named(tiny_encoder, tmp_path):
    with pytest.raises(DataError, match=r"expected a model trained by run_ner\.py, .*, found BertModel"):
        predict.main([str(tiny_encoder), "--text", "a"])
    with pytest.raises(FileNotFoundError, match="expected a trained output directory or a Hub id"):
        predict.main([str(tmp_path / "nowhere"), "--text", "a"])


@pytest.fixture(scope="module")
def answering(tiny_encoder, tmp_path_factory):
    """A span question answering model that has learnt nothing."""
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer

    folder = tmp_path_factory.mktemp("answering")
    AutoModelForQuestionAnswering.from_pretrained(tiny_encoder).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_encoder).save_pretrained(folder)
    return str(folder)


def test_questions_about_one_passage_are_answered_from_it(answering, capsys):
    passage = "张伟在北京开会。"
    rows = output_of(
        capsys, answering, "--text", passage, "--question", "张伟是", "--question", "北京是", "--top_k", "2"
    )
    assert [row["question"] for row in rows] == ["张伟是", "北京是"]
    for row in rows:
        assert row["answer"] == passage[row["start"] : row["end"]] and len(row["n_best"]) == 2


def test_questions_and_passages_come_from_files_of_two_columns(answering, capsys, tmp_path):
    table, plain = tmp_path / "a.tsv", tmp_path / "a.txt"
    table.write_text("id\tquestion\tcontext\nq7\t张伟是\t张伟在北京开会。\n", encoding="utf-8")
    plain.write_text("张伟是\t张伟在北京开会。\n", encoding="utf-8")
    (one,) = output_of(capsys, answering, "--input_file", str(table))
    (other,) = output_of(capsys, answering, "--input_file", str(plain))
    assert one["id"] == "q7" and (one["answer"], one["start"]) == (other["answer"], other["start"])


def test_a_threshold_makes_the_model_say_that_there_is_no_answer(answering, capsys):
    asked = (answering, "--text", "张伟在北京开会。", "--question", "张伟是")
    assert output_of(capsys, *asked, "--threshold", "-1000")[0]["answer"] == ""
    assert output_of(capsys, *asked, "--threshold", "1000")[0]["answer"]


def test_a_question_without_a_passage_is_refused(answering):
    with pytest.raises(ArgumentError, match="expected --question, with one --text as passage for all"):
        predict.main([answering, "--text", "张伟", "--text", "李娜", "--question", "谁"])
    with pytest.raises(ArgumentError, match="expected --question"):
        predict.main([answering, "--text", "张伟"])


def test_interactive_questions_are_about_one_passage(answering, capsys, monkeypatch):
    typed = iter(["张伟在北京开会。", "张伟是", ""])
    monkeypatch.setattr("builtins.input", lambda prompt: next(typed))
    predict.main([answering, "--interactive", "--precision", "fp32"])
    assert ")" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--question 谁", "--question does nothing without --text"),
        ("--question 谁 --input_file a.txt", "--question does nothing without --text"),
        ("--text_pair a --input_file a.txt", "--text_pair does nothing without --text"),
        ("--interactive --output_file f", "--output_file does nothing together with --interactive"),
        ("--interactive --output_format csv", "--output_format does nothing together with --interactive"),
        ("--interactive --text_pair a", "--text_pair does nothing without --text"),
        ("--interactive --skip_bad_lines", "--skip_bad_lines does nothing together with --interactive"),
        ("--text a --id_column key", "--id_column does nothing together with --text"),
        ("--merge out --text a", "--text does nothing together with --merge"),
        ("--merge out --output_file f", "--output_file does nothing together with --merge"),
        ("--merge out --input_file a.txt", "--input_file does nothing together with --merge"),
        ("--merge out --threshold 0.5", "--threshold does nothing together with --merge"),
        ("--merge out --output_dir found --input_file x", "does nothing together with --merge"),
    ],
)
def test_option_that_would_do_nothing_is_refused_before_anything_is_loaded(words, message):
    with pytest.raises(ArgumentError, match=message):
        predict.main(["no/such/model", *words.split()])


def test_adapters_are_merged_one_by_one():
    with pytest.raises(ArgumentError, match="--adapter does nothing together with --merge"):
        predict.main(["--adapter", "one", "other", "--merge", "out"])


@pytest.mark.parametrize("option", ["--top_k", "--batch_size", "--chunk_size"])
def test_counts_below_one_are_refused(option, capsys):
    with pytest.raises(SystemExit):
        predict.main(["anything", "--text", "a", option, "0"])
    assert f"{option} 0: expected 1 or more" in capsys.readouterr().err
