"""Entity scores against seqeval's, on random tag sequences and at the edges."""

import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import classification_report as lenient_report
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.metrics.v1 import classification_report
from seqeval.metrics.v1 import precision_recall_fscore_support as strict_scores
from seqeval.scheme import IOB2

from utils.data.tag_schemes import spans_to_tags, tags_to_spans
from utils.scoring.metrics import EntityF1, LenientF1, format_table

TAGS = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER", "B-ORG", "I-ORG"]
TYPES = ["LOC", "ORG", "PER"]


@st.composite
def corpora(draw, tags=TAGS):
    """(predicted, expected) tag sequences of one to five texts; the prediction is often right, so that scores vary."""
    lengths = draw(st.lists(st.integers(1, 8), min_size=1, max_size=5))
    expected = [draw(st.lists(st.sampled_from(tags), min_size=n, max_size=n)) for n in lengths]
    predicted = [[draw(st.sampled_from([tag, tag, tag, *tags])) for tag in row] for row in expected]
    return predicted, expected


def spans_of(tags):
    return [{"start": a, "end": b, "label": label} for a, b, label in tags_to_spans(tags, scheme="bio")]


def entity_scores(predicted, expected):
    predictions, references = [spans_of(tags) for tags in predicted], [spans_of(tags) for tags in expected]
    return EntityF1(keep_in_memory=True).compute(predictions=predictions, references=references)


def lenient_scores(predicted, expected):
    return LenientF1(keep_in_memory=True).compute(predictions=predicted, references=expected)


def by_seqeval(predicted, expected, average):
    scores = strict_scores(expected, predicted, average=average, scheme=IOB2, zero_division=0)
    return [float(each) for each in scores[:3]]


def has_entities(corpus):
    return any(spans_of(tags) for side in corpus for tags in side)


def row(scores, name):
    return [scores["table"][name][key] for key in ("precision", "recall", "f1")]


@given(corpora())
@settings(deadline=None, max_examples=60)
def test_micro_scores_are_those_of_strict_seqeval(corpus):
    scores = entity_scores(*corpus)
    expected = by_seqeval(*corpus, "micro") if has_entities(corpus) else [0.0] * 3
    assert [scores[key] for key in ("precision", "recall", "f1")] == pytest.approx(expected)
    assert row(scores, "micro avg") == pytest.approx(expected)


@pytest.mark.parametrize("average", ["macro", "weighted"])
@given(corpus=corpora())
@settings(deadline=None, max_examples=60)
def test_averages_over_types_are_those_of_strict_seqeval(average, corpus):
    scores = entity_scores(*corpus)
    gold = any(spans_of(tags) for tags in corpus[1])
    if average == "weighted" and not gold:
        expected = [0.0] * 3  # no weights to average with
    else:
        expected = by_seqeval(*corpus, average) if has_entities(corpus) else [0.0] * 3
    assert row(scores, f"{average} avg") == pytest.approx(expected)
    assert scores[f"{average}_f1"] == pytest.approx(expected[2])


@given(corpora())
@settings(deadline=None, max_examples=60)
def test_scores_and_support_of_each_type_are_those_of_strict_seqeval(corpus):
    table = entity_scores(*corpus)["table"]
    types = list(table)[:-3]
    if not types:
        assert not has_entities(corpus)
        return
    columns = strict_scores(corpus[1], corpus[0], average=None, scheme=IOB2, zero_division=0)
    for i, name in enumerate(types):
        assert row({"table": table}, name) == pytest.approx([float(column[i]) for column in columns[:3]])
        assert table[name]["support"] == columns[3][i]
    assert len(columns[0]) == len(types)


@given(corpora())
@settings(deadline=None, max_examples=60)
def test_lenient_scores_are_those_of_default_seqeval(corpus):
    predicted, expected = corpus
    scores = lenient_scores(predicted, expected)
    sides = {"y_true": expected, "y_pred": predicted}
    if any(tag != "O" for side in corpus for tags in side for tag in tags):
        precision, recall = (score(**sides, zero_division=0) for score in (precision_score, recall_score))
        values = [precision, recall, f1_score(**sides, zero_division=0)]
    else:
        values = [0.0] * 3
    assert [scores[f"lenient_{key}"] for key in ("precision", "recall", "f1")] == pytest.approx(values)


@given(st.lists(st.lists(st.sampled_from([*TYPES, "O"]), min_size=1, max_size=6), min_size=1, max_size=4))
@settings(deadline=None, max_examples=40)
def test_lenient_scores_do_not_depend_on_the_scheme_of_well_formed_tags(rows):
    spans = [[(2 * i, 2 * i + 2, label) for i, label in enumerate(row) if label != "O"] for row in rows]
    wrong = [row[::-1] for row in spans]
    wrong = [[(start, end, TYPES[0]) for start, end, _ in row] for row in wrong]

    def scores(scheme):
        return lenient_scores(*([spans_to_tags(row, 12, scheme=scheme) for row in side] for side in (wrong, spans)))

    assert scores("bioes") == pytest.approx(scores("bio"))
    assert scores("bios") == pytest.approx(scores("bio"))


def test_ill_formed_prediction_counts_for_lenient_and_not_for_strict():
    predicted, expected = [["I-LOC", "I-LOC", "O"]], [["B-LOC", "I-LOC", "O"]]
    assert lenient_scores(predicted, expected)["lenient_f1"] == 1.0
    assert entity_scores(predicted, expected)["f1"] == 0.0


