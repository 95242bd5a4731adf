"""What all heads share: an encoder, a learned mix of its layers and a BiLSTM, and how these are built and run."""

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel
from transformers import initialization as init

from .encoders import drop_pooler, encoder_class
from .label_rows import keep_known_rows
from .pretrained_weights import load_encoder

ENCODER_INPUTS = ("input_ids", "attention_mask", "token_type_ids", "position_ids", "inputs_embeds")


def run_by(pipeline: type, task: str, model_class: str) -> dict[str, dict]:
    """What `pipeline(task, trust_remote_code=True)` runs for a head that is loaded as `model_class`."""
    place = f"{pipeline.__module__.rpartition('.')[2]}.{pipeline.__name__}"
    return {task: {"impl": place, "pt": [model_class], "type": "text"}}


class HeadConfig(PreTrainedConfig):
    """A configuration that contains that of the encoder, and names what `pipeline(..., trust_remote_code=True)` runs.

    Args:
        encoder_config: the encoder's own configuration.
    """

    sub_configs = {"encoder_config": AutoConfig}
    has_no_defaults_at_init = True
    pipelines = {}  # of the head; the file of each is pushed too, as the head imports it

    encoder_config: dict | PreTrainedConfig | None = None

    def __post_init__(self, **kwargs):
        if isinstance(self.encoder_config, dict):
            fields = dict(self.encoder_config)
            self.encoder_config = AutoConfig.for_model(fields.pop("model_type"), **fields)
        super().__post_init__(**{"custom_pipelines": deepcopy(self.pipelines), **kwargs})


class EncoderBody(PreTrainedModel):
    """An encoder, and depending on the configuration a mix of its layers and a BiLSTM; heads inherit from it.

    A head adds its own layers in its `__init__`, and then calls `post_init`. Its configuration has `encoder_config`,
    `layers` and `dropout`, and may have `lstm_hidden` and `special_token_ids`.
    """

    base_model_prefix = "encoder"
    accepts_loss_kwargs = False
    supports_gradient_checkpointing = True
    _supports_sdpa = _supports_flash_attn = _supports_attention_backend = True

    def __init__(self, config: HeadConfig):
        super().__init__(config)
        self.encoder = encoder_class(config.encoder_config).from_config(config.encoder_config)
        drop_pooler(self.encoder)  # under DDP its parameters would wait for gradients
        self.width = config.encoder_config.hidden_size  # of the states from `encode`
        depth = config.encoder_config.num_hidden_layers
        self.layer_mix = LayerMix(depth + 1) if config.layers == "weighted" else None
        self.lstm = None
        if units := getattr(config, "lstm_hidden", 0):
            self.lstm = nn.LSTM(self.width, units, batch_first=True, bidirectional=True)
            self.width = 2 * units
        self.dropout = nn.Dropout(config.dropout)

    @classmethod
    def from_encoder(cls, name_or_path: str, *, loading: dict | None = None, **config) -> "EncoderBody":
        """Put a new head on a pre-trained encoder; from a trained head of the same class, known labels are kept.

        Args:
            name_or_path: an encoder, or a model that was trained on one, on disk or on the Hub.
            loading: keyword arguments for `AutoModel.from_pretrained` (revision, token, ...).
            **config: fields of the head's configuration, including `id2label`.
        """
        mixed = config.get("layers") == "weighted"
        encoder, began_at_random = load_encoder(name_or_path, all_layers=mixed, loading=loading)
        model = cls(cls.config_class(encoder_config=encoder.config, **config))
        pooler = getattr(encoder, "pooler", None)
        if isinstance(pooler, nn.Module) and not any(name.startswith("pooler.") for name in began_at_random):
            model.take_pooler(pooler)
        drop_pooler(encoder)
        model.encoder = encoder
        keep_known_rows(model, name_or_path, loading=loading)
        return model

    def take_pooler(self, pooler: nn.Module) -> None:
        """Take over the encoder's pre-trained pooler; only heads that pool the first token override this."""

    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, LayerMix):
            init.zeros_(module.weights)
            init.ones_(module.scale)
        elif isinstance(module, nn.LSTM):
            for parameter in module.parameters():
                init.uniform_(parameter, -(module.hidden_size**-0.5), module.hidden_size**-0.5)

    def encode(self, *inputs: Tensor | None) -> tuple[Tensor, Tensor]:
        """Run the encoder, the layer mix and the BiLSTM.

        Args:
            *inputs: `ENCODER_INPUTS`, in this order; None is left out.

        Returns:
            (batch, length, width) states and the (batch, length) attention mask, 0 for padding.
        """
        given = {name: value for name, value in zip(ENCODER_INPUTS, inputs, strict=True) if value is not None}
        attention_mask = given.get("attention_mask")
        hidden = self.encoder(output_hidden_states=self.layer_mix is not None, **given)
        states = hidden.last_hidden_state if self.layer_mix is None else self.layer_mix(hidden.hidden_states)
        if attention_mask is None:
            attention_mask = torch.ones(states.shape[:2], dtype=torch.int64, device=states.device)
        if self.lstm is not None:
            states = run_lstm(self.lstm, states, attention_mask)  # (batch, length, 2 * lstm_hidden)
        return states, attention_mask

    def find_tokens(self, input_ids: Tensor | None, attention_mask: Tensor, token_mask: Tensor | None) -> Tensor:
        """(batch, length) bool, the tokens of a text: `token_mask` if given, otherwise all but padding and the
        configuration's special tokens.
        """
        if token_mask is not None:
            return token_mask.bool()
        if input_ids is None or not self.config.special_token_ids:
            return attention_mask.bool()
        special = torch.tensor(self.config.special_token_ids, device=input_ids.device)
        return attention_mask.bool() & ~torch.isin(input_ids, special)


class LayerMix(nn.Module):
    """A learned weighted mean of all layers, times a learned scale (ELMo, Peters et al. 2018, equation 1)."""

    def __init__(self, num_layers: int):
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(num_layers))
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, layers: Sequence[Tensor]) -> Tensor:
        shares = self.weights.softmax(0)
        return self.scale * sum(share * layer for share, layer in zip(shares, layers, strict=True))


def run_lstm(lstm: nn.LSTM, states: Tensor, attention_mask: Tensor) -> Tensor:
    """Run a BiLSTM on right-padded rows: (batch, length, width) -> (batch, length, 2 * units); padding is not read."""
    lengths = attention_mask.sum(1).clamp(min=1).cpu()
    with torch.autocast(states.device.type, enabled=False):
        packed = pack_padded_sequence(states.float(), lengths, batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(lstm(packed)[0], batch_first=True, total_length=states.shape[1])[0]
