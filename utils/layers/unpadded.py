"""Encoder layers without padding: the tokens of a batch lie in one row, and attention knows where each text ends.

Everything but attention works on each token by itself, so it is computed for tokens only. Attention uses a kernel for
rows of different lengths (Dao et al., 2022) where the device has one, and is otherwise computed on rows that are
padded for it alone.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations import is_deepspeed_zero3_enabled
from transformers.masking_utils import eager_mask

from ..modeling.encoders import FamilyError
from ..modeling.soft_prompts import SoftPrompts
from .fast_dropout import drop

NAME = "unpadded"  # the attention implementation, as transformers calls it
CLOSE = 1e-4  # largest difference of a state, with and without padding, that is rounding


class TokenRow:
    """Where the tokens of a padded batch lie if they follow each other in one row.

    Args:
        attention_mask: (batch, length), 0 for padding.

    Attributes:
        borders: (batch + 1,) int32, where each text begins in the row; the last is the number of tokens.
        longest: tokens of the longest text.
        missing: (batch, longest) bool, places without a token if texts begin at the left.
        whole: whether no text has padding between its tokens, which would change how far these are from each other.
    """

    def __init__(self, attention_mask: Tensor):
        seen = attention_mask.bool()
        lengths = seen.sum(1)
        self.shape = seen.shape
        self.places = seen.flatten().nonzero().squeeze(1)  # (total,) in the batch as it was given
        self.longest = max(int(lengths.max()), 1)
        self.borders = pad(lengths.cumsum(0), (1, 0)).int()
        rows = self.places // seen.shape[1]
        steps = torch.arange(len(rows), device=rows.device) - self.borders[:-1].long()[rows]
        columns = self.places % seen.shape[1]
        self.whole = bool((columns.diff() == 1)[rows.diff() == 0].all())
        self.slots = rows * self.longest + steps  # (total,) in a batch of `longest` places
        self.even = len(rows) == len(lengths) * self.longest
        self.missing = torch.arange(self.longest, device=rows.device) >= lengths[:, None]

    def pack(self, states: Tensor) -> Tensor:
        """(batch, length, ...) -> (1, total, ...)."""
        return states.flatten(0, 1)[self.places][None]

    def spread(self, states: Tensor) -> Tensor:
        """(1, total, width) -> (batch, length, width) as the batch was given, zeros in place of padding."""
        batch, length = self.shape
        return _place(states[0], self.places, batch * length).view(batch, length, -1)

    def align(self, heads: Tensor) -> Tensor:
        """(1, heads, total, size) -> (batch, heads, longest, size), zeros where there is no token."""
        flat = heads[0].transpose(0, 1)  # (total, heads, size)
        if not self.even:
            flat = _place(flat, self.slots, len(self.missing) * self.longest)
        return flat.reshape(len(self.missing), self.longest, *flat.shape[1:]).transpose(1, 2)

    def join(self, heads: Tensor) -> Tensor:
        """(batch, heads, longest, size) -> (1, total, heads, size)."""
        flat = heads.transpose(1, 2).flatten(0, 1)
        return (flat if self.even else flat[self.slots])[None]


def _place(states: Tensor, places: Tensor, count: int) -> Tensor:
    """(total, ...) -> (count, ...), each at its place, zeros elsewhere."""
    return states.new_zeros(count, *states.shape[1:]).index_copy(0, places, states)


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    token_row: TokenRow | None = None,
    **kwargs,
) -> tuple[Tensor, None]:
    """Attention as `transformers.AttentionInterface` calls it: (batch, heads, length, size) each.

    Args:
        module: the layer; unused.
        attention_mask: which tokens are seen (bool), or what is added to the scores, if padding is in the rows.
        sliding_window: tokens at this distance or farther are not seen.
        token_row: where each text lies in the one row that is given; None if padding has not been left out.

    Returns:
        (batch, length, heads, size) states; for a row without padding (1, total, heads, size).
    """
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    if token_row is None:
        bias = attention_mask
        if bias is not None and bias.dtype == torch.bool:
            bias = _bias(~bias, query)
        return _weigh(query, key, value, bias, scaling, dropout).transpose(1, 2).contiguous(), None
    if dropout == 0 and query.is_cuda and query.dtype in (torch.float16, torch.bfloat16):
        return _attend_in_row(query, key, value, token_row, scaling, sliding_window), None
    hidden = token_row.missing[:, None, None]
    if sliding_window is not None and sliding_window <= token_row.longest:
        steps = torch.arange(token_row.longest, device=query.device)
        hidden = hidden | ((steps[:, None] - steps).abs() >= sliding_window)
    elif token_row.even:
        hidden = None
    bias = None if hidden is None else _bias(hidden, query)
    found = _weigh(*(token_row.align(each) for each in (query, key, value)), bias, scaling, dropout)
    return token_row.join(found), None


def _bias(hidden: Tensor, query: Tensor) -> Tensor:
    """What is added to the scores so that tokens are not seen; a text without tokens has no NaN."""
    none = torch.zeros(hidden.shape, dtype=query.dtype, device=query.device)
    return none.masked_fill_(hidden, torch.finfo(query.dtype).min)


def _weigh(query, key, value, bias: Tensor | None, scaling: float, dropout: float) -> Tensor:
    """Attention over padded rows, (batch, heads, length, size)."""
    if dropout and not query.is_cuda:  # the fused kernel falls back to a slower path when it has dropout
        scores = (query * scaling) @ key.transpose(2, 3)
        weights = (scores if bias is None else scores + bias).softmax(-1)
        return drop(weights, dropout) @ value
    return scaled_dot_product_attention(query, key, value, attn_mask=bias, dropout_p=dropout, scale=scaling)


def _attend_in_row(query, key, value, token_row: TokenRow, scaling: float, window: int | None) -> Tensor:
    """(1, heads, total, size) each -> (1, total, heads, size), by the kernel for rows of different lengths."""
    from torch.nn.attention.varlen import varlen_attn

    reach = -1 if window is None else window - 1
    row = (each[0].transpose(0, 1) for each in (query, key, value))
    borders, longest = token_row.borders, token_row.longest
    found = varlen_attn(*row, borders, borders, longest, longest, scale=scaling, window_size=(reach, reach))
    return found[None]


def _mask(*args, attention_mask: Tensor | None = None, **kwargs) -> Tensor | None:
    """The mask that is added to the scores; none if padding is left out, which is when none is given."""
    return None if attention_mask is None else eager_mask(*args, attention_mask=attention_mask, **kwargs)


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, _mask)


class _Unpadding:
    """Hooks on an encoder that leave padding out of its layers, and put zeros in its place after them."""

    def __init__(self, encoder: PreTrainedModel):
        self.names = ("input_ids", "attention_mask", "token_type_ids", "position_ids", "inputs_embeds")
        self.config = encoder.config
        self.row: TokenRow | None = None
        self.layers = next(
            (each for name, each in encoder.named_children() if name in ("encoder", "transformer")), None
        )
        encoder.register_forward_pre_hook(self._begin, with_kwargs=True)
        encoder.register_forward_hook(self._end, prepend=True, always_call=True)
        if self.layers is not None:
            self.layers.register_forward_pre_hook(self._pack, with_kwargs=True)
            self.layers.register_forward_hook(self._spread)

    @torch.compiler.disable  # where texts end depends on the data
    def _begin(self, encoder, args, kwargs):
        given = dict(zip(self.names, args, strict=False)) | kwargs
        mask = given.get("attention_mask")
        if mask is None:
            inputs = given["input_ids"] if given.get("inputs_embeds") is None else given["inputs_embeds"]
            mask = torch.ones(inputs.shape[:2], dtype=torch.int64, device=inputs.device)
        if mask.dim() != 2:  # which token sees which is not told by where texts end
            return None
        row = TokenRow(mask)
        if not row.whole:
            return None
        self.row, given["attention_mask"] = row, None
        if self.layers is not None:
            return (), given
        places = given.get("position_ids")
        if places is None:
            places = torch.arange(mask.shape[1], device=mask.device)[None]
        packed = {"position_ids": row.pack(places.expand(mask.shape)), "token_row": row}
        for name in ("input_ids", "token_type_ids", "inputs_embeds"):
            if given.get(name) is not None:
                packed[name] = row.pack(given[name])
        return (), given | packed

    @torch.compiler.disable
    def _pack(self, layers, args, kwargs):
        if self.row is None:
            return None
        states = args[0] if args else kwargs["hidden_states"]
        states, added = self.row.pack(states), {"token_row": self.row}
        if args:
            return (states, *args[1:]), kwargs | added
        return (), kwargs | added | {"hidden_states": states}

    @torch.compiler.disable
    def _spread(self, layers, args, output):
        if self.row is None:
            return None
        output["last_hidden_state"] = self.row.spread(output["last_hidden_state"])
        return output

    @torch.compiler.disable
    def _end(self, encoder, args, output):
        row, self.row = self.row, None
        if row is None or output is None:
            return None
        if self.layers is None:
            output["last_hidden_state"] = row.spread(output["last_hidden_state"])
        if output.get("hidden_states") is not None:
            output["hidden_states"] = tuple(
                row.spread(each) if each.shape[:2] == (1, len(row.places)) else each
                for each in output["hidden_states"]
            )
        return output


def leave_out_padding(model: PreTrainedModel) -> None:
    """Compute padding in no layer of a model's encoder, from now on; weights and saved files do not change.

    Args:
        model: an encoder, or a head or an output layer on one.

    Raises:
        FamilyError: the encoder's states would differ, as its attention knows more than where texts end.
    """
    encoder = model
    while encoder.base_model is not encoder:
        encoder = encoder.base_model
    family = encoder.config.model_type
    if any(isinstance(each, SoftPrompts) and each.deep is not None for each in model.modules()):
        raise FamilyError(f"{_REFUSED}, and each layer has trained vectors of its own; leave --attention out")
    checked = not is_deepspeed_zero3_enabled() and not any(weight.is_meta for weight in model.parameters())
    expected = _probe(encoder) if checked else None
    problem = None
    try:
        model.set_attn_implementation(NAME)
        _Unpadding(encoder)
        difference = (_probe(encoder) - expected).abs().max() if checked else 0
        if not difference < CLOSE:
            problem = f"its states differ by {difference:.2g} then"
    except Exception as error:  # what a family's layers cannot take is not a closed list
        problem = " ".join(str(error).split())[:200]
    if problem:
        raise FamilyError(
            f"{_REFUSED}, and {family} cannot ({problem}); leave --attention out, or use another encoder"
        )


_REFUSED = "--attention unpadded: expected an encoder whose layers can do without padding"


@torch.no_grad()
def _probe(encoder: PreTrainedModel) -> Tensor:
    """The states of three texts of different lengths, the longest wider than local attention, if it fits."""
    config, mode = encoder.config, encoder.training
    places = getattr(config, "max_position_embeddings", None) or 512
    longest = min((getattr(config, "sliding_window", None) or 4) + 8, places - 4)
    mask = torch.zeros(3, longest, dtype=torch.int64, device=encoder.device)
    for row, length in zip(mask, (longest, longest // 2, 3), strict=True):
        row[:length] = 1
    ids = torch.arange(5, 5 + mask.numel(), device=mask.device).view(mask.shape) % (config.vocab_size or 99)
    ids = ids.masked_fill(mask == 0, config.pad_token_id or 0)
    try:
        with torch.random.fork_rng(devices=[]):
            found = encoder.eval()(input_ids=ids, attention_mask=mask, output_hidden_states=True)
    finally:
        encoder.train(mode)
    states = [each.float() * mask[..., None] for each in (found.last_hidden_state, *(found.hidden_states or ()))]
    pooled = found.get("pooler_output")
    if pooled is not None and pooled.dim() == 2:  # not what `drop_pooler` leaves
        states.append(pooled.float())
    return torch.cat([each.flatten() for each in states])
