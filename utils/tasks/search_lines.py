"""The results of prompt searches as lines of text."""

from collections.abc import Mapping, Sequence

from ..data.errors import counted
from ..prompting.template_pool import TemplateScore
from ..prompting.trigger_search import Trigger


def words_text(words: Mapping[str, Mapping[str, float]]) -> str:
    """The words of each class with their log-likelihood ratios.

    Args:
        words: class -> word -> ratio.
    """
    lines = ["label words, with the log-likelihood ratio of their class against the rest:"]
    for label, found in words.items():
        lines.append(f"  {label}: " + "  ".join(f"{word} {ratio:.2f}" for word, ratio in found.items()))
    return "\n".join(lines)


def pool_text(patterns: Sequence[str], ranked: Sequence[TemplateScore], weights: Sequence[float], *, rows: int) -> str:
    """Templates, the best first, with their scores and their weights in the ensemble.

    Args:
        patterns: in the order of the pool.
        ranked: see `rank_templates`.
        weights: in the order of the pool.
        rows: number of rows that they were scored on.
    """
    lines = [f"templates on {rows:,} rows: score, mean log-probability of the right class, weight among all"]
    for number, score, likelihood in ranked:
        lines.append(f"  {100 * score:5.1f}  {likelihood:8.4f}  {weights[number]:.2f}  {patterns[number]}")
    return "\n".join(lines)


def trigger_text(trigger: Trigger) -> str:
    """The best template, and the loss before and after the search."""
    tried = counted(len(trigger.steps), "template")
    return f"the best of {tried}: loss {trigger.before:.4f} -> {trigger.after:.4f}\n  {trigger.pattern}"
