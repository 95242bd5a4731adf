"""Errors of taggers and classifiers on rows that are made here; some labels and texts look like HTML."""

import numpy as np
from datasets import Dataset

from utils.modeling.joined_windows import Entity
from utils.reporting import error_report
from utils.reporting.curves import read_curves
from utils.scoring.class_evaluator import ClassEvaluator
from utils.scoring.decisions import DecisionRule

EVIL = "<script>window.broken = 1</script>\"'&\u202e\u200b\x07]]><!--"
HISTORY = [
    {"epoch": 1.0, "step": 5, "loss": 2.0},
    {"epoch": 1.0, "step": 5, "eval_loss": 1.5, "eval_f1": 0.25},
    {"epoch": 2.0, "step": 10, "loss": 1.0},
    {"epoch": 2.0, "step": 10, "eval_loss": 1.25, "eval_f1": 0.5},
    {"epoch": 3.0, "step": 15, "loss": float("nan"), "eval_loss": 1.5, "eval_f1": 0.25},
    {"epoch": 3.0, "step": 15, "train_runtime": 9.0},
    {"epoch": 3.0, "step": 15, "eval_loss": 1.25, "eval_f1": 0.5},
]


def tagged(texts, entities):
    rows = [[{"start": a, "end": b, "label": label} for a, b, label in each] for each in entities]
    return Dataset.from_dict({"id": [f"n{i}" for i in range(len(texts))], "text": texts, "entities": rows})


def tagger(texts, gold, found, *, train=None):
    found = [[Entity(*one) for one in each] for each in found]
    return error_report.report_entities(tagged(texts, gold), found, table={}, scores={"eval_f1": 0.5}, train=train)


def classifier(labels, gold, logits, *, several=False, texts=None, abstain_below=0.0):
    texts = texts or [f"text {i}" for i in range(len(gold))]
    columns = {"id": list(map(str, range(len(gold)))), "text": texts, "labels" if several else "label": gold}
    ids = [[int(label in each) for label in labels] if several else labels.index(each) for each in gold]
    encoded = Dataset.from_dict({"index": range(len(gold)), "labels": ids})
    rule = DecisionRule(labels, several, abstain_below=abstain_below)
    logits = np.array(logits, dtype=np.float64)
    report = ClassEvaluator(encoded, rule).report(logits, rule)
    return error_report.report_verdicts(Dataset.from_dict(columns), rule.verdicts(logits), rule, report=report)


def report(labels=("name", EVIL)):
    one, two = labels
    found = tagger(
        [EVIL + "abcdef", "abcdef"],
        [[(0, 3, one), (2, 6, two)], [(0, 2, one)]],
        [[(0, 3, two, 0.75), (4, 8, two, 0.5)], [(0, 2, one, 0.9)]],
    )
    found["table"] = {label: {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2} for label in labels}
    curves = read_curves(HISTORY, metric="f1", best_step=10)
    run = {"run": EVIL, "script": "run_ner.py"}
    splits = {"validation": found, "test": classifier([one, two], [one, two], [[0, 9], [9, 0]], texts=[EVIL, "fine"])}
    return {"run": run, "splits": splits, "curves": curves}
