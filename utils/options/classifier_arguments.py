"""Options of the scripts that train text classifiers, and the training defaults that suit them."""

from dataclasses import dataclass

from ..data.errors import ArgumentError
from .arguments import option

CLASSIFIER_DEFAULTS = {
    "train_sampling_strategy": ("random", "where length depends on the class, batches of similar length train badly"),
}


@dataclass(frozen=True)
class ClassifierArguments:
    """The classifier on top of the encoder, its loss and its sampling."""

    _argument_group_name = "classifier"
    _used_with = "training"

    pooling: str = option(
        "cls",
        "How a text becomes one vector: `cls`: as in the stock class; `mean`, `max`: over its tokens; `fusion`: sum "
        "of mean and pooled output, 128 units each.",
        choices=["cls", "mean", "max", "fusion"],
    )
    fusion_weights: str = option(
        "learned",
        "Weights of the two features of `fusion`.",
        choices=["learned", "equal"],
        used_with="training pooling=fusion",
    )
    layers: str = option(
        "last", "`weighted` feeds the head a learned mix of all layers.", choices=["last", "weighted"]
    )
    dropout: float = option(0.1, "Dropout before the classifier, 0-1.", low=0, below=1)
    loss: str = option(
        "default",
        "`focal` gives less weight to examples that are already right; `huber` (regression) gives less weight to "
        "outliers than squared error does.",
        choices=["default", "focal", "huber"],
    )
    focal_gamma: float = option(
        2.0, "Strength of the focal loss; 0 weights all examples equally.", used_with="training loss=focal", low=0
    )
    class_weights: str = option("none", "`auto` gives rare classes more weight in the loss.", choices=["none", "auto"])
    class_sampling: str = option(
        "none",
        "Draw rare classes more often: `balanced`: all classes equally often; `square_root`: halfway.",
        choices=["none", "square_root", "balanced"],
    )
    logit_adjustment: float = option(
        0.0,
        "Add the log frequencies of the classes, times this, to the logits in training, so that rare classes are "
        "predicted more often; 1 is the full adjustment.",
        low=0,
    )

    def body(self) -> dict:
        """Arguments for `load_classifier` that describe the head."""
        names = ("pooling", "layers", "fusion_weights", "dropout")
        return {name: getattr(self, name) for name in names}

    def shaping(self, *, label_smoothing: float) -> dict:
        """Arguments for the `fit` of a loss."""
        gamma = self.focal_gamma if self.loss == "focal" else 0.0
        return {"balanced": self.class_weights == "auto", "label_smoothing": label_smoothing, "focal_gamma": gamma}

    def check_labels(self, *, multi_label: bool, regression: bool = False) -> None:
        """Refuse options that would silently do nothing with multi-label data, or with scores."""
        if self.loss == "huber" and not regression:
            raise ArgumentError("--loss huber is for regression, but the labels are classes; leave it out")
        one_label = {"class_sampling": self.class_sampling != "none", "logit_adjustment": self.logit_adjustment}
        classes = {"loss focal": self.loss == "focal", "class_weights auto": self.class_weights != "none"} | one_label
        for flag in (flag for flag, given in classes.items() if given and regression):
            raise ArgumentError(f"--{flag} is for classes, but the labels are scores (regression); leave it out")
        for flag in (flag for flag, given in one_label.items() if given and multi_label):
            raise ArgumentError(f"--{flag} needs one label per text, but the data is multi-label; leave it out")
