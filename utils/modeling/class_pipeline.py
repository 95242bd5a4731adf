"""`pipeline(model=id, trust_remote_code=True)` for our text classifier: calibrated probabilities of cleaned texts.

This file imports torch and transformers only, because it travels to the Hub beside the model.
"""

import re

from transformers import Pipeline


class ClassPipeline(Pipeline):
    """Classifies texts, or pairs `{"text": ..., "text_pair": ...}`, as in training.

    Texts are cleaned by the model's rules and cut to its length; logits are divided by its temperature.

    Returns:
        For each text a list of `{"label", "score"}`, the most probable first; one of them, or `top_k` (None for all).
    """

    _load_processor = _load_image_processor = _load_feature_extractor = False
    _load_tokenizer = True

    def _sanitize_parameters(self, top_k=1, **options):
        if options:
            raise ValueError(f"expected no option but top_k, found {', '.join(options)}")
        return {}, {}, {"top_k": top_k}

    def preprocess(self, row: str | dict):
        """A text, or a pair of texts, as input of the model."""
        config = self.model.config
        given = [row] if isinstance(row, str) else [row["text"], row["text_pair"]]
        if len(given) - 1 != bool(getattr(config, "takes_pairs", False)):
            expected = "{'text': ..., 'text_pair': ...}" if len(given) == 1 else "a text"
            raise ValueError(f"this model was trained otherwise: expected {expected}, found {row!r}")
        for pattern, replacement in getattr(config, "text_cleaning", None) or ():
            given = [re.sub(pattern, replacement, text) for text in given]
        given[0] = (getattr(config, "text_template", None) or "{text}").replace("{text}", given[0])
        longest = getattr(config, "input_length", None) or 512
        return self.tokenizer(
            *given, truncation=True, max_length=longest, split_special_tokens=True, return_tensors="pt", verbose=False
        )

    def _forward(self, inputs):
        return self.model(**inputs)

    def postprocess(self, outputs, top_k=1):
        """Labels and probabilities from logits."""
        config = self.model.config
        logits = outputs["logits"][0].double() / (getattr(config, "decision", None) or {}).get("temperature", 1.0)
        several = config.problem_type == "multi_label_classification"
        scores = logits.sigmoid() if several else logits.softmax(-1)
        order = scores.argsort(descending=True)[:top_k].tolist()
        return [{"label": config.id2label[i], "score": float(scores[i])} for i in order]
