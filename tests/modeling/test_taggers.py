"""Our heads on every encoder family: train, save, reload anywhere, and give the same answers whatever the batch."""

import itertools
import json
import os
import subprocess
import sys

import pytest
import torch
from transformers import AutoModel, AutoModelForTokenClassification

from tests.modeling.encoder_families import ENCODERS
from tests.modeling.encoder_families import make_batch as three_texts
from utils.modeling.crf_tagger import CrfTagger, decode_softmax
from utils.modeling.span_tagger import MASKED, SpanTagger, decode_spans, rotate

TAGS = ["O", "B-A", "I-A", "B-B", "I-B"]
TYPES = ["A", "B"]


def names(labels):
    return {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}


def make_batch():
    """Three texts of 10, 7 and 4 tokens; the first of each is special."""
    batch = three_texts()
    token_mask = batch["attention_mask"].bool()
    token_mask[:, 0] = False
    return batch | {"token_mask": token_mask}


TAG_LABELS = torch.tensor(
    [[-100, 1, 2, 0, 0, 3, 4, 0, 1, 2], [-100, 0, 0, 1, 0, 0, 3, -100, -100, -100], [-100, 0, 1, 2] + [-100] * 6]
)
SPAN_LABELS = torch.tensor([[[1, 2, 0], [1, 6, 1]], [[3, 3, 0], [-100] * 3], [[-100] * 3] * 2])


def build(head, path, **options):
    torch.manual_seed(2)
    if head == "span":
        return SpanTagger.from_encoder(str(path), **names(TYPES), **options)
    return CrfTagger.from_encoder(str(path), head=head, **names(TAGS), **options)


def labels_of(head):
    return SPAN_LABELS if head == "span" else TAG_LABELS


def decoded(outputs):
    return [outputs.spans, outputs.span_scores] if "spans" in outputs else [outputs.tags, outputs.posteriors]


@pytest.mark.parametrize(
    ("kind", "head", "layers", "lstm_hidden"),
    [(kind, head, layers, 0) for kind in ENCODERS for head in ("crf", "span") for layers in ("last", "weighted")]
    + [
        ("bert", "softmax", "weighted", 0),
        ("bert", "crf", "last", 8),
        ("bert", "span", "weighted", 8),
        ("bert", "softmax", "last", 8),
    ],
)
def test_head_learns_saves_and_reloads_to_the_same_answers(encoders, tmp_path, kind, head, layers, lstm_hidden):
    model = build(head, encoders / kind, layers=layers, lstm_hidden=lstm_hidden, dropout=0.0)
    batch = make_batch()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    for _ in range(6):
        loss = model.train()(**batch, labels=labels_of(head)).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    unchanged = [name for name, value in model.named_parameters() if torch.equal(value, before[name])]
    unreachable = ("embeddings", "embed_tokens", "pooler")  # rows that no text has; and nothing of the head
    assert not [name for name in unchanged if not any(part in name for part in unreachable)]

    model.eval().save_pretrained(tmp_path)
    auto = AutoModel if head == "span" else AutoModelForTokenClassification
    again = auto.from_pretrained(tmp_path, trust_remote_code=True).eval()
    for parameter in again.parameters():  # out of the file's mapping, at whose odd addresses an LSTM rounds otherwise
        parameter.data = parameter.data.clone()
    with torch.no_grad():
        wanted, found = model(**batch), again(**batch)
    assert torch.equal(wanted.logits, found.logits)
    assert all(torch.equal(one, other) for one, other in zip(decoded(wanted), decoded(found), strict=True))
    assert again.config.id2label == model.config.id2label


@pytest.mark.parametrize("kind", ENCODERS)
def test_stock_token_classifier_of_each_family_learns_reloads_and_is_decoded(encoders, tmp_path, kind):
    model = AutoModelForTokenClassification.from_pretrained(encoders / kind, **names(TAGS))
    batch = make_batch()
    mask = batch.pop("token_mask")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    first = model.train()(**batch, labels=TAG_LABELS).loss
    first.backward()
    optimizer.step()
    assert model(**batch, labels=TAG_LABELS).loss < first
    model.eval().save_pretrained(tmp_path)
    again = AutoModelForTokenClassification.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        logits = model(**batch).logits
        assert torch.equal(again(**batch).logits, logits)
    tags, posteriors = decode_softmax(logits, mask, labels=TAGS, constrained=True)
    assert (tags[~mask] == -100).all() and (tags[mask] >= 0).all()
    assert posteriors[mask].min() >= 0 and posteriors.max() <= 1


