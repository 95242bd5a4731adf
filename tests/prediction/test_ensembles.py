"""Several models answer together: means and votes of what each says by itself, through predict.py, too."""

import json
import random
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from datasets import Dataset
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

import predict
from tests.small_heads import CLASSES, TEXTS, build_heads
from utils.data.errors import ArgumentError, DataError
from utils.modeling.joined_windows import Entity
from utils.prediction.answer_finder import AnswerFinder
from utils.prediction.ensembles import AnswerEnsemble, EntityEnsemble, LabelEnsemble
from utils.prediction.entity_finder import EntityFinder
from utils.prediction.label_finder import LabelFinder
from utils.prediction.ngram_finder import NgramFinder
from utils.prediction.prediction_tasks import load_task
from utils.running.atomic_files import write_files
from utils.scoring.decisions import DecisionRule
from utils.scoring.joint_decisions import decode_characters


@pytest.fixture(scope="module")
def folder(tiny_encoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("members")
    build_heads(tiny_encoder, folder)
    return folder


def rename_labels(folder, copy, order):
    """A copy of a classifier whose outputs have other names."""
    shutil.copytree(folder, copy)
    config = json.loads((copy / "config.json").read_text(encoding="utf-8"))
    config |= {"id2label": dict(enumerate(order)), "label2id": {label: i for i, label in enumerate(order)}}
    (copy / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return copy


def test_classes_are_matched_by_name_and_their_probabilities_averaged(folder, tmp_path):
    other = rename_labels(folder / "pooled", tmp_path / "other", CLASSES[::-1])
    members = [LabelFinder.load(str(path)) for path in (folder / "pooled", folder / "cloze", other)]
    ensemble = LabelEnsemble(members, {})
    own = [dict(one.find(TEXTS)[1].ranked) for one in members]
    found = dict(ensemble.find(TEXTS)[1].ranked)
    assert found == pytest.approx({label: np.mean([each[label] for each in own]) for label in CLASSES})
    assert own[0][CLASSES[0]] == pytest.approx(own[2][CLASSES[2]])


def test_fitted_temperature_replaces_those_of_the_members(folder):
    member = LabelFinder.load(str(folder / "pooled"))
    assert member.rule.temperature == 1.7
    fitted = {"temperature": 3.0, "thresholds": [], "positive": None, "abstain_below": 0.4}
    ensemble = LabelEnsemble([member, member], fitted)
    np.testing.assert_allclose(ensemble.logits(TEXTS), member.logits(TEXTS) - ensemble_shift(member, 3.0), rtol=1e-9)
    assert ensemble.rule.abstain_below == 0.4


def ensemble_shift(member, temperature):
    """Logits of probabilities are logits up to a number for each text."""
    logits = member.logits(TEXTS) / temperature
    return temperature * np.log(np.exp(logits).sum(-1, keepdims=True))


@pytest.mark.parametrize("classes", [CLASSES, CLASSES[:2]])
def test_ngrams_are_saved_calibrated_and_a_member_like_others(folder, tmp_path, classes):
    draw = random.Random(0)
    labels = [draw.choice(classes) for _ in range(90)]
    texts = [f"{label if draw.random() < 0.8 else draw.choice(classes)} {draw.random():.2f}" for label in labels]
    rows = Dataset.from_dict({"text": texts, "label": labels})
    finder = NgramFinder.fit(rows, names=classes, analyzer="char", positive=None)
    expected = make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True), LinearSVC()).fit(
        texts, labels
    )
    assert [each.labels[0] for each in finder.find(texts)] == expected.predict(texts).tolist()
    sure = np.mean([max(dict(each.ranked).values()) for each in finder.find(texts)])
    assert 0.5 < sure < 0.95
    write_files(tmp_path, finder.files())
    again = load_task([str(tmp_path)], output_format="jsonl", options={}).finder
    np.testing.assert_allclose(again.logits(texts), finder.logits(texts), rtol=1e-12)
    if len(classes) == 3:
        loaded = load_task([str(tmp_path), str(folder / "pooled")], output_format="jsonl", options={}, together=True)
        assert [*map(type, loaded.finder.members)] == [NgramFinder, LabelFinder]
        own = [dict(one.find(TEXTS)[0].ranked) for one in loaded.finder.members]
        assert dict(loaded.finder.find(TEXTS)[0].ranked) == pytest.approx(
            {label: (own[0][label] + own[1][label]) / 2 for label in classes}
        )


