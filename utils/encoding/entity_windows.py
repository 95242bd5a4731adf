"""Entities as labels of token windows, and decoded windows as entities of texts.

On the way in, `TagEncoder` and `SpanEncoder` turn rows (`text`, `entities`) into windows with tag ids or token spans.
On the way back, `modeling.joined_windows` puts the windows of a text together. Both ways, what cannot be kept is
counted.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from datasets import Dataset, Features, List, Value
from transformers import PreTrainedTokenizerBase

from ..data.tag_schemes import SCHEMES, spans_to_tags
from ..modeling.token_inputs import SpecialTokens, Tokens, Window, cut_windows, tokenize, window_row
from .row_batches import iterate_column, iterate_rows
from .tokenization import find_tokens

BATCH = 1000  # texts that are tokenised at a time


def has_overlaps(entities: Iterable[Sequence[dict]]) -> bool:
    """Whether any two entities of one text share a character."""
    for each in entities:
        spans = sorted((one["start"], one["end"]) for one in each)
        if any(later[0] < earlier[1] for earlier, later in pairwise(spans)):
            return True
    return False


def count_inside_tokens(tokenizer: PreTrainedTokenizerBase, rows: Dataset) -> int:
    """How many `entities` of rows begin or end inside a token, or on characters that the (fast) tokenizer drops."""
    count = 0
    for batch in rows.select_columns(["text", "entities"]).iter(BATCH):
        for tokens, entities in zip(tokenize(tokenizer, batch["text"]), batch["entities"], strict=True):
            starts, ends = set(tokens.starts), set(tokens.ends)
            count += sum(one["start"] not in starts or one["end"] not in ends for one in entities)
    return count


@dataclass
class WindowEncoder:
    """Texts -> windows of sub-tokens, without labels; a callable for `Dataset.map(batched=True)`.

    Columns of a window: those of `window_row`, and
        text_index: row number of the text. `length`: of this window.
        widened, uncovered, clashed, cut: how many entities of the text, counted on its first window, have a border
            inside a token (or on characters that the tokenizer drops), so that the label covers whole tokens; lose all
            characters; overlap a longer entity where the tag scheme holds one only; are longer than the overlap, and
            complete in no window.
    """

    tokenizer: PreTrainedTokenizerBase  # a fast one
    max_length: int  # sub-tokens per window, special tokens included
    stride: int  # sub-tokens by which neighbouring windows overlap
    special: SpecialTokens = field(init=False)

    label_features = {}  # types of the columns from `label`

    @property
    def features(self) -> Features:
        """Types of the columns, in 32 bits: a million windows are kept in memory."""
        number = Value("int32")
        lists = dict.fromkeys(("input_ids", "starts", "ends", "window"), List(number))
        counts = ("text_index", "num_tokens", "shift", "length", "clashed", "uncovered", "widened", "cut")
        own = {"token_mask": List(Value("bool"))} | self.label_features
        return Features(lists | dict.fromkeys(counts, number) | own)

    def __post_init__(self):
        self.special = SpecialTokens.of(self.tokenizer)

    def __call__(self, batch: dict, indices: Sequence[int]) -> dict[str, list]:
        windows = self.encode(batch["text"], batch.get("entities") or (), indices)
        rows = [row for each in windows for row in each]
        return {column: [row[column] for row in rows] for column in rows[0]}

    def encode(self, texts: Sequence[str], entities: Iterable = (), indices: Iterable = ()) -> list[list[dict]]:
        """The windows of each text, in order."""
        entities, indices = list(entities) or [[]] * len(texts), list(indices) or range(len(texts))
        return [
            self._encode_text(tokens, [(one["start"], one["end"], one["label"]) for one in gold], index)
            for tokens, gold, index in zip(tokenize(self.tokenizer, texts), entities, indices, strict=True)
        ]

    def _encode_text(self, tokens: Tokens, entities: list[tuple[int, int, str]], text_index: int) -> list[dict]:
        tagged = tokens.visible()
        starts, ends = [tokens.starts[i] for i in tagged], [tokens.ends[i] for i in tagged]
        counts = {"clashed": 0, "uncovered": 0, "widened": 0, "cut": 0}
        spans = []  # token spans: first and last token of the text (inclusive), label
        for start, end, label in entities:
            first, last = find_tokens(starts, ends, start, end)
            if first == last:
                counts["uncovered"] += 1
                continue
            counts["widened"] += starts[first] != start or ends[last - 1] != end
            spans.append((tagged[first], tagged[last - 1], label))
        spans, counts["clashed"] = self.select(spans)
        windows = cut_windows(len(tokens.ids), size=self.max_length - len(self.special), stride=self.stride)
        counts["cut"] = sum(
            all(window.margin(len(tokens.ids), first, last) < 0 for window in windows) for first, last, _ in spans
        )
        rows = []
        for window in windows:
            row = window_row(tokens, window, self.special)
            row |= {"text_index": text_index, "length": len(row["input_ids"])}
            inside = [span for span in spans if span[0] < window.stop and span[1] >= window.start]
            rows.append(row | self.label(row, inside, window) | (dict.fromkeys(counts, 0) if rows else counts))
        return rows

    def select(self, spans: list) -> tuple[list, int]:
        """Keep the token spans that the labels can express; also the number of those that they cannot."""
        return spans, 0

    def label(self, row: dict, spans: list, window: Window) -> dict:
        """The `labels` column of a window, given those token spans of the text that it holds, in whole or in part."""
        return {}


@dataclass
class TagEncoder(WindowEncoder):
    """Windows with one tag id per position, -100 where there is no tag.

    A scheme and tags that a model trained elsewhere lacks are replaced by the nearest.
    """

    label2id: dict[str, int]  # tag name -> id
    scheme: str  # `bio`, `bios` or `bioes`
    # An entity that the window cuts does not count in the loss, as a CRF needs it (the rest would break the scheme);
    # otherwise its tokens in the window keep their tags.
    ignore_cut: bool

    label_features = {"labels": List(Value("int32"))}

    def select(self, spans):
        kept, clashed = [], 0
        # The longest first, then the leftmost.
        for span in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
            if any(span[0] <= other[1] and other[0] <= span[1] for other in kept):
                clashed += 1
            else:
                kept.append(span)
        return sorted(kept), clashed

    def label(self, row, spans, window):
        shift = row["shift"]
        positions = [i for i, flag in enumerate(row["token_mask"]) if flag]
        rank = {position: k for k, position in enumerate(positions)}
        scheme = self.scheme
        if scheme not in SCHEMES:
            scheme = "bioes" if any(tag.startswith("E-") for tag in self.label2id) else "bio"
        tags = [self._find_id("O")] * len(positions)
        for first, last, label in spans:
            seen = range(max(first, window.start) - shift, min(last, window.stop - 1) - shift + 1)
            inside = [rank[position] for position in seen if position in rank]
            before, behind = first < window.start, last >= window.stop  # does the window cut it there?
            whole = len(inside) + before + behind
            names = spans_to_tags([(0, whole, label)], whole, scheme=scheme)
            for k, name in zip(inside, names[before:], strict=False):
                tags[k] = -100 if self.ignore_cut and (before or behind) else self._find_id(name)
        labels = [-100] * len(row["input_ids"])
        for position, tag in zip(positions, tags, strict=True):
            labels[position] = tag
        return {"labels": labels}

    def _find_id(self, name: str) -> int:
        """The id of a tag, or of the nearest that the model has: an IO model, say, has no B-."""
        prefix, _, label = name.partition("-")
        letters = {"B": "BISE", "I": "IBE", "E": "EIB", "S": "SEBI"}.get(prefix, "")
        tags = name, *(f"{letter}-{label}" for letter in letters), "O"
        return next((self.label2id[tag] for tag in tags if tag in self.label2id), 0)


@dataclass
class SpanEncoder(WindowEncoder):
    """Windows with a list of `[first position, last position (inclusive), type id]`; type -1 for an entity that is
    cut.

    `label_width` gives the collator the shape of the labels of a text without entities.
    """

    label2id: dict[str, int]

    label_features = {"labels": List(List(Value("int32"))), "label_width": Value("int32")}

    def label(self, row, spans, window):
        shift = row["shift"]
        labels = []
        for first, last, label in spans:
            whole = first >= window.start and last < window.stop
            seen = [max(first, window.start) - shift, min(last, window.stop - 1) - shift]
            labels.append([*seen, self.label2id[label] if whole else -1])
        return {"labels": labels, "label_width": 3}


def describe_windows(encoded: Dataset, dataset: Dataset) -> str:
    """One line for the log: what became of a split on its way to the encoder; see the columns of `WindowEncoder`."""
    losses = {
        "widened": "begin or end inside a token or on dropped characters and are labelled by whole tokens",
        "uncovered": "consist of characters that the tokenizer drops and cannot be found",
        "clashed": "overlap a longer entity and are left out of the tags (the span head keeps them)",
        "cut": "do not fit into any window (raise --stride)",
    }
    counts, cut, longest = Counter(), 0, 0
    for (start, stop, *_), length, *lost in iterate_rows(encoded, "window", "num_tokens", *losses):
        cut += not start and stop < length
        longest = max(longest, length)
        for name, count in zip(losses, lost, strict=True):
            counts[name] += count
    entities = sum(map(len, iterate_column(dataset, "entities"))) if "entities" in dataset.column_names else 0
    parts = [f"{len(dataset):,} texts, {entities:,} entities, longest text {longest} sub-tokens"]
    if cut:
        parts.append(f"{cut:,} texts cut into windows ({len(encoded):,} in all)")
    parts += [f"{counts[name]:,} entities {meaning}" for name, meaning in losses.items() if counts[name]]
    return "; ".join(parts)
