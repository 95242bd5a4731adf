"""`pipeline(model=id, trust_remote_code=True)` for our text classifier: cleans texts and calibrates probabilities."""

import re

import torch
from transformers import Pipeline

from .token_inputs import SpecialTokens, token_ids


class ClassPipeline(Pipeline):
    """Classifies texts, or pairs `{"text": ..., "text_pair": ...}`, in the same way as in training.

    Texts are cleaned by the model's rules and cut to its length; logits are divided by its temperature.

    Returns:
        For each text a list of the `top_k` most probable `{"label", "score"}`, best first (1 by default, None for
        all). For regression the one score.
    """

    _load_processor = _load_image_processor = _load_feature_extractor = False
    _load_tokenizer = True

    def _sanitize_parameters(self, top_k=1, **options):
        if options:
            raise ValueError(f"expected no option but top_k, found {', '.join(options)}")
        return {}, {}, {"top_k": top_k}

    def preprocess(self, row: str | dict):
        """Turn a text, or a pair of texts, into an input of the model."""
        config = self.model.config
        given = [row] if isinstance(row, str) else [row["text"], row["text_pair"]]
        if len(given) - 1 != bool(getattr(config, "takes_pairs", False)):
            expected = "{'text': ..., 'text_pair': ...}" if len(given) == 1 else "a text"
            raise ValueError(f"expected {expected}, as in this model's training data, found {row!r}")
        for pattern, replacement in getattr(config, "text_cleaning", None) or ():
            given = [re.sub(pattern, replacement, text) for text in given]
        given[0] = (getattr(config, "text_template", None) or "{text}").replace("{text}", given[0])
        special = SpecialTokens.of(self.tokenizer, pair=len(given) == 2)
        longest = getattr(config, "input_length", None) or 512
        row = special.fit(*token_ids(self.tokenizer, given), max_length=longest)
        row["attention_mask"] = [1] * len(row["input_ids"])
        return {name: torch.tensor([values]) for name, values in row.items()}

    def _forward(self, inputs):
        return self.model(**inputs)

    def postprocess(self, outputs, top_k=1):
        """Turn logits into labels and probabilities."""
        config = self.model.config
        if config.problem_type == "regression":
            return [{"label": config.id2label[0], "score": float(outputs["logits"][0, 0])}]
        logits = outputs["logits"][0].double() / (getattr(config, "decision", None) or {}).get("temperature", 1.0)
        several = config.problem_type == "multi_label_classification"
        scores = logits.sigmoid() if several else logits.softmax(-1)
        order = scores.argsort(descending=True)[:top_k].tolist()
        return [{"label": config.id2label[i], "score": float(scores[i])} for i in order]
