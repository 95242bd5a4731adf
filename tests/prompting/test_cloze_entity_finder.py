"""Entities by asking about spans: equal to asking about each span by itself, and trained, saved and served."""

import itertools
import json
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import Trainer, TrainingArguments

import predict
from tests.prompting.cloze_models import ask_plainly, save_model
from utils.data.errors import DataError
from utils.data.span_questions import draw_questions, list_questions
from utils.encoding.encoded_dataset import encode_dataset
from utils.modeling.cloze_classifier import ClozeClassifier
from utils.prediction import cloze_entity_finder
from utils.prediction.cloze_entity_finder import ClozeEntityFinder
from utils.prediction.entity_finder import EntityFinder
from utils.prediction.label_finder import LabelFinder
from utils.prediction.model_kinds import find_kind
from utils.prediction.prediction_tasks import load_entity_finder
from utils.prompting.candidates import CandidateError, list_ngrams
from utils.prompting.verbalizers import read_verbalizer
from utils.scoring.decisions import DecisionRule
from utils.scoring.entity_evaluator import score_entities
from utils.scoring.span_decisions import SpanEvaluator, tune_entity_threshold

TEXTS = ["这部电影真是太好了，不错", "电影很好很好", "", "，。", "a great movie"]
TEMPLATE, OTHER = "{text}。{span}是{mask}", "{span}，{text}{mask}{mask}了"
WORDS = {"name": ["影", "部"], "place": "般", "O": {"好": 3, "错": 1}}
LABELS = list(WORDS)


@pytest.fixture
def save(tmp_path, wordpiece):
    """Save a cloze classifier: `save(TEMPLATE, entity_threshold=...)` -> its folder."""

    def make(pattern=TEMPLATE, words=WORDS, kind="bert", **config):
        path = save_model(kind, wordpiece, tmp_path / "encoder")
        known = read_verbalizer(words).encode(wordpiece, spaced=False)
        model = ClozeClassifier.from_encoder(
            path,
            words=[[word.label, word.weight, list(word.ids)] for word in known],
            mask_token_id=wordpiece.mask_token_id,
            template=pattern,
            id2label=dict(enumerate(LABELS)),
            label2id={label: i for i, label in enumerate(LABELS)},
            **{"candidate_length": 3} | config,
        )
        folder = tmp_path / "saved"
        model.save_pretrained(folder)
        wordpiece.save_pretrained(folder)
        return str(folder)

    return make


def load(folder, **options):
    return ClozeEntityFinder.load(folder, device="cpu", **options)


def probabilities(logits):
    odds = np.exp(logits - logits.max(-1, keepdims=True))
    return odds / odds.sum(-1, keepdims=True)


@pytest.mark.parametrize("words", [WORDS, WORDS | {"place": "一般"}], ids=["one length", "two lengths"])
def test_probabilities_are_those_of_asking_about_each_span_by_itself(save, tmp_path, wordpiece, words):
    asked = load(save(words=words), batch_size=7).ask(TEXTS)
    assert asked.spans == [list_ngrams(text, max_length=3) for text in TEXTS]
    questions = [(text, span) for text, spans in zip(TEXTS, asked.spans, strict=True) for span in spans]
    assert len(questions) == len(asked.logits)
    for i in range(0, len(questions), 4):
        text, (start, end) = questions[i]
        known = ["影", "部", words["place"], "好", "错"]
        sentence = f"{text}。{text[start:end]}是<>"
        each = ask_plainly(tmp_path / "encoder", wordpiece, sentence, known, spaced=False)
        wanted = [(each[0] + each[1]) / 2, each[2], 0.75 * each[3] + 0.25 * each[4]]
        np.testing.assert_allclose(probabilities(asked.logits[i]), probabilities(np.array(wanted)), atol=1e-5)


def test_entities_do_not_overlap_and_lie_above_the_threshold(save):
    finder = load(save(entity_threshold=0.25))
    asked, found = finder.ask(TEXTS), finder.find(TEXTS)
    assert sum(map(len, found)) > 3 and found[2:4] == [[], []]
    shares = iter(probabilities(asked.logits))
    for text, spans, entities in zip(TEXTS, asked.spans, found, strict=True):
        rows = {span: next(shares) for span in spans}
        assert all(one.end <= other.start for one, other in itertools.pairwise(entities))
        for one in entities:
            row = rows[one.start, one.end]
            best = LABELS.index(one.label)
            assert best == row[:2].argmax() and one.score == row[best] and one.end <= len(text)
            assert np.log(row[best] / row[2]) > 0.25
    for text, entities in zip(found, finder.find_all(iter(TEXTS), chunk=2), strict=True):
        assert [one[:3] for one in entities] == [one[:3] for one in text]
        assert [one.score for one in entities] == pytest.approx([one.score for one in text], abs=1e-5)  # other batches
    assert finder.types == ["name", "place"]


