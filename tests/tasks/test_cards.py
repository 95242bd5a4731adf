"""The code on a model's card runs as it stands, on the head that the card is about."""

import contextlib
import io
import re
import textwrap

import pytest
import yaml
from huggingface_hub import ModelCard

from tests.small_heads import CLASSES, TYPES, build_heads
from utils.reporting.example_inputs import EXAMPLES
from utils.scoring.decisions import DecisionRule
from utils.scoring.regression import ScoreRule
from utils.tasks.answer_tasks import answer_card
from utils.tasks.cloze_classes import cloze_card
from utils.tasks.entity_tasks import ner_card
from utils.tasks.masked_task import masked_card
from utils.tasks.text_tasks import QuestionClasses, text_card

ROW = {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2}
TABLE = dict.fromkeys(TYPES, ROW)
SCORED = {"labels": CLASSES, "scores": {"accuracy": 0.5}, "table": dict.fromkeys(CLASSES, ROW)}
CARDS = {
    "softmax": lambda record: ner_card(record, types=TYPES, table=TABLE),
    "crf": lambda record: ner_card(record, types=TYPES, table=TABLE),
    "span": lambda record: ner_card(record, types=TYPES, table=TABLE),
    "pooled": lambda record: text_card(record, rule=DecisionRule(CLASSES), report=SCORED),
    "cloze": lambda record: cloze_card(record, report={"validation": SCORED}, spans=False),
    "answers": lambda record: answer_card(record, language="zh"),
    "masked": lambda record: masked_card(record),
}
PIPED = {"softmax", "crf", "span", "pooled", "cloze", "masked"}  # transformers has no pipeline for answers


@pytest.fixture(scope="module")
def folder(tiny_encoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cards")
    build_heads(tiny_encoder, folder)
    return folder


def describe(name, **options):
    """The least of a run's record."""
    arguments = {"head": name, "scheme": "bio", "layers": "last", "lstm_hidden": 0, "constrained_decoding": False}
    arguments |= {"pooling": "fusion", "template": ["{text}{mask}"], "masking": "token", "mlm_probability": 0.15}
    arguments |= {"model_name_or_path": "me/encoder", "output_dir": name, "dataset_name": None, "max_length": 64}
    arguments |= {"train_file": "/home/me/train.json", "num_train_epochs": 1.0, "learning_rate": 1e-3}
    arguments |= {"per_device_train_batch_size": 8, "gradient_accumulation_steps": 1}
    return {
        "argv": ["run.py", "--train_file", "/home/me/train.json", "--template", "{text}很{mask}", "--text", "张伟很"],
        "arguments": arguments | options,
        "results": {"eval_f1": 0.51234, "test_f1": 0.5},
        "seed": 7,
        "data": {"/home/me/train.json": "ab12"},
        "language": "zh",
        "versions": {"torch": "2"},
        "hardware": {"processor": "one"},
        "wall_time_seconds": 1.0,
    }


@pytest.mark.parametrize("name", CARDS)
def test_code_of_the_card_runs(folder, monkeypatch, name):
    monkeypatch.chdir(folder)
    card = CARDS[name](describe(name))
    usage = card.partition("With transformers alone:\n")[2].partition("\n## ")[0]
    blocks = [textwrap.dedent(block) for block in re.findall(r"(?:^    .*\n?)+", usage, flags=re.MULTILINE)]
    assert len(blocks) == 1 + (name in PIPED)
    for block in blocks:
        made = {}
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(block, "card", "exec"), made)
        assert made.keys() & {"model", "apply"}
    assert ("trust_remote_code=True" in usage) == (name in ("crf", "span", "pooled", "cloze"))


@pytest.mark.parametrize("name", CARDS)
def test_example_on_a_card_is_a_sentence_for_its_task_and_no_link_leads_nowhere(name):
    card = CARDS[name](describe(name))
    about = "classes" if name in ("pooled", "cloze") else "entities"
    assert EXAMPLES[about]["zh"][0][:5] in card
    assert ("张伟" in card) == (about == "entities") and "](#" not in card


