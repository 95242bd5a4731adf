"""What a run got wrong, by split: `error_report.json`, from which `report_page` makes `error_report.html`.

Each split has its `kind` (see `example_counts`), the number of `examples`, how many of them have an error (`wrong`),
`scores` and `table`, the confusions, `slices` (see `error_parts`), `reliability` (see `calibration`), `worst`: up to
50 wrong examples on which the model was surest, and `note`, which says how they are ordered. A regression also has its
`mean_error` and `charts` (see `report_page`). Counts are over all examples; of a long text, `text` is the part
that begins at character `offset`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from datasets import Dataset

from ..encoding.row_batches import iterate_column, iterate_rows
from ..modeling.joined_windows import Entity
from ..scoring.answer_ranking import Answer
from ..scoring.calibration import reliability
from ..scoring.class_metrics import confused_pairs
from ..scoring.decisions import DecisionRule, Verdict
from ..scoring.significance import mean, micro_f1
from .error_parts import LONGEST, example, excerpt, frequency_bins, headlines, slice_scores, worst_first
from .span_errors import MISSED, RIGHT, ErrorCounts, SpanPair, as_entities, pair_spans

CONFUSED = 200  # pairs of classes that are kept
UNSURE = 0.5  # confidence of a missed entity, which has no known probability


def report_entities(
    rows: Dataset,
    found: Sequence[Sequence[Entity]],
    *,
    table: dict,
    scores: dict[str, float],
    train: Dataset | None = None,
) -> dict:
    """Errors of a tagger.

    Args:
        rows: `id`, `text`, `entities`.
        found: the entities found in each text.
        table: per-class table, see `EntityF1`.
        scores: by name, with or without the prefix of the split.
        train: training data, to count how often an entity was seen in it.
    """
    seen = None if train is None else Counter(_words(train))
    errors, counts = ErrorCounts(), np.zeros((len(rows), 3))
    sizes, sure, extents = [], [], []  # of texts
    lengths, hits, often = [], [], []  # of gold entities
    scored, right = [], []  # of found entities
    for i, (text, entities) in enumerate(iterate_rows(rows, "text", "entities")):
        said = found[i]
        pairs = pair_spans(as_entities(entities), said)
        errors.add(pairs)
        wrong = [_weight(pair) for pair in pairs if pair.kind != RIGHT]
        counts[i] = len(pairs) - len(wrong), len(said), len(entities)
        sizes.append(len(text))
        sure.append(max(wrong, default=None))
        extents.append(len(wrong))
        for kind, gold, one in pairs:
            if gold:
                lengths.append(gold.end - gold.start)
                hits.append(kind == RIGHT)
                often.append(gold.label if seen is None else seen[text[gold.start : gold.end], gold.label])
            if one:
                scored.append(one.score)
                right.append(kind == RIGHT)
    slices = [slice_scores("Length of the text (characters)", sizes, counts, micro_f1, name="F1")]
    if lengths:
        slices.append(slice_scores("Length of the entity (characters)", lengths, hits, name="recall"))
        title = "How often the entity is in the training data"
        if seen is None:
            types, title = Counter(often), "How often the type is in these texts"
            often = [types[label] for label in often]
        slices.append(slice_scores(title, often, hits, name="recall", bins=frequency_bins))
    report = {"kind": "entities", "examples": len(rows), "wrong": sum(each is not None for each in sure)}
    report |= {"scores": headlines(scores), "table": table, "errors": errors.by_type()}
    report |= {"confused": errors.confused()[:CONFUSED], "slices": slices}
    report["note"] = "Ordered by the probability of the surest wrong entity. A missed one counts as 0.5, as its "
    report["note"] += "probability is not known."
    worst = [wrong_text(rows[i], found[i]) for i in worst_first(sure, extents)]
    return report | {"reliability": reliability(np.array(scored), np.array(right)), "worst": worst}


def _words(rows: Dataset) -> Iterator[tuple[str, str]]:
    """The words and labels of all entities."""
    for text, entities in iterate_rows(rows, "text", "entities"):
        for one in entities:
            yield text[one["start"] : one["end"]], one["label"]


def wrong_text(row: dict, found: Sequence[Entity]) -> dict:
    """A text with what a tagger finds in it, as the pages show it: the part around its worst error."""
    pairs, text = pair_spans(as_entities(row["entities"]), found), row["text"]
    errors = [pair for pair in pairs if pair.kind != RIGHT]
    worst = max(errors, key=_weight)
    first, last = excerpt(len(text), (worst.gold or worst.found).start)
    inside = [pair for pair in pairs if any(one and first <= one.start < last for one in pair[1:])]
    return example(row["id"], text, first, last) | {
        "confidence": max((pair.found.score for pair in errors if pair.found), default=None),
        "errors": sorted({pair.kind for pair in errors}),
        "gold": [_span(pair.gold, pair) for pair in inside if pair.gold],
        "found": [_span(pair.found, pair) for pair in inside if pair.found],
    }


def report_verdicts(
    rows: Dataset, verdicts: Sequence[Verdict], rule: DecisionRule, *, report: dict, train: Dataset | None = None
) -> dict:
    """Errors of a classifier.

    Args:
        rows: `id`, `text`, `text_pair` of pairs, and `label`, or `labels` where there are several.
        verdicts: what the model predicts for each text.
        rule: the decision rule behind the verdicts.
        report: see `ClassEvaluator.report`.
        train: training data, to count how frequent a class is in it.
    """
    several = "labels" in rows.features
    column, texts = "labels" if several else "label", ["text", "text_pair"][: 1 + ("text_pair" in rows.features)]
    source = rows if train is None else train
    frequency = Counter(label for given in iterate_column(source, column) for label in _label_set(given))
    counts = np.zeros((len(rows), 3 if several else 2))
    lengths, sure, extents = [], [], []  # of texts
    often, hits = [], []  # of gold labels
    kinds, sides = Counter(), {"right": Counter(), "missed": Counter(), "spurious": Counter()}
    for i, (given, *parts) in enumerate(iterate_rows(rows, column, *texts)):
        verdict = verdicts[i]
        gold, said = _label_set(given), set(verdict.labels)
        errors, weight = _verdict_errors(gold, verdict, several=several)
        counts[i] = (len(gold & said), len(said), len(gold)) if several else (gold == said, 1)
        lengths.append(sum(map(len, parts)))
        sure.append(weight)
        extents.append(len(gold ^ said))
        often += [frequency[label] for label in gold]
        hits += [label in said for label in gold]
        kinds.update(errors)
        for side, labels in zip(sides.values(), (gold & said, gold - said, said - gold), strict=True):
            side.update(labels)
    name, score = ("F1", micro_f1) if several else ("accuracy", mean)
    slices = [slice_scores("Length of the text (characters)", lengths, counts, score, name=name)]
    title = f"Texts of the class in {'these data' if train is None else 'the training data'}"
    slices.append(slice_scores(title, often, hits, name="recall", bins=frequency_bins))
    wrong = sum(each is not None for each in sure)
    kind = "label_sets" if several else "classes"
    head = {"kind": kind, "examples": len(rows), "wrong": wrong, "scores": headlines(report["scores"])}
    if several:
        confused: dict = {
            "errors": {label: {name: side[label] for name, side in sides.items()} for label in rule.labels}
        }
    else:
        pairs = confused_pairs(report["confusion"], rule.labels, most=CONFUSED)
        confused = {"confused": [[true, other, count] for count, true, other in pairs]}
        confused["right"] = {label: report["confusion"][i][i] for i, label in enumerate(rule.labels)}
        if rule.abstain_below:
            confused["errors"] = {"texts": {"right": len(rows) - kinds.total(), **dict(kinds.most_common())}}
    worst = [wrong_verdict(rows[i], verdicts[i], several=several) for i in worst_first(sure, extents)]
    surest = "surest wrong decision about a label" if several else "wrong prediction"
    note = f"Ordered by the probability of the {surest}."
    tail = {"reliability": report["reliability"], "note": note, "worst": worst}
    if report.get("about"):
        head["about"] = report["about"]
    if report.get("untuned", {}).get("reliability") not in (None, report["reliability"]):
        tail["untuned_reliability"] = report["untuned"]["reliability"]
    return head | {"table": report["table"]} | confused | {"slices": slices} | tail


def _label_set(given: str | Sequence[str]) -> set[str]:
    return {given} if isinstance(given, str) else set(given)


def _verdict_errors(gold: set[str], verdict: Verdict, *, several: bool) -> tuple[list[str], float | None]:
    """What is wrong with a verdict, and how sure the model was of it; nothing and None if it is right."""
    said = set(verdict.labels)
    if said == gold:
        return [], None
    if not several:
        likeliest, weight = verdict.ranked[0]
        silent = "not said, would be right" if likeliest in gold else "not said, would be wrong"
        return ["wrong class" if said else silent], weight
    scores = dict(verdict.ranked)
    weights = [scores[label] for label in said - gold] + [1 - scores.get(label, 0) for label in gold - said]
    return ["missed label"] * bool(gold - said) + ["spurious label"] * bool(said - gold), max(weights)


def wrong_verdict(row: dict, verdict: Verdict, *, several: bool) -> dict:
    """A text with what a classifier says about it, as the pages show it."""
    gold, said, scores = _label_set(row["labels" if several else "label"]), set(verdict.labels), dict(verdict.ranked)
    errors, weight = _verdict_errors(gold, verdict, several=several)
    likeliest = set() if several else {verdict.ranked[0][0]}
    shown = sorted(gold | said | likeliest, key=lambda label: -scores.get(label, 0))
    one = example(row["id"], row["text"], text_pair=row.get("text_pair")) | {"confidence": weight, "errors": errors}
    one |= {"gold": sorted(gold), "found": sorted(said)}
    return one | {"scores": {label: round(scores.get(label, 0.0), 4) for label in shown}}


def report_answers(
    rows: Dataset, answers: Sequence[Sequence[Answer]], *, counts: dict, scores: dict[str, float]
) -> dict:
    """Errors of answers in passages.

    Args:
        rows: `id`, `question`, `context`, `answers`.
        answers: the answers to each question, the best first.
        counts: exact match and F1 of each question, see `example_counts.count_answers`.
        scores: by name, with or without the prefix of the split.
    """
    exact, f1 = np.array(counts["exact"], dtype=np.float64), np.array(counts["f1"], dtype=np.float64)
    contexts, gold, found = rows["context"][:], rows["answers"][:], [each[0] for each in answers]
    known = [i for i, each in enumerate(gold) if each["text"]]
    sides = {"passage": (contexts, f1), "question": (rows["question"][:], f1)}
    sides |= {"answer": ([gold[i]["text"][0] for i in known], f1[known])} if known else {}
    slices = [
        slice_scores(f"Length of the {side} (characters)", list(map(len, texts)), values, name="F1")
        for side, (texts, values) in sides.items()
    ]
    kinds = [
        _answer_error(each["text"], one.text, exact[i], f1[i])
        for i, (each, one) in enumerate(zip(gold, found, strict=True))
    ]
    sure = [None if kind is None else found[i].score for i, kind in enumerate(kinds)]
    worst = []
    for i in worst_first(sure, [1 - value for value in f1]):
        starts = gold[i]["answer_start"]
        # Keep what is around the found answer, which includes the gold one if it is near.
        first, last = excerpt(len(contexts[i]), found[i].start if found[i].text or not starts else starts[0])
        spans = sorted({(start, start + len(text)) for start, text in zip(starts, gold[i]["text"], strict=True)})
        shown = [{"start": start, "end": end, "label": ""} for start, end in spans if first <= start < last]
        one = example(rows["id"][i], contexts[i], first, last) | {"question": rows["question"][i][:LONGEST]}
        one |= {"confidence": sure[i], "errors": [kinds[i]], "f1": round(float(f1[i]), 4), "gold": shown}
        one["answers"] = list(dict.fromkeys(text[:LONGEST] for text in gold[i]["text"]))
        one["answer"] = found[i].text[:LONGEST]
        one["found"] = [{"start": found[i].start, "end": found[i].end, "label": ""}] if found[i].text else []
        worst.append(one)
    errors = Counter(kind for kind in kinds if kind)
    report = {"kind": "answers", "examples": len(rows), "wrong": errors.total(), "scores": headlines(scores)}
    report |= {"table": {}, "errors": {"answers": {"right": len(rows) - errors.total(), **dict(errors.most_common())}}}
    return report | {
        "note": "Ordered by the answer's probability among the candidates.",
        "slices": slices,
        "reliability": reliability([one.score for one in found], exact) if len(rows) else [],
        "worst": worst,
    }


def _answer_error(gold: Sequence[str], found: str, exact: float, f1: float) -> str | None:
    if exact >= 1:
        return None
    if not gold:
        return "answered without an answer"
    return "not answered" if not found else "wrong border" if f1 > 0 else "wrong place"


def _weight(pair: SpanPair) -> float:
    return UNSURE if pair.kind == MISSED else pair.found.score


def _span(one: Entity, pair: SpanPair) -> dict:
    span = {"start": one.start, "end": one.end, "label": one.label, "error": pair.kind}
    return span | ({"score": round(one.score, 4)} if one is pair.found else {})