def test_parts_of_many_questions_make_no_difference(save, monkeypatch):
    finder = load(save())
    whole = finder.ask(TEXTS).logits
    monkeypatch.setattr(cloze_entity_finder, "QUESTIONS", 5)
    np.testing.assert_allclose(finder.ask(TEXTS).logits, whole, atol=1e-5)


def test_nothing_to_ask_about_finds_nothing(save):
    finder = load(save())
    assert finder.find([]) == [] and finder.find(["", "。"]) == [[], []]
    finder.by_batch = True
    assert finder.find([""]) == [[]]


def test_candidates_that_are_given_are_asked_about_and_no_others(save):
    finder = load(save(entity_threshold=-100.0))
    assert [[one[:2] for one in each] for each in finder.find(TEXTS[:2], [[[0, 2]], []])] == [[(0, 2)], []]
    with pytest.raises(CandidateError, match=r"inside the text of 6 characters, end exclusive, found \[4, 7\]"):
        finder.find([TEXTS[1]], [[[4, 7]]])


def test_kind_of_candidates_is_the_stored_one(save):
    ngrams, segments = load(save()), load(save(candidate_kind="segments"))
    spans = [set(finder.ask(["这部电影真是太好了"]).spans[0]) for finder in (segments, ngrams)]
    assert spans[0] < spans[1]


def test_prior_of_an_empty_question_makes_it_uniform(save):
    finder = load(save())
    finder.measure_priors()
    one = finder.finders[0]
    logits = one.score_rows(one.encoder.fill([{"text": "", "span": ""}])) - finder.priors[0]
    np.testing.assert_allclose(probabilities(logits), [[1 / 3] * 3], atol=1e-6)
    assert not np.allclose(probabilities(finder.ask(TEXTS).logits), probabilities(load(save()).ask(TEXTS).logits))


def test_prior_of_the_batch_is_that_of_all_its_questions(save):
    finder = load(save())
    plain = probabilities(finder.ask(TEXTS).logits)
    finder.by_batch = True
    found = probabilities(finder.ask(TEXTS).logits)
    wanted = plain / plain.mean(0)
    np.testing.assert_allclose(found, wanted / wanted.sum(1, keepdims=True), atol=1e-6)
    finder.by_batch = False
    finder.measure_priors(TEXTS)
    np.testing.assert_allclose(probabilities(finder.ask(TEXTS).logits), found, atol=1e-6)


def test_several_templates_are_asked_together(save, tmp_path):
    one = load(save())
    other = load(save(OTHER))
    both = ClozeEntityFinder(one.finders + other.finders, one.list_spans)
    shares = [np.log(probabilities(each.ask(TEXTS).logits)) for each in (one, other)]
    wanted = probabilities((shares[0] + shares[1]) / 2)
    np.testing.assert_allclose(probabilities(both.ask(TEXTS).logits), wanted, atol=1e-6)


def test_bfloat16_gives_nearly_the_same(save):
    folder = save()
    found, wanted = (probabilities(load(folder, bf16=bf16).ask(TEXTS).logits) for bf16 in (True, False))
    assert 0 < np.abs(found - wanted).mean() < 0.05


def test_long_text_is_asked_about_all_of_its_spans(save):
    finder = load(save(input_length=24))
    text = "影" * 60 + "好" + "错" * 60
    values = [{"text": text, "span": "好"}]
    row = finder.finders[0].encoder.fill(values, [(60, 61)])[0]
    assert row["cut"] == 121 + 6 - 24 and finder.finders[0].tokenizer.convert_tokens_to_ids("好") in row["before"][:18]
    assert len(finder.ask([text]).logits) == len(list_ngrams(text, max_length=3))