def test_temperature_of_ngrams_is_fitted_to_texts_that_are_not_learnt():
    """Labels by chance are believed no more if each text stands there four times."""
    draw = random.Random(0)
    texts = ["".join(draw.choices("abcdefgh", k=8)) for _ in range(60)]
    rows = [(text, draw.choice("xy")) for text in texts]
    sure = []
    for count in (1, 4):
        columns = zip(*(rows * count), strict=True)
        data = Dataset.from_dict(dict(zip(("text", "label"), map(list, columns), strict=True)))
        finder = NgramFinder.fit(data, names=["x", "y"], analyzer="char", positive=None)
        sure.append(np.mean([max(dict(each.ranked).values()) for each in finder.find(texts)]))
    assert sure[1] == pytest.approx(sure[0], abs=0.05)  # with copies on both sides it was 0.7


@pytest.mark.parametrize("name, content", [("ngrams.json", b"{"), ("ngrams.npz", b"PK"), ("ngrams.npz", None)])
def test_damaged_ngrams_are_named(tmp_path, name, content):
    rows = Dataset.from_dict({"text": list("abcabcabc"), "label": list("xyzxyzxyz")})
    write_files(tmp_path, NgramFinder.fit(rows, names=list("xyz"), analyzer="char", positive=None).files())
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=r"expected ngrams\.json and ngrams\.npz of tfidf_svm\.py, found"):
        load_task([str(tmp_path)], output_format="jsonl", options={})


def test_thresholds_of_members_are_averaged(folder, tmp_path):
    rules = []
    for name, threshold in (("one", 0.3), ("two", 0.6)):
        copy = shutil.copytree(folder / "pooled", tmp_path / name)
        config = json.loads((copy / "config.json").read_text(encoding="utf-8"))
        config["decision"] |= {"abstain_below": threshold}
        (copy / "config.json").write_text(json.dumps(config), encoding="utf-8")
        rules.append(LabelFinder.load(str(copy)))
    assert LabelEnsemble(rules, {}).rule.abstain_below == pytest.approx(0.45)


@pytest.mark.parametrize(
    ("rules", "positive", "thresholds"),
    [
        ([("no yes", 1, 0.2), ("no yes", 1, 0.6)], "yes", 0.4),
        ([("no yes", 1, 0.2), ("yes no", 1, 0.8)], "yes", 0.2),  # the second says yes from 0.2 on, too
        ([("no yes", None, None), ("yes no", 0, 0.1)], "yes", 0.3),
        ([("no yes", 1, None), ("no yes", 1, None)], "yes", None),
        ([("no yes", None, None), ("no yes", None, None)], None, None),
    ],
)
def test_thresholds_are_averaged_for_one_class_whatever_members_call_positive(rules, positive, thresholds):
    rules = [
        DecisionRule(labels.split(), positive=id, thresholds=[limit] if limit else ()) for labels, id, limit in rules
    ]
    members = [SimpleNamespace(rule=rule, reading={}, encoder=SimpleNamespace(pair=False)) for rule in rules]
    for each in (members, members[::-1]):  # the first member says which class is the positive one
        found = LabelEnsemble(each, {}).rule
        assert (found.positive is None) == (positive is None)
        if thresholds:
            own = found.labels[found.positive] == positive
            assert found.thresholds == [pytest.approx(thresholds if own else 1 - thresholds)]
        else:
            assert not found.thresholds


