"""Options of all scripts that learn classes of texts, and the training defaults that suit them."""

from dataclasses import dataclass

from ..data.errors import ArgumentError
from .arguments import option

CLASSIFIER_DEFAULTS = {
    "train_sampling_strategy": ("random", "where length goes with the class, batches of like length teach badly"),
}


@dataclass(frozen=True)
class ClassifierArguments:
    """The classifier on the encoder, and what it is taught."""

    _argument_group_name = "classifier"

    pooling: str = option(
        "cls",
        "How a text becomes one vector: `cls`: stock class; `mean`, `max`: over its tokens; `fusion`: mean and "
        "pooled output, 128 units each, added.",
        choices=["cls", "mean", "max", "fusion"],
        used_with="training",
    )
    fusion_weights: str = option(
        "learned",
        "Shares of the two features of fusion.",
        choices=["learned", "equal"],
        used_with="training pooling=fusion",
    )
    layers: str = option(
        "last",
        "`weighted` feeds the head a learned mix of all layers.",
        choices=["last", "weighted"],
        used_with="training",
    )
    dropout: float = option(0.1, "Dropout before the classifier, 0-1.", used_with="training", low=0, below=1)
    loss: str = option(
        "default",
        "`focal` plays down what is right already; `huber`, of scores: outliers teach less than by squared error.",
        choices=["default", "focal", "huber"],
        used_with="training",
    )
    focal_gamma: float = option(
        2.0, "How far focal loss does so; 0 not at all.", used_with="training loss=focal", low=0
    )
    class_weights: str = option(
        "none", "`auto` weighs rare classes up in the loss.", choices=["none", "auto"], used_with="training"
    )
    class_sampling: str = option(
        "none",
        "Draw rare classes more often: `balanced`: all equally; `square_root`: half the way.",
        choices=["none", "square_root", "balanced"],
        used_with="training",
    )
    logit_adjustment: float = option(
        0.0,
        "Add so much of the classes' log frequency to the logits in training, so that rare ones gain; 1 in full.",
        used_with="training",
        low=0,
    )

    def body(self) -> dict:
        """What `load_classifier` is told about the head."""
        names = ("pooling", "layers", "fusion_weights", "dropout")
        return {name: getattr(self, name) for name in names}

    def shaping(self, *, label_smoothing: float) -> dict:
        """What the `fit` of a loss is told."""
        gamma = self.focal_gamma if self.loss == "focal" else 0.0
        return {"balanced": self.class_weights == "auto", "label_smoothing": label_smoothing, "focal_gamma": gamma}

    def check_labels(self, *, multi_label: bool, regression: bool = False) -> None:
        """Refuse options that would silently do nothing to the data: several labels a text, or a score.

        Raises:
            ArgumentError: one of them is given.
        """
        if self.loss == "huber" and not regression:
            raise ArgumentError("--loss huber is for regression, but the labels are classes; leave it out")
        classes = {"loss focal": self.loss == "focal", "class_weights auto": self.class_weights != "none"}
        classes |= {"class_sampling": self.class_sampling != "none", "logit_adjustment": self.logit_adjustment}
        for flag in (flag for flag, given in classes.items() if given and regression):
            raise ArgumentError(f"--{flag} is for classes, but the labels are scores (regression); leave it out")
        for flag, given in {
            "class_sampling": self.class_sampling != "none",
            "logit_adjustment": self.logit_adjustment,
        }.items():
            if multi_label and given:
                raise ArgumentError(f"--{flag} needs one label a text, but the data is multi-label; leave it out")
