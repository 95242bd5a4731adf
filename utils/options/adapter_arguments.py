"""Options of `--adapter`: train a few weights instead of all of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..data.errors import ArgumentError
from .arguments import Options, option
from .training_choices import TrainingChoices

# Method -> factor on the learning rate of full fine-tuning, used when no --learning_rate is given.
FASTER = {"lora": 10, "ia3": 100, "prefix": 100, "prompt": 100, "p_tuning": 100}
FASTER |= {"bitfit": 10, "layernorm": 10, "bottleneck": 10}


@dataclass(frozen=True)
class AdapterArguments:
    """Train an adapter and the head; the encoder's own weights stay as they are."""

    _argument_group_name = "adapter"

    adapter: str = option(
        "none",
        "Train a few weights only: `lora`: low-rank matrices added to layers; `bottleneck`: small networks inside "
        "layers; `bitfit`: biases; `layernorm`: layer norms; `ia3`: factors on keys, values and feed-forward units; "
        "or vectors that are read with the text: in every layer (`prefix`), with the embeddings (`prompt`), made by a "
        "small network (`p_tuning`). --output_dir then holds the adapter, the head and the encoder's name.",
        choices=["none", "lora", "bottleneck", "bitfit", "layernorm", "ia3", "prefix", "prompt", "p_tuning"],
    )
    lora_rank: int = option(8, "Rank of LoRA's matrices.", used_with="adapter=lora", low=1)
    lora_alpha: float | None = option(
        None, "LoRA's scale; twice the rank if not given.", used_with="adapter=lora", above=0
    )
    lora_dropout: float = option(0.0, "Dropout before LoRA's matrices, 0-1.", used_with="adapter=lora", low=0, below=1)
    lora_layers: str = option(
        "attention",
        "Where LoRA is added: queries and values (`attention`), or `all` linear layers.",
        choices=["attention", "all"],
        used_with="adapter=lora",
    )
    use_dora: bool = option(
        False, "LoRA that learns magnitude and direction separately (DoRA).", used_with="adapter=lora"
    )
    use_rslora: bool = option(
        False,
        "Divide LoRA's scale by the square root of the rank, not by the rank (rsLoRA), for high ranks.",
        used_with="adapter=lora",
    )
    bottleneck_size: int = option(64, "Hidden units of each bottleneck.", used_with="adapter=bottleneck", low=1)
    virtual_tokens: int = option(
        20, "Number of vectors of prefix, prompt and p_tuning.", used_with="adapter=prefix,prompt,p_tuning", low=1
    )

    def check(self, options: Options) -> None:
        """Refuse options that would silently do nothing."""
        if self.adapter == "none":
            return
        if not options.trains or getattr(options, "train_from_config", None):
            raise ArgumentError(f"--adapter {self.adapter}: expected a pretrained model, and data to train on")
        if options.fgm_epsilon:
            raise ArgumentError("--fgm_epsilon moves word embeddings, which are frozen here; leave it out")
        if self.adapter == "prefix" and options.gradient_checkpointing:
            raise ArgumentError(
                "--gradient_checkpointing: recomputed layers would lack the vectors of --adapter prefix; leave it "
                "out, or use --adapter prompt or p_tuning"
            )

    def faster(self, choices: TrainingChoices) -> dict:
        """`learning_rate` as the method needs it; empty if the user has given one."""
        if self.adapter == "none" or "learning_rate" in choices.given:
            return {}
        return {"learning_rate": choices.learning_rate * FASTER[self.adapter]}

    def add_to(self, model, name_or_path: str, *, loading: Mapping | None = None):
        """Add the adapter to a model that has just been built from a checkpoint, and return the model.

        Raises:
            ArgumentError: the encoder does not support it.
        """
        if self.adapter == "none":
            return model
        from ..adapters import methods  # imports peft, which takes seconds

        settings = {"rank": self.lora_rank, "alpha": self.lora_alpha, "dropout": self.lora_dropout}
        settings |= {"all_layers": self.lora_layers == "all", "dora": self.use_dora, "rslora": self.use_rslora}
        settings |= {"size": self.bottleneck_size, "count": self.virtual_tokens}
        untrained = methods.find_untrained(model, name_or_path, loading=loading)
        try:
            method = methods.choose_method(self.adapter, methods.inner_encoder(model), **settings)
            revision = (loading or {}).get("revision", "main")
            methods.add_adapter(model, method, untrained=untrained, base=name_or_path, revision=revision)
        except ValueError as error:
            raise ArgumentError(f"--adapter {self.adapter}: {error}") from None
        return model
