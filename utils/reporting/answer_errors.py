"""Errors of answers in passages, for people and as JSON."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from datasets import Dataset

from ..scoring.answer_ranking import Answer
from ..scoring.calibration import reliability
from .error_parts import LONGEST, example, excerpt, headlines, slice_scores, worst_first


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
