"""One model with several templates, whose answers are averaged after dividing out their priors."""

from collections.abc import Sequence

import numpy as np

from ..prediction.label_finder import LabelFinder
from ..prompting.priors import answer_prior, mix_templates
from ..scoring.decisions import DecisionRule, Verdict


class ClozePanel:
    """Logits of texts under all templates: the weighted mean of their log-probabilities.

    Args:
        finders: one per template.
        words: for each template, the text of each label word and the id of its class.
        by_batch: divide out the prior of all texts of a call together.

    Attributes:
        priors: for each template, what is subtracted from its logits.
        weights: of the templates, with sum 1, see `prompting.template_pool`; None for equal ones.
    """

    def __init__(
        self, finders: Sequence[LabelFinder], words: Sequence[Sequence[tuple[str, int]]], *, by_batch: bool = False
    ):
        self.finders, self.words, self.by_batch = finders, words, by_batch
        self.priors: list[np.ndarray | float] = [0.0] * len(finders)
        self.weights: Sequence[float] | None = None

    def measure_priors(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> None:
        """Measure the priors on these texts, an empty one or unlabelled ones, and divide them out from now on."""
        self.priors = [answer_prior(finder.logits(texts, pairs)) for finder in self.finders]

    def logits(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> np.ndarray:
        """(texts, num_labels) float64, in the order of the texts."""
        return mix_templates(self.logits_by_template(texts, pairs), self.weights)

    def logits_by_template(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> list[np.ndarray]:
        """(texts, num_labels) float64 for each template, with priors divided out."""
        found = [finder.logits(texts, pairs) for finder in self.finders]
        priors = [answer_prior(each) for each in found] if self.by_batch else self.priors
        return [each - prior for each, prior in zip(found, priors, strict=True)]

    def explain(
        self, texts: Sequence[str], pairs: Sequence[str] | None, rule: DecisionRule
    ) -> list[tuple[tuple[str, ...], Verdict, list[dict[str, dict[str, float]]]]]:
        """For each text or pair: itself, the verdict, and for each template class -> word -> log-probability.

        The log-probability of a word is the mean over its tokens, before any prior is divided out.
        """
        rows = list(zip(texts, pairs, strict=True)) if pairs else [(text,) for text in texts]
        scores = [finder.word_scores(texts, pairs) for finder in self.finders]
        explained = []
        for i, verdict in enumerate(rule.verdicts(self.logits(texts, pairs))):
            by_template = []
            for words, each in zip(self.words, scores, strict=True):
                by_class: dict[str, dict[str, float]] = {label: {} for label in rule.labels}
                for (word, label), score in zip(words, each[i], strict=True):
                    by_class[rule.labels[label]][word] = float(score)
                by_template.append(by_class)
            explained.append((rows[i], verdict, by_template))
        return explained