def test_saved_directory_is_served_as_one_for_entities(save, tmp_path, capsys):
    folder = save(entity_threshold=-1.0)
    assert find_kind(folder) == "entities"
    found = load_entity_finder(folder, device="cpu").find(TEXTS[:2])
    predict.main([folder, "--text", TEXTS[0], "--text", TEXTS[1], "--precision", "fp32", "--device", "cpu"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    served = [[(one["start"], one["end"], one["label"]) for one in line["entities"]] for line in lines]
    assert served == [[one[:3] for one in each] for each in found] and sum(map(len, served))
    with pytest.raises(ValueError, match=r"expected a model for classes .* found one for entities"):
        LabelFinder.load(folder)


def test_template_without_a_place_for_a_span_is_one_for_classes(save):
    folder = save("{text}是{mask}")
    assert find_kind(folder) == "classes"
    with pytest.raises(ValueError, match=r"expected a model for entities .* found one for classes"):
        ClozeEntityFinder.load(folder)


def test_tuned_on_span_questions_it_finds_them_in_training_and_when_served(save, tmp_path, wordpiece):
    """电 is a name and 般 a place, wherever they stand."""
    draw = random.Random(0)
    texts = ["".join(draw.choice("电影真是太好般，") for _ in range(8)) for _ in range(40)]
    entities = [
        [
            {"start": i, "end": i + 1, "label": {"电": "name", "般": "place"}[character]}
            for i, character in enumerate(text)
            if character in "电般"
        ]
        for text in texts
    ]
    dataset = Dataset.from_dict({"id": [*map(str, range(40))], "text": texts, "entities": entities})
    folder = save()
    finder = load(folder)
    one = finder.finders[0]
    encoder = replace(one.encoder, label2id={label: i for i, label in enumerate(LABELS)})
    training = draw_questions(dataset, finder.list_spans, negatives=3, seed=1)
    questions = list_questions(dataset, finder.list_spans)
    encoded = [encode_dataset(rows, encoder, by_length=i > 0) for i, rows in enumerate((training, questions))]
    evaluator = SpanEvaluator(dataset, questions, encoded[1], labels=LABELS)
    options = {"use_cpu": True, "report_to": "none", "remove_unused_columns": False, "disable_tqdm": True}
    options |= {"learning_rate": 3e-3, "num_train_epochs": 6, "per_device_train_batch_size": 16}
    trainer = Trainer(
        one.model.train(),
        TrainingArguments(str(tmp_path / "run"), eval_strategy="no", save_strategy="no", **options),
        train_dataset=encoded[0],
        eval_dataset=encoded[1],
        data_collator=one.collate,
        compute_metrics=evaluator,
    )
    before = trainer.evaluate()["eval_f1"]
    trainer.train()
    scores = trainer.evaluate()
    assert before < 0.5 < 0.9 < scores["eval_f1"] and evaluator.table["name"]["support"] > 10

    one.model.eval()
    asked = finder.ask(texts)
    np.testing.assert_allclose(
        probabilities(asked.logits),
        probabilities(evaluator.sort(trainer.predict(encoded[1]).predictions).logits),
        atol=1e-4,
    )
    finder.threshold = one.model.config.entity_threshold = tune_entity_threshold(asked, entities, labels=LABELS)
    one.model.save_pretrained(folder)
    assert load(folder).find(texts) == finder.find(texts)
    assert score_entities(finder.find(texts), dataset)["f1"] >= scores["eval_f1"]


def see_text_alone(model, tokenizer, text, span):
    """Logits of one question whose text does not see it."""
    before = tokenizer(text, add_special_tokens=False)["input_ids"]
    own = tokenizer(f"。{span}是{tokenizer.mask_token}", add_special_tokens=False)["input_ids"]
    ids = torch.tensor([[tokenizer.cls_token_id, *before, *own, tokenizer.sep_token_id]])
    hidden = torch.zeros(1, 1, ids.shape[1], ids.shape[1])
    shared = 2 + len(before)  # [CLS], the text, and the full stop that all questions begin with
    hidden[..., :shared, shared:] = -torch.inf
    with torch.no_grad():
        logits = model.encoder(input_ids=ids, attention_mask=hidden).logits[0].log_softmax(-1)[-2]
    table = tokenizer.convert_tokens_to_ids
    name, place = (logits[table("影")] + logits[table("部")]) / 2, logits[table("般")]
    return torch.stack([name, place, 0.75 * logits[table("好")] + 0.25 * logits[table("错")]]).numpy()


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize(("kind", "batch_size"), [("bert", 1), ("bert", 48), ("albert", 32), ("electra", 32)])
def test_shared_text_sees_no_question_and_questions_see_no_others(save, wordpiece, kind, batch_size, attention):
    finder = load(save(kind=kind, share_texts=True), batch_size=batch_size)
    finder.finders[0].model.set_attn_implementation(attention)
    asked = finder.ask(TEXTS)
    questions = [(text, span) for text, spans in zip(TEXTS, asked.spans, strict=True) for span in spans]
    assert len(questions) == len(asked.logits) > 20
    for i, (text, span) in enumerate(questions):
        wanted = see_text_alone(finder.finders[0].model, wordpiece, text, text[slice(*span)])
        np.testing.assert_allclose(probabilities(asked.logits[i]), probabilities(wanted), atol=1e-5)
    finder.share_texts = False
    assert np.abs(probabilities(finder.ask(TEXTS).logits) - probabilities(asked.logits)).max() > 1e-3


def test_texts_cannot_be_shared_by_words_of_several_lengths(save):
    finder = load(save(words=WORDS | {"place": "一般"}))
    finder.share_texts = True
    with pytest.raises(ValueError, match=r"to share texts, found bert and \[1, 2\]; ask about each span by itself"):
        finder.ask(TEXTS)


def test_words_without_a_class_for_no_entity_are_an_error(save):
    finder = load(save()).finders[0]
    finder.rule = DecisionRule(["name", "place", "other"])
    with pytest.raises(ValueError, match=r"expected words for a class O \(no entity\), found name, place, other"):
        ClozeEntityFinder([finder], finder.encoder.fill)


def test_tagger_is_not_loaded_from_it(save):
    with pytest.raises(DataError, match=r"expected a tagger trained by run_ner\.py, found a model that is asked"):
        EntityFinder.load(save())
