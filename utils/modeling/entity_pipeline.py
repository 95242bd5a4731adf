"""`pipeline(model=id, trust_remote_code=True)` for our taggers: exact entities in texts of any length.

The stock token pipeline takes the best tag of each token separately and joins tokens by white space: it bypasses a
CRF, cannot read spans, and treats a Chinese clause as one word. This one uses what the model has decoded.
"""

import torch
from transformers.pipelines.base import ChunkPipeline

from .joined_windows import join_spans, join_tags
from .token_inputs import SpecialTokens, cut_windows, tokenize, window_row


class EntityPipeline(ChunkPipeline):
    """Finds entities with a `CrfTagger` or a `SpanTagger`.

    Texts longer than the window of the model are cut into overlapping windows, as in training.

    Returns:
        For each text a list of `{"entity_group", "score", "word", "start", "end"}`, in text order; `start` and `end`
        count characters, end exclusive; `score` is the probability of exactly this entity, 0-1.
    """

    _load_processor = _load_image_processor = _load_feature_extractor = False
    _load_tokenizer = True

    def _sanitize_parameters(self, **options):
        if options:
            raise ValueError(f"expected no options, found {', '.join(options)}: the model itself groups entities")
        return {}, {}, {}

    def preprocess(self, text: str):
        """Cut a text into windows, the inputs of the model."""
        (tokens,) = tokenize(self.tokenizer, [text])
        special, config = SpecialTokens.of(self.tokenizer), self.model.config
        room = config.window_length - len(special)
        windows = cut_windows(len(tokens.ids), size=room, stride=config.window_stride)
        for window in windows:
            row = window_row(tokens, window, special)
            yield {
                "input_ids": torch.tensor([row["input_ids"]]),
                "attention_mask": torch.ones(1, len(row["input_ids"]), dtype=torch.int64),
                "token_mask": torch.tensor([row["token_mask"]]),
                "is_last": window == windows[-1],
                "about": row | {"text": text},
            }

    def _forward(self, inputs):
        kept = {name: inputs.pop(name) for name in ("is_last", "about")}
        outputs = self.model(**inputs)
        names = ("spans", "span_scores") if "spans" in outputs else ("tags", "posteriors")
        return kept | {key: outputs[name] for key, name in zip(("found", "scores"), names, strict=True)}

    def postprocess(self, outputs):
        """Join the outputs of a text's windows into its entities."""
        rows, config = [each["about"] for each in outputs], self.model.config
        found, scores = ([each[name][0].tolist() for each in outputs] for name in ("found", "scores"))
        if outputs[0]["found"].dim() == 3:
            entities = join_spans(rows, found, id2label=config.id2label, scores=scores)
        else:
            tagged = join_tags(rows, found, id2label=config.id2label, posteriors=scores)
            entities = tagged.entities(scheme=config.tag_scheme)
        return [
            {
                "entity_group": each.label,
                "score": each.score,
                "word": rows[0]["text"][each.start : each.end],
                "start": each.start,
                "end": each.end,
            }
            for each in entities
        ]
