"""Options of run_ner.py."""

from dataclasses import dataclass

from .arguments import option


@dataclass(frozen=True)
class NerArguments:
    """The head and its loss."""

    _argument_group_name = "named-entity recognition"
    _used_with = "training"

    head: str = option(
        "crf",
        "`softmax`: stock class, each token on its own; `crf`: best tag sequence; `span`: start-end pairs, which may "
        "nest.",
        choices=["softmax", "crf", "span"],
    )
    scheme: str = option(
        "bio",
        "Tag scheme of softmax and crf.",
        choices=["bio", "bios", "bioes"],
        used_with="training head=softmax,crf",
    )
    crf_learning_rate: float | None = option(
        None,
        "Learning rate of the CRF's transitions; 10 x --learning_rate if not given.",
        used_with="training head=crf",
        low=0,
    )
    constrained_decoding: bool = option(
        False, "Softmax: decode the best tag sequence that the scheme permits.", used_with="training head=softmax"
    )
    layers: str = option(
        "last", "`weighted` feeds the head a learned mix of all layers.", choices=["last", "weighted"]
    )
    lstm_hidden: int = option(0, "Units of a BiLSTM between encoder and head, in each direction; 0 for none.", low=0)
    dropout: float = option(0.1, "Dropout before the head, 0-1.", low=0, below=1)
    nested: str = option(
        "auto",
        "Span: whether entities may overlap; `auto`: if any do in the training data.",
        choices=["auto", "yes", "no"],
        used_with="training head=span",
    )
    loss: str = option(
        "default",
        "`focal` gives less weight to what is already right (softmax, span).",
        choices=["default", "focal"],
        used_with="training head=softmax,span",
    )
    focal_gamma: float = option(
        2.0, "Strength of the focal loss; 0 weights everything equally.", used_with="training loss=focal", low=0
    )
    class_weights: str = option(
        "none",
        "`auto` gives rare classes more weight in the loss (softmax, span).",
        choices=["none", "auto"],
        used_with="training head=softmax,span",
    )

    def body(self) -> dict:
        """Arguments for `load_tagger` and `is_stock` that describe the head."""
        return {"head": self.head, "layers": self.layers, "lstm_hidden": self.lstm_hidden}
