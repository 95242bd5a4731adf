"""Speed of prompt NER compared with a loop that asks about one span at a time, and its zero-shot F1.

    python benchmarks/prompt_ner_speed.py pretrained/bert-mini-zh cluener/dev.json --count 200 --bf16

Every candidate span of the sentences is a question. The loop writes each out, tokenizes it, asks a stock
`AutoModelForMaskedLM` for the whole vocabulary, sorts it, and looks up the label words. Both take turns in one
process: the loop on some spans drawn at random, ours on all. Prints strict F1, spans/s, the ratio, and the largest
difference from the loop's probabilities, which is only rounding, unless the texts are shared.
"""

import argparse
import json
import random
import time

import torch
import transformers
from transformers import AutoModelForMaskedLM, AutoTokenizer

from utils.modeling.cloze_classifier import ClozeClassifier
from utils.prediction.cloze_entity_finder import ClozeEntityFinder
from utils.prediction.label_finder import LabelFinder
from utils.prompting.candidates import KINDS, choose_spans
from utils.prompting.templates import Template
from utils.prompting.verbalizers import read_verbalizer
from utils.scoring.entity_evaluator import score_entities
from utils.scoring.span_decisions import choose_entities, tune_entity_threshold
from utils.tagging.readers_ner import read_ner

