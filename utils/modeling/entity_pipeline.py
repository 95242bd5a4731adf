"""`pipeline(model=id, trust_remote_code=True)` for our taggers: exact entities in texts of any length.

The stock token pipeline takes the best tag of each token separately and joins tokens by white space: it bypasses a
CRF, cannot read spans, and treats a Chinese clause as one word. This one uses what the model has decoded.

This file imports torch and transformers only, because it travels to the Hub with the model.
"""

import torch
from transformers.pipelines.base import ChunkPipeline


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
        probe = self.tokenizer("a", return_special_tokens_mask=True)
        ids, special = probe["input_ids"], probe["special_tokens_mask"]
        content = [i for i, flag in enumerate(special) if not flag]
        before, behind = ids[: content[0]], ids[content[-1] + 1 :]
        encoded = self.tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True, split_special_tokens=True, verbose=False
        )
        ids, offsets = encoded["input_ids"], [strip(text, *pair) for pair in encoded["offset_mapping"]]
        room = self.model.config.window_length - len(before) - len(behind)
        windows = cut_windows(len(ids), size=room, stride=self.model.config.window_stride)
        for window in windows:
            first, stop, *_ = window
            row = [*before, *ids[first:stop], *behind]
            tagged = [start < end for start, end in offsets[first:stop]]
            yield {
                "input_ids": torch.tensor([row]),
                "attention_mask": torch.ones(1, len(row), dtype=torch.int64),
                "token_mask": torch.tensor([[False] * len(before) + tagged + [False] * len(behind)]),
                "is_last": window == windows[-1],
                "about": {"text": text, "offsets": offsets, "window": window, "shift": first - len(before)},
            }

    def _forward(self, inputs):
        is_last, about = inputs.pop("is_last"), inputs.pop("about")
        outputs = self.model(**inputs)
        if "spans" in outputs:
            return {"is_last": is_last, "about": about, "found": outputs.spans, "scores": outputs.span_scores}
        return {"is_last": is_last, "about": about, "found": outputs.tags, "scores": outputs.posteriors}

    def postprocess(self, outputs):
        """Join the outputs of a text's windows into its entities."""
        text, offsets = outputs[0]["about"]["text"], outputs[0]["about"]["offsets"]
        join = self._join_spans if outputs[0]["found"].dim() == 3 else self._join_tags
        entities = [
            {
                "entity_group": label,
                "score": score,
                "word": text[offsets[first][0] : offsets[last][1]],
                "start": offsets[first][0],
                "end": offsets[last][1],
            }
            for first, last, label, score in join(outputs)
        ]
        return sorted(entities, key=lambda one: (one["start"], one["end"], one["entity_group"]))

    def _join_tags(self, outputs):
        """Yield first and last token (inclusive), label, score; each tag is from the window that owns the token."""
        tokens, tags, along = [], [], []
        for each in outputs:
            about = each["about"]
            for token in range(*about["window"][2:]):
                tag = int(each["found"][0, token - about["shift"]])
                if tag >= 0:
                    tokens.append(token)
                    tags.append(self.model.config.id2label[tag])
                    along.append(each["scores"][0, token - about["shift"]].tolist())
        for first, stop, label in read_tags(tags, scheme=self.model.config.tag_scheme):
            score = along[first][0] * along[stop - 1][2]
            for k in range(first + 1, stop):
                score *= along[k][1]
            yield tokens[first], tokens[stop - 1], label, score

    def _join_spans(self, outputs):
        """Yield the same; each span is from the window where it is furthest from a border."""
        windows, length = [each["about"]["window"] for each in outputs], len(outputs[0]["about"]["offsets"])
        for i, each in enumerate(outputs):
            shift = each["about"]["shift"]
            for (first, last, kind), score in zip(each["found"][0].tolist(), each["scores"][0].tolist(), strict=True):
                if first < 0 or kind < 0:
                    continue
                room = [margin(window, length, first + shift, last + shift) for window in windows]
                if room.index(max(room)) == i:
                    yield first + shift, last + shift, self.model.config.id2label[kind], score


def strip(text: str, start: int, end: int) -> tuple[int, int]:
    """Offsets of a token without the white space at its edges."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def cut_windows(length: int, *, size: int, stride: int) -> list[tuple[int, int, int, int]]:
    """Windows over `length` tokens: start, stop, and the same of the part that the window decides; ends exclusive."""
    starts = [0]
    while starts[-1] + size < length:
        starts.append(min(starts[-1] + size - stride, length - size))
    stops = [min(start + size, length) for start in starts]
    borders = [0, *((start + stop) // 2 for start, stop in zip(starts[1:], stops[:-1], strict=True)), length]
    return list(zip(starts, stops, borders[:-1], borders[1:], strict=True))


def margin(window: tuple[int, int, int, int], length: int, first: int, last: int) -> float:
    """Tokens between a span and the nearest border that cuts the text; infinite for none, -1 outside the window."""
    start, stop, *_ = window
    if first < start or last >= stop:
        return -1.0
    before, behind = first - start if start else float("inf"), stop - 1 - last if stop < length else float("inf")
    return min(before, behind)


def read_tags(tags: list[str], *, scheme: str) -> list[tuple[int, int, str]]:
    """The entities of a sequence: start, end (exclusive), label.

    With `bio`, `bios` or `bioes` only well-formed entities; otherwise an I- may begin one, and it needs no ending tag.
    """
    begins = "BS" if scheme in ("bio", "bios", "bioes") else "BSIE"
    spans, start, kind = [], None, ""
    for i, tag in enumerate([*tags, "O"]):
        prefix, label = {"M": "I", "L": "E", "U": "S"}.get(tag[0], tag[0]), tag[2:]
        if start is not None and not (prefix in "IE" and label == kind):
            if scheme != "bioes":
                spans.append((start, i, kind))
            start = None
        if start is None and prefix in begins:
            start, kind = i, label
        if start is not None and prefix in "ES":
            spans.append((start, i + 1, kind))
            start = None
    return spans
