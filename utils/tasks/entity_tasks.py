"""The task of run_ner.py: turns a tagger's outputs into entities, their scores and errors."""

from collections.abc import Mapping, Sequence

from datasets import Dataset

from ..modeling.joined_windows import Entity
from ..prediction.json_lines import entity_lines
from ..reporting import error_report
from ..reporting.model_card import model_card
from ..scoring.entity_evaluator import EntityEvaluator, FoundEntities
from ..scoring.example_counts import count_entities
from ..scoring.metrics import describe_entities
from .answers import Answers
from .taggers import is_stock


class TaggedEntities:
    """Entities of texts, from decoded tags or spans; see `answers` for what a task is.

    Args:
        dataset, encoded: rows and windows by split.
        id2label, scheme: of the tags; for a span head, the types and None.
        types: entity types.
    """

    def __init__(
        self,
        dataset: Mapping[str, Dataset],
        encoded: Mapping[str, Dataset],
        *,
        id2label: dict[int, str],
        scheme: str | None,
        types: Sequence[str],
    ):
        self.types = types
        self.evaluators = {
            split: EntityEvaluator(rows, encoded[split], id2label=id2label, scheme=scheme)
            for split, rows in dataset.items()
            if split != "train"
        }

    def scoring(self, split: str) -> EntityEvaluator:
        """`compute_metrics` while a split is predicted."""
        return self.evaluators[split]

    def decode(self, split: str, predictions: tuple) -> FoundEntities:
        """The entities of each text of a split."""
        return self.evaluators[split].entities(predictions)

    def answer(
        self, split: str, rows: Dataset, entities: FoundEntities, *, scores: dict[str, float], train: Dataset | None
    ) -> Answers:
        """The answers for a split; `scores`: those of its prediction, `train`: the training rows."""
        return answer_entities(split, rows, entities, table=self.evaluators[split].table, scores=scores, train=train)

    def decision(self) -> dict:
        """No fields: the model decodes by itself."""
        return {}

    def card(self, record: dict, reports: None) -> str:
        """The model card."""
        return ner_card(record, types=self.types, table=self.evaluators["validation"].table)


def answer_entities(
    split: str,
    rows: Dataset,
    entities: Sequence[Sequence[Entity]],
    *,
    table: dict,
    scores: Mapping[str, float],
    train: Dataset | None,
) -> Answers:
    """The answers for a split: without gold entities, its lines only.

    Args:
        table: of the scores by type, see `EntityF1`.
        scores: by name, with or without the prefix of the split.
        train: the training rows.
    """
    lines = entity_lines(rows, entities)
    if not any(rows["entities"]):
        return Answers(lines)
    errors = error_report.report_entities(rows, entities, table=table, scores=dict(scores), train=train)
    shown = describe_entities(split, table)
    return Answers(lines, shown, counts=count_entities(rows, entities), errors=errors)


def ner_card(record: dict, *, types: Sequence[str], table: dict[str, dict]) -> str:
    """Model card of an entity tagger.

    Args:
        types: entity types, sorted.
        table: per-class table of the validation set, see `EntityF1`.
    """
    arguments = record["arguments"]
    stock = is_stock(**{name: arguments[name] for name in ("head", "layers", "lstm_hidden")})
    spans = arguments["head"] == "span"
    return model_card(
        "ner_card",
        record,
        task="token-classification",
        tags=["named-entity-recognition", arguments["head"]],
        metrics=("f1", "precision", "recall"),
        auto="AutoModel" if spans else "AutoModelForTokenClassification",
        stock=stock,
        # The stock pipeline reads only B- and I- tags, and decides each token by itself.
        piped=not stock or (arguments["scheme"] == "bio" and not arguments["constrained_decoding"]),
        types=types,
        rows=table,
    )
