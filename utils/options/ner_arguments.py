"""Options of run_ner.py."""

from dataclasses import dataclass

from .arguments import option


@dataclass(frozen=True)
class NerArguments:
    """The head, and what it is taught."""

    _argument_group_name = "named-entity recognition"

    head: str = option(
        "crf",
        "`softmax`: stock class, each token alone; `crf`: best tag sequence; `span`: start-end pairs, may nest.",
        choices=["softmax", "crf", "span"],
        used_with="training",
    )
    scheme: str = option(
        "bio",
        "Tag scheme of softmax and crf.",
        choices=["bio", "bios", "bioes"],
        used_with="training head=softmax,crf",
    )
    crf_learning_rate: float | None = option(
        None,
        "Of the CRF's transitions; 10 x --learning_rate if not given.",
        used_with="training head=crf",
        low=0,
    )
    constrained_decoding: bool = option(
        False, "Softmax: take the best sequence that the scheme permits.", used_with="training head=softmax"
    )
    layers: str = option(
        "last",
        "`weighted` feeds the head a learned mix of all layers.",
        choices=["last", "weighted"],
        used_with="training",
    )
    lstm_hidden: int = option(
        0, "Units of a BiLSTM between encoder and head, in each direction; 0 for none.", used_with="training", low=0
    )
    dropout: float = option(0.1, "Dropout before the head, 0-1.", used_with="training", low=0, below=1)
    nested: str = option(
        "auto",
        "Span: entities may overlap; auto: if any do in training.",
        choices=["auto", "yes", "no"],
        used_with="training head=span",
    )
    loss: str = option(
        "default",
        "`focal` plays down what is right (softmax, span).",
        choices=["default", "focal"],
        used_with="training head=softmax,span",
    )
    focal_gamma: float = option(
        2.0, "How far focal loss does so; 0 not at all.", used_with="training loss=focal", low=0
    )
    class_weights: str = option(
        "none",
        "`auto` weighs rare classes up (softmax, span).",
        choices=["none", "auto"],
        used_with="training head=softmax,span",
    )

    def body(self) -> dict:
        """What is on the encoder, as `load_tagger` and `is_stock` are told."""
        return {"head": self.head, "layers": self.layers, "lstm_hidden": self.lstm_hidden}
