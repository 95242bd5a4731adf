"""run_qa_span.py from files to the output directory, with a tiny random encoder."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModel, AutoTokenizer

import run_qa_span
from utils.data.errors import ArgumentError, DataError
from utils.scoring.answer_metrics import CmrcScores

ROOT = Path(__file__).resolve().parent.parent
CITIES, NAMES, VERBS = ["北京", "上海", "广州", "深圳"], ["张伟", "李娜", "王芳"], ["开会", "看病", "学习"]


def write_nested(path, rows):
    """A file as SQuAD's, of rows of id, question, context and answer (None: there is none; ...: it is not known)."""
    articles = []
    for id, question, context, answer in rows:
        asked = {"id": id, "question": question}
        if answer is not ...:
            asked["answers"] = [{"text": answer, "answer_start": context.index(answer)}] if answer else []
            asked["is_impossible"] = not answer
        articles.append({"title": "T", "paragraphs": [{"context": context, "qas": [asked]}]})
    path.write_text(json.dumps({"version": "1", "data": articles}, ensure_ascii=False, indent=1), encoding="utf-8")
    return str(path)


def draw_rows(seed, count, *, repeat=1, impossible=False):
    """The answer is the city; some passages have none."""
    draw, rows = random.Random(seed), []
    for i in range(count):
        city = draw.choice(CITIES) if not impossible or i % 3 else None
        before = "".join(draw.choice(NAMES) + draw.choice(VERBS) for _ in range(draw.randint(0, 2) + repeat - 1))
        behind = "".join(draw.choice(NAMES) + draw.choice(VERBS) for _ in range(draw.randint(0, 2) + repeat - 1))
        middle = f"{draw.choice(NAMES)}在{city}{draw.choice(VERBS)}" if city else "人和人"
        rows.append((f"q{i}", "在年？", f"{i % 7}{before}{middle}，{behind}。", city))
    return rows


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with a train and a validation file, plain and with unanswerable questions (v2)."""
    folder = tmp_path_factory.mktemp("qa")
    write_nested(folder / "train.json", draw_rows(0, 60))
    write_nested(folder / "dev.json", draw_rows(1, 24))
    write_nested(folder / "train_v2.json", draw_rows(2, 60, impossible=True))
    write_nested(folder / "dev_v2.json", draw_rows(3, 24, impossible=True))
    return folder


def flags_of(tiny_encoder, files, output_dir, **flags):
    values = {
        "model_name_or_path": tiny_encoder,
        "train_file": files / "train.json",
        "validation_file": files / "dev.json",
        "output_dir": output_dir,
        "num_train_epochs": 1,
        "per_device_train_batch_size": 8,
        "learning_rate": 5e-3,
        "precision": "fp32",
        "max_length": 64,
    } | flags
    if values["train_file"] is None:
        values["max_length"] = None
    return [str(word) for name, value in values.items() if value is not None for word in (f"--{name}", value)]


@pytest.fixture
def run(tiny_encoder, files, tmp_path):
    """Call run_qa_span on the tiny encoder and files; keyword arguments are flags, None leaves one out."""
    return lambda output_dir=tmp_path / "run", **flags: run_qa_span.main(
        flags_of(tiny_encoder, files, output_dir, **flags)
    )


@pytest.fixture(scope="module")
def trained(tiny_encoder, files, tmp_path_factory):
    """The folder and results of a run that has learnt something."""
    folder = tmp_path_factory.mktemp("trained") / "qa"
    return folder, run_qa_span.main(flags_of(tiny_encoder, files, folder, num_train_epochs=8, n_best=3))


@pytest.fixture(scope="module")
def trained_v2(tiny_encoder, files, tmp_path_factory):
    """Likewise, with questions that have no answer."""
    folder = tmp_path_factory.mktemp("trained") / "v2"
    v2 = {"train_file": files / "train_v2.json", "validation_file": files / "dev_v2.json"}
    return folder, run_qa_span.main(flags_of(tiny_encoder, files, folder, num_train_epochs=8, **v2))


def read_json(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


def read_lines(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def read_gold(path):
    """Question id -> passage and gold texts."""
    rows = {}
    for article in read_json(path)["data"]:
        for paragraph in article["paragraphs"]:
            for asked in paragraph["qas"]:
                rows[asked["id"]] = paragraph["context"], [answer["text"] for answer in asked.get("answers", [])]
    return rows


def without_scores(rows):
    return [{name: value for name, value in row.items() if name not in ("score", "n_best")} for row in rows]


def test_a_run_leaves_the_model_its_card_scores_predictions_and_record(trained, files):
    folder, results = trained
    names = {path.name for path in folder.iterdir()}
    assert names >= {"model.safetensors", "config.json", "tokenizer.json", "README.md", "run.json", "all_results.json"}
    assert names >= {"predictions.jsonl", "trainer_state.json", "error_report.html", "curves.png"}
    errors = read_json(folder / "error_report.json")["splits"]["validation"]
    assert 1 - errors["wrong"] / errors["examples"] == pytest.approx(results["eval_exact_match"])
    assert not [name for name in names if name.startswith(".unfinished") or name.endswith((".bin", ".py"))]
    assert results["eval_f1"] > 0.5  # it has learnt something
    assert read_json(folder / "all_results.json")["eval_f1"] == results["eval_f1"]
    record = read_json(folder / "run.json")
    assert record["arguments"]["language"] == "zh" and len(record["data"]) == 2
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert f"| f1 | {results['eval_f1']:.4f} |" in card and "AutoModelForQuestionAnswering" in card
    config = read_json(folder / "config.json")
    assert config["architectures"] == ["BertForQuestionAnswering"]
    settings = ("window_length", "window_stride", "max_question_length", "max_answer_length", "null_threshold")
    assert [config[name] for name in settings] == [64, 16, 32, 50, None]


def test_predictions_are_parts_of_the_passage_and_give_the_scores(trained, files):
    folder, results = trained
    predictions, gold = read_lines(folder / "predictions.jsonl"), read_gold(files / "dev.json")
    assert [row["id"] for row in predictions] == list(gold)
    assert all(gold[row["id"]][0][row["start"] : row["end"]] == row["answer"] != "" for row in predictions)
    scores = CmrcScores(keep_in_memory=True).compute(
        predictions=[{"text": row["answer"], "null_odds": 0.0} for row in predictions],
        references=[texts for _, texts in gold.values()],
    )
    assert {f"eval_{name}": value for name, value in scores.items()}.items() <= results.items()


def test_several_answers_are_written_if_asked_and_their_probabilities_fall(trained):
    rows = read_lines(trained[0] / "predictions.jsonl")
    assert all(len(row["n_best"]) == 3 for row in rows)
    for row in rows:
        scores = [one["score"] for one in row["n_best"]]
        assert scores == sorted(scores, reverse=True) and sum(scores) <= 1.0001
        assert row["n_best"][0] == {name: row[name] for name in ("answer", "start", "end", "score")}


def test_a_fresh_process_finds_the_same_answers_in_the_saved_directory(trained, files):
    folder, _ = trained
    rows = read_lines(folder / "predictions.jsonl")
    contexts = [context for context, _ in read_gold(files / "dev.json").values()]
    code = """
