"""Token classifiers of others, whose logits are exactly right: by the set of their prefixes they are read right."""

import importlib.util
import json
import random

import numpy as np
import onnxruntime
import pytest
import torch
from transformers import AutoTokenizer, BertConfig, BertForTokenClassification

import app
import export_onnx
import predict
import run_ner
from utils.data.errors import DataError
from utils.data.tag_schemes import spans_to_tags, tags_to_spans
from utils.modeling import joined_windows
from utils.prediction import onnx_decoding
from utils.prediction.entity_finder import EntityFinder
from utils.tagging.tag_spellings import read_model_tags, respell_tags

TEXT = "张伟敏在京和北上海人"
SPANS = [(0, 3, "PER"), (4, 5, "LOC"), (6, 8, "LOC")]
TYPES = ["LOC", "PER"]


def tagged(prefixes, mark="-"):
    """The tag of each character with these prefixes, which stand for B, I, E and S."""
    letters = dict(zip("BIES", prefixes, strict=True))
    tags = spans_to_tags(SPANS, len(TEXT), scheme="bioes")
    return [tag if tag == "O" else f"{letters[tag[0]]}{mark}{tag[2:]}" for tag in tags]


def listed(prefixes, mark="-", types=TYPES):
    """By type: the tags with these prefixes."""
    return [f"{prefix}{mark}{kind}" for kind in types for prefix in prefixes]


def by_prefix(prefixes):
    return [f"{prefix}-{kind}" for prefix in prefixes for kind in TYPES]


# name | labels in the order of their ids | what each character's label is
MODELS = [
    ("BIOES, alphabetical", sorted(["O", *listed("BIES")]), tagged("BIES")),
    ("BIOES by prefix, as the CKIP models", ["O", *by_prefix("BIES")], tagged("BIES")),
    ("BIOES backwards", [*listed("SEIB"), "O"], tagged("BIES")),
    ("BIOES among marks of padding", ["[PAD]", *listed("EISB"), "X", "O", "<STOP>"], tagged("BIES")),
    ("BMES", [*listed("BMES"), "O"], tagged("BMES")),
    ("BILOU", ["O", *listed("UILB")], tagged("BILU")),
    ("BMEWO", ["O", *listed("BMEW")], tagged("BMEW")),
    ("BIOS, as uer's CLUENER", [*by_prefix("BI"), "O", *by_prefix("S"), "[PAD]"], tagged("BIIS")),
    ("BIO", ["O", *listed("BI")], tagged("BIIB")),
    ("BIO, alphabetical", sorted(["O", *listed("BI")]), tagged("BIIB")),
    ("IOB1", ["O", *listed("BI")], tagged("IIII")),
    ("IOB1 without a B- of persons, as dbmdz's", ["B-LOC", *by_prefix("I"), "O"], tagged("IIII")),
    ("I- alone", ["O", *listed("I")], tagged("IIII")),
    ("IOE2", [*listed("IE"), "O"], tagged("IIEE")),
    ("underscores", [*listed("BI", "_"), "O"], tagged("BIIB", "_")),
    ("types behind", ["O", *(f"{kind}-{letter}" for kind in TYPES for letter in "BI")],
     [tag if tag == "O" else f"{tag[2:]}-{tag[0]}" for tag in tagged("BIIB")]),
    ("types alone", ["O", *TYPES], [tag[2:] or "O" for tag in tagged("BIIB")]),
    ("types alone that hold marks", ["O", "E_MAIL", "art-film"],
     [{"PER": "E_MAIL", "LOC": "art-film"}.get(tag[2:], "O") for tag in tagged("BIIB")]),
]  # fmt: skip
UNREADABLE = [
    ("numbered", [f"LABEL_{i}" for i in range(5)], "expected the names of tags (O, B-PER, I-PER, ...) under id2label"),
    ("numbers", ["0", "1", "2"], "expected the names of tags (O, B-PER, I-PER, ...) under id2label"),
    ("parts of speech", ["NOUN", "VERB", "PUNCT"], "expected the tags of entities under id2label"),
    ("nothing but O", ["O", "[PAD]"], "expected the names of tags"),
]


