"""Training a few weights instead of all: what `--adapter` adds to an encoder whose own weights stay as they are."""

import hashlib
import logging
import re
import warnings
from collections.abc import Callable, Collection, Mapping

from peft import IA3Config, LNTuningConfig, LoraConfig, PeftConfig, inject_adapter_in_model
from torch import nn
from transformers import PreTrainedModel

from ..modeling.encoders import head_names
from ..modeling.pretrained_weights import load_weights
from .peft_methods import BiasConfig, BottleneckConfig
from .virtual_tokens import DEFAULT, VirtualTokens, VirtualTokensConfig

logger = logging.getLogger(__name__)

# What BERT and its kin, ALBERT, DistilBERT, DeBERTa and ModernBERT call their layers, as the ends of names.
QUERY_VALUE = r"query|value|query_proj|value_proj|q_lin|v_lin|q_proj|v_proj|Wqkv"
KEY_VALUE = r"key|value|key_proj|value_proj|k_lin|v_lin|k_proj|v_proj|Wqkv"
ATTENTION_OUTPUT = r"attention\.output\.dense|attention\.dense|attention\.out_lin|attn\.Wo"
FEED_FORWARD_OUTPUT = r"layer\.\d+\.output\.dense|ffn_output|ffn\.lin2|mlp\.Wo"


def choose_method(
    kind: str,
    encoder: PreTrainedModel,
    *,
    rank: int = 8,
    alpha: float | None = None,
    dropout: float = 0.0,
    all_layers: bool = False,
    dora: bool = False,
    rslora: bool = False,
    size: int = 64,
    count: int = 20,
) -> PeftConfig:
    """The method, fitted to an encoder.

    Args:
        kind: `lora` adds low-rank matrices to layers (Hu et al., 2022); `ia3` learns a factor for each key, value and
            unit of the feed-forward layers (Liu et al., 2022); `prefix` adds trainable vectors to the text in every
            layer (Li and Liang, 2021; Liu et al., 2022, P-tuning v2), `prompt` only at the embeddings (Lester et al.,
            2021), `p_tuning` there too, but made by a small network (Liu et al., 2021); `bitfit` trains the biases
            (Ben Zaken et al., 2022), `layernorm` the norms; `bottleneck` puts two small networks into each layer
            (Houlsby et al., 2019).
        encoder: without a head.
        rank, alpha, dropout, dora, rslora: of LoRA; alpha is twice the rank if None.
        all_layers: add LoRA to all linear layers, not only to queries and values.
        size: hidden units of a bottleneck.
        count: number of vectors.

    Raises:
        ValueError: the encoder has no layers with the known names, or no biases.
    """
    if kind in ("prefix", "prompt", "p_tuning"):
        made_by = "mlp" if kind == "p_tuning" else "none"
        return VirtualTokensConfig(count=count, encoder=made_by, deep=kind == "prefix")
    if kind == "lora":
        targets = _pattern(encoder, None if all_layers else QUERY_VALUE, lambda module: isinstance(module, nn.Linear))
        narrow = {"r": rank, "lora_alpha": alpha or 2 * rank, "lora_dropout": dropout}
        return LoraConfig(**narrow, use_dora=dora, use_rslora=rslora, target_modules=targets)
    if kind == "ia3":
        forward = _pattern(encoder, FEED_FORWARD_OUTPUT)
        targets = _pattern(encoder, f"{KEY_VALUE}|{FEED_FORWARD_OUTPUT}")
        return IA3Config(target_modules=targets, feedforward_modules=forward)
    if kind == "layernorm":
        return LNTuningConfig(target_modules=_pattern(encoder, fits=lambda module: isinstance(module, nn.LayerNorm)))
    if kind == "bottleneck":
        targets = _pattern(encoder, f"{ATTENTION_OUTPUT}|{FEED_FORWARD_OUTPUT}")
        return BottleneckConfig(target_modules=targets, size=size)
    if kind == "bitfit":
        return BiasConfig(target_modules=_pattern(encoder, fits=_is_biased))
    raise ValueError(f"expected lora, ia3, prefix, prompt, p_tuning, bitfit, layernorm or bottleneck, found {kind}")


def _is_biased(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear | nn.LayerNorm) and module.bias is not None


def _pattern(
    encoder: PreTrainedModel, ends: str | None = None, fits: Callable[[nn.Module], bool] = lambda _: True
) -> str:
    """A regular expression for names with these ends, or those of all layers that fit, also under a head.

    Layers for which `fits` is false are left out, and so is the pooler, which many checkpoints have not pre-trained.
    """
    if ends is None:
        found = {name.rpartition(".")[2] for name, module in encoder.named_modules() if fits(module)}
        ends = "|".join(sorted(map(re.escape, found)))
    pattern = rf"(.*\.)?({ends})"
    found = {name: module for name, module in encoder.named_modules() if ends and re.fullmatch(pattern, name)}
    wrong = sorted(re.escape(name) for name, module in found.items() if "pooler" not in name and not fits(module))
    if not any("pooler" not in name and fits(module) for name, module in found.items()):
        kind = encoder.config.model_type
        raise ValueError(f"{kind}: expected layers named {ends or 'as the adapter needs them'}, found none")
    return r"(?!.*\bpooler\b)" + (rf"(?!(.*\.)?({'|'.join(wrong)})$)" if wrong else "") + pattern


