"""Found entities, answers, words for blanks and prompted classes: as lines of JSON, the last two also for people."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from datasets import Dataset

from ..encoding.row_batches import iterate_rows
from ..modeling.joined_windows import Entity
from ..scoring.answer_ranking import Answer
from ..scoring.decisions import Verdict


def entity_line(text: str, entities: Sequence[Entity], *, id: str | None = None) -> str:
    """`{"id", "text", "entities": [{"start", "end", "label", "text", "score"}]}`; offsets count characters."""
    found = [
        {"start": start, "end": end, "label": label, "text": text[start:end], "score": round(score, 4)}
        for start, end, label, score in entities
    ]
    return _line({"text": text, "entities": found}, id=id)


def entity_lines(dataset: Dataset, entities: Sequence[Sequence[Entity]]) -> Iterator[str]:
    """The lines of `predictions.jsonl`: an `entity_line` for each row, with its id."""
    for (id, text), found in zip(iterate_rows(dataset, "id", "text"), entities, strict=True):
        yield entity_line(text, found, id=id) + "\n"


def cluener_line(text: str, entities: Sequence[Entity], *, id: str | None = None) -> str:
    """CLUENER2020's submission format: `{"id", "label": {type: {word: [[start, end inclusive], ...]}}}`."""
    label: dict[str, dict[str, list]] = {}
    for one in entities:
        words = label.setdefault(one.label, {})
        words.setdefault(text[one.start : one.end], []).append([one.start, one.end - 1])
    number = int(id) if id is not None and id.isascii() and id.isdigit() else id
    return json.dumps({"id": number, "label": label}, ensure_ascii=False)


def answer_line(question: str, answers: Sequence[Answer], *, id: str | None = None, n_best: bool = False) -> str:
    """`{"id", "question", "answer", "start", "end", "score"}`, and `"n_best"` on request, as one line of JSON.

    Example:
        >>> answer_line("谁？", [Answer("张伟", 0, 2, 0.98765)])
        '{"question": "谁？", "answer": "张伟", "start": 0, "end": 2, "score": 0.9877}'
    """
    found = [{"answer": one.text, "start": one.start, "end": one.end, "score": round(one.score, 4)} for one in answers]
    return _line({"question": question} | found[0] | ({"n_best": found} if n_best else {}), id=id)


def answer_lines(dataset: Dataset, answers: Sequence[Sequence[Answer]], *, n_best: bool) -> str:
    """The text of `predictions.jsonl`: an `answer_line` for each row, with its id."""
    rows = zip(dataset["id"][:], dataset["question"][:], answers, strict=True)
    return "".join(answer_line(question, found, id=id, n_best=n_best) + "\n" for id, question, found in rows)


def filling_text(sentence: str, fillings: Sequence[Any]) -> str:
    """A sentence with blanks and the words for them (see `prompting.blanks`), for people."""
    return "\n".join([sentence, *(f"  {one.score:.4f}  {' … '.join(one.words)}" for one in fillings)])


def filling_line(sentence: str, fillings: Sequence[Any]) -> str:
    """`{"text", "fillings": [{"words", "score"}]}` and a line feed."""
    found = [{"words": one.words, "score": round(one.score, 6)} for one in fillings]
    return _line({"text": sentence, "fillings": found}) + "\n"


def cloze_text(
    texts: Sequence[str], verdict: Verdict, words: Sequence[dict[str, dict[str, float]]], *, top_k: int
) -> str:
    """A text or pair, the probabilities of its classes, and the label words behind them, for people.

    Args:
        texts: one, or the two of a pair.
        verdict: what the model predicts.
        words: for each template, class -> word -> log-probability, mean over its tokens.
        top_k: how many classes are shown.
    """
    lines = [" | ".join(texts)]
    for label, score in verdict.ranked[:top_k]:
        lines.append(f"  {score:.4f}  {label}")
        for scores in words:
            best = sorted(scores[label].items(), key=lambda item: -item[1])
            lines.append("          " + "  ".join(f"{word} {value:.2f}" for word, value in best))
    return "\n".join(lines)


def cloze_line(texts: Sequence[str], verdict: Verdict, words: Sequence[dict[str, dict[str, float]]]) -> str:
    """`{"text", "label", "scores", "words": [for each template: class -> word -> log-probability]}`, a line feed."""
    row: dict[str, Any] = dict(zip(("text", "text_pair"), texts, strict=False))
    row["label"] = verdict.labels[0] if verdict.labels else None
    row["scores"] = {label: round(score, 6) for label, score in verdict.ranked}
    row["words"] = [
        {label: {word: round(value, 4) for word, value in scores.items()} for label, scores in each.items()}
        for each in words
    ]
    return _line(row) + "\n"


def _line(fields: dict[str, Any], *, id: str | None = None) -> str:
    return json.dumps(fields if id is None else {"id": id} | fields, ensure_ascii=False)
