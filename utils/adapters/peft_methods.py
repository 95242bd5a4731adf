"""Two methods that peft lacks, written as peft methods: bottleneck adapters and training biases only."""

from dataclasses import dataclass

import torch
from peft import PeftConfig, mapping
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer, check_adapters_to_merge
from torch import Tensor, nn
from torch.nn.functional import gelu

SPREAD = 0.01  # std of a bottleneck's initial weights: so small that it is near the identity (Houlsby et al.: 1e-2)


@dataclass
class BottleneckConfig(PeftConfig):
    """Bottleneck adapters (Houlsby et al., 2019, section 2.1)."""

    target_modules: str | None = None  # regular expression of the layers that are followed by one
    size: int = 64  # hidden units
    modules_to_save: list[str] | None = None  # other modules of the model that were trained completely

    def __post_init__(self):
        self.peft_type = "BOTTLENECK"


@dataclass
class BiasConfig(PeftConfig):
    """Train biases only (Ben Zaken et al., 2022)."""

    target_modules: str | None = None  # regular expression of the layers whose biases are trained
    modules_to_save: list[str] | None = None  # other modules of the model that were trained completely

    def __post_init__(self):
        self.peft_type = "BITFIT"


class _Layer(nn.Module, BaseTunerLayer):
    """A layer, followed by a part of each adapter."""

    def __init__(self, base_layer: nn.Module, adapter_name: str, config: PeftConfig):
        super().__init__()
        self.base_layer = base_layer
        self.merged_adapters = []
        for name in self.adapter_layer_names:
            setattr(self, name, nn.ParameterDict() if name.endswith("change") else nn.ModuleDict())
        self.add(adapter_name, config)
        self._move_adapter_to_device_of_base_layer(adapter_name)
        self.set_adapter(self.active_adapters, inference_mode=config.inference_mode)

    def forward(self, x: Tensor, *args, **kwargs) -> Tensor:
        found = self.base_layer(x, *args, **kwargs)
        if self.disable_adapters or self.merged:
            return found
        for name in self.active_adapters:
            found = self.change(found, name)
        return found


class BottleneckLayer(_Layer):
    """y + W_up gelu(W_down y) after a layer with output y; near y at the start."""

    adapter_layer_names = ("bottleneck_down", "bottleneck_up")

    def add(self, adapter_name: str, config: BottleneckConfig) -> None:
        """Add the two matrices of an adapter."""
        width = self.get_base_layer().out_features
        self.bottleneck_down[adapter_name] = nn.Linear(width, config.size)
        self.bottleneck_up[adapter_name] = nn.Linear(config.size, width)
        for part in (self.bottleneck_down[adapter_name], self.bottleneck_up[adapter_name]):
            nn.init.trunc_normal_(part.weight, std=SPREAD, a=-2 * SPREAD, b=2 * SPREAD)
            nn.init.zeros_(part.bias)

    def change(self, found: Tensor, name: str) -> Tensor:
        """(..., width) -> (..., width)."""
        return found + self.bottleneck_up[name](gelu(self.bottleneck_down[name](found)))


class BiasLayer(_Layer):
    """A layer's output plus a trained change of its bias."""

    adapter_layer_names = ("bitfit_change",)

    def add(self, adapter_name: str, config: BiasConfig) -> None:
        """Add the change of an adapter, zero at the start."""
        self.bitfit_change[adapter_name] = nn.Parameter(torch.zeros_like(self.get_base_layer().bias))

    def change(self, found: Tensor, name: str) -> Tensor:
        """(..., width) -> (..., width)."""
        return found + self.bitfit_change[name].to(found.dtype)

    def merge(self, safe_merge: bool = False, adapter_names: list[str] | None = None) -> None:
        """Add the changes to the layer's bias."""
        for name in check_adapters_to_merge(self, adapter_names):
            self.get_base_layer().bias.data += self.bitfit_change[name].data
            self.merged_adapters.append(name)


class _Tuner(BaseTuner):
    """Replaces each target by a layer followed by the adapter."""

    target_module_mapping: dict = {}

    def _create_and_replace(self, peft_config, adapter_name, target, target_name, parent, current_key, **_):
        layer = self.tuner_layer_cls(target, adapter_name, peft_config)
        self._replace_module(parent, target_name, layer, target)


class BottleneckModel(_Tuner):
    """An encoder with bottleneck adapters."""

    prefix = "bottleneck_"
    tuner_layer_cls = BottleneckLayer


class BiasModel(_Tuner):
    """An encoder with trained biases."""

    prefix = "bitfit_"
    tuner_layer_cls = BiasLayer


# So that peft saves and loads them like its own; its `register_peft_method` accepts only names of its enumeration.
for _config, _model in ((BottleneckConfig, BottleneckModel), (BiasConfig, BiasModel)):
    _name = _config().peft_type
    mapping.PEFT_TYPE_TO_CONFIG_MAPPING[_name] = _config
    mapping.PEFT_TYPE_TO_TUNER_MAPPING[_name] = _model
    mapping.PEFT_TYPE_TO_PREFIX_MAPPING[_name] = _model.prefix
