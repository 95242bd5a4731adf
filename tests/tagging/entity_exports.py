"""What labelling tools export: the same two texts and their entities in each form."""

import json

from tests.reading.written_files import json_lines

TEXT = "张三在北京"
FOUND = [[("张三", "PER"), ("北京", "LOC")], []]
TAGS = ["B-PER", "I-PER", "O", "B-LOC", "I-LOC"]
TRIPLES = [[0, 2, "PER"], [3, 5, "LOC"]]


def dicts(start="start", end="end", label="label", **more):
    """Both entities as dicts."""
    return [{start: a, end: b, label: kind} | more for a, b, kind in TRIPLES]


def two(rows):
    """A row with entities and one without."""
    filled, empty = rows
    return [{"text": TEXT} | filled, {"text": "没有"} | empty]


def studio(result, **more):
    """A task of Label Studio."""
    return {"annotations": [{"id": 9, "was_cancelled": False, "ground_truth": False, "result": result}]} | more


def region(start, end, label):
    value = {"start": start, "end": end, "text": TEXT[start:end], "labels": [label]}
    return {"value": value, "id": "r1", "from_name": "label", "to_name": "text", "type": "labels", "origin": "manual"}


REGIONS = [region(*triple) for triple in TRIPLES]
CHOICE = {"value": {"choices": ["news"]}, "from_name": "kind", "to_name": "text", "type": "choices"}
PRODIGY = {"_input_hash": 1, "_task_hash": 2, "_view_id": "ner_manual", "answer": "accept"}
TOKENS = [{"text": character, "start": i, "end": i + 1, "id": i} for i, character in enumerate(TEXT)]