def save(encoder, folder, labels, wanted):
    """A stock tagger that gives each character of `TEXT` its label: each stands on an axis of its own."""
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    config = BertConfig.from_pretrained(encoder, id2label=dict(enumerate(labels)))
    config.label2id = {label: i for i, label in enumerate(labels)}
    torch.manual_seed(0)
    model = BertForTokenClassification(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "embeddings" in name or ("output.dense" in name) or "classifier" in name:
                weight.fill_(1.0 if name.endswith("LayerNorm.weight") else 0.0)
        for axis, character in enumerate(TEXT):
            model.bert.embeddings.word_embeddings.weight[tokenizer.convert_tokens_to_ids(character), axis] = 1
            if wanted:
                model.classifier.weight[labels.index(wanted[axis]), axis] = 5
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def saved(tiny_encoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("taggers")
    return {name: save(tiny_encoder, folder / str(i), *rest) for i, (name, *rest) in enumerate(MODELS)}


def named(spans, name):
    """With the model's own types."""
    types = {"PER": "E_MAIL", "LOC": "art-film"} if name.endswith("hold marks") else {}
    return [(start, end, types.get(label, label)) for start, end, label in spans]


NAMES = [name for name, *_ in MODELS]


@pytest.mark.parametrize("name", NAMES)
def test_entities_of_exactly_right_logits_are_found(saved, name):
    (found,) = EntityFinder.load(saved[name]).find([TEXT])
    assert [one[:3] for one in found] == named(SPANS, name)
    assert all(one.score > 0.9 for one in found)


@pytest.mark.parametrize("name", NAMES)
def test_a_trained_directory_is_scored_without_an_error(saved, tmp_path, name):
    entities = [{"start": start, "end": end, "label": label} for start, end, label in named(SPANS, name)]
    (tmp_path / "dev.jsonl").write_text(json.dumps({"text": TEXT, "entities": entities}) + "\n", encoding="utf-8")
    files = ["--validation_file", str(tmp_path / "dev.jsonl"), "--output_dir", str(tmp_path / "out")]
    scores = run_ner.main(["--model_name_or_path", saved[name], *files])
    assert (scores["eval_f1"], scores["eval_lenient_f1"]) == (1, 1)
    if not name.startswith("IOB1"):  # whose labels do not say that gold begins with I-
        assert scores["eval_loss"] < 1


@pytest.mark.parametrize("name", ["BIOES by prefix, as the CKIP models", "IOB1", "BILOU", "types alone"])
def test_predict_and_app_and_graph_find_the_same(saved, tmp_path, capsys, name):
    predict.main([saved[name], "--text", TEXT])
    found = json.loads(capsys.readouterr().out)["entities"]
    assert [(one["start"], one["end"], one["label"]) for one in found] == SPANS
    model = app.load(saved[name])
    assert model.kind == "entities" and model.show(TEXT).count("<mark") == len(SPANS)

    export_onnx.main([saved[name], str(tmp_path)])
    spec = importlib.util.spec_from_file_location("onnx_decoding", tmp_path / "onnx_decoding.py")
    decoding = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(decoding)
    ids = AutoTokenizer.from_pretrained(saved[name])(TEXT, return_tensors="np")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {each.name: ids[each.name] for each in session.get_inputs()})
    mask = np.ones(logits.shape[:2], dtype=bool)
    mask[:, [0, -1]] = False
    tags = decoding.viterbi(logits, mask, **np.load(tmp_path / "tag_scores.npz"))
    read = decoding.read_tags(tags, **json.loads((tmp_path / "tags.json").read_text(encoding="utf-8")))
    assert [(first - 1, last, label) for first, last, label in read[0]] == SPANS  # position 0 is [CLS]


@pytest.mark.parametrize(("labels", "message"), [row[1:] for row in UNREADABLE], ids=[row[0] for row in UNREADABLE])
def test_labels_that_name_no_entities_are_refused_with_their_names(tiny_encoder, tmp_path, labels, message):
    model = save(tiny_encoder, tmp_path / "model", labels, None)
    (tmp_path / "dev.jsonl").write_text(json.dumps({"text": TEXT}) + "\n", encoding="utf-8")
    files = ["--test_file", str(tmp_path / "dev.jsonl"), "--output_dir", str(tmp_path / "out")]
    ways = [
        lambda: predict.main([model, "--text", TEXT]),
        lambda: app.load(model),
        lambda: export_onnx.main([model, str(tmp_path / "onnx")]),
        lambda: run_ner.main(["--model_name_or_path", model, *files]),
    ]
    for way in ways:
        with pytest.raises(DataError) as raised:
            way()
        assert str(raised.value).startswith(f"{model}: {message}") and labels[0] in str(raised.value)
    assert not (tmp_path / "onnx").exists()


def test_order_of_labels_changes_nothing():
    for labels in (["O", *listed("BIES")], ["O", *listed("BI")], [*listed("BIS"), "O"]):
        schemes = {read_model_tags(order).scheme for order in (labels, labels[::-1], sorted(labels))}
        assert len(schemes) == 1


@pytest.mark.parametrize(
    "labels", [["A-X", "B-X"], ["B-X", "I_X"], ["b-X", "I-X"], ["B-X", "X"], ["E-X", "S-X"], ["B-"]]
)
def test_what_is_no_spelling_of_tags_is_not_respelled(labels):
    assert respell_tags(labels) == {}


@pytest.mark.parametrize(
    ("scheme", "prefixes"), [("bio", "BI"), ("bios", "BIS"), ("bioes", "BIES"), ("conlleval", "BIES")]
)
def test_what_travels_with_a_model_reads_tags_as_predict_does(scheme, prefixes):
    draw = random.Random(0)
    names = ["O", *listed(prefixes)]
    for _ in range(500):
        ids = [draw.randrange(len(names)) for _ in range(8)]
        tags = [names[i] for i in ids]
        wanted = tags_to_spans(tags, scheme=scheme)
        assert joined_windows.read_tags(tags, scheme=scheme) == wanted
        (found,) = onnx_decoding.read_tags(np.array([[-100, *ids, -100]]), names, scheme)
        assert [(first - 1, last, label) for first, last, label in found] == wanted
