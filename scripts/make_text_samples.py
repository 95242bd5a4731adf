"""Write data/review_sample, data/faq_sample and data/qa_sample from the words and templates of text_samples.yaml.

    python scripts/make_text_samples.py                         # below data/, the same bytes every time
    python scripts/make_text_samples.py --output_dir /tmp/x     # elsewhere

Prints the counts in the README.md of each folder. Takes about a second.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).resolve().parent.parent
REVIEWS = {"train": 1200, "dev": 200}
PASSAGES = {"train": 80, "dev": 20}
QUESTIONS = {"train": 250, "dev": 60}
NO_ANSWER_SHARE = 0.15
FACTS_TOLD = 4  # of the six of a kind; questions about the others have no answer
KEPT_FROM_TRAINING = 0.3  # of the words, and of the review templates
FRESH_SHARE = 0.2  # how often a validation review draws from what was kept
OPPOSITE = {"good": "bad", "bad": "good"}
LABELS = {"good": "positive", "bad": "negative"}

WORD = re.compile(r"<(\w+?|\d+-\d+)>")
CHOICE = re.compile(r"\[([^\[\]]*)\]")
SLOT = re.compile(r"\{(\w+)\}")

Split = Mapping[str, list[str]]  # "train", "dev"


class Review(NamedTuple):
    text: str
    label: str
    is_mixed: bool  # it has a clause of the other verdict


class Draws:
    """Draws from one seeded stream of `random()`, which gives the same files with every Python."""

    def __init__(self, seed: int):
        self.rng = random.Random(seed)

    def pick(self, items: Sequence[str]) -> str:
        return items[int(self.rng.random() * len(items))]

    def shuffle(self, items: Sequence) -> list:
        return [items[i] for _, i in sorted((self.rng.random(), i) for i in range(len(items)))]

    def split(self, items: Sequence[str]) -> Split:
        shuffled = self.shuffle(items)
        cut = round(len(shuffled) * KEPT_FROM_TRAINING)
        return {"dev": shuffled[:cut], "train": shuffled[cut:]}

    def fill(self, form: str, lists: Mapping[str, Sequence[str]]) -> str:
        """Replace `[x|y]` and `<list>` or `<2-9>`, in this order."""

        def draw(match: re.Match) -> str:
            if "-" not in match[1]:
                return self.pick(lists[match[1]])
            low, high = map(int, match[1].split("-"))
            return str(low + int(self.rng.random() * (high - low + 1)))

        return WORD.sub(draw, CHOICE.sub(lambda match: self.pick(match[1].split("|")), form))


def read_lines(text: str) -> list[str]:
    return text.split("\n")[:-1]


def read_lists(lists: Mapping[str, str]) -> dict[str, list[str]]:
    return {name: words.split() for name, words in lists.items()}


class ReviewMaker:
    """Fills review templates; a clause of a domain is the name of an aspect and a judgement about it."""

    def __init__(self, spec: dict, seed: int):
        self.draws = Draws(seed)
        self.lists = read_lists(spec["lists"])
        frames = spec["frames"]
        both = self.draws.split(read_lines(frames["both"]))  # once: a template must not give the verdict away
        own = {verdict: self.draws.split(read_lines(frames[LABELS[verdict]])) for verdict in OPPOSITE}
        self.frames = {verdict: {split: both[split] + own[verdict][split] for split in both} for verdict in own}

        def split_words(aspect: dict, side: str) -> Split:
            own = self.draws.split(aspect[side].split())
            return {"dev": own["dev"], "train": own["train"] + spec[side].split()}

        self.domains: list[dict] = []
        for domain in spec["domains"].values():
            self.domains.append(
                {
                    "open": self.draws.split(domain["open"].split()),
                    "verdict": {side: self.draws.split(domain[f"{side}_verdict"].split()) for side in OPPOSITE},
                    "lines": {side: read_lines(domain[f"{side}_lines"]) for side in OPPOSITE},
                    "aspects": [
                        (aspect["names"].split(), {side: split_words(aspect, side) for side in OPPOSITE})
                        for aspect in domain["aspects"].values()
                    ],
                }
            )

    def draw(self, words: Split, split: str) -> str:
        fresh = split == "dev" and self.draws.rng.random() < FRESH_SHARE
        return self.draws.pick(words["dev" if fresh else "train"])

    def fill_frame(self, frame: str, domain: dict, *, verdict: str, split: str) -> str:
        aspects = self.draws.shuffle(domain["aspects"])

        def fill(slot: re.Match) -> str:
            if slot[1] == "open":
                return self.draw(domain["open"], split)
            if slot[1] == "verdict":
                return self.draw(domain["verdict"][verdict], split)
            names, said = aspects.pop()
            return self.draws.pick(names) + self.draw(said[verdict if slot[1] == "A" else OPPOSITE[verdict]], split)

        return self.draws.fill(SLOT.sub(fill, frame), self.lists)

    def end(self, text: str) -> str:
        """Another ending now and then: an exclamation mark, or no full stop."""
        chance = self.draws.rng.random()
        if not text.endswith("。") or chance >= 0.3:
            return text
        return text[:-1] + ("！" if chance < 0.12 else "")

    def make(self, split: str, total: int, taken: set[str]) -> list[Review]:
        """`total` different reviews, half with each label; `taken` holds all texts so far, without punctuation."""
        queues: dict[tuple, list[str]] = defaultdict(list)
        reviews: list[Review] = []
        for turn, domain in enumerate(cycle(self.domains)):
            if len(reviews) == total:
                return self.draws.shuffle(reviews)
            if turn > 20 * total:
                raise ValueError(f"reviews: fewer than {total} different ones for {split}; give domains more words")
            verdict = "good" if len(reviews) % 2 else "bad"
            pool = "dev" if split == "dev" and self.draws.rng.random() < FRESH_SHARE else "train"
            queue = queues[verdict, pool]
            if not queue:  # every template before any comes again, those without a turn seven times
                frames = [*self.frames[verdict][pool], "{line}"]
                queue += self.draws.shuffle(frames + 6 * [frame for frame in frames if "{B}" not in frame])
            frame = queue.pop()
            if frame == "{line}":
                frame = self.draws.pick(domain["lines"][verdict])
            text = self.end(self.fill_frame(frame, domain, verdict=verdict, split=split))
            bare = re.sub(r"\W", "", text)
            if bare not in taken:
                taken.add(bare)
                reviews.append(Review(text, LABELS[verdict], "{B}" in frame))


def make_questions(spec: dict, seed: int) -> list[tuple[str, str]]:
    """The FAQ's (office, question), shuffled: an office's own questions first, then each topic in turn until full."""
    draws = Draws(seed)
    frames = {kind: read_lines(lines) for kind, lines in spec["frames"].items()}
    held_out = {row["question"] for row in spec["ask"]}
    rows: list[tuple[str, str]] = []
    for office, topics in spec["offices"].items():
        asked = read_lines(topics["asked"])
        queues = [
            [frame.replace("{x}", topic) for frame in draws.shuffle(frames[kind])]
            for kind in frames
            for topic in topics.get(kind, "").split()
        ]
        queues = draws.shuffle(queues)
        while len(asked) < topics["count"]:
            for queue in queues[: topics["count"] - len(asked)]:
                question = queue.pop()
                if question not in asked and question not in held_out:
                    asked.append(question)
        rows += [(office, question) for question in asked]
    return draws.shuffle(rows)


class PassageMaker:
    """Writes passages with some facts about an invented person or thing, and questions about these and other facts."""

    def __init__(self, spec: dict, seed: int):
        self.draws = Draws(seed)
        self.kinds = spec["kinds"]
        closed, opened = read_lists(spec["closed"]), read_lists(spec["open"])
        split = {name: self.draws.split(words) for name, words in opened.items()}
        self.lists = {side: closed | {name: words[side] for name, words in split.items()} for side in PASSAGES}

    def tell(self, kind: dict, name: str, split: str) -> tuple[str, dict[int, tuple[str, int]]]:
        """A passage, and fact -> (answer, its first character) for the facts in it."""
        lists = self.lists[split]
        told = sorted(self.draws.shuffle(range(len(kind["facts"])))[:FACTS_TOLD])
        aside_before = self.draws.pick(told)
        passage = self.draws.fill(self.draws.pick(kind["openings"]), lists).replace("{name}", name)
        answers = {}
        for number in told:
            if number == aside_before:
                passage += self.draws.fill(self.draws.pick(kind["asides"]), lists)
            fact = kind["facts"][number]
            answer = self.draws.fill(fact["answer"], lists)
            before, after = self.draws.fill(self.draws.pick(fact["says"]), lists).split("{answer}")
            answers[number] = (answer, len(passage + before))
            passage += before + answer + after
        return passage, answers

    def make(self, split: str, names: set[str]) -> list[dict]:
        """Articles in SQuAD's format, each with one passage; `names` holds all names so far."""
        passages, questions = PASSAGES[split], QUESTIONS[split]
        without = round(questions * NO_ANSWER_SHARE)
        flags = [(i + 1) * without // questions > i * without // questions for i in range(questions)]  # evenly spread
        articles: list[dict] = []
        for kind_name in cycle(self.kinds):
            if len(articles) == passages:
                return articles
            kind = self.kinds[kind_name]
            for _ in range(200):
                name = self.draws.fill(kind["name"], self.lists[split])
                passage, answers = self.tell(kind, name, split)
                if name not in names and all(passage.count(answer) == 1 for answer, _ in answers.values()):
                    break
            else:
                raise ValueError(f"kind {kind_name!r}: no new name is left for {split}; give it more words")
            names.add(name)
            told = self.draws.shuffle(list(answers))
            untold = self.draws.shuffle([i for i in range(len(kind["facts"])) if i not in answers])
            qas = []
            for is_impossible in flags[: (len(articles) + 1) * questions // passages - _count_questions(articles)]:
                fact = (untold if is_impossible else told).pop()
                asks = kind["facts"][fact]["asks"]
                text, start = answers.get(fact, ("", 0))
                qas.append(
                    {
                        "id": f"{split}-{len(articles) + 1}-{len(qas) + 1}",
                        "question": self.draws.pick(asks).replace("{name}", name),
                        "answers": [] if is_impossible else [{"text": text, "answer_start": start}],
                        "is_impossible": is_impossible,
                    }
                )
            del flags[: len(qas)]
            articles.append({"title": name, "paragraphs": [{"context": passage, "qas": qas}]})


def _count_questions(articles: Sequence[dict]) -> int:
    return sum(len(article["paragraphs"][0]["qas"]) for article in articles)


def review_counts(reviews: Mapping[str, Sequence[Review]]) -> list[str]:
    rows = ["| file | reviews | positive | negative | mixed | characters |", "|---|---|---|---|---|---|"]
    for split, some in reviews.items():
        labels = Counter(review.label for review in some)
        lengths = [len(review.text) for review in some]
        rows.append(
            f"| {split}.tsv | {len(some):,} | {labels['positive']} | {labels['negative']} | "
            f"{sum(review.is_mixed for review in some)} | {min(lengths)}-{max(lengths)} |"
        )
    return rows


def faq_counts(questions: Sequence[tuple[str, str]]) -> list[str]:
    counts = Counter(office for office, _ in questions)
    rows = ["| office | questions |", "|---|---|"]
    return rows + [f"| {office} | {count} |" for office, count in [*counts.most_common(), ("all", len(questions))]]


def qa_counts(articles: Mapping[str, Sequence[dict]]) -> list[str]:
    rows = ["| file | passages | questions | without an answer | characters of a passage |", "|---|---|---|---|---|"]
    for split, some in articles.items():
        paragraphs = [article["paragraphs"][0] for article in some]
        lengths = [len(paragraph["context"]) for paragraph in paragraphs]
        without = sum(question["is_impossible"] for paragraph in paragraphs for question in paragraph["qas"])
        rows.append(
            f"| {split}.json | {len(some)} | {_count_questions(some)} | {without} | {min(lengths)}-{max(lengths)} |"
        )
    return rows


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output_dir", type=Path, default=ROOT / "data", help="where the three folders go (data)")
    parser.add_argument("--seed", type=int, default=42, help="another seed gives other texts (42)")
    args = parser.parse_args(argv)
    spec = yaml.safe_load(Path(__file__).with_name("text_samples.yaml").read_text(encoding="utf-8"))

    def make_splits(make: Callable[[str, set[str]], list]) -> dict[str, list]:
        taken: set[str] = set()
        return {split: make(split, taken) for split in ("train", "dev")}

    review_maker = ReviewMaker(spec["reviews"], args.seed)
    reviews = make_splits(lambda split, taken: review_maker.make(split, REVIEWS[split], taken))
    questions = make_questions(spec["faq"], args.seed)
    articles = make_splits(PassageMaker(spec["qa"], args.seed).make)

    files = {
        "faq_sample/questions.txt": "".join(f"{office} {question}\n" for office, question in questions),
        "faq_sample/ask.jsonl": "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in spec["faq"]["ask"]),
    }
    for split in ("train", "dev"):
        rows = [("text", "label"), *(review[:2] for review in reviews[split])]
        files[f"review_sample/{split}.tsv"] = "".join(f"{text}\t{label}\n" for text, label in rows)
        squad = {"version": "v2.0", "data": articles[split]}
        files[f"qa_sample/{split}.json"] = json.dumps(squad, ensure_ascii=False, indent=1) + "\n"
    for name, text in files.items():
        path = args.output_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    print("\n".join([*review_counts(reviews), "", *faq_counts(questions), "", *qa_counts(articles)]))


if __name__ == "__main__":
    main()