# name | the content of a JSON file: a row with entities and one without
EXPORTS = [
    ("ours", json_lines(two([{"entities": dicts()}, {"entities": []}]))),
    ("doccano, first releases", json_lines(two([{"id": 1, "labels": TRIPLES, "meta": {}}, {"id": 2, "labels": []}]))),
    ("doccano 1.0", json_lines([{"id": 1, "data": TEXT, "label": TRIPLES}, {"id": 2, "data": "没有", "label": []}])),
    (
        "doccano 1.5",
        json_lines(two([{"id": 1, "label": TRIPLES, "Comments": []}, {"id": 2, "label": [], "Comments": []}])),
    ),
    (
        "doccano with relations",
        json_lines(
            two(
                [
                    {"entities": dicts("start_offset", "end_offset", id=3), "relations": [], "Comments": []},
                    {"entities": [], "relations": []},
                ]
            )
        ),
    ),
    (
        "doccano's annotations",
        json_lines(two([{"annotations": dicts("start_offset", "end_offset", user=1)}, {"annotations": []}])),
    ),
    (
        "Label Studio",
        json.dumps(
            [
                studio(REGIONS, id=1, data={"text": TEXT}, predictions=[], meta={}),
                studio([CHOICE], id=2, data={"text": "没有"}),
            ],
            indent=2,
        ),
    ),
    (
        "Label Studio, another name of the text",
        json.dumps([studio([CHOICE, *REGIONS], data={"title": TEXT, "n": 1}), studio([], data={"title": "没有"})]),
    ),
    (
        "Label Studio, cancelled and agreeing",
        json.dumps(
            [
                {
                    "data": {"text": TEXT},
                    "annotations": [
                        {"result": []} | {"was_cancelled": True},
                        {"result": REGIONS},
                        {"result": REGIONS[::-1]},
                    ],
                },
                studio([], data={"text": "没有"}),
            ]
        ),
    ),
    (
        "Label Studio, old",
        json.dumps(
            [
                {"data": {"text": TEXT}, "completions": [{"result": REGIONS}]},
                {"data": {"text": "没有"}, "completions": [{"result": []}]},
            ]
        ),
    ),
    (
        "Label Studio JSON-MIN",
        json.dumps(
            two(
                [
                    {"id": 1, "label": [each["value"] for each in REGIONS], "annotator": 1, "annotation_id": 4},
                    {"id": 2, "label": [], "annotator": 1, "annotation_id": 5},
                ]
            )
        ),
    ),
    (
        "Label Studio JSON-MIN, no key without labels",
        json.dumps(
            two(
                [
                    {"label": [each["value"] for each in REGIONS], "annotation_id": 4},
                    {"annotator": 1, "annotation_id": 5},
                ]
            )
        ),
    ),
    (
        "Label Studio JSON-MIN, another name",
        json.dumps(
            two([{"ner": [each["value"] for each in REGIONS], "annotation_id": 4}, {"annotation_id": 5, "label": []}])
        ),
    ),
    (
        "Prodigy",
        json_lines(
            two([{"spans": dicts(token_start=0), "tokens": TOKENS} | PRODIGY, {"tokens": [], "spans": []} | PRODIGY])
        ),
    ),
    (
        "Prodigy, nothing marked",
        json_lines(two([{"spans": dicts(), "tokens": TOKENS} | PRODIGY, {"tokens": []} | PRODIGY])),
    ),
    ("spaCy's lists", json.dumps([[TEXT, {"entities": TRIPLES}], ["没有", {"entities": []}]])),
    ("spaCy's lists over lines", json.dumps([[TEXT, {"entities": TRIPLES}], ["没有", {"entities": []}]], indent=1)),
    ("spaCy's lists, a line each", json_lines([[TEXT, {"entities": TRIPLES}], ["没有", {"entities": []}]])),
    (
        "NER Annotator",
        json.dumps(
            {"classes": ["PER"], "annotations": [[TEXT, {"entities": TRIPLES}], None, ["没有", {"entities": []}]]}
        ),
    ),
    (
        "NER Annotator over lines",
        json.dumps(
            {"classes": ["PER"], "annotations": [[TEXT, {"entities": TRIPLES}], ["没有", {"entities": []}]]}, indent=2
        ),
    ),
    (
        "CMeEE: inclusive ends",
        json.dumps(
            two(
                [
                    {
                        "entities": [
                            {"start_idx": a, "end_idx": b - 1, "type": kind, "entity": TEXT[a:b]}
                            for a, b, kind in TRIPLES
                        ]
                    },
                    {"entities": []},
                ]
            )
        ),
    ),
    (
        "the same with exclusive ends",
        json_lines(
            two(
                [
                    {
                        "entities": [
                            {"start_idx": a, "end_idx": b, "type": kind, "entity": TEXT[a:b]} for a, b, kind in TRIPLES
                        ]
                    },
                    {"entities": []},
                ]
            )
        ),
    ),
    (
        "CCKS",
        json_lines(
            [
                {"originalText": TEXT, "entities": dicts("start_pos", "end_pos", "label_type", overlap=0)},
                {"originalText": "没有", "entities": []},
            ]
        ),
    ),
    (
        "CLUENER under labels",
        json_lines(two([{"labels": {"PER": {"张三": [[0, 1]]}, "LOC": {"北京": [[3, 4]]}}}, {"labels": {}}])),
    ),
    (
        "predictions of a pipeline",
        json_lines(two([{"entities": dicts(label="entity_group", score=0.9)}, {"entities": []}])),
    ),
    ("tokens with ner", json_lines([{"tokens": list(TEXT), "ner": TAGS}, {"tokens": ["没有"], "ner": ["O"]}])),
    ("words and labels", json_lines([{"words": list(TEXT), "labels": TAGS}, {"words": ["没有"], "labels": ["O"]}])),
    (
        "lists of characters",
        json_lines([{"text": list(TEXT), "label": TAGS}, {"text": ["没", "有"], "label": ["O", "O"]}]),
    ),
    ("a tag for each character", json_lines(two([{"labels": TAGS}, {"labels": ["O", "O"]}]))),
    (
        "Few-NERD: no prefixes",
        json_lines(
            [
                {"tokens": list(TEXT), "ner_tags": [tag[2:] or "O" for tag in TAGS], "id": "0"},
                {"tokens": ["没有"], "ner_tags": ["O"], "id": "1"},
            ]
        ),
    ),
]
