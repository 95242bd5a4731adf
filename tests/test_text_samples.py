"""The review, FAQ and QA samples are what their READMEs say; make_text_samples.py makes them byte for byte."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from utils.reading.class_readers import read_classes
from utils.reading.readers_qa import read_qa
from utils.reading.text_labels import list_labels

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
FOLDERS = ("review_sample", "faq_sample", "qa_sample")
FILES = [
    *("review_sample/train.tsv", "review_sample/dev.tsv", "faq_sample/questions.txt", "faq_sample/ask.jsonl"),
    *("qa_sample/train.json", "qa_sample/dev.json"),
]


def make_samples(folder: Path, *flags: str) -> str:
    command = [sys.executable, str(ROOT / "scripts" / "make_text_samples.py"), "--output_dir", str(folder), *flags]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True, env={"PYTHONUTF8": "1"}).stdout


@pytest.fixture(scope="module")
def made_again(tmp_path_factory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("text samples")
    return folder, make_samples(folder)


def read_reviews(split: str):
    return read_classes(DATA / "review_sample" / f"{split}.tsv")


def list_questions(split: str) -> list[tuple[str, dict]]:
    """Passage and question."""
    whole = json.loads((DATA / "qa_sample" / f"{split}.json").read_text(encoding="utf-8"))
    paragraphs = [paragraph for article in whole["data"] for paragraph in article["paragraphs"]]
    return [(paragraph["context"], question) for paragraph in paragraphs for question in paragraph["qas"]]


def test_script_makes_the_same_bytes_again(made_again):
    folder, _ = made_again
    made = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert made == sorted(FILES)
    for name in FILES:
        assert (folder / name).read_bytes() == (DATA / name).read_bytes(), name


def test_another_seed_makes_other_texts(tmp_path):
    make_samples(tmp_path, "--seed", "1")
    same = [name for name in FILES if (tmp_path / name).read_bytes() == (DATA / name).read_bytes()]
    assert same == ["faq_sample/ask.jsonl"]


@pytest.mark.parametrize(("number", "least"), enumerate((4, 18, 4)))
def test_readme_states_the_counts_that_the_script_prints(made_again, number, least):
    _, printed = made_again
    lines = printed.strip().split("\n\n")[number].splitlines()
    readme = (DATA / FOLDERS[number] / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) == least
    assert [line for line in lines if line not in readme] == []


@pytest.mark.parametrize(("split", "count"), [("train", 1200), ("dev", 200)])
def test_half_of_the_reviews_are_positive(split, count):
    reviews = read_reviews(split)
    assert list_labels(reviews) == ["negative", "positive"]
    assert Counter(reviews["label"][:]) == {"negative": count // 2, "positive": count // 2}


def test_no_review_occurs_twice_whatever_its_punctuation():
    texts = [re.sub(r"\W", "", text) for split in ("train", "dev") for text in read_reviews(split)["text"][:]]
    assert len(texts) == len(set(texts)) == 1400


def test_no_character_decides_the_label_of_reviews():
    reviews = read_reviews("train")
    rows = list(zip(reviews["text"][:], reviews["label"][:], strict=True))
    characters = set("".join(text for text, _ in rows))
    right = {
        character: sum((character in text) == (label == "positive") for text, label in rows) / len(rows)
        for character in characters
    }
    assert len(characters) > 300
    assert max(max(share, 1 - share) for share in right.values()) < 0.7


def test_reviews_turn_both_ways():
    for turn in ("但", "虽然", "不过"):
        labels = Counter(row["label"] for row in read_reviews("train") if turn in row["text"])
        assert min(labels["positive"], labels["negative"]) >= 5, turn


def test_offices_are_uneven_and_two_have_four_questions():
    questions = read_classes(DATA / "faq_sample" / "questions.txt", file_format="faq")
    counts = sorted(Counter(questions["label"][:]).values())
    assert len(counts) == 15
    assert counts[:3] == [4, 4, 20]
    assert counts[-1] == 60


def test_one_question_has_two_offices_and_no_line_occurs_twice():
    questions = read_classes(DATA / "faq_sample" / "questions.txt", file_format="faq")
    lines = list(zip(questions["text"][:], questions["label"][:], strict=True))
    assert len(lines) == len(set(lines)) == 499
    shared = [text for text, count in Counter(questions["text"][:]).items() if count > 1]
    assert shared == ["小区车位被陌生车辆占了，应该找谁"]


def test_questions_to_ask_are_new_and_of_known_offices():
    asked = read_classes(DATA / "faq_sample" / "ask.jsonl")
    known = read_classes(DATA / "faq_sample" / "questions.txt", file_format="faq")
    assert len(asked) == 6
    assert set(asked["text"][:]).isdisjoint(known["text"][:])
    assert set(asked["label"][:]) <= set(known["label"][:])


@pytest.mark.parametrize(("split", "count", "without"), [("train", 250, 38), ("dev", 60, 9)])
def test_answers_stand_once_and_where_they_should(split, count, without):
    rows = list_questions(split)
    assert (len(rows), sum(question["is_impossible"] for _, question in rows)) == (count, without)
    checked = 0
    for passage, question in rows:
        assert bool(question["answers"]) != question["is_impossible"]
        for answer in question["answers"]:
            assert passage[answer["answer_start"] :].startswith(answer["text"])
            assert passage.count(answer["text"]) == 1
            checked += 1
    assert checked == count - without


def test_reader_takes_the_questions_as_they_are():
    for split in ("train", "dev"):
        dataset, rows = read_qa(DATA / "qa_sample" / f"{split}.json"), list_questions(split)
        assert dataset["id"][:] == [question["id"] for _, question in rows]
        starts = [[answer["answer_start"] for answer in question["answers"]] for _, question in rows]
        assert [answers["answer_start"] for answers in dataset["answers"][:]] == starts


def test_no_passage_or_question_occurs_twice():
    rows = [row for split in ("train", "dev") for row in list_questions(split)]
    questions = [question["question"] for _, question in rows]
    assert len({passage for passage, _ in rows}) == 100
    assert len(questions) == len(set(questions)) == 310
