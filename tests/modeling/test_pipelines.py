"""Pipelines that travel with a model prepare texts as predict.py does."""

import pytest
import torch
from transformers import AutoConfig, AutoModelForMaskedLM, AutoTokenizer

from utils.modeling.class_pipeline import ClassPipeline
from utils.modeling.cloze_classifier import ClozeClassifier
from utils.modeling.cloze_pipeline import ClozePipeline
from utils.modeling.crf_tagger import CrfTagger
from utils.modeling.entity_pipeline import EntityPipeline
from utils.modeling.text_classifier import TextClassifier
from utils.prediction.label_finder import LabelFinder

TEXTS = ["张伟在北京开会", " 李娜 2018 [MASK]", "人", "王芳来自深圳看病陈静是广州的人和张敏在北京开会" * 3]
PAIRS = [("张伟", "李娜去了上海"), ("王芳来自深圳看病" * 5, "人"), ("人" * 30, "会" * 40), ("人" * 40, "会" * 8)]
LABELS = {"id2label": dict(enumerate("abc")), "problem_type": "single_label_classification"}
ONE, SEVERAL = [[0, 1.0, [20]], [1, 1.0, [21]], [2, 1.0, [22]]], [[0, 1.0, [20, 23]], [1, 1.0, [21]], [2, 1.0, [22]]]


@pytest.fixture(scope="module")
def masked(tiny_encoder, tmp_path_factory):
    """A random masked-language model, and its tokenizer."""
    folder = tmp_path_factory.mktemp("masked")
    torch.manual_seed(0)
    config = AutoConfig.from_pretrained(tiny_encoder, initializer_range=0.3)
    AutoModelForMaskedLM.from_config(config).save_pretrained(folder)
    return str(folder), AutoTokenizer.from_pretrained(tiny_encoder)


def compare(found, verdicts):
    """Probabilities of other batches: logits of some 10 may lie a few roundings, of 1e-6 each, apart."""
    assert len({round(verdict.ranked[0][1], 5) for verdict in verdicts}) > 1
    for ranked, verdict in zip(found, verdicts, strict=True):
        assert [one["label"] for one in ranked] == [label for label, _ in verdict.ranked]
        assert [one["score"] for one in ranked] == pytest.approx([score for _, score in verdict.ranked], abs=1e-5)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{text}。真{mask}", ONE),
        ("{text} {mask}{mask}的人", SEVERAL),
        ("{mask}：{text}{{a}}", ONE),
        ("{soft:3}{text}{soft:看病}{mask}", SEVERAL),
    ],
)
@pytest.mark.parametrize("input_length", [20, 128])
def test_cloze_pipeline_writes_texts_into_the_template_as_predict_does(masked, template, words, input_length):
    path, tokenizer = masked
    soft = [None] * 5 if "soft" in template else []
    options = {"words": words, "template": template, "mask_token_id": tokenizer.mask_token_id, **LABELS}
    options |= {"input_length": input_length, "text_cleaning": [["2018", "20"]], "decision": {"temperature": 2.0}}
    model = ClozeClassifier.from_encoder(path, soft_words=soft, **options).eval()
    apply = ClozePipeline(model=model, tokenizer=tokenizer)
    for batch_size in (1, 3):  # texts of several lengths, words of one and two tokens
        compare(apply(TEXTS, top_k=None, batch_size=batch_size), LabelFinder(model, tokenizer).find(TEXTS))


@pytest.mark.parametrize("input_length", [23, 24, 25, 128])
def test_cloze_pipeline_takes_pairs(masked, input_length):
    path, tokenizer = masked
    options = {"words": ONE, "template": "{text}{mask}，{text_pair}", "mask_token_id": tokenizer.mask_token_id}
    model = ClozeClassifier.from_encoder(path, input_length=input_length, **options, **LABELS).eval()
    apply = ClozePipeline(model=model, tokenizer=tokenizer)
    rows = [{"text": first, "text_pair": second} for first, second in PAIRS]
    compare(apply(rows, top_k=None), LabelFinder(model, tokenizer).find(*zip(*PAIRS, strict=True)))
    with pytest.raises(ValueError, match="expected texts for the places in the template"):
        apply("人")


@pytest.mark.parametrize("kind", ["single_label_classification", "multi_label_classification"])
def test_class_pipeline_takes_pairs_and_templates_as_predict_does(tiny_encoder, kind):
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    torch.manual_seed(0)
    options = {"pooling": "mean", "input_length": 24, **LABELS, "problem_type": kind}
    paired = TextClassifier.from_encoder(tiny_encoder, takes_pairs=True, initializer_range=2.0, **options).eval()
    rows = [{"text": first, "text_pair": second} for first, second in PAIRS]
    apply = ClassPipeline(model=paired, tokenizer=tokenizer)
    compare(apply(rows, top_k=None), LabelFinder(paired, tokenizer).find(*zip(*PAIRS, strict=True)))
    with pytest.raises(ValueError, match="as in this model's training data"):
        apply("人")
    single = TextClassifier.from_encoder(tiny_encoder, text_template="{text}是人", initializer_range=2.0, **options)
    apply = ClassPipeline(model=single.eval(), tokenizer=tokenizer)
    compare(apply(TEXTS, top_k=None), LabelFinder(single, tokenizer).find(TEXTS))
    assert [len(found) for found in apply(TEXTS)] == [1] * len(TEXTS)


@pytest.mark.parametrize("pipeline_class", [ClassPipeline, ClozePipeline, EntityPipeline])
def test_option_that_would_do_nothing_is_refused(pipeline_class, tiny_encoder):
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    model = TextClassifier.from_encoder(tiny_encoder, **LABELS)
    with pytest.raises(ValueError, match="aggregation_strategy"):
        pipeline_class(model=model, tokenizer=tokenizer, aggregation_strategy="simple")


def test_windows_that_overlap_by_more_than_they_hold_are_refused_and_not_cut_for_ever(tiny_encoder):
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    names = {"id2label": dict(enumerate(["O", "B-X", "I-X"])), "tag_scheme": "bio"}
    model = CrfTagger.from_encoder(tiny_encoder, head="crf", window_length=20, window_stride=19, **names).eval()
    with pytest.raises(ValueError, match="expected 0 <= stride < window size, found stride 19 and room for 18 tokens"):
        EntityPipeline(model=model, tokenizer=tokenizer)("张伟在北京开会" * 9)
