"""Write data/ner_sample: a small Chinese NER set in CLUENER's format, from the words and templates of ner_sample.yaml.

    python scripts/make_ner_sample.py                         # data/ner_sample/*.json, the same bytes every time
    python scripts/make_ner_sample.py --output_dir /tmp/x     # elsewhere

Prints the table of counts in data/ner_sample/README.md. Takes about a second.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
TYPES = ("address", "book", "company", "game", "government", "movie", "name", "organization", "position", "scene")
NUM_TRAIN, NUM_DEV = 1500, 300
PLAIN_SHARE = 0.08  # sentences without an entity
FRESH_SHARE = 0.72  # validation mentions that must not be a training mention
WORDS_KEPT_FROM_TRAINING = 0.3
MIN_LENGTH, MAX_LENGTH = 10, 80  # characters

WORD = re.compile(r"<(\w+?|\d+-\d+)>")
CHOICE = re.compile(r"\[([^\[\]]*)\]")
SLOT = re.compile(r"\{(\w+)(?:\.(\w+))?\}")


@dataclass
class Sentence:
    """One text with its mentions as (start, end exclusive, type), in text order."""

    text: str = ""
    mentions: list[tuple[int, int, str]] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)  # parallel to mentions

    def words(self) -> list[str]:
        return [self.text[start:end] for start, end, _ in self.mentions]

    def to_json(self) -> str:
        label: dict[str, dict[str, list[list[int]]]] = {}
        for start, end, entity_type in self.mentions:
            label.setdefault(entity_type, {}).setdefault(self.text[start:end], []).append([start, end - 1])
        return json.dumps({"text": self.text, "label": label}, ensure_ascii=False)


def bare(word: str) -> str:
    """The name without title marks: 《北岸》 in validation is not a new name if 北岸 is in training."""
    return word.strip("《》")


class SampleMaker:
    """Fills templates; one seeded stream of `random()` decides everything, so every Python gives the same files."""

    def __init__(self, spec: dict, seed: int):
        self.rng = random.Random(seed)
        self.kinds = spec["kinds"]
        self.closed = {name: words.split() for name, words in spec["closed"].items()}
        self.open: dict[str, dict[str, list[str]]] = {}
        for name, words in spec["open"].items():
            shuffled = self.shuffle(words.split())
            cut = round(len(shuffled) * WORDS_KEPT_FROM_TRAINING)
            self.open[name] = {"dev": shuffled[:cut], "train": shuffled[cut:]}
        self.templates: dict[str, list[str]] = {"train": [], "dev_seen": [], "dev_unseen": []}
        self.plain: dict[str, list[str]] = {"train": [], "dev_seen": [], "dev_unseen": []}
        for style, lines in spec["styles"].items():
            pool = self.plain if style == "plain" else self.templates
            shuffled = self.shuffle(lines.split("\n")[:-1])
            cut = round(len(shuffled) * 0.2)
            pool["dev_unseen"] += shuffled[:cut]
            pool["dev_seen"] += shuffled[cut : 2 * cut]
            pool["train"] += shuffled[cut:]
        self.train_mentions: dict[str, set[str]] = defaultdict(set)  # kind -> words
        self.train_names: set[str] = set()
        self.texts: set[str] = set()

    def pick(self, items: Sequence[str]) -> str:
        return items[int(self.rng.random() * len(items))]

    def shuffle(self, items: Sequence[str]) -> list[str]:
        return [item for _, item in sorted((self.rng.random(), item) for item in items)]

    def fill_words(self, form: str, side: str) -> str:
        def draw(match: re.Match) -> str:
            name = match[1]
            if name[0].isdigit():
                low, high = map(int, name.split("-"))
                return str(low + int(self.rng.random() * (high - low + 1)))
            return self.pick(self.closed[name] if name in self.closed else self.open[name][side])

        return WORD.sub(draw, form)

    def draw_mention(self, kind: str, split: str) -> str:
        forms = self.kinds[kind]["forms"]
        if split == "train":
            return self.fill_words(self.pick(forms), "train")
        if self.rng.random() >= FRESH_SHARE and self.train_mentions[kind]:
            return self.pick(sorted(self.train_mentions[kind]))
        for _ in range(50):
            word = self.fill_words(self.pick(forms), "dev")
            if bare(word) not in self.train_names:
                return word
        raise ValueError(f"kind {kind!r}: no validation name is left that is not in training; give it more words")

    def fill_template(self, template: str, split: str) -> Sentence:
        template = CHOICE.sub(lambda match: self.pick(match[1].split("|")), template)
        template = self.fill_words(template, split)
        sentence, named, position = Sentence(), {}, 0
        for slot in SLOT.finditer(template):
            sentence.text += template[position : slot.start()]
            kind, name = slot[1], slot[2]
            word = named.get((kind, name)) or self.draw_mention(kind, split)
            if name:
                named[kind, name] = word
            start = len(sentence.text)
            sentence.text += word
            sentence.mentions.append((start, start + len(word), self.kinds[kind]["type"]))
            sentence.kinds.append(kind)
            position = slot.end()
        sentence.text += template[position:]
        return sentence

    def vary(self, sentence: Sentence) -> None:
        """Another ending now and then: a tail, or no full stop."""
        if not sentence.text.endswith("。"):
            return
        chance = self.rng.random()
        if chance < 0.1 and len(sentence.text) < 50 and sentence.mentions:
            tail = self.pick(self.closed["tail"])
            sentence.text = sentence.text[:-1] + tail + ("" if tail[-1] in "！…" else "。")
        elif chance < 0.22:
            sentence.text = sentence.text[:-1]

    def make(self, split: str, total: int) -> list[Sentence]:
        """`total` different sentences; validation takes turns between templates that training has and has not seen."""
        pools = ["train"] if split == "train" else ["dev_seen", "dev_unseen"]
        queues: dict[tuple[str, bool], list[str]] = {}
        sentences: list[Sentence] = []
        plain = False
        while len(sentences) < total:
            pool = pools[len(sentences) % len(pools)]
            queue = queues.setdefault((pool, plain), [])
            while len(queue) < 2:  # every template once before any comes again
                queue += self.shuffle((self.plain if plain else self.templates)[pool])
            sentence = self.fill_template(queue.pop(0), split)
            if not plain and sentence.text[-1] in "。！？" and self.rng.random() < 0.12:
                following = self.fill_template(queue.pop(0), split)
                shift = len(sentence.text)
                sentence.text += following.text
                sentence.mentions += [(start + shift, end + shift, kind) for start, end, kind in following.mentions]
                sentence.kinds += following.kinds
            self.vary(sentence)
            if sentence.text in self.texts or not is_sound(sentence):
                continue
            self.texts.add(sentence.text)
            sentences.append(sentence)
            plain = (
                self.rng.random() < PLAIN_SHARE
            )  # drawn once for each kept sentence, so rejected repeats do not make them rarer
            if split == "train":
                for kind, word in zip(sentence.kinds, sentence.words(), strict=True):
                    self.train_mentions[kind].add(word)
                    self.train_names.add(bare(word))
        return sentences


def is_sound(sentence: Sentence) -> bool:
    """Whether its length is in range, and no name also occurs unmarked in the text or was drawn twice by chance."""
    if not MIN_LENGTH <= len(sentence.text) <= MAX_LENGTH:
        return False
    marked = {i for start, end, _ in sentence.mentions for i in range(start, end)}
    for word in set(sentence.words()):
        for match in re.finditer(re.escape(bare(word)), sentence.text):
            if not marked.issuperset(range(*match.span())):
                return False
    return True


def check(train: list[Sentence], dev: list[Sentence]) -> float:
    """Check what the README promises; returns the share of validation mentions that are unseen in training."""
    for sentence in train + dev:
        row = json.loads(sentence.to_json())
        for entity_type, words in row["label"].items():
            for word, spans in words.items():
                for start, end in spans:
                    if entity_type not in TYPES or row["text"][start : end + 1] != word:
                        raise ValueError(f"{entity_type} {word!r} is not at [{start}, {end}] of {row['text']!r}")
    if {s.text for s in train} & {s.text for s in dev}:
        raise ValueError("a sentence is in both files")
    for name, sentences in (("train", train), ("dev", dev)):
        counts = Counter(entity_type for s in sentences for _, _, entity_type in s.mentions)
        if set(counts) != set(TYPES) or min(counts.values()) < len(sentences) * 0.07:
            raise ValueError(f"{name}: a type is missing or rare: {counts}")
        plain = sum(not s.mentions for s in sentences) / len(sentences)
        if not 0.05 <= plain <= 0.11:
            raise ValueError(f"{name}: {plain:.0%} of the sentences have no entity, expected 5-11 %")
    seen = {bare(word) for s in train for word in s.words()}
    mentions = [bare(word) for s in dev for word in s.words()]
    share = sum(word not in seen for word in mentions) / len(mentions)
    if share < 0.6:
        raise ValueError(f"{share:.1%} of the validation mentions are unseen in training, expected at least 60 %")
    return share


def count_table(train: list[Sentence], dev: list[Sentence]) -> str:
    seen = {bare(word) for s in train for word in s.words()}
    rows = ["| type | train mentions | dev mentions | dev mentions unseen in training |", "|---|---|---|---|"]
    for wanted in (*TYPES, "all"):
        cells = []
        for sentences in (train, dev):
            cells.append([s.text[a:b] for s in sentences for a, b, kind in s.mentions if wanted in (kind, "all")])
        unseen = sum(bare(word) not in seen for word in cells[1]) / len(cells[1])
        rows.append(f"| {wanted} | {len(cells[0]):,} | {len(cells[1]):,} | {unseen:.0%} |")
    for name, sentences in (("train", train), ("dev", dev)):
        lengths = [len(s.text) for s in sentences]
        plain = sum(not s.mentions for s in sentences)
        mean = sum(lengths) / len(lengths)
        rows.append(
            f"\n{name}.json: {len(sentences):,} sentences, {plain} of them without an entity, "
            f"{min(lengths)}-{max(lengths)} characters, {mean:.1f} on average."
        )
    return "\n".join(rows)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--output_dir", type=Path, default=ROOT / "data" / "ner_sample", help="where the files go (data/ner_sample)"
    )
    parser.add_argument("--seed", type=int, default=42, help="another seed gives other sentences (42)")
    args = parser.parse_args(argv)
    spec = yaml.safe_load(Path(__file__).with_name("ner_sample.yaml").read_text(encoding="utf-8"))
    maker = SampleMaker(spec, seed=args.seed)
    train = maker.make("train", NUM_TRAIN)
    dev = maker.make("dev", NUM_DEV)
    check(train, dev)
    args.output_dir.mkdir(parents=True, exist_ok=True)
    for name, sentences in (("train", train), ("dev", dev)):
        lines = "".join(sentence.to_json() + "\n" for sentence in sentences)
        (args.output_dir / f"{name}.json").write_text(lines, encoding="utf-8", newline="\n")
    print(count_table(train, dev))


if __name__ == "__main__":
    main()
