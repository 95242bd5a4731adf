"""Options of the scripts that train text classifiers, and the training defaults that suit them."""

from dataclasses import dataclass

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
        labels={"focal": "single multi", "huber": "regression"},
    )
    focal_gamma: float = option(
        2.0, "Strength of the focal loss; 0 weights all examples equally.", used_with="training loss=focal", low=0
    )
    class_weights: str = option(
        "none",
        "`auto` gives rare classes more weight in the loss.",
        choices=["none", "auto"],
        labels="single multi",
    )
    class_sampling: str = option(
        "none",
        "Draw rare classes more often: `balanced`: all classes equally often; `square_root`: halfway.",
        choices=["none", "square_root", "balanced"],
        labels="single",
    )
    logit_adjustment: float = option(
        0.0,
        "Add the log frequencies of the classes, times this, to the logits in training, so that rare classes are "
        "predicted more often; 1 is the full adjustment.",
        labels="single",
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
