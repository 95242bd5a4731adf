"""Inputs to try a model with, by what it does and by language: on the page of app.py and on model cards."""

TITLES = {
    "entities": "Entities in a text",
    "classes": "Classes of a text",
    "scores": "The score of a text",
    "questions": "Answers to a question",
    "answers": "Answers in a passage",
    "words": "Words for [MASK]",
}
_PASSAGES = {
    "zh": "张伟在北京大学教书，李娜在上海开了一家书店，店里有两万册书。",
    "en": "Ann Lee teaches at Oxford, and Tom Hill keeps a bookshop with 20,000 books in York.",
}
EXAMPLES = {  # by kind and language, three each
    "entities": {
        "zh": [
            "张伟在北京大学教书。",
            "昨天，苏州市教育局副局长梁雨桐到东湖区调研。",
            "《流浪地球》在上海首映，导演郭帆到场。",
        ],
        "en": [
            "Ann Lee teaches at Oxford.",
            "Apple opened a shop in Berlin on Monday.",
            "The New York Times met Angela Merkel in Paris.",
        ],
    },
    "classes": {
        "zh": ["菜很好吃，服务也周到，下次还来。", "等了一个小时，菜还是凉的。", "手机屏幕不错，就是电池不耐用。"],
        "en": [
            "Great food and kind staff.",
            "An hour's wait for a cold meal.",
            "A fine screen, but the battery is poor.",
        ],
    },
    "questions": {
        "zh": ["想申请停车证，要找谁？", "路灯坏了怎么办？", "孩子上小学在哪里报名？"],
        "en": ["Who gives parking permits?", "A street light is broken.", "Where do I enrol my child at school?"],
    },
    "words": {
        "zh": ["今天天气真[MASK]。", "他在[MASK][MASK]大学读书。", "这家店的菜很[MASK]。"],
        "en": ["The weather is [MASK] today.", "He studies at the [MASK].", "The food here is [MASK]."],
    },
    "answers": {
        "zh": [[question, _PASSAGES["zh"]] for question in ("谁在北京大学教书？", "书店在哪里？", "店里有多少册书？")],
        "en": [[question, _PASSAGES["en"]] for question in ("Who teaches?", "Where is the shop?", "How many books?")],
    },
    "pairs": {
        "zh": [["花呗怎么还款？", "怎样还花呗？"], ["他在读书。", "他在看书。"], ["他在读书。", "他在打球。"]],
        "en": [
            ["A man reads.", "Someone is reading."],
            ["It rains.", "The sun shines."],
            ["He ate.", "He had a meal."],
        ],
    },
}
EXAMPLES["scores"] = EXAMPLES["classes"]