def inner_encoder(model: PreTrainedModel) -> PreTrainedModel:
    """The encoder below any head, also below that of a masked-language model."""
    while (inner := model.base_model) is not model:
        model = inner
    return model


def add_adapter(
    model: PreTrainedModel, method: PeftConfig, *, untrained: Collection[str], base: str, revision: str = "main"
) -> None:
    """Freeze a model, except for a new adapter and the parameters that were not pre-trained.

    Args:
        model: with its head; changed in place.
        method: see `choose_method`.
        untrained: names of the model's randomly initialised parameters, see `find_untrained`.
        base, revision: where the pre-trained weights are from; recorded in the adapter.

    Raises:
        ValueError: a randomly initialised parameter would stay frozen.
    """
    encoder = inner_encoder(model)
    inside = prefix_of(encoder, model)
    kept = [name.removeprefix(inside) for name in untrained if name.startswith(inside)]
    model.config.adapter_base = {"sha256": fingerprint(digest_weights(encoder), without=kept)}
    method.base_model_name_or_path = base
    method.revision = getattr(encoder.config, "_commit_hash", None) or revision
    model.requires_grad_(False)
    install(encoder, method)
    for name, parameter in model.named_parameters():
        if name in untrained:
            parameter.requires_grad_(True)
    refuse_frozen(model, untrained)
    model.adapter = method, list_parts(untrained, inside=inside)
    learning = sum(each.numel() for each in model.parameters() if each.requires_grad)
    total = sum(each.numel() for each in model.parameters())
    logger.info("%s of %s weights are trained (%.2f %%)", f"{learning:,}", f"{total:,}", 100 * learning / total)


def list_parts(names: Collection[str], *, inside: str) -> list[str]:
    """The modules that parameters belong to: direct children of a model, or of its encoder (with its prefix `inside`).

    Example:
        >>> list_parts({"classifier.weight", "classifier.bias", "bert.pooler.dense.weight"}, inside="bert.")
        ['bert.pooler', 'classifier']
    """
    parts = set()
    for name in names:
        before = inside if inside and name.startswith(inside) else ""
        parts.add(before + name.removeprefix(before).partition(".")[0])
    return sorted(parts)


def install(encoder: PreTrainedModel, method: PeftConfig) -> None:
    """Add an adapter to an encoder."""
    if isinstance(method, VirtualTokensConfig):
        VirtualTokens(method, encoder)
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Unsupported layer type")  # norms, which peft trains anyway
        inject_adapter_in_model(method, encoder, adapter_name=DEFAULT)


def find_untrained(model: PreTrainedModel, name_or_path: str, *, loading: Mapping | None = None) -> set[str]:
    """Names of parameters to train together with an adapter: the head, and a pooler that was never trained.

    Args:
        model: a stock model, or one of our heads. The output layer of a masked-language model is not a head.
        name_or_path: the checkpoint that it was built from.
        loading: keyword arguments for `from_pretrained`.
    """
    ours = hasattr(model, "HEAD_MODULES")
    part = getattr(model, model.base_model_prefix) if ours else model
    prefix = f"{model.base_model_prefix}."
    _, began_at_random = load_weights(type(part), name_or_path, loading={**(loading or {}), "config": part.config})
    untrained = {prefix * ours + name for name in began_at_random}
    if ours or not type(model).__name__.endswith("ForMaskedLM"):
        untrained |= set(head_names(model))
    return untrained & {name for name, _ in model.named_parameters()}


def refuse_frozen(model: nn.Module, untrained: Collection[str]) -> None:
    """Raise ValueError if a randomly initialised parameter is frozen."""
    frozen = [name for name, each in model.named_parameters() if name in untrained and not each.requires_grad]
    if frozen:
        raise ValueError(
            f"{', '.join(frozen[:5])}: expected randomly initialised weights to be trained, found them frozen; "
            "use another --adapter, or a checkpoint that has them"
        )


def digest_weights(encoder: nn.Module) -> dict[str, str]:
    """Hex digest of each of an encoder's weights, except the pooler, which many heads do not use."""
    return {
        name: hashlib.sha256(value.detach().float().cpu().contiguous().numpy().tobytes()).hexdigest()
        for name, value in encoder.state_dict().items()
        if "pooler" not in name
    }


def fingerprint(digests: Mapping[str, str], *, without: Collection[str] = ()) -> str:
    """One digest over `digest_weights`, so that an adapter is only used on the weights that it was trained with."""
    lines = (f"{name} {digests[name]}" for name in sorted(digests) if name not in without)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def prefix_of(encoder: nn.Module, model: nn.Module) -> str:
    """The prefix of an encoder's parameter names in a model, such as `bert.`."""
    name = next(name for name, module in model.named_modules() if module is encoder)
    return f"{name}." if name else ""