def test_scores_are_plain_floats_that_json_takes():
    corpus = [["B-LOC", "O"]], [["B-LOC", "B-PER"]]
    scores = entity_scores(*corpus) | lenient_scores(*corpus)
    scores.pop("table")
    assert len(scores) == 8
    assert {type(value) for value in scores.values()} == {float}


def test_empty_corpus_scores_zero():
    strict = EntityF1(keep_in_memory=True).compute(predictions=[], references=[])
    lenient = LenientF1(keep_in_memory=True).compute(predictions=[], references=[])
    assert (strict["f1"], strict["macro_f1"], strict["weighted_f1"], lenient["lenient_f1"]) == (0.0, 0.0, 0.0, 0.0)


def test_corpus_of_empty_texts_scores_zero():
    assert entity_scores([[], []], [[], []])["f1"] == 0.0
    assert lenient_scores([[], []], [[], []])["lenient_f1"] == 0.0


@pytest.mark.parametrize("predicted, expected", [(["O"], ["B-LOC"]), (["B-LOC"], ["O"]), (["O"], ["O"])])
def test_no_entities_on_a_side_scores_zero_without_a_warning(predicted, expected, recwarn):
    assert entity_scores([predicted], [expected])["f1"] == 0.0
    assert lenient_scores([predicted], [expected])["lenient_f1"] == 0.0
    assert [str(warning.message) for warning in recwarn if "ill-defined" in str(warning.message)] == []


def test_duplicates_count_once():
    once = {"start": 0, "end": 2, "label": "LOC"}
    scores = EntityF1(keep_in_memory=True).compute(predictions=[[once, once]], references=[[once, once]])
    assert (scores["precision"], scores["recall"], scores["table"]["LOC"]["support"]) == (1.0, 1.0, 1)


def test_same_span_of_another_text_does_not_count():
    one = {"start": 0, "end": 2, "label": "LOC"}
    assert EntityF1(keep_in_memory=True).compute(predictions=[[one], []], references=[[], [one]])["f1"] == 0.0


def test_nested_entities_count_each():
    outer, inner = {"start": 0, "end": 4, "label": "ORG"}, {"start": 0, "end": 2, "label": "LOC"}
    scores = EntityF1(keep_in_memory=True).compute(predictions=[[outer]], references=[[outer, inner]])
    assert (scores["precision"], scores["recall"]) == (1.0, 0.5)


@pytest.mark.parametrize("other", [(1, 2, "LOC"), (0, 1, "LOC"), (0, 2, "PER")])
def test_entity_with_another_border_or_type_does_not_count(other):
    start, end, label = other
    gold = {"start": 0, "end": 2, "label": "LOC"}
    found = {"start": start, "end": end, "label": label}
    assert EntityF1(keep_in_memory=True).compute(predictions=[[found]], references=[[gold]])["f1"] == 0.0


def test_type_named_as_an_average_is_not_lost():
    one = {"start": 0, "end": 2, "label": "micro avg"}
    other = {"start": 0, "end": 2, "label": "LOC"}
    scores = EntityF1(keep_in_memory=True).compute(predictions=[[one]], references=[[one, other]])
    assert scores["recall"] == 0.5


def parse_report(text):
    """Name -> numbers of each line of a classification report."""
    rows = {}
    for line in text.splitlines()[1:]:
        if line.strip():
            name, *numbers = line.rsplit(maxsplit=4)
            rows[name.strip()] = [float(number) for number in numbers]
    return rows


REPORTED = (
    [["B-LOC", "I-LOC", "O", "B-PER"], ["B-ORG", "O", "B-LOC", "O"], ["B-PER", "I-PER", "O"]],
    [["B-LOC", "I-LOC", "O", "B-ORG"], ["B-ORG", "O", "O", "B-PER"], ["B-PER", "I-PER", "O"]],
)


def test_table_holds_the_numbers_of_the_report_of_seqeval():
    predicted, expected = REPORTED
    report = classification_report(expected, predicted, scheme=IOB2, digits=4, zero_division=0)
    found = parse_report(format_table(entity_scores(*REPORTED)["table"]))
    assert list(found) == [*TYPES, "micro avg", "macro avg", "weighted avg"]
    assert found == parse_report(report)


def test_table_is_laid_out_as_the_report_of_seqeval():
    predicted, expected = REPORTED
    report = lenient_report(expected, predicted, digits=4, zero_division=0)
    assert format_table(entity_scores(*REPORTED)["table"]).splitlines() == report.rstrip("\n").splitlines()


def test_table_without_types_has_the_averages():
    assert list(parse_report(format_table(entity_scores([["O"]], [["O"]])["table"]))) == [
        "micro avg",
        "macro avg",
        "weighted avg",
    ]


def test_metrics_work_offline_and_leave_no_files(tmp_path):
    code = """
from utils.scoring.metrics import EntityF1, LenientF1
one = {"start": 0, "end": 2, "label": "LOC"}
print(EntityF1(keep_in_memory=True).compute(predictions=[[one]], references=[[one]])["f1"])
print(LenientF1(keep_in_memory=True).compute(predictions=[["B-A"]], references=[["B-A"]])["lenient_f1"])
"""
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "PYTHONPATH": os.getcwd(), "HOME": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | offline, cwd=tmp_path
    )
    assert ended.stdout.split() == ["1.0", "1.0"], ended.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
