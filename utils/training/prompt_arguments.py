"""Options of run_prompt.py."""

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
    few_shot: int | None = option(None, "Train on so many examples of each class, drawn by --seed.")
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
        if tunes and len(self.template or []) > 1:
            raise ArgumentError("--template: expected one to train, found several")
        if not tunes and (self.few_shot or self.aggregation == "learned"):
            raise ArgumentError("--few_shot, --aggregation learned: expected --train_file to learn from")
        if (self.calibrate == "prior") != bool(self.prior_file):
            raise ArgumentError("--calibrate prior and --prior_file: expected both, or none")
