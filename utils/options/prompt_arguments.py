"""Options of run_prompt.py."""

from collections.abc import Set
from dataclasses import dataclass

from ..data.errors import ArgumentError
from .arguments import Options, option

_OF_OTHER_SCRIPTS = {
    **dict.fromkeys(
        ("dataset_name", "dataset_config_name"),
        "run_prompt.py reads files; save a split with `datasets`' to_json, and give it as --train_file or --test_file",
    ),
    "label_separator": "a cloze question has one answer; use run_classification.py for several labels per text",
}
_OF_FILLING = {
    *("fill", "top_k", "output_file", "model_name_or_path", "model_revision", "trust_remote_code"),
    *("output_dir", "use_cpu", "precision", "seed", "log_level", "disable_tqdm"),  # of every run
}
_OF_SPANS = {"candidates", "max_span_length", "negatives", "entity_threshold", "share_texts"}
_OF_CLASSES = {
    *("search", "template_weights", "cleaning_file", "class_file", "positive_label", "top_k"),
    *("text_column", "text_pair_column", "label_column", "label_columns", "id_column", "columns", "separator"),
}


@dataclass(frozen=True)
class PromptArguments:
    """The templates, and the words that fill them."""

    _argument_group_name = "prompt"

    template: list[str] | None = option(
        None,
        "Such as `{text}总的来说很{mask}。`, with {text_pair} for pairs, {span} for entities; {soft:8} stands for 8 "
        "trainable vectors, {soft:words} for vectors that begin as these words. The log-probabilities of several "
        "templates are averaged.",
    )
    verbalizer: str | None = option(
        None,
        "Words of each class: a YAML or JSON file, or `{good: [好, 不错], bad: {差: 2, 烂: 1}}` (with weights). For "
        "entities, one class is `O`: no entity.",
    )
    aggregation: str = option(
        "mean",
        "How the words of a class give its score: weighted `mean` of log-probabilities, `max`, or `learned` weights.",
        choices=["mean", "max", "learned"],
    )
    calibrate: str = option(
        "none",
        "Zero-shot: divide out the prior probability of the classes, measured on an empty text (`content_free`), on "
        "--prior_file (`prior`), or on each file that is scored (`batch`).",
        choices=["none", "content_free", "prior", "batch"],
    )
    prior_file: str | None = option(None, "Texts, labelled or not, on which `--calibrate prior` measures the prior.")
    template_weights: str = option(
        "equal",
        "Weights of several templates: `equal`, or fitted on --validation_file (`validation`).",
        choices=["equal", "validation"],
        used_with="!search validation_file",
    )
    positive_label: str | None = option(
        None,
        "With two classes, the one that precision, recall and F1 refer to. If not given, one with a well-known name "
        "(1, yes, 正面, ...); without such a name the scores are means over both classes.",
        used_with="!search",
    )
    few_shot: int | None = option(
        None, "Train on this many examples of each class, drawn by --seed.", used_with="train_file", low=1
    )
    splits: int = option(
        1,
        "Repeat the draw of --few_shot this many times, with seeds from --seed on; scores are mean ± std.",
        used_with="few_shot !search",
        low=1,
    )
    tune: str = option(
        "all",
        "What is trained: the whole model (`all`), or only the trainable vectors of the template (`soft`), which need "
        "a learning rate 100 times as high and a few hundred steps.",
        choices=["all", "soft"],
        used_with="training",
    )
    soft_encoder: str = option(
        "none",
        "Compute the trainable vectors with a small network (P-tuning), so that they learn more evenly.",
        choices=["none", "mlp", "lstm"],
        used_with="training",
    )
    soft_layers: bool = option(
        False, "Give every layer trainable vectors, not just the first (P-tuning v2).", used_with="training"
    )
    mlm_weight: float = option(
        0.0,
        "Also mask 15 % of each text, and add the loss of predicting it with this weight, e.g. 0.1; 2x the time.",
        used_with="training",
        low=0,
    )
    search: str | None = option(
        None,
        "Find label `words` for the template, the best of several `templates`, or a `trigger` (real words in place of "
        "{soft:4}) on --train_file; the last two choose on --validation_file. The result goes to --output_file, which "
        "the next run takes as its configuration.",
        choices=["words", "templates", "trigger"],
    )
    words_per_class: int = option(3, "Label words to find for each class.", used_with="search=words", low=1)
    word_tokens: int = option(
        1,
        "Find label words of at most this many tokens; those of several tokens come from the training texts.",
        used_with="search=words",
        low=1,
    )
    word_count: int = option(
        0,
        "Search among words that occur this often or more in --train_file; 0 for the whole vocabulary.",
        used_with="search=words",
        low=0,
    )
    search_steps: int = option(
        50, "Steps of the search for a trigger, each at one of its words.", used_with="search=trigger", low=1
    )
    candidates: str = option(
        "ngrams",
        "Spans that may be entities: all `ngrams` between punctuation, or `segments` of jieba and sequences of them.",
        choices=["ngrams", "segments"],
    )
    max_span_length: int = option(
        8, "Maximum length of such a span, in characters of Chinese or words of other scripts.", low=1
    )
    negatives: float = option(
        5.0, "Train on this many spans that are not entities for each one that is.", used_with="training", low=0
    )
    entity_threshold: float | None = option(
        None,
        "Log-odds against `O` above which a span is an entity. If not given, 0, or after training the best value on "
        "validation data.",
    )
    share_texts: bool = option(
        False, "Read each text once for all its spans: several times as fast, but answers differ and are mostly worse."
    )
    fill: list[str] | None = option(None, "Sentences whose [MASK]s are filled.")
    text: list[str] | None = option(None, "Texts to classify and explain.")
    text_pair: list[str] | None = option(None, "The second text of each pair.", used_with="text")
    top_k: int = option(5, "How many fillings, or classes, are shown.", used_with="!search", low=1)
    output_file: str | None = option(None, "Also write the results of --fill and --text here, as JSON lines.")

    def searching(self, *, seed: int) -> dict:
        """Arguments for `PromptSearch.run`."""
        if self.search == "words":
            return {"per_class": self.words_per_class, "most_tokens": self.word_tokens, "min_count": self.word_count}
        return {"steps": self.search_steps, "seed": seed, "by_batch": self.calibrate == "batch"}

    def spans(self, *, seed: int) -> dict:
        """Arguments for `ClozeEntities`."""
        own = {"kind": self.candidates, "max_length": self.max_span_length, "negatives": self.negatives}
        return own | {"threshold": self.entity_threshold, "share_texts": self.share_texts, "seed": seed}

    def body(self) -> dict:
        """Fields for the configuration of a `ClozeClassifier`."""
        return {name: getattr(self, name) for name in ("aggregation", "soft_encoder", "soft_layers")}

    def always_used(self) -> dict[str, str]:
        """Options that have an effect without training, too, for `check_use`."""
        return dict.fromkeys(["max_length", "cleaning_file", *(["max_train_samples"] if self.search else [])], "")

    def check(self, options: Options) -> None:
        """Refuse options that contradict each other, and options that would do nothing."""
        given, tunes = options.given, options.trains
        if flags := given & _OF_OTHER_SCRIPTS.keys():
            flag = min(flags)
            raise ArgumentError(f"--{flag}: {_OF_OTHER_SCRIPTS[flag]}")
        if self.fill and (flags := given - _OF_FILLING):
            raise ArgumentError(f"--{min(flags)} does nothing with --fill; leave one of them out")
        if self.output_file and not (self.fill or self.text or self.search):
            raise ArgumentError("--output_file: expected --fill, --text or --search, whose results it gets")
        if not self.fill and not (self.template and (self.verbalizer or self.search == "words")):
            raise ArgumentError("expected --template and --verbalizer")
        if self.search and not (options.train_file and self.output_file):
            raise ArgumentError("--search: expected --train_file with examples, and --output_file for the result")
        if self.search and (options.test_file or self.text):
            raise ArgumentError("--search: expected no --test_file or --text; give them to the next run")
        if self.search == "words" and (flags := given & {"aggregation", "verbalizer"}):
            raise ArgumentError(f"--{min(flags)} does nothing with --search words; leave one of them out")
        if self.search in ("words", "trigger") and len(self.template) > 1:
            raise ArgumentError(f"--search {self.search}: expected one template, found several")
        if self.search and self.calibrate != "none" and (self.search, self.calibrate) != ("trigger", "batch"):
            raise ArgumentError(f"--search {self.search}: expected no --calibrate; `batch` is for a trigger")
        if self.search == "words" and (flags := given & {"validation_file", "max_eval_samples"}):
            raise ArgumentError(
                f"--{min(flags)} does nothing with --search words, which learns from --train_file alone"
            )
        if self.text and self.calibrate == "batch":
            raise ArgumentError(
                "--calibrate batch divides out the mean answer to the texts of a file, which of a single text is all; "
                "for --text take content_free, or prior with --prior_file"
            )
        if self.text_pair and len(self.text_pair) != len(self.text or []):
            raise ArgumentError("--text_pair: expected as many texts as in --text")
        if tunes and self.calibrate != "none":
            raise ArgumentError("--calibrate is for zero-shot runs; leave it out, or leave out --train_file")
        if self.splits > 1 and self.output_file:
            raise ArgumentError("--output_file: expected one run, found --splits; each run would write the same file")
        if self.splits > 1 and "push_to_hub" in given:
            raise ArgumentError("--push_to_hub: expected one run, found --splits; push one with scripts/push.sh")
        if tunes and len(self.template or []) > 1:
            raise ArgumentError("--template: expected one template for training, found several")
        if not tunes and self.aggregation == "learned":
            raise ArgumentError("--aggregation learned: expected --train_file to learn from")
        if options.fgm_epsilon and self.tune != "all":
            raise ArgumentError("--fgm_epsilon moves word embeddings, which are frozen here; leave it out")
        if self.template_weights == "validation" and len(self.template or []) < 2:
            raise ArgumentError("--template_weights validation: expected several templates")
        if (self.calibrate == "prior") != bool(self.prior_file):
            raise ArgumentError("--calibrate prior and --prior_file: expected both, or neither")
        adapter = options.adapter
        if adapter != "none" and self.tune != "all":
            raise ArgumentError(f"--adapter {adapter}: expected --tune all; --tune soft trains only the vectors")
        if adapter in ("prefix", "prompt", "p_tuning") and self.soft_layers:
            raise ArgumentError(f"--adapter {adapter}: expected no --soft_layers, which adds such vectors too")

    def check_templates(
        self, *, soft: bool, pair: bool, spans: bool, tunes: bool, given: Set[str] = frozenset()
    ) -> None:
        """Refuse options that contradict the templates, which may have trainable vectors, pairs or spans."""
        if soft != (self.search == "trigger") and self.search:
            expected = "{soft:...} for the words to find" if self.search == "trigger" else "no {soft:...}"
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