def test_card_of_questions_asks_one():
    card = text_card(describe("pooled"), rule=DecisionRule(CLASSES), report=SCORED, example=QuestionClasses.example)
    assert EXAMPLES["questions"]["zh"][0] in card


def test_front_matter_says_where_the_model_comes_from_and_how_good_it_is():
    record = describe("crf", dataset_name="me/entities", hub_license="mit", hub_model_id="me/ner")
    card = ner_card(record, types=TYPES, table=TABLE)
    front = yaml.safe_load(card.split("---\n")[1])
    assert {key: front[key] for key in ("language", "license", "datasets", "base_model", "library_name")} == {
        "language": "zh",
        "license": "mit",
        "datasets": ["me/entities"],
        "base_model": "me/encoder",
        "library_name": "transformers",
    }
    (index,) = front["model-index"]
    assert index["name"] == "ner"
    assert index["results"][0]["dataset"] == {"name": "me/entities", "type": "me/entities"}
    assert [(each["name"], each["value"]) for each in index["results"][0]["metrics"]] == [
        ("validation f1", 0.5123),
        ("test f1", 0.5),
    ]
    assert "seed 7" in card
    assert '    path = "me/ner"' in card
    assert "python predict.py me/ner --interactive" in card


def test_card_names_no_folder_of_this_machine_and_a_folder_is_no_model_of_the_hub(tmp_path):
    record = describe("crf", model_name_or_path=str(tmp_path), output_dir="/home/me/outputs/ner")
    card = ner_card(record, types=TYPES, table=TABLE)
    assert str(tmp_path.parent) not in card
    assert "/home" not in card
    assert "张伟很" not in card
    assert "base_model" not in yaml.safe_load(card.split("---\n")[1])
    assert "python run.py --train_file train.json --template '{text}很{mask}'" in card


@pytest.mark.parametrize("options", [{"scheme": "bioes"}, {"constrained_decoding": True}])
def test_stock_pipeline_is_not_shown_where_it_would_be_wrong(options):
    card = ner_card(describe("softmax", **options), types=TYPES, table=TABLE)
    assert "AutoModelForTokenClassification" in card
    assert "pipeline(" not in card


@pytest.mark.parametrize("name", CARDS)
def test_hub_reads_the_scores_of_a_card_and_none_of_a_run_without(name):
    scored, record = describe(name), describe(name)
    scored["results"] |= {"eval_accuracy": 0.25, "eval_loss": 2.0, "eval_perplexity": 7.0}
    read = ModelCard(CARDS[name](scored))
    assert read.data.model_name == name and read.data.eval_results and "## Limits" in read.text
    assert {each.metric_name.split()[0] for each in read.data.eval_results} <= {"validation", "test"}
    record["results"] = {}
    assert ModelCard(CARDS[name](record)).data.eval_results is None


@pytest.mark.parametrize("text", ["{{ 7 * 7 }}", "{% raw %}", "{# gone #}", "{{ self.__init__ }}", "---\na: b"])
def test_text_on_a_card_is_no_template(text):
    record = describe("crf", template=[text], dataset_name=text, head=text, pooling=text)
    record |= {"data": {text: "ab"}, "argv": ["run.py", "--note", text], "versions": {text: text}}
    report = {"labels": [text], "scores": {text: 0.5}, "about": text, "table": {text: ROW}}
    cards = [
        ner_card(record, types=[text], table={text: ROW}),
        text_card(record, rule=DecisionRule([text]), report=report),
        text_card(record, rule=ScoreRule(), report=report),
        cloze_card(record, report={"validation": report}, spans=True),
        answer_card(record, language="en"),
    ]
    for card in cards:
        front, _, body = card.removeprefix("---\n").partition("\n---\n")
        assert yaml.safe_load(front)["datasets"] == [text]
        assert body.count(text) >= 4
