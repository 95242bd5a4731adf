"""Options of run_prompt.py."""

import math
from dataclasses import dataclass

from .arguments import ArgumentError, option


@dataclass
class PromptArguments:
    """The question, and the words that answer it."""

    _argument_group_name = "prompt"

    template: list[str] | None = option(
        None,
        "`{text}总的来说很{mask}。`, with {text_pair} for pairs; {soft:8} are trainable vectors, {soft:words} begin "
        "as these words. Several are asked together: the mean of their log-probabilities.",
    )
    verbalizer: str | None = option(
        None, "Words of each class: a YAML or JSON file, or `{good: [好, 不错], bad: {差: 2, 烂: 1}}` (weights)."
    )
    aggregation: str = option(
        "mean",
        "How words make the score of a class: weighted `mean` of log-probabilities, `max`, or `learned` shares.",
        choices=["mean", "max", "learned"],
    )
    calibrate: str = option(
        "none",
        "Zero-shot: divide out how probable classes are before anything is read: on an empty text (`content_free`), "
        "on --prior_file (`prior`), or on each file that is scored (`batch`).",
        choices=["none", "content_free", "prior", "batch"],
    )
    prior_file: str | None = option(None, "Texts, labelled or not, that `--calibrate prior` measures on.")
    template_weights: str = option(
        "equal",
        "How much each of several templates counts: all the same, or what suits --validation_file (`validation`).",
        choices=["equal", "validation"],
    )
    few_shot: int | None = option(None, "Train on so many examples of each class, drawn by --seed.")
    splits: int = option(1, "Draw --few_shot so many times, by seeds from --seed on: scores are mean ± std.")
    tune: str = option(
        "all",
        "What learns: everything, or only the trainable vectors of the template (`soft`), which want a learning rate "
        "100 times as high and some hundred steps.",
        choices=["all", "soft"],
    )
    soft_encoder: str = option(
        "none",
        "A small network makes the trainable vectors (P-tuning), so that they learn more evenly.",
        choices=["none", "mlp", "lstm"],
    )
    soft_layers: bool = option(
        False, "Every layer has trainable vectors of its own (P-tuning v2), not just the first."
    )
    mlm_weight: float = option(
        0.0, "Hide 15 % of each text besides; weight of the loss at guessing them, e.g. 0.1. 2x the time."
    )
    fill: list[str] | None = option(None, "Sentences whose [MASK]s are filled.")
    text: list[str] | None = option(None, "Texts to classify and explain.")
    text_pair: list[str] | None = option(None, "The second text of each.")
    top_k: int = option(5, "How many fillings, or classes, are shown.")
    output_file: str | None = option(None, "Write what --fill and --text find here, too: a line of JSON each.")

    def check(self, *, tunes: bool) -> None:
        """Refuse what contradicts each other."""
        if self.top_k < 1 or (self.few_shot is not None and self.few_shot < 1):
            raise ArgumentError("--top_k, --few_shot: expected 1 or more")
        if self.text_pair and len(self.text_pair) != len(self.text or []):
            raise ArgumentError("--text_pair: expected as many as --text")
        if tunes and self.calibrate != "none":
            raise ArgumentError("--calibrate is for zero-shot, without --train_file")
        if self.splits < 1 or not 0 <= self.mlm_weight < math.inf:
            raise ArgumentError("--splits: expected 1 or more; --mlm_weight: expected 0 or more")
        if self.splits > 1 and not self.few_shot:
            raise ArgumentError("--splits: expected --few_shot, whose examples are drawn anew for each")
        if tunes and len(self.template or []) > 1:
            raise ArgumentError("--template: expected one to train, found several")
        learning = {"few_shot": self.few_shot, "aggregation learned": self.aggregation == "learned"}
        learning |= {"tune soft": self.tune != "all", "mlm_weight": self.mlm_weight}
        learning |= {"soft_encoder": self.soft_encoder != "none", "soft_layers": self.soft_layers}
        if not tunes and (given := [f"--{flag}" for flag, value in learning.items() if value]):
            raise ArgumentError(f"{', '.join(given)}: expected --train_file to learn from")
        if self.template_weights == "validation" and len(self.template or []) < 2:
            raise ArgumentError("--template_weights validation: expected several templates")
        if (self.calibrate == "prior") != bool(self.prior_file):
            raise ArgumentError("--calibrate prior and --prior_file: expected both, or none")

    def check_templates(self, *, soft: bool, pair: bool, tunes: bool) -> None:
        """Refuse what contradicts the templates: whether they have trainable vectors, and places for pairs."""
        if soft and not tunes:
            raise ArgumentError("--template: trainable vectors need --train_file")
        wanting = {"tune soft": self.tune != "all", "soft_encoder": self.soft_encoder != "none"}
        for flag in (flag for flag, given in (wanting | {"soft_layers": self.soft_layers}).items() if given):
            if not soft:
                raise ArgumentError(f"--{flag}: expected a template with trainable vectors, such as {{soft:8}}")
        if self.text and pair != bool(self.text_pair):
            raise ArgumentError(
                "the template has {text_pair}: expected --text_pair" if pair else "the template has no {text_pair}"
            )
