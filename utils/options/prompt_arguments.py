"""Options of run_prompt.py."""

from collections.abc import Set
from dataclasses import dataclass, fields

from ..data.errors import ArgumentError
from .arguments import Options, option

_OF_OTHER_SCRIPTS = {
    **dict.fromkeys(
        ("dataset_name", "dataset_config_name"),
        "run_prompt.py reads files; save a split with `datasets`' to_json, and give it as --train_file or --test_file",
    ),
    "label_separator": "a cloze question has one answer; run_classification.py learns several labels a text",
}
_OF_FILLING = {"fill", "top_k", "output_file", "model_name_or_path", "model_revision", "trust_remote_code"}
_OF_SPANS = {"candidates", "max_span_length", "negatives", "entity_threshold", "share_texts"}
_OF_CLASSES = {
    *("search", "template_weights", "cleaning_file", "class_file", "positive_label"),
    *("text_column", "text_pair_column", "label_column", "id_column", "columns", "separator"),
    *("label_separator", "label_columns"),
}


@dataclass(frozen=True)
class PromptArguments:
    """The question, and the words that answer it."""

    _argument_group_name = "prompt"

    template: list[str] | None = option(
        None,
        "`{text}总的来说很{mask}。`, with {text_pair} for pairs, {span} for entities; {soft:8} are trainable vectors, "
        "{soft:words} begin as these words. Several are asked together: the mean of their log-probabilities.",
    )
    verbalizer: str | None = option(
        None,
        "Words of each class: a YAML or JSON file, or `{good: [好, 不错], bad: {差: 2, 烂: 1}}` (weights). Of "
        "entities one class is `O`: no entity.",
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
    positive_label: str | None = option(
        None,
        "Of two classes the one that precision, recall and F1 are about; a well-known one (1, yes, 正面, ...) if not "
        "given, else they are means over both.",
    )
    few_shot: int | None = option(
        None, "Train on so many examples of each class, drawn by --seed.", used_with="train_file", low=1
    )
    splits: int = option(
        1,
        "Draw --few_shot so many times, by seeds from --seed on: scores are mean ± std.",
        used_with="few_shot",
        low=1,
    )
    tune: str = option(
        "all",
        "What learns: everything, or only the trainable vectors of the template (`soft`), which want a learning rate "
        "100 times as high and some hundred steps.",
        choices=["all", "soft"],
        used_with="training",
    )
    soft_encoder: str = option(
        "none",
        "A small network makes the trainable vectors (P-tuning), so that they learn more evenly.",
        choices=["none", "mlp", "lstm"],
        used_with="training",
    )
    soft_layers: bool = option(
        False, "Every layer has trainable vectors of its own (P-tuning v2), not just the first.", used_with="training"
    )
    mlm_weight: float = option(
        0.0,
        "Hide 15 % of each text besides; weight of the loss at guessing them, e.g. 0.1. 2x the time.",
        used_with="training",
        low=0,
    )
    search: str | None = option(
        None,
        "Find label `words` for the template, the best of several `templates`, or a `trigger`: real words in place of "
        "{soft:4}; on --train_file, chosen by --validation_file. --output_file gets what the next run takes.",
        choices=["words", "templates", "trigger"],
    )
    words_per_class: int = option(3, "Label words that are searched for each class.", used_with="search=words", low=1)
    word_tokens: int = option(
        1,
        "Label words that are searched have at most so many tokens; longer ones come from texts.",
        used_with="search=words",
        low=1,
    )
    word_count: int = option(
        0,
        "Search among words that --train_file has so often; 0 for the whole vocabulary.",
        used_with="search=words",
        low=0,
    )
    search_steps: int = option(
        50, "Places of a trigger that are looked at, one after the other.", used_with="search=trigger", low=1
    )
    candidates: str = option(
        "ngrams",
        "Spans that may be entities: all `ngrams` inside punctuation, or jieba's `segments` and runs of them.",
        choices=["ngrams", "segments"],
    )
    max_span_length: int = option(8, "The most characters, or words of other scripts, of such a span.", low=1)
    negatives: float = option(
        5.0, "Train on so many spans that are no entity for each that is one.", used_with="training", low=0
    )
    entity_threshold: float | None = option(
        None, "Log-odds against `O` above which a span is an entity; else 0, after training the best on validation."
    )
    share_texts: bool = option(
        False, "Read each text once for all its spans: several times as fast, with other, mostly worse, answers."
    )
    fill: list[str] | None = option(None, "Sentences whose [MASK]s are filled.")
    text: list[str] | None = option(None, "Texts to classify and explain.")
    text_pair: list[str] | None = option(None, "The second text of each.", used_with="text")
    top_k: int = option(5, "How many fillings, or classes, are shown.", low=1)
    output_file: str | None = option(None, "Write what --fill and --text find here, too: a line of JSON each.")

    def searching(self, *, seed: int) -> dict:
        """What a search is told."""
        if self.search == "words":
            found = {"per_class": self.words_per_class, "most_tokens": self.word_tokens, "min_count": self.word_count}
            return found
        return {"steps": self.search_steps, "seed": seed, "by_batch": self.calibrate == "batch"}

    def spans(self, *, seed: int) -> dict:
        """What a task about spans is told."""
        own = {"kind": self.candidates, "max_length": self.max_span_length, "negatives": self.negatives}
        return own | {"threshold": self.entity_threshold, "share_texts": self.share_texts, "seed": seed}

    def body(self) -> dict:
        """What the configuration of a `ClozeClassifier` is told."""
        return {name: getattr(self, name) for name in ("aggregation", "soft_encoder", "soft_layers")}

    def check(self, options: Options) -> None:
        """Refuse what contradicts each other, and what was given and would do nothing."""
        given, tunes = options.given, options.trains
        if flags := given & _OF_OTHER_SCRIPTS.keys():
            flag = min(flags)
            raise ArgumentError(f"--{flag}: {_OF_OTHER_SCRIPTS[flag]}")
        if self.fill and (flags := given & {each.name for each in fields(self)} - _OF_FILLING):
            raise ArgumentError(f"--{min(flags)} does nothing with --fill; leave one of them out")
        if self.output_file and not (self.fill or self.text or self.search):
            raise ArgumentError("--output_file: expected --fill, --text or --search, whose answers it gets")
        if not self.fill and not (self.template and (self.verbalizer or self.search == "words")):
            raise ArgumentError("expected --template and --verbalizer")
        if self.search and not (options.train_file and self.output_file):
            raise ArgumentError("--search: expected --train_file with examples, and --output_file for what is found")
        if self.search and (options.test_file or self.text):
            raise ArgumentError(
                "--search: expected no --test_file and --text; the next run takes what is found to them"
            )
        if self.search and self.calibrate != "none" and (self.search, self.calibrate) != ("trigger", "batch"):
            raise ArgumentError(f"--search {self.search}: expected no --calibrate; `batch` is for a trigger")
        if self.text_pair and len(self.text_pair) != len(self.text or []):
            raise ArgumentError("--text_pair: expected as many as --text")
        if tunes and self.calibrate != "none":
            raise ArgumentError("--calibrate is for zero-shot, without --train_file")
        if self.splits > 1 and "push_to_hub" in given:
            raise ArgumentError("--push_to_hub: expected one run, found --splits; push one with scripts/push.sh")
        if self.splits > 1 and not self.few_shot:
            raise ArgumentError("--splits: expected --few_shot, whose examples are drawn anew for each")
        if tunes and len(self.template or []) > 1:
            raise ArgumentError("--template: expected one to train, found several")
        learning = {"few_shot": self.few_shot, "aggregation learned": self.aggregation == "learned"}
        learning |= {"tune soft": self.tune != "all", "mlm_weight": self.mlm_weight}
        learning |= {"soft_encoder": self.soft_encoder != "none", "soft_layers": self.soft_layers}
        if self.search:
            learning.pop("few_shot")
        if not tunes and (given := [f"--{flag}" for flag, value in learning.items() if value]):
            raise ArgumentError(f"{', '.join(given)}: expected --train_file to learn from")
        if options.fgm_epsilon and self.tune != "all":
            raise ArgumentError("--fgm_epsilon moves word embeddings, which do not learn here; leave it out")
        if self.template_weights == "validation" and len(self.template or []) < 2:
            raise ArgumentError("--template_weights validation: expected several templates")
        if (self.calibrate == "prior") != bool(self.prior_file):
            raise ArgumentError("--calibrate prior and --prior_file: expected both, or none")
        adapter = options.adapter
        if adapter != "none" and self.tune != "all":
            raise ArgumentError(f"--adapter {adapter}: expected --tune all; --tune soft trains vectors alone")
        if adapter in ("prefix", "prompt", "p_tuning") and self.soft_layers:
            raise ArgumentError(f"--adapter {adapter}: expected no --soft_layers, which are such vectors, too")

    def check_templates(
        self, *, soft: bool, pair: bool, spans: bool, tunes: bool, given: Set[str] = frozenset()
    ) -> None:
        """Refuse what contradicts the templates: whether they have trainable vectors, pairs or spans."""
        if soft != (self.search == "trigger") and self.search:
            expected = "trainable vectors, whose places are filled" if self.search == "trigger" else "no {soft:...}"
            raise ArgumentError(f"--search {self.search}: expected a template with {expected}")
        if soft and not tunes and not self.search:
            raise ArgumentError("--template: trainable vectors need --train_file")
        wanting = {"tune soft": self.tune != "all", "soft_encoder": self.soft_encoder != "none"}
        for flag in (flag for flag, given in (wanting | {"soft_layers": self.soft_layers}).items() if given):
            if not soft:
                raise ArgumentError(f"--{flag}: expected a template with trainable vectors, such as {{soft:8}}")
        if self.text and pair != bool(self.text_pair):
            raise ArgumentError(
                "the template has {text_pair}: expected --text_pair" if pair else "the template has no {text_pair}"
            )
        for flag in sorted(given & (_OF_CLASSES if spans else _OF_SPANS)):
            expected = "without {span}; it is for classes" if spans else "with {span}; it is for entities"
            raise ArgumentError(f"--{flag}: expected a template {expected}")
