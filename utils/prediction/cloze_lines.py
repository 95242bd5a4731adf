"""What a masked-language model predicts, as text for people and as JSON."""

import json
from collections.abc import Sequence
from typing import Any

from ..scoring.decisions import Verdict


def filling_text(sentence: str, fillings: Sequence[Any]) -> str:
    """A sentence and the words for its blanks, for people.

    Args:
        sentence: with blanks.
        fillings: see `prompting.blanks`.
    """
    return "\n".join([sentence, *(f"  {one.score:.4f}  {' … '.join(one.words)}" for one in fillings)])


def filling_line(sentence: str, fillings: Sequence[Any]) -> str:
    """`{"text", "fillings": [{"words", "score"}]}` and a line feed."""
    shown = [{"words": one.words, "score": round(one.score, 6)} for one in fillings]
    return json.dumps({"text": sentence, "fillings": shown}, ensure_ascii=False) + "\n"


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
    return json.dumps(row, ensure_ascii=False) + "\n"
