"""Going on from a head that was trained before: what it knows goes with the names of labels."""

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForQuestionAnswering, AutoModelForSequenceClassification
from transformers import AutoModelForTokenClassification as TokenClassification

from utils.modeling.cloze_classifier import ClozeClassifier
from utils.modeling.crf_tagger import CrfTagger
from utils.modeling.label_rows import load_with_head
from utils.modeling.pretrained_weights import read_inner_config
from utils.modeling.span_tagger import SpanTagger
from utils.modeling.text_classifier import TextClassifier, load_classifier

OLD = ["O", "B-name", "I-name", "B-place", "I-place"]
NEW = ["O", "B-team", "I-team", "B-name", "I-name"]  # as many; `name` stands elsewhere, `team` is new
SHARED = [(0, 0), (3, 1), (4, 2)]  # new place, old place


def names(labels):
    return {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}


def stock(kind, path, labels):
    config = read_inner_config(path) or AutoConfig.from_pretrained(path)
    config.update(names(labels))
    return load_with_head(kind, path, config=config)


BUILD = {
    "softmax": lambda path, labels: stock(TokenClassification, path, labels),
    "cls": lambda path, labels: load_classifier(path, **names(labels)),
    "crf": lambda path, labels: CrfTagger.from_encoder(path, lstm_hidden=3, layers="weighted", **names(labels)),
    "span": lambda path, labels: SpanTagger.from_encoder(path, head_size=4, **names(labels)),
    "pooled": lambda path, labels: TextClassifier.from_encoder(path, pooling="fusion", **names(labels)),
}


@pytest.fixture(scope="module")
def trained(tiny_encoder, tmp_path_factory):
    """Each head with `OLD` labels and weights that are all different."""
    folder = tmp_path_factory.mktemp("heads")
    for head, build in BUILD.items():
        torch.manual_seed(1)
        model = build(tiny_encoder, OLD)
        with torch.no_grad():
            for weight in model.parameters():
                weight.add_(torch.randn_like(weight) / 10)
        model.save_pretrained(folder / head)
    return folder


def label_weights(model):
    """Weights with a row for each label: (labels, ...); of a span head those of first and of last tokens."""
    if isinstance(model, SpanTagger):
        first, last = model.borders.weight.chunk(2)
        return [first, last, *model.borders.bias.chunk(2)]
    rows = [model.classifier.weight, model.classifier.bias]
    if isinstance(model, CrfTagger):
        rows += [model.crf.starts, model.crf.ends]
    return rows


@pytest.mark.parametrize("head", BUILD)
def test_rows_of_known_labels_go_along_and_new_ones_begin_anew(trained, caplog, head):
    caplog.set_level("INFO")
    path = str(trained / head)
    old, new = BUILD[head](path, OLD), BUILD[head](path, NEW)
    assert "known: O, B-name, I-name; new: B-team, I-team; gone: B-place, I-place" in caplog.text
    for before, after in zip(label_weights(old), label_weights(new), strict=True):
        for here, there in SHARED:
            assert torch.equal(after[here], before[there])
        for here in (1, 2):
            assert not any(torch.equal(after[here], row) for row in before)
    if head == "crf":
        before, after = old.crf.transitions, new.crf.transitions
        for here, there in SHARED:
            for later, place in SHARED:
                assert after[here, later] == before[there, place]
        assert after[1, 0] not in before


@pytest.mark.parametrize("head", BUILD)
def test_same_labels_go_on_from_all_that_was_learnt(trained, caplog, head):
    caplog.set_level("INFO")
    found, saved = BUILD[head](str(trained / head), OLD), load_file(trained / head / "model.safetensors")
    assert saved.keys() <= found.state_dict().keys()
    assert all(torch.equal(found.state_dict()[name], value) for name, value in saved.items())
    assert "known" not in caplog.text


@pytest.mark.parametrize("head", BUILD)
@pytest.mark.parametrize("labels", [NEW[:3], [*OLD, "B-x", "I-x"]], ids=["fewer", "more"])
def test_another_number_of_labels_is_no_error(trained, head, labels):
    model = BUILD[head](str(trained / head), labels)
    assert len(label_weights(model)[0]) == len(labels)
    assert torch.equal(label_weights(model)[0][0], label_weights(BUILD[head](str(trained / head), OLD))[0][0])


@pytest.mark.parametrize("start", BUILD)
@pytest.mark.parametrize("head", BUILD)
def test_every_head_goes_on_from_the_encoder_of_every_other(trained, start, head):
    model = BUILD[head](str(trained / start), OLD)
    encoder = {k.partition("encoder.layer.")[2]: v for k, v in model.state_dict().items() if ".layer.1." in k}
    source = BUILD[start](str(trained / start), OLD).state_dict()
    expected = {k.partition("encoder.layer.")[2]: v for k, v in source.items() if ".layer.1." in k}
    assert encoder and encoder.keys() == expected.keys()
    assert all(torch.equal(encoder[name], expected[name]) for name in encoder)
    if start != head and type(model).__name__ != type(BUILD[start](str(trained / start), OLD)).__name__:
        saved = label_weights(BUILD[start](str(trained / start), OLD))[0]
        rows = label_weights(model)[0]
        assert rows.shape != saved.shape or not torch.equal(rows, saved)  # a head of another kind is not taken over


def test_scores_of_answers_are_the_same_two_whatever_they_are_called(tiny_encoder, tmp_path):
    torch.manual_seed(3)
    model = AutoModelForQuestionAnswering.from_pretrained(tiny_encoder)
    model.save_pretrained(tmp_path)
    again = load_with_head(AutoModelForQuestionAnswering, str(tmp_path), config=AutoConfig.from_pretrained(tmp_path))
    assert torch.equal(again.qa_outputs.weight, model.qa_outputs.weight)


def test_classifier_of_pairs_of_sentences_lends_its_head_to_nothing_else(tiny_encoder, tmp_path):
    model = AutoModelForSequenceClassification.from_pretrained(tiny_encoder, **names(OLD))
    model.save_pretrained(tmp_path)
    tagger = stock(TokenClassification, str(tmp_path), OLD)
    assert tagger.classifier.weight.shape == model.classifier.weight.shape
    assert not torch.equal(tagger.classifier.weight, model.classifier.weight)


def test_masked_language_model_of_a_cloze_classifier_goes_on(tiny_masked_lm, tmp_path):
    own = {"words": [[0, 1.0, [7]], [1, 1.0, [8]]], "mask_token_id": 4, "template": "{text}{mask}"}
    torch.manual_seed(4)
    model = ClozeClassifier.from_encoder(tiny_masked_lm, **own, **names(["a", "b"]))
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) / 10)
    model.save_pretrained(tmp_path)
    again = ClozeClassifier.from_encoder(str(tmp_path), **own, **names(["c", "d"]))
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in model.state_dict().items())
    tagger = CrfTagger.from_encoder(str(tmp_path), **names(OLD))
    assert torch.equal(
        tagger.encoder.embeddings.word_embeddings.weight, model.encoder.bert.embeddings.word_embeddings.weight
    )