import json, sys
from utils.prediction.answer_finder import AnswerFinder
folder, questions, contexts = json.load(sys.stdin)
print(json.dumps([found[0] for found in AnswerFinder.load(folder, device="cpu").find(questions, contexts)]))
"""
    given = json.dumps([str(folder), [row["question"] for row in rows], contexts])
    done = subprocess.run(
        [sys.executable, "-c", code], input=given, capture_output=True, text=True, cwd=ROOT, check=True
    )
    found = json.loads(done.stdout)
    assert [one[:3] for one in found] == [[row["answer"], row["start"], row["end"]] for row in rows]
    assert [one[3] for one in found] == pytest.approx([row["score"] for row in rows], abs=2e-4)


def test_a_trained_directory_is_scored_and_applied_without_training(run, trained, files, tmp_path):
    folder, results = trained
    flags = {"train_file": None, "model_name_or_path": folder, "num_train_epochs": None, "n_best": 3}
    scored = run(tmp_path / "scored", **flags)
    assert scored["eval_f1"] == pytest.approx(results["eval_f1"])
    assert read_lines(tmp_path / "scored" / "predictions.jsonl") == read_lines(folder / "predictions.jsonl")
    bare = write_nested(tmp_path / "bare.json", [(*row[:3], ...) for row in draw_rows(1, 24)])
    assert run(tmp_path / "applied", **flags, validation_file=None, test_file=bare) == {}
    applied = read_lines(tmp_path / "applied" / "predictions.jsonl")
    assert applied == read_lines(folder / "predictions.jsonl")


def test_the_threshold_for_no_answer_is_tuned_saved_and_used(run, trained_v2, files, tmp_path):
    folder, results = trained_v2
    config = read_json(folder / "config.json")
    assert isinstance(config["null_threshold"], float)
    assert results["eval_f1"] > 0.5 and results["eval_no_answer_f1"] > 0.5
    assert results["eval_f1"] >= results["eval_best_f1"] - 1e-9
    rows = {row["id"]: row["answer"] for row in read_lines(folder / "predictions.jsonl")}
    gold = read_gold(files / "dev_v2.json")
    unanswered = [id for id, (_, texts) in gold.items() if not texts]
    assert results["eval_no_answer_f1"] == pytest.approx(sum(not rows[id] for id in unanswered) / len(unanswered))
    flags = {"train_file": None, "model_name_or_path": folder, "num_train_epochs": None}
    scored = run(tmp_path / "scored", **flags, validation_file=files / "dev_v2.json")
    assert scored["eval_f1"] == pytest.approx(results["eval_f1"])
    never = run(tmp_path / "never", **flags, validation_file=files / "dev_v2.json", null_threshold=1000)
    assert never["eval_no_answer_f1"] == 0.0


def test_a_given_threshold_is_not_tuned(run, files, tmp_path):
    v2 = {"train_file": files / "train_v2.json", "validation_file": files / "dev_v2.json"}
    results = run(**v2, null_threshold=-1000)
    assert read_json(tmp_path / "run" / "config.json")["null_threshold"] == -1000
    assert (results["eval_no_answer_f1"], results["eval_has_answer_f1"]) == (1.0, 0.0)


def test_long_passages_are_cut_into_windows_and_every_question_is_scored(run, tmp_path):
    train = write_nested(tmp_path / "train.json", draw_rows(4, 40, repeat=6))
    dev = write_nested(tmp_path / "dev.json", draw_rows(5, 12, repeat=12))
    results = run(train_file=train, validation_file=dev, max_length=40, stride=10, num_train_epochs=6)
    rows, gold = read_lines(tmp_path / "run" / "predictions.jsonl"), read_gold(dev)
    assert [row["id"] for row in rows] == list(gold)
    exact = sum(row["answer"] in gold[row["id"]][1] for row in rows) / len(rows)
    assert results["eval_exact_match"] == pytest.approx(exact)
    assert results["eval_f1"] > 0.3
    assert any(row["start"] > 40 for row in rows)


def test_odd_characters_stay_in_the_answers(run, files, tmp_path):
    passages = ["😀 张伟在\u3000北 京\u200b开会。", "\u3000\u3000李娜在👨‍👩‍👧上海 看病 "]
    test = write_nested(tmp_path / "odd.json", [(f"o{i}", "在？", text, ...) for i, text in enumerate(passages)])
    run(test_file=test)
    for row, passage in zip(read_lines(tmp_path / "run" / "predictions.jsonl"), passages, strict=True):
        assert passage[row["start"] : row["end"]] == row["answer"] == row["answer"].strip()


def test_one_question_is_enough_to_score_and_to_apply(run, trained, tmp_path):
    one = write_nested(tmp_path / "one.json", draw_rows(6, 1))
    results = run(train_file=None, model_name_or_path=trained[0], validation_file=one, num_train_epochs=None)
    assert results["eval_exact_match"] in (0.0, 1.0)


def test_without_validation_file_passages_are_held_out_whole_and_their_ids_saved(run, tmp_path):
    rows = draw_rows(7, 20)
    rows += [(f"again{i}", *row[1:]) for i, row in enumerate(rows)]  # each passage twice
    train = write_nested(tmp_path / "train.json", rows)
    run(train_file=train, validation_file=None)
    held_out = read_json(tmp_path / "run" / "validation_ids.json")
    contexts = {id: context for id, (context, _) in read_gold(train).items()}
    assert len(held_out) == 4
    assert not {contexts[id] for id in held_out} & {contexts[id] for id in contexts.keys() - set(held_out)}


def test_every_trick_trains(run, tmp_path):
    tricks = {"fgm_epsilon": 0.5, "ema_decay": 0.9, "layer_decay": 0.9, "head_learning_rate": 0.01}
    more = {"gradient_accumulation_steps": 2, "early_stopping_patience": 1, "empty_windows": "drop"}
    assert 0 <= run(**tricks, **more, stride=8, max_length=32, max_question_length=8)["eval_f1"] <= 1


def test_the_same_seed_gives_the_same_model(run, tmp_path):
    run(tmp_path / "one", seed=3)
    run(tmp_path / "two", seed=3)
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    assert one.keys() == other.keys() and all(one[name].equal(other[name]) for name in one)


@pytest.mark.parametrize("kind", ["albert", "electra", "modernbert"])
def test_other_encoders_train_from_files_to_predictions(run, tiny_encoder, tmp_path, kind):
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    own = {"modernbert": {"local_attention": 16, "cls_token_id": 2, "sep_token_id": 3}}.get(
        kind, {"embedding_size": 16}
    )
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = AutoConfig.for_model(
        kind, vocab_size=len(tokenizer), pad_token_id=0, max_position_embeddings=64, **shape, **own
    )
    AutoModel.from_config(config).save_pretrained(tmp_path / kind)
    if kind == "modernbert":  # has no token types
        tokenizer.model_input_names = ["input_ids", "attention_mask"]
    tokenizer.save_pretrained(tmp_path / kind)
    run(model_name_or_path=tmp_path / kind, layer_decay=0.9)
    assert (tmp_path / "run" / "predictions.jsonl").is_file()


def test_english_is_scored_by_words(run, tmp_path):
    rows = [(f"e{i}", "python?", f"{i} the python a python", "python") for i in range(12)]
    path = write_nested(tmp_path / "english.json", rows)
    results = run(train_file=path, validation_file=path)
    assert "eval_average" not in results and 0 <= results["eval_f1"] <= 1
    assert read_json(tmp_path / "run" / "run.json")["arguments"]["language"] == "en"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"r_drop_alpha": 1.0}, "--r_drop_alpha compares class scores, and a span has none"),
        ({"label_smoothing_factor": 0.1}, "--label_smoothing_factor does nothing to start and end positions"),
        ({"n_best": 21}, "--n_best 21: expected a number from 1 to 20"),
        ({"max_answer_length": 0}, "--max_answer_length 0: expected 1 or more"),
        ({"max_length": 40, "stride": 30}, "--stride 30: expected 0 to 16, as a window holds 17 tokens"),
        ({"train_file": None, "validation_file": None}, "nothing to do: give --train_file"),
    ],
)
def test_options_that_cannot_be_used_are_refused(run, flags, message):
    with pytest.raises(ArgumentError, match=message):
        run(**flags)


def test_a_file_that_is_not_there_is_an_error(run):
    with pytest.raises(DataError, match=r"nowhere\.json: expected a file, found none"):
        run(train_file="nowhere.json")


@pytest.mark.parametrize("split", ["train", "validation"])
def test_data_to_learn_or_choose_by_must_have_answers(run, tmp_path, split):
    bare = write_nested(tmp_path / "bare.json", [(*row[:3], ...) for row in draw_rows(1, 8)])
    with pytest.raises(DataError, match=f"the {split} data: expected answers, found none"):
        run(**{f"{split}_file": bare})


def test_a_bad_file_is_an_error_with_its_line(run, tmp_path):
    path = tmp_path / "bad.json"
    path.write_text('{"question": "？", "context": "北京", "answers": [7]}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r'bad\.json:1: expected "answers"'):
        run(validation_file=path)
