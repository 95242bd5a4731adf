"""What a run got wrong, by split: `error_report.json`, from which `report_page` makes `error_report.html`.

Each split has its `kind` (see `example_counts`), the number of `examples`, how many of them have an error (`wrong`),
`scores` and `table`, the confusions, `slices` (see `error_slices`), `reliability` (see `calibration`), and `worst`: up
to 50 wrong examples on which the model was surest. Counts are over all examples; of a long text, `text` is the part
that begins at character `offset`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from datasets import Dataset

from ..encoding.row_batches import iterate_column, iterate_rows
from ..modeling.joined_windows import Entity
from ..scoring.calibration import reliability
from ..scoring.class_metrics import confused_pairs
from ..scoring.decisions import DecisionRule, Verdict
from ..scoring.significance import micro_f1
from .error_examples import LONGEST, WORST, example, excerpt, headlines, worst_first
from .error_slices import frequency_bins, mean_of, slice_scores, with_ones
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
        hits = with_ones(hits)
        slices.append(slice_scores("Length of the entity (characters)", lengths, hits, mean_of, name="recall"))
        title = "How often the entity is in the training data"
        if seen is None:
            types, title = Counter(often), "How often the type is in these texts"
            often = [types[label] for label in often]
        slices.append(slice_scores(title, often, hits, mean_of, name="recall", bins=frequency_bins))
    report = {"kind": "entities", "examples": len(rows), "wrong": sum(each is not None for each in sure)}
    report |= {"scores": headlines(scores), "table": table, "errors": errors.by_type()}
    report |= {"confused": errors.confused()[:CONFUSED], "slices": slices}
    worst = [_wrong_text(rows[i], found[i]) for i in worst_first(sure, extents)]
    return report | {"reliability": reliability(np.array(scored), np.array(right)), "worst": worst}


def _words(rows: Dataset) -> Iterator[tuple[str, str]]:
    """The words and labels of all entities."""
    for text, entities in iterate_rows(rows, "text", "entities"):
        for one in entities:
            yield text[one["start"] : one["end"]], one["label"]


def _wrong_text(row: dict, found: Sequence[Entity]) -> dict:
    """One of the worst texts of a tagger."""
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
    name, score = ("F1", micro_f1) if several else ("accuracy", mean_of)
    slices = [slice_scores("Length of the text (characters)", lengths, counts, score, name=name)]
    title = f"Texts of the class in {'these data' if train is None else 'the training data'}"
    slices.append(slice_scores(title, often, with_ones(hits), mean_of, name="recall", bins=frequency_bins))
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
    worst = [_wrong_verdict(rows[i], verdicts[i], several=several) for i in worst_first(sure, extents)]
    tail = {"reliability": report["reliability"], "worst": worst}
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


def _wrong_verdict(row: dict, verdict: Verdict, *, several: bool) -> dict:
    """One of the worst texts of a classifier."""
    gold, said, scores = _label_set(row["labels" if several else "label"]), set(verdict.labels), dict(verdict.ranked)
    errors, weight = _verdict_errors(gold, verdict, several=several)
    likeliest = set() if several else {verdict.ranked[0][0]}
    shown = sorted(gold | said | likeliest, key=lambda label: -scores.get(label, 0))
    one = example(row["id"], row["text"], 0, LONGEST) | {"confidence": weight, "errors": errors}
    if "text_pair" in row:
        one["text_pair"] = row["text_pair"][:LONGEST]
    one |= {"gold": sorted(gold), "found": sorted(said)}
    return one | {"scores": {label: round(scores.get(label, 0.0), 4) for label in shown}}


def report_scores(rows: Dataset, found: Sequence[float], *, scores: dict[str, float]) -> dict:
    """Errors of a regression.

    Args:
        rows: `id`, `text`, `text_pair` of pairs, and `label`, a number.
        found: the predicted score of each text.
        scores: by name.
    """
    gold = np.fromiter(iterate_column(rows, "label"), np.float64, len(rows))
    off = np.abs(np.asarray(found) - gold)
    parts = ["text", "text_pair"][: 1 + ("text_pair" in rows.features)]
    lengths = [sum(map(len, texts)) for texts in iterate_rows(rows, *parts)]
    title = "Length of the text (characters)"
    slices = [slice_scores(title, lengths, with_ones(off), mean_of, name="mean error")]
    rounded = np.rint(gold).astype(np.int64)
    slices.append(slice_scores("Gold score (rounded)", rounded, with_ones(off), mean_of, name="mean error"))
    most = max((row["score"] for each in slices for row in each["rows"]), default=0)
    worst = []
    wrong = int((off > 0).sum())
    for i in np.argsort(-off, kind="stable")[: min(wrong, WORST)].tolist():
        row = rows[i]
        one = example(row["id"], row["text"], 0, LONGEST) | {"confidence": None, "errors": []}
        if "text_pair" in row:
            one["text_pair"] = row["text_pair"][:LONGEST]
        worst.append(one | {"gold": [], "found": [], "told": round(found[i], 4), "wanted": row["label"]})
    means = [
        {"gold": float(gold[rounded == value].mean()), "told": float(np.asarray(found)[rounded == value].mean())}
        | {"count": int((rounded == value).sum())}
        for value in np.unique(rounded).tolist()
    ]
    report = {"kind": "scores", "examples": len(rows), "wrong": wrong, "scores": headlines(scores)}
    slices = [each | {"full": most} for each in slices]
    return report | {"table": {}, "slices": slices, "means": means, "reliability": [], "worst": worst}


def _weight(pair: SpanPair) -> float:
    return UNSURE if pair.kind == MISSED else pair.found.score


def _span(one: Entity, pair: SpanPair) -> dict:
    span = {"start": one.start, "end": one.end, "label": one.label, "error": pair.kind}
    return span | ({"score": round(one.score, 4)} if one is pair.found else {})
