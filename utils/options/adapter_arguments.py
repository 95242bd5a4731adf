"""Options of `--adapter`: training few weights in place of all."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..data.errors import ArgumentError
from .arguments import option
from .shared_arguments import TrickArguments

logger = logging.getLogger(__name__)

# Method -> how much faster it learns than full tuning does, when no --learning_rate is given.
FASTER = {"lora": 10, "ia3": 100, "prefix": 100, "prompt": 100, "p_tuning": 100}
FASTER |= {"bitfit": 10, "layernorm": 10, "bottleneck": 10}


@dataclass
class AdapterArguments:
    """Training few weights: the encoder stays, but for an adapter; heads learn as ever."""

    _argument_group_name = "adapter"

    adapter: str = option(
        "none",
        "`lora`: products of narrow matrices beside layers; `bottleneck`: small networks inside layers; `bitfit`: "
        "biases; `layernorm`: norms; `ia3`: factors of keys, values and units; `prefix`, `prompt`, `p_tuning`: "
        "vectors beside the text, in every layer, on the embeddings, made by a small network. --output_dir then holds "
        "the adapter and the head, and names the encoder.",
        choices=["none", "lora", "bottleneck", "bitfit", "layernorm", "ia3", "prefix", "prompt", "p_tuning"],
    )
    lora_rank: int = option(8, "Width of LoRA's matrices.", used_with="adapter=lora", low=1)
    lora_alpha: float | None = option(
        None, "LoRA's scale; twice the rank if not given.", used_with="adapter=lora", above=0
    )
    lora_dropout: float = option(0.0, "Dropout before LoRA's matrices, 0-1.", used_with="adapter=lora", low=0, below=1)
    lora_layers: str = option(
        "attention",
        "Queries and values, or `all` linear layers.",
        choices=["attention", "all"],
        used_with="adapter=lora",
    )
    use_dora: bool = option(False, "LoRA that learns lengths and directions apart (DoRA).", used_with="adapter=lora")
    use_rslora: bool = option(
        False, "LoRA scaled by the root of its rank (rsLoRA), for high ranks.", used_with="adapter=lora"
    )
    bottleneck_size: int = option(64, "Units of a bottleneck.", used_with="adapter=bottleneck", low=1)
    virtual_tokens: int = option(
        20, "Vectors of prefix, prompt and p_tuning.", used_with="adapter=prefix,prompt,p_tuning", low=1
    )
    chosen_rate: float | None = field(default=None, init=False, repr=False)

    def check(self, flags: TrickArguments, training, *, trains: bool) -> None:
        """Refuse options that would silently do nothing, and settle the learning rate, see `changes`.

        Args:
            flags: of the tricks.
            training: its learning rate grows with the method, where the user has given none.
            trains: whether a pre-trained model learns at all.

        Raises:
            ArgumentError: as described.
        """
        if self.adapter == "none":
            return
        if not trains:
            raise ArgumentError(f"--adapter {self.adapter}: expected a model that has learnt, and data to train it on")
        if flags.fgm_epsilon:
            raise ArgumentError("--fgm_epsilon moves word embeddings, which do not learn here; leave it out")
        if self.adapter == "prefix" and training.gradient_checkpointing:
            raise ArgumentError(
                "--gradient_checkpointing: layers that run again would miss the vectors of --adapter prefix; leave it "
                "out, or take prompt or p_tuning"
            )
        if "learning_rate" not in training.given:
            self.chosen_rate = training.learning_rate * FASTER[self.adapter]

    def changes(self) -> dict:
        """What `TrainingChoices.build` is told."""
        return {} if self.chosen_rate is None else {"learning_rate": self.chosen_rate}

    def add_to(self, model, name_or_path: str, *, loading: Mapping | None = None):
        """Add the adapter to a model that has just been built from a checkpoint; the model itself.

        Raises:
            ArgumentError: the encoder cannot have it.
        """
        if self.adapter == "none":
            return model
        from ..adapters import methods  # peft takes seconds

        if self.chosen_rate:
            logger.info("--learning_rate %g: %s x that of full tuning", self.chosen_rate, FASTER[self.adapter])
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
