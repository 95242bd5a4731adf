"""Rows of texts with classes, as the reader gives them."""

ROWS = [{"id": "0", "text": "很好", "label": "pos"}, {"id": "1", "text": "很差", "label": "neg"}]
PAIRS = [
    {"id": "0", "text": "一", "text_pair": "二", "label": "yes"},
    {"id": "1", "text": "三", "text_pair": "四", "label": "no"},
]
