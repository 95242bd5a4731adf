"""run_prompt.py --search: what is found is a configuration that the next run takes."""

import json
import math

import pytest
import yaml

from tests.prompting.cloze_models import OTHER, TEMPLATE
from utils.data.errors import ArgumentError, DataError


def search(run, files, kind, **flags):
    path = files / "found.yaml"
    assert run(search=kind, train_file="train.jsonl", output_file=str(path), **flags) == {}
    assert not (files / "out").exists()
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_words_are_found_and_ask_better_than_chance(run, files, capsys):
    found = search(run, files, "words", verbalizer=None, words_per_class=2)
    assert found["template"] == TEMPLATE and list(found["verbalizer"]) == ["bad", "good"]
    words = [word for each in found["verbalizer"].values() for word in each]
    assert len(words) == len(set(words)) == 4 and words[0] in capsys.readouterr().err
    chosen = json.dumps(found["verbalizer"], ensure_ascii=False)
    assert run(verbalizer=chosen, test_file="test.jsonl", calibrate="batch")["test_accuracy"] > 0.5


def test_found_file_is_the_configuration_of_the_next_run(run, files):
    search(run, files, "words", verbalizer=None)
    results = run(template=None, verbalizer=None, config="found.yaml", test_file="test.jsonl")
    assert 0.0 <= results["test_accuracy"] <= 1.0


def test_words_of_several_tokens_come_from_the_texts(run, files):
    found = search(run, files, "words", verbalizer=None, word_tokens=2, word_count=1, words_per_class=4)
    seen = (files / "train.jsonl").read_text(encoding="utf-8")
    words = [word for each in found["verbalizer"].values() for word in each]
    assert all(word in seen for word in words) and {len(word) for word in words} <= {1, 2}


def test_best_template_is_chosen_on_the_validation_rows(run, files, capsys):
    found = search(run, files, "templates", template=[TEMPLATE, OTHER], validation_file="test.jsonl")
    scores = [
        run(f"t{k}", template=each, test_file="test.jsonl")["test_accuracy"]
        for k, each in enumerate([TEMPLATE, OTHER])
    ]
    best = max(scores)
    assert scores[[TEMPLATE, OTHER].index(found["template"])] == best
    assert found["verbalizer"] == {"good": ["好", "不错"], "bad": ["一般"]}
    assert "templates on 9 rows" in capsys.readouterr().err


def test_trigger_is_a_plain_template_with_a_lower_loss(run, files, capsys):
    found = search(run, files, "trigger", template="{text}。{soft:2}{mask}", search_steps=4, seed=1)
    assert "soft" not in found["template"] and found["template"].startswith("{text}。")
    assert "loss" in capsys.readouterr().err
    assert run(template=found["template"], test_file="test.jsonl")


def test_templates_are_ranked_by_the_aggregation_that_is_asked_for(run, files, capsys):
    flags = {"template": [TEMPLATE, OTHER], "validation_file": "test.jsonl", "aggregation": "max"}
    assert search(run, files, "templates", **flags)["aggregation"] == "max"
    shown = [line.split() for line in capsys.readouterr().err.splitlines() if line.endswith((TEMPLATE, OTHER))]
    ranked = {pattern: float(likelihood) for _, likelihood, _, pattern in shown}
    for k, template in enumerate([TEMPLATE, OTHER]):
        run(f"t{k}", template=template, test_file="test.jsonl", aggregation="max")
        lines = (files / f"t{k}" / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
        rows = [{each["label"]: each["score"] for each in json.loads(line)["top"]} for line in lines]
        gold = [["bad", "good"][i % 2] for i in range(len(rows))]
        wanted = sum(math.log(row[label]) for row, label in zip(rows, gold, strict=True)) / len(rows)
        assert ranked[template] == pytest.approx(wanted, abs=1e-3)


def test_trigger_is_searched_by_the_aggregation_that_is_asked_for(run, files, capsys):
    losses = {}
    for aggregation in ("mean", "max"):
        flags = {"template": "{text}。{soft:2}{mask}", "search_steps": 2, "aggregation": aggregation}
        assert search(run, files, "trigger", **flags)["aggregation"] == aggregation
        losses[aggregation] = capsys.readouterr().err.split("loss ")[1].split(" ->")[0]
    assert losses["mean"] != losses["max"]


def test_second_texts_are_left_out_of_a_search_whose_template_has_no_place_for_them(run, files, capsys):
    lines = (files / "train.jsonl").read_text(encoding="utf-8").splitlines()
    pairs = [json.loads(line) | {"text_pair": "影"} for line in lines]
    written = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in pairs)
    (files / "pairs.jsonl").write_text(written, encoding="utf-8")
    flags = {"search": "templates", "template": [TEMPLATE, OTHER], "output_file": str(files / "found.yaml")}
    run(train_file="train.jsonl", **flags)
    alone = (files / "found.yaml").read_text(encoding="utf-8")
    run(train_file="pairs.jsonl", **flags)
    assert (files / "found.yaml").read_text(encoding="utf-8") == alone
    assert "the second texts are left out, as the template has no {text_pair}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"search": "words", "train_file": None}, "--search: expected --train_file with examples, and --output_file"),
        ({"search": "words", "output_file": None}, "--search: expected --train_file with examples, and --output_file"),
        ({"search": "words", "test_file": "test.jsonl"}, "--search: expected no --test_file or --text"),
        ({"search": "templates", "verbalizer": None}, "expected --template and --verbalizer"),
        ({"search": "trigger"}, "--search trigger: expected a template with {soft:...}"),
        ({"search": "templates", "template": "{soft:2}{text}{mask}"}, "--search templates: expected a template with"),
        ({"search": "templates", "calibrate": "batch"}, "--search templates: expected no --calibrate"),
        ({"search": "words", "words_per_class": 0}, "--words_per_class 0: expected 1 or more"),
        ({"search": "trigger", "template": "{text}{soft:4}{mask}", "search_steps": 2}, "a step or more for each of 4"),
        ({"search": "templates", "template": "{text}{span}{mask}"}, "--search: expected a template without {span}"),
    ],
)
def test_wrong_search_is_an_error(run, files, flags, message):
    given = {"train_file": "train.jsonl", "output_file": str(files / "found.yaml")} | flags
    with pytest.raises(ArgumentError, match=message.replace("{", r"\{")):
        run(**given)


def test_search_needs_labels_to_choose_by(run, files):
    (files / "texts.jsonl").write_text('{"text": "电"}\n', encoding="utf-8")
    given = {"train_file": "train.jsonl", "output_file": str(files / "found.yaml")}
    with pytest.raises(DataError, match="--search: expected labelled rows"):
        run(search="templates", template=[TEMPLATE, OTHER], validation_file="texts.jsonl", **given)
    assert not (files / "found.yaml").exists()
