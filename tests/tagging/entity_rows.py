"""Texts with entities, and what a data set holds of them."""

CLUENER = [
    {"text": "叶老桂在浙商银行", "label": {"name": {"叶老桂": [[0, 2]]}, "company": {"浙商银行": [[4, 7]]}}},
    {"text": "没有", "label": {}},
]
# "叶老桂" 0-3, "浙商银行" 4-8
SPANS = [[(0, 3, "name"), (4, 8, "company")], []]


def spans_of(dataset):
    return [[(one["start"], one["end"], one["label"]) for one in entities] for entities in dataset["entities"]]


def covered(dataset):
    """Each entity's text and label."""
    rows = zip(dataset["text"], spans_of(dataset), strict=True)
    return [[(text[start:end], label) for start, end, label in spans] for text, spans in rows]