def test_thresholds_of_several_labels_go_by_name():
    rules = [DecisionRule(["rare", "common"], True, thresholds=[0.1, 0.9]), DecisionRule(["common", "rare"], True)]
    members = [
        SimpleNamespace(rule=rule, reading=reading, encoder=SimpleNamespace(pair=False))
        for rule, reading in zip(rules, ({}, {"kind": "json"}), strict=True)
    ]
    found = LabelEnsemble(members, {}).rule
    assert dict(zip(found.labels, found.thresholds, strict=True)) == pytest.approx({"common": 0.7, "rare": 0.3})


def test_taggers_of_any_head_are_averaged_by_character(folder):
    members = [EntityFinder.load(str(folder / name)) for name in ("softmax", "crf")]
    found = EntityEnsemble(members, {}).find(TEXTS)
    tags = [one.character_tags(TEXTS, members[0].types) for one in members]
    assert found == [decode_characters(each, members[0].types) for each in zip(*tags, strict=True)]
    assert any(found) and [each[0].chained for each in tags] == [False, True]
    for text, each in zip(TEXTS, tags[1], strict=True):
        assert each.probabilities.shape == (len(text), 5)
        np.testing.assert_allclose(each.probabilities[each.covered].sum(-1), 1, atol=1e-5)
        assert not each.covered[[i for i, character in enumerate(text) if character.isspace()]].any()


def test_span_head_makes_it_a_vote(folder):
    members = [EntityFinder.load(str(folder / name)) for name in ("span", "crf", "span")]
    found = EntityEnsemble(members, {"minimum": 0.0}).find(TEXTS)
    votes = {}
    for one in members:
        for start, end, label, score in one.find(TEXTS)[0]:
            votes[start, end, label] = votes.get((start, end, label), 0) + score / 3
    assert votes and {one[:3] for one in found[0]} <= votes.keys()
    assert all(one.score == pytest.approx(votes[one[:3]]) for one in found[0])
    assert not EntityEnsemble(members, {"minimum": 1.1}).find(TEXTS)[0]


def test_answers_of_equal_members_are_those_of_one(folder):
    member = AnswerFinder.load(str(folder / "answers"), n_best=1)
    questions, passages = ["谁？", "在北京"], [TEXTS[0], TEXTS[1]]
    alone = member.find(questions, passages)
    together = AnswerEnsemble([member, member], {}).find(questions, passages)
    assert [each[0][:3] for each in together] == [each[0][:3] for each in alone]


@pytest.mark.parametrize("names", [("pooled", "cloze"), ("softmax", "crf"), ("answers", "answers")])
def test_ensemble_is_a_member_that_counts_as_one(folder, tmp_path, names):
    for name in set(names):
        shutil.copytree(folder / name, tmp_path / "inner" / name)
    kind = {"pooled": "classes", "softmax": "entities", "answers": "answers"}[names[0]]
    told = json.dumps({"kind": kind, "members": list(names), "decision": {}})
    (tmp_path / "inner" / "ensemble.json").write_text(told, encoding="utf-8")
    loading = {"output_format": "jsonl", "options": {}, "together": True}
    nested = load_task([str(tmp_path / "inner"), str(folder / names[0])], **loading).finder
    # 1/2 of the mean of two, and 1/2 of the first: three quarters of the first
    flat = load_task([str(folder / name) for name in (names[0], names[0], names[0], names[1])], **loading).finder
    if kind == "answers":
        asked = (["谁？"], [TEXTS[0]])
        assert [one[:3] for one in nested.find(*asked)[0]] == [one[:3] for one in flat.find(*asked)[0]]
        assert nested.find(*asked)[0][0].score == pytest.approx(flat.find(*asked)[0][0].score, abs=1e-5)
    elif kind == "classes":
        scores = [dict(one.find(TEXTS)[0].ranked) for one in (nested, flat)]
        assert scores[0] == pytest.approx(scores[1])
    else:
        one, other = nested.find(TEXTS), flat.find(TEXTS)
        assert [[each[:3] for each in found] for found in one] == [[each[:3] for each in found] for found in other]
        assert any(one)


