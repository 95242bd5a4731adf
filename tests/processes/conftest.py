"""Tiny models and samples for runs in several processes, and a launch of two that all tests share."""

import json
from pathlib import Path

import pytest

from tests.processes import run_jobs
from tests.processes.jobs import COUNTS, prediction_jobs, training_jobs
from tests.processes.launching import ROOT, torchrun
from tests.processes.run_jobs import SCRIPTS
from tests.sample_encoders import write_encoder


@pytest.fixture(scope="session")
def still_models(tiny_encoder, tmp_path_factory):
    """Folder with `encoder` and `masked_lm`: tiny, random, without dropout, with the characters of the samples."""
    from transformers import BertForMaskedLM, BertModel

    folder = tmp_path_factory.mktemp("still_models")
    still = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    for name, model_class in (("encoder", BertModel), ("masked_lm", BertForMaskedLM)):
        write_encoder(tiny_encoder, folder / name, model_class, **still)
    return folder


@pytest.fixture(scope="session")
def samples(tmp_path_factory):
    """Folder with `ner-N.json`, `class-N.tsv`, `faq-N.txt`, `qa-N.json` and `mlm-N.txt`: the first N rows of the
    sample sets, and all for N = all.
    """
    folder = tmp_path_factory.mktemp("samples")
    ner = (ROOT / "data/ner_sample/train.json").read_text(encoding="utf-8").splitlines()
    table = (ROOT / "data/review_sample/train.tsv").read_text(encoding="utf-8").splitlines()
    # Whole steps: rows that are there again fill the last one of an epoch where two processes share it.
    questions = (ROOT / "data/faq_sample/questions.txt").read_text(encoding="utf-8").splitlines()[:480]
    passages = json.loads((ROOT / "data/qa_sample/train.json").read_text(encoding="utf-8"))["data"]
    texts = [line.split("\t")[0] for line in table[1:]]
    for count in (*COUNTS, None):
        name = count or "all"
        (folder / f"ner-{name}.json").write_text("\n".join(ner[:count]) + "\n", encoding="utf-8")
        (folder / f"class-{name}.tsv").write_text("\n".join([table[0], *table[1:][:count]]) + "\n", encoding="utf-8")
        (folder / f"faq-{name}.txt").write_text("\n".join(questions[:count]) + "\n", encoding="utf-8")
        (folder / f"mlm-{name}.txt").write_text("\n".join(texts[:count]) + "\n", encoding="utf-8")
        (folder / f"qa-{name}.json").write_text(json.dumps({"data": first_questions(passages, count)}), "utf-8")
    return folder


def first_questions(articles, count):
    kept, left = [], count
    for article in articles:
        for paragraph in article["paragraphs"]:
            asked = paragraph["qas"][:left]
            left = None if left is None else left - len(asked)
            if asked:
                kept.append({"title": "", "paragraphs": [paragraph | {"qas": asked}]})
    return kept


@pytest.fixture(scope="session")
def alone(still_models, samples, tmp_path_factory):
    """Folder of the runs of a single process: every head is trained for 20 steps and predicts every number of rows."""
    folder = tmp_path_factory.mktemp("alone")
    for script, argv in (
        *training_jobs(still_models, samples, folder),
        *prediction_jobs(still_models, samples, folder, trained=folder),
    ):
        SCRIPTS[script](argv)
    return folder


@pytest.fixture(scope="session")
def pair(alone, still_models, samples, tmp_path_factory):
    """(what each of two processes says of itself, see `run_jobs.py`; folder of their runs): the runs of `alone`."""
    folder = tmp_path_factory.mktemp("pair")
    jobs = training_jobs(still_models, samples, folder, processes=2)
    jobs += prediction_jobs(still_models, samples, folder, trained=alone)
    (folder / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
    done = torchrun(Path(run_jobs.__file__), folder / "jobs.json", folder / "results.json")
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads((folder / "results.json").read_text(encoding="utf-8")), folder
