"""`pipeline(model=id, trust_remote_code=True)` for our text classifier: cleans texts and calibrates probabilities."""

import re
from pathlib import Path

import torch
from transformers import PreTrainedModel
from transformers.dynamic_module_utils import custom_object_save
from transformers.pipelines.base import ChunkPipeline

from .joined_windows import pool_logits
from .token_inputs import SpecialTokens, token_ids


class ClassPipeline(ChunkPipeline):
    """Classifies texts, or pairs `{"text": ..., "text_pair": ...}`, in the same way as in training.

    Texts are cleaned by the model's rules and cut to its length, or into windows whose logits are pooled; logits are
    divided by its temperature.

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
        """Turn a text, or a pair of texts, into an input of the model, or into several: its windows."""
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
        ids = token_ids(self.tokenizer, given)
        if getattr(config, "window_pooling", None):
            windowing = {"stride": config.window_stride, "most": config.max_windows}
            rows, _ = special.fit_windows(*ids, max_length=longest, **windowing)
        else:
            rows = [special.fit(*ids, max_length=longest)]
        for i, row in enumerate(rows):
            row["attention_mask"] = [1] * len(row["input_ids"])
            yield {name: torch.tensor([values]) for name, values in row.items()} | {"is_last": i == len(rows) - 1}

    def _forward(self, inputs):
        is_last = inputs.pop("is_last")
        return {"is_last": is_last, "logits": self.model(**inputs)["logits"]}

    def postprocess(self, outputs, top_k=1):
        """Turn the logits of a text's windows into labels and probabilities."""
        config = self.model.config
        logits = torch.cat([each["logits"] for each in outputs]).double()  # (windows, num_labels)
        if len(logits) > 1:
            logits = pool_logits(logits, torch.ones(1, len(logits), dtype=torch.bool), pooling=config.window_pooling)
        if config.problem_type == "regression":
            return [{"label": config.id2label[0], "score": float(logits[0, 0])}]
        logits = logits[0] / (getattr(config, "decision", None) or {}).get("temperature", 1.0)
        several = config.problem_type == "multi_label_classification"
        scores = logits.sigmoid() if several else logits.softmax(-1)
        order = scores.argsort(descending=True)[:top_k].tolist()
        return [{"label": config.id2label[i], "score": float(scores[i])} for i in order]


def save_pipeline(model: PreTrainedModel, folder: str | Path) -> None:
    """Write the code of `ClassPipeline` beside a stock model whose configuration names it; our heads bring it along.

    Args:
        model: a classifier; nothing is written for one that the stock pipeline applies as in training.
        folder: an existing folder.
    """
    named = (getattr(model.config, "custom_pipelines", None) or {}).get("text-classification", {})
    if named.get("impl", "").endswith(f".{ClassPipeline.__name__}"):
        custom_object_save(ClassPipeline, folder)
