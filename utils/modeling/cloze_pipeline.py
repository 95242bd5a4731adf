"""`pipeline(model=id, trust_remote_code=True)` for our cloze classifier: puts texts into the model's template."""

import re

import torch

from .class_pipeline import ClassPipeline
from .token_inputs import PLAIN, SpecialTokens

PLACE = re.compile(r"\{\{|\}\}|\{(text|text_pair|span|soft:[^{}]*|(?:mask\}\{)*mask)\}")


class ClozePipeline(ClassPipeline):
    """Classifies texts, or pairs `{"text": ..., "text_pair": ...}`, by the words that fill the template's blank.

    If an input is too long, the end of the text is cut, or of the longer text of a pair. Models that classify spans of
    a text as entities need `predict.py`.

    Returns:
        For each text a list of the `top_k` most probable `{"label", "score"}`, best first (1 by default, None for
        all).
    """

    def preprocess(self, row: str | dict):
        """Put a text, or a pair of texts, into the template, once for each token count of the label words."""
        config = self.model.config
        given = {"text": row} if isinstance(row, str) else {name: row[name] for name in ("text", "text_pair")}
        places = {match[1] for match in PLACE.finditer(config.template) if match[1]}
        if "span" in places:
            raise ValueError("this model classifies spans of a text: apply it with predict.py")
        if ("text_pair" in places) != ("text_pair" in given):
            raise ValueError(f"expected texts for the places in the template {config.template!r}, found {row!r}")
        for pattern, replacement in getattr(config, "text_cleaning", None) or ():
            given = {name: re.sub(pattern, replacement, text) for name, text in given.items()}
        inner = config.encoder_config
        longest = getattr(config, "input_length", None) or min(512, inner.max_position_embeddings)
        counts = sorted({len(ids) for _, _, ids in config.words})
        before, after = self._fill(given)
        while (excess := len(before) + len(after) + counts[-1] - longest) > 0:
            # Of two equally long texts the second is cut, as in training.
            name = max(given, key=lambda name: (len(self._tokenize(given[name])), name == "text_pair"))
            offsets = self._tokenize(given[name], offsets=True)
            if not offsets:
                raise ValueError(f"the template leaves no room for text in {longest} sub-tokens")
            # Cut two texts one token at a time, so that both end up equally long.
            given[name] = given[name][: offsets[-min(excess if len(given) == 1 else 1, len(offsets))][0]]
            before, after = self._fill(given)
        width = len(before) + len(after) + counts[-1]
        pad, mask = self.tokenizer.pad_token_id or 0, config.mask_token_id
        rows = [before + [mask] * count + after for count in counts]
        inputs = {
            "input_ids": torch.tensor([[ids + [pad] * (width - len(ids)) for ids in rows]]),
            "attention_mask": torch.tensor([[[1] * len(ids) + [0] * (width - len(ids)) for ids in rows]]),
        }
        if "token_type_ids" in self.tokenizer.model_input_names:
            inputs["token_type_ids"] = torch.zeros_like(inputs["input_ids"])
        # The base class pads the second dimension in batches, so that has to be the length: (texts, length[, counts]).
        inputs = {name: value.mT if len(counts) > 1 else value[:, 0] for name, value in inputs.items()}
        yield inputs | {"is_last": True}

    def _forward(self, inputs):
        is_last = inputs.pop("is_last")
        inputs = {name: value.mT if value.dim() > 2 else value for name, value in inputs.items()}
        return {"is_last": is_last, "logits": self.model(**inputs).logits}

    def _fill(self, given: dict[str, str]) -> tuple[list[int], list[int]]:
        """Token ids before and after the masks; trainable vectors have the ids from the vocabulary's size on."""
        special = SpecialTokens.of(self.tokenizer)
        before, side = [], list(special.prefix)
        template, text, end, vector = self.model.config.template, "", 0, self.model.config.encoder_config.vocab_size
        for match in PLACE.finditer(template):
            text += template[end : match.start()]
            end, place = match.end(), match[1]
            if place is None:
                text += match[0][0]
            elif place in given:
                text += given[place]
            elif place.startswith("soft"):
                side, text = side + self._tokenize(text), ""
                words = place.partition(":")[2]
                count = int(words) if words.isdecimal() else len(self._tokenize(words))
                side += range(vector, vector + count)
                vector += count
            else:  # white space before the masks belongs to the word that they stand for
                before, side, text = side + self._tokenize(text.rstrip()), [], ""
        side += self._tokenize(text + template[end:])
        return before, side + special.suffix

    def _tokenize(self, text: str, *, offsets: bool = False) -> list:
        if not text:
            return []
        found = self.tokenizer(text, **PLAIN, return_offsets_mapping=offsets)
        return found["offset_mapping"] if offsets else found["input_ids"]