def test_ensemble_in_itself_is_refused(folder, tmp_path):
    shutil.copytree(folder / "crf", tmp_path / "crf")
    told = json.dumps({"kind": "entities", "members": ["crf", "."], "decision": {}})
    (tmp_path / "ensemble.json").write_text(told, encoding="utf-8")
    with pytest.raises(DataError, match="found itself among its members"):
        load_task([str(tmp_path)], output_format="jsonl", options={})


@pytest.mark.parametrize(
    ("finder", "kind"), [(LabelFinder, "classes"), (EntityFinder, "entities"), (AnswerFinder, "answers")]
)
def test_script_that_asks_for_one_model_refuses_an_ensemble(tmp_path, finder, kind):
    told = json.dumps({"kind": kind, "members": ["a", "b"], "decision": {}})
    (tmp_path / "ensemble.json").write_text(told, encoding="utf-8")
    with pytest.raises(DataError, match="expected one model, found an ensemble or n-grams"):
        finder.load(str(tmp_path))


def predicted(capsys, *words):
    predict.main([*map(str, words), "--text", TEXTS[0], "--precision", "fp32"])
    return json.loads(capsys.readouterr().out)


def test_predict_takes_members_and_a_folder_of_them_alike(folder, tmp_path, capsys):
    names = ["softmax", "crf"]
    told = predicted(capsys, "--ensemble", *(folder / name for name in names))
    for name in names:
        shutil.copytree(folder / name, tmp_path / name)
    ensemble = {"kind": "entities", "members": names, "decision": {}}
    (tmp_path / "ensemble.json").write_text(json.dumps(ensemble), encoding="utf-8")
    assert predicted(capsys, tmp_path) == told
    assert told["entities"] and told["text"] == TEXTS[0]


def test_pairs_of_members_that_do_not_fit_are_refused(folder, tmp_path):
    loading = {"output_format": "jsonl", "options": {}, "together": True}
    with pytest.raises(DataError, match=r"expected a model for entities .* found one for classes"):
        load_task([str(folder / "crf"), str(folder / "pooled")], **loading)
    other = rename_labels(folder / "pooled", tmp_path / "other", ["x", "y", "z"])
    with pytest.raises(
        DataError, match=r"expected members of one set of labels, found health, travel, work in the first and x, y, z"
    ):
        load_task([str(folder / "pooled"), str(other)], **loading)


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"kind": "entities"}', '{"kind": "entities", "members": [], "decision": {}}']
)
def test_damaged_file_of_an_ensemble_is_named(tmp_path, content):
    (tmp_path / "ensemble.json").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"ensemble\.json: expected kind, members and decision"):
        load_task([str(tmp_path)], output_format="jsonl", options={})


@pytest.mark.parametrize("words", [["--ensemble", "one"], ["one", "--ensemble", "two", "three"]])
def test_one_member_or_two_ways_to_name_models_are_refused(words, capsys):
    with pytest.raises(SystemExit):
        predict.main(words)
    assert "--ensemble" in capsys.readouterr().err


def test_option_that_the_task_does_not_take_is_refused(folder):
    names = [str(folder / "crf"), str(folder / "softmax")]
    with pytest.raises(ArgumentError, match="--threshold: a model for entities does not take it"):
        load_task(names, output_format="jsonl", options={"threshold": 0.5}, together=True)


def test_entities_are_named_tuples_like_those_of_one_model(folder):
    members = [EntityFinder.load(str(folder / "crf"))] * 2
    assert all(isinstance(one, Entity) for each in EntityEnsemble(members, {}).find(TEXTS) for one in each)
