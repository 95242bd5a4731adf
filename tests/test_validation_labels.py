"""A validation file without labels would make every epoch the best: each script refuses it before it trains."""

import json

import pytest

import run_classification
import run_ner
import run_prompt
import run_qa_cls
import run_qa_span
from utils.data.errors import DataError

CLASSES = [{"text": text, "label": label} for text, label in zip("一二三四五六", "ababab", strict=True)]
ENTITIES = [{"text": "张三在北京", "entities": [[0, 2, "PER"]]}, {"text": "没有", "entities": []}]
ANSWERS = [
    {"id": str(i), "question": "谁？", "context": f"张三在北京{i}", "answers": {"text": ["张三"], "answer_start": [0]}}
    for i in range(4)
]
PROMPT = ["--template", "{text}的{mask}。", "--verbalizer", "{a: 会, b: 学}"]
SPANS = ["--template", "{text}{span}是{mask}。", "--verbalizer", "{PER: 人, O: 的}"]

# script | options | training rows | validation rows | what is expected
SCRIPTS = [
    (run_ner, [], ENTITIES, [{"text": "张三在北京"}], "entities"),
    (run_ner, [], ENTITIES, [{"text": "没有", "entities": []}], "entities"),
    (run_classification, [], CLASSES, [{"text": "一"}], "labels"),
    (run_qa_cls, [], CLASSES, [{"text": "一"}], "labels"),
    (run_qa_span, [], ANSWERS, [{"id": "9", "question": "谁？", "context": "张三"}], "answers"),
    (run_prompt, PROMPT, CLASSES, [{"text": "一"}], "labels"),
    (run_prompt, SPANS, ENTITIES, [{"text": "张三在北京"}], "entities"),
]


@pytest.mark.parametrize(
    ("script", "options", "train", "validation", "expected"),
    SCRIPTS,
    ids=lambda value: getattr(value, "__name__", None),
)
def test_validation_file_without_labels_is_refused(
    tiny_masked_lm, tmp_path, script, options, train, validation, expected
):
    for name, rows in (("train", train), ("validation", validation)):
        content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(content, encoding="utf-8")
    files = [word for name in ("train", "validation") for word in (f"--{name}_file", str(tmp_path / f"{name}.jsonl"))]
    with pytest.raises(
        DataError, match=f"^the validation data: expected {expected}, found none; (they|it) .*choose the best epoch"
    ):
        script.main(["--model_name_or_path", tiny_masked_lm, "--output_dir", str(tmp_path / "out"), *files, *options])