TEMPLATE = "{text}{span}是一个{mask}{mask}。"
WORDS = {
    "name": "人名",
    "organization": "组织",
    "position": "职位",
    "company": "公司",
    "address": "地名",
    "game": "游戏",
    "government": "政府",
    "scene": "景点",
    "book": "小说",
    "movie": "电影",
    "O": ["词语", "动作", "时间"],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a masked-language model")
    parser.add_argument("texts", help="an NER file with the entity types of CLUENER")
    parser.add_argument("--count", type=int, default=200, help="number of sentences")
    parser.add_argument("--loop_spans", type=int, default=300, help="number of spans that the loop asks about")
    parser.add_argument("--kind", choices=KINDS, default="ngrams", help="candidate spans")
    parser.add_argument("--length", type=int, default=8, help="longest candidate span, in units of --kind")
    parser.add_argument("--batch_size", type=int, default=64, help="questions per forward pass")
    parser.add_argument("--bf16", action="store_true", help="also measure ours in bfloat16")
    parser.add_argument(
        "--share_texts",
        action="store_true",
        help="also measure shared texts: faster, other answers",
    )
    parser.add_argument("--rounds", type=int, default=1, help="number of rounds; the fastest counts")
    parser.add_argument("--output_file", help="write the numbers here, as JSON")
    args = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()

    dataset = read_ner(args.texts)
    dataset = dataset.select(range(min(args.count, len(dataset))))
    texts, gold = dataset["text"][:], dataset["entities"][:]
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    verbalizer = read_verbalizer(WORDS)
    list_spans = choose_spans(args.kind, max_length=args.length)
    finders = {"fp32": load_finder(args, tokenizer, verbalizer, list_spans, bf16=False)}
    if args.bf16:
        finders["bf16"] = load_finder(args, tokenizer, verbalizer, list_spans, bf16=True)
    if args.share_texts:
        for name, finder in list(finders.items()):
            own = {"share_texts": True, "list_spans": list_spans}
            finders[f"{name}, shared texts"] = ClozeEntityFinder(finder.finders, **own)
    stock = AutoModelForMaskedLM.from_pretrained(args.model, dtype=torch.float32).eval()
    words = [(word.label, word.weight, word.ids) for word in verbalizer.encode(tokenizer, spaced=False)]
    questions = [(text, span) for text in texts for span in list_spans(text)]
    drawn = random.Random(0).sample(questions, min(args.loop_spans, len(questions)))
    threads = torch.get_num_threads()
    print(
        f"{len(texts)} sentences, {len(questions):,} candidate spans ({args.kind} to {args.length}), {threads} threads"
    )

    taken: dict[str, float] = dict.fromkeys(("loop", *finders), float("inf"))
    asked = {}
    ask_one(stock, tokenizer, texts[0], (0, 1), words)
    for finder in finders.values():
        finder.ask(texts[:2])
    for _ in range(args.rounds):
        start = time.perf_counter()
        alone = [ask_one(stock, tokenizer, text, span, words) for text, span in drawn]
        taken["loop"] = min(taken["loop"], (time.perf_counter() - start) / len(drawn))
        for name, finder in finders.items():
            start = time.perf_counter()
            asked[name] = finder.ask(texts)
            finder.decide(asked[name])
            taken[name] = min(taken[name], (time.perf_counter() - start) / len(questions))

    number = {question: i for i, question in enumerate(questions)}
    numbers = {
        "sentences": len(texts),
        "spans": len(questions),
        "threads": threads,
        "loop_spans_per_s": 1 / taken["loop"],
    }
    print(f"loop                 {1 / taken['loop']:9.1f} spans/s   {len(drawn)} of them")
    for name, finder in finders.items():
        found = torch.tensor(asked[name].logits).softmax(-1)[[number[question] for question in drawn]]
        apart = float((found - torch.tensor(alone)).abs().max())
        best = tune_entity_threshold(asked[name], gold, labels=verbalizer.labels)
        chosen = {
            "zero-shot": finder.decide(asked[name]),
            "at the best threshold": choose_entities(asked[name], labels=verbalizer.labels, threshold=best),
        }
        scores = {how: score_entities(entities, dataset)["f1"] for how, entities in chosen.items()}
        print(
            f"{name:<18}   {1 / taken[name]:9.1f} spans/s   {taken['loop'] / taken[name]:.1f}x   "
            f"probabilities at most {apart:.0e} from the loop's"
        )
        print("                     strict F1: " + ", ".join(f"{how} {100 * f1:.1f}" for how, f1 in scores.items()))
        numbers[name] = {
            "spans_per_s": 1 / taken[name],
            "ratio": taken["loop"] / taken[name],
            "apart": apart,
            "f1": scores,
        }
    if args.output_file:
        with open(args.output_file, "w", encoding="utf-8") as file:
            json.dump(numbers, file, indent=1)


def load_finder(args, tokenizer, verbalizer, list_spans, *, bf16: bool) -> ClozeEntityFinder:
    """Our finder, with its own model."""
    words = verbalizer.encode(tokenizer, spaced=Template(TEMPLATE).spaced)
    model = ClozeClassifier.from_encoder(
        args.model,
        words=[[word.label, word.weight, [*word.ids]] for word in words],
        mask_token_id=tokenizer.mask_token_id,
        template=TEMPLATE,
        id2label=dict(enumerate(verbalizer.labels)),
    )
    finder = LabelFinder(model.eval(), tokenizer, batch_size=args.batch_size, bf16=bf16)
    return ClozeEntityFinder([finder], list_spans)


@torch.inference_mode()
def ask_one(model, tokenizer, text: str, span: tuple[int, int], words) -> list[float]:
    """Class probabilities for one span, done plainly: the whole vocabulary, sorted, then the label words."""
    masks = len(words[0][2])
    written = TEMPLATE.replace("{text}", text).replace("{span}", text[slice(*span)])
    batch = tokenizer(written.replace("{mask}", tokenizer.mask_token), return_tensors="pt")
    at_masks = batch["input_ids"][0] == tokenizer.mask_token_id
    ranked = model(**batch).logits[0].softmax(-1)[at_masks].sort(descending=True)
    scores: dict[int, float] = {}
    for label, weight, ids in words:
        places = [int((ranked.indices[mask] == ids[mask]).nonzero()[0, 0]) for mask in range(masks)]
        score = sum(float(ranked.values[mask, place].log()) for mask, place in enumerate(places)) / masks
        scores[label] = scores.get(label, 0.0) + weight * score
    return torch.tensor([scores[label] for label in sorted(scores)]).softmax(-1).tolist()


if __name__ == "__main__":
    main()
