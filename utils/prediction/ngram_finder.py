"""A linear SVM on TF-IDF n-grams as a text classifier like the others: alone, or as a member of an ensemble.

Saved as `ngrams.json`, its labels, n-grams and temperature, and `ngrams.npz`, its numbers; nothing in them is run.
"""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from zipfile import BadZipFile

import numpy as np
from datasets import Dataset
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from ..data.errors import DataError
from ..data.folds import assign_folds
from ..scoring.calibration import tune_rule
from ..scoring.decisions import DecisionRule, Verdict
from .model_kinds import NGRAMS as NAME

NUMBERS = "ngrams.npz"
WIDEST = {"char": 3, "word": 2}
FOLDS = 5  # of the training texts, for the temperature


class NgramFinder:
    """Classifies texts, or pairs, by runs of 1-3 characters, or by words and pairs of them.

    Args:
        vectorizer: fitted.
        weights, bias: (num_labels, n-grams) and (num_labels,).
        rule: how margins become labels.
        pair: whether it classifies pairs.
    """

    kind = "classes"

    def __init__(
        self,
        vectorizer: TfidfVectorizer,
        weights: np.ndarray,
        bias: np.ndarray,
        rule: DecisionRule,
        *,
        pair: bool = False,
    ):
        self.vectorizer, self.weights, self.bias, self.rule = vectorizer, weights, bias, rule
        self.encoder, self.reading = SimpleNamespace(pair=pair), {}

    @classmethod
    def fit(
        cls,
        rows: Dataset,
        *,
        names: Sequence[str],
        analyzer: str,
        positive: int | None,
    ) -> "NgramFinder":
        """Train, and fit the temperature to margins of texts that were held out.

        Args:
            rows: training data, `text`, `label` and perhaps `text_pair`.
            names: the labels, in the order of the outputs.
            analyzer: `char` or `word`.
            positive: id of the positive class of two.
        """
        pair = "text_pair" in rows.column_names
        texts = np.array(_join(rows["text"][:], rows["text_pair"][:] if pair else None), dtype=object)
        ids = np.array([list(names).index(label) for label in rows["label"][:]])
        rule = DecisionRule(list(names), positive=positive)
        if len(set(texts)) >= FOLDS:
            margins = np.zeros((len(texts), len(names)))
            fold_of = np.array(assign_folds(rows, FOLDS, seed=0))
            for fold in range(1, FOLDS + 1):
                rest, held_out = fold_of != fold, fold_of == fold
                part = cls(*_train(texts[rest], ids[rest], len(names), analyzer), rule)
                margins[held_out] = part.logits(texts[held_out])
            rule = tune_rule(rule, margins, ids, temperature=True)
        return cls(*_train(texts, ids, len(names), analyzer), rule, pair=pair)

    def logits(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> np.ndarray:
        """(texts, num_labels) float64 margins, in order; the two texts of a pair are joined by a line feed."""
        return self.vectorizer.transform(_join(texts, pairs)) @ self.weights.T.astype(np.float64) + self.bias

    def find(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> list[Verdict]:
        """The verdict on each text, in order."""
        return list(self.rule.verdicts(self.logits(texts, pairs)))

    def files(self) -> dict[str, object]:
        """What `load` reads, by name."""
        numbers = io.BytesIO()
        np.savez_compressed(numbers, idf=self.vectorizer.idf_, weights=self.weights, bias=self.bias)
        about = {"labels": self.rule.labels, "analyzer": self.vectorizer.analyzer, "decision": self.rule.to_config()}
        about["pair"] = self.encoder.pair
        about["ngrams"] = self.vectorizer.get_feature_names_out().tolist()
        return {NAME: about, NUMBERS: numbers.getvalue()}

    @classmethod
    def load(cls, folder: str | Path, **running) -> "NgramFinder":
        """Read what `files` gave; `running` (device, batch size, ...) is for other classifiers.

        Raises:
            DataError: a file is damaged, or the two do not fit.
        """
        try:
            about = json.loads((Path(folder) / NAME).read_text(encoding="utf-8"))
            with np.load(Path(folder) / NUMBERS, allow_pickle=False) as numbers:
                idf, weights, bias = (numbers[name] for name in ("idf", "weights", "bias"))
            vectorizer = _vectorizer(about["analyzer"], vocabulary=about["ngrams"])
            vectorizer.idf_ = idf
            rule = DecisionRule(about["labels"], **about["decision"])
            if weights.shape != (len(rule.labels), len(about["ngrams"])) or bias.shape != weights.shape[:1]:
                raise ValueError(f"weights {weights.shape} for {len(rule.labels)} labels")
        except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
            raise DataError(f"{folder}: expected {NAME} and {NUMBERS} of tfidf_svm.py, found: {error}") from error
        return cls(vectorizer, weights, bias, rule, pair=bool(about["pair"]))


def has_ngrams(folder: str | Path) -> bool:
    """Whether a folder holds such a classifier."""
    return (Path(folder) / NAME).is_file()


def _join(texts: Sequence[str], pairs: Sequence[str] | None) -> Sequence[str]:
    if pairs is None:
        return texts
    return [f"{one}\n{other}" if other else one for one, other in zip(texts, pairs, strict=True)]


def _vectorizer(analyzer: str, vocabulary: Sequence[str] | None = None) -> TfidfVectorizer:
    return TfidfVectorizer(
        analyzer=analyzer, ngram_range=(1, WIDEST[analyzer]), sublinear_tf=True, vocabulary=vocabulary
    )


def _train(texts: Sequence[str], ids: np.ndarray, num_labels: int, analyzer: str) -> tuple:
    """The vectorizer, weights and bias; a class without a text is never likely."""
    vectorizer = _vectorizer(analyzer)
    inputs = vectorizer.fit_transform(texts)
    weights, bias = np.zeros((num_labels, inputs.shape[1]), dtype=np.float32), np.full(num_labels, -10.0)
    if len(found := np.unique(ids)) == 1:
        bias[found] = 1.0
        return vectorizer, weights, bias
    model = LinearSVC().fit(inputs, ids)
    if len(found) == 2:  # one margin for both
        weights[found], bias[found] = (
            np.concatenate([-model.coef_, model.coef_]),
            [-model.intercept_[0], model.intercept_[0]],
        )
    else:
        weights[found], bias[found] = model.coef_, model.intercept_
    return vectorizer, weights, bias