RELOAD = """
import json, sys, torch
from transformers import AutoModel, AutoModelForTokenClassification
path, auto = sys.argv[1:]
model = {"AutoModel": AutoModel, "AutoModelForTokenClassification": AutoModelForTokenClassification}[auto]
model = model.from_pretrained(path, trust_remote_code=True).eval()
with torch.no_grad():
    outputs = model(input_ids=torch.tensor([[2, 7, 8, 9, 3]]), attention_mask=torch.ones(1, 5, dtype=torch.int64))
print(json.dumps([outputs.logits.tolist(), outputs["spans" if "spans" in outputs else "tags"].tolist()]))
"""


@pytest.mark.parametrize("head", ["crf", "span"])
def test_saved_model_reloads_in_a_fresh_process_without_this_repository(encoders, tmp_path, head):
    model = build(head, encoders / "bert", special_token_ids=[0, 2, 3]).eval()
    folder = tmp_path / "model"
    model.save_pretrained(folder)
    auto = "AutoModel" if head == "span" else "AutoModelForTokenClassification"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home"), "PYTHONPATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", RELOAD, str(folder), auto],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    logits, answer = json.loads(done.stdout)
    with torch.no_grad():
        wanted = model(input_ids=torch.tensor([[2, 7, 8, 9, 3]]), attention_mask=torch.ones(1, 5, dtype=torch.int64))
    assert torch.equal(torch.tensor(logits), wanted.logits)
    assert torch.equal(torch.tensor(answer), wanted.spans if head == "span" else wanted.tags)


@pytest.mark.parametrize(("head", "auto"), [("crf", "AutoModelForTokenClassification"), ("span", "AutoModel")])
def test_loading_without_trust_is_an_error_that_says_what_to_do(encoders, tmp_path, head, auto):
    build(head, encoders / "bert").save_pretrained(tmp_path)
    code = f"from transformers import {auto}; {auto}.from_pretrained({str(tmp_path)!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, input="")
    assert done.returncode == 1
    assert "trust_remote_code=True" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(("head", "lstm_hidden"), [("crf", 8), ("softmax", 8), ("span", 8), ("span", 0)])
def test_fresh_head_hears_small_outputs(encoders, head, lstm_hidden):
    model = build(head, encoders / "bert", lstm_hidden=lstm_hidden)
    for reader in [model.pointer, model.borders] if head == "span" else [model.classifier]:
        wanted = (2 / (reader.in_features + reader.out_features)) ** 0.5  # Glorot and Bengio (2010)
        assert reader.weight.std().item() == pytest.approx(wanted, rel=0.2)
        assert not reader.bias.any()


@pytest.mark.parametrize("head", ["crf", "softmax", "span"])
@pytest.mark.parametrize("lstm_hidden", [0, 8])
def test_padding_and_company_change_no_prediction(encoders, head, lstm_hidden):
    model = build(head, encoders / "bert", lstm_hidden=lstm_hidden).eval()
    batch = make_batch()
    with torch.no_grad():
        together = model(**batch)
        for i, length in enumerate([10, 7, 4]):
            alone = model(**{name: value[i : i + 1, :length] for name, value in batch.items()})
            if head == "span":
                torch.testing.assert_close(together.logits[i, :, :length, :length], alone.logits[0])
                assert together.spans[i][: len(alone.spans[0])].tolist() == alone.spans[0].tolist()
            else:
                torch.testing.assert_close(together.logits[i, :length], alone.logits[0])
                assert together.tags[i, :length].tolist() == alone.tags[0].tolist()


def test_without_a_token_mask_special_tokens_and_padding_carry_no_tag(encoders):
    model = build("crf", encoders / "bert", special_token_ids=[0, 2]).eval()
    batch = make_batch()
    wanted = batch.pop("token_mask")
    assert torch.equal(model(**batch).tags != -100, wanted)


def test_no_gradient_reaches_positions_without_labels(encoders):
    model = build("crf", encoders / "bert")
    loss = model(**make_batch(), labels=torch.full((3, 10), -100)).loss
    assert loss.item() == 0


def test_constrained_softmax_never_breaks_the_scheme_and_agrees_where_argmax_is_legal():
    torch.manual_seed(0)
    logits, mask = 3 * torch.randn(40, 9, 5), torch.rand(40, 9) < 0.8
    free, _ = decode_softmax(logits, mask, labels=TAGS)
    legal, _ = decode_softmax(logits, mask, labels=TAGS, constrained=True)
    agreed = 0
    for row, other, keep in zip(free, legal, mask, strict=True):
        row, other = row[keep].tolist(), other[keep].tolist()
        breaks = [tag in (2, 4) and previous not in (tag - 1, tag) for previous, tag in itertools.pairwise([0, *row])]
        assert not any(
            tag in (2, 4) and before not in (tag - 1, tag) for before, tag in itertools.pairwise([0, *other])
        )
        if not any(breaks):
            agreed += 1
            assert row == other
    assert 0 < agreed < 40


def test_rotary_scores_depend_on_the_distance_alone():
    torch.manual_seed(0)
    query, key = (torch.randn(1, 1, 8).expand(1, 12, 8) for _ in range(2))
    scores = (rotate(query) @ rotate(key).transpose(1, 2))[0]
    for i, j in itertools.product(range(11), repeat=2):
        torch.testing.assert_close(scores[i, j], scores[i + 1, j + 1])
    assert not torch.allclose(scores[0, 1], scores[1, 0])


def test_multilabel_loss_of_the_span_head_equals_its_definition(encoders):
    model = build("span", encoders / "bert")
    torch.manual_seed(0)
    mask = torch.tensor([[False, True, True, True]])
    cells = [(i, j) for i in range(1, 4) for j in range(i, 4)]
    logits = torch.randn(1, 2, 4, 4).masked_fill(~(mask[:, :, None] & mask[:, None]).triu()[:, None], MASKED)
    gold = {(0, 1, 2), (0, 1, 3), (1, 2, 2)}  # type, first, last
    ignored = (2, 3)
    labels = torch.tensor([[[1, 2, 0], [1, 3, 0], [2, 2, 1], [2, 3, -1], [-100] * 3]])
    expected = 0.0
    for kind in (0, 1):
        positive = sum(
            torch.exp(-logits[0, kind, i, j]) for i, j in cells if (kind, i, j) in gold and (i, j) != ignored
        )
        negative = sum(
            torch.exp(logits[0, kind, i, j]) for i, j in cells if (kind, i, j) not in gold and (i, j) != ignored
        )
        expected += torch.log(1 + positive) + torch.log(1 + negative)
    torch.testing.assert_close(model.loss(logits, labels, mask), expected / 2)


def test_focal_loss_with_gamma_zero_is_binary_cross_entropy(encoders):
    model = build("span", encoders / "bert", loss="focal", focal_gamma=0.0, type_weights=[1.0, 3.0])
    mask = torch.ones(1, 2, dtype=torch.bool)
    logits = torch.tensor([[[[0.5, -1.0], [MASKED, 2.0]], [[1.0, 0.0], [MASKED, -2.0]]]])
    labels = torch.tensor([[[0, 1, 0]]])
    sigmoid = torch.sigmoid
    first = -(
        torch.log(1 - sigmoid(logits[0, 0, 0, 0]))
        + torch.log(sigmoid(logits[0, 0, 0, 1]))
        + torch.log(1 - sigmoid(logits[0, 0, 1, 1]))
    )
    second = -sum(torch.log(1 - sigmoid(logits[0, 1, i, j])) for i, j in [(0, 0), (0, 1), (1, 1)])
    torch.testing.assert_close(model.loss(logits, labels, mask), (first + 3 * second) / 2)


def test_nested_and_equal_spans_of_both_types_are_decoded_and_flat_decoding_keeps_the_best():
    logits = torch.full((2, 2, 6, 6), -5.0)
    logits[0, 0, 1, 4], logits[0, 0, 2, 3], logits[0, 1, 1, 4], logits[0, 0, 3, 5] = 2.0, 3.0, 1.0, 0.5
    spans, scores = decode_spans(logits, nested=True)
    assert spans[0].tolist() == [[2, 3, 0], [1, 4, 0], [1, 4, 1], [3, 5, 0]]
    assert (spans[1] == -100).all() and not scores[1].any()
    torch.testing.assert_close(scores[0], torch.tensor([3.0, 2.0, 1.0, 0.5]).sigmoid())
    flat, _ = decode_spans(logits, nested=False)
    assert flat[0].tolist() == [[2, 3, 0]] + [[-100] * 3] * 3
    logits[0, 0, 2, 3] = -5.0
    flat, _ = decode_spans(logits, nested=False)
    assert flat[0, 0].tolist() == [1, 4, 0]


def test_nested_entities_of_the_same_and_of_different_types_are_learnt(encoders):
    model = build("span", encoders / "bert", nested=True, dropout=0.0)
    batch = make_batch()
    labels = torch.tensor([[[1, 5, 0], [2, 3, 0], [2, 3, 1]], [[1, 6, 1], [-100] * 3, [-100] * 3], [[-100] * 3] * 3])
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-2)
    for _ in range(80):
        optimizer.zero_grad()
        model.train()(**batch, labels=labels).loss.backward()
        optimizer.step()
    spans = model.eval()(**batch).spans
    assert sorted(map(tuple, spans[0][spans[0, :, 0] >= 0].tolist())) == [(1, 5, 0), (2, 3, 0), (2, 3, 1)]
    assert sorted(map(tuple, spans[1][spans[1, :, 0] >= 0].tolist())) == [(1, 6, 1)]
