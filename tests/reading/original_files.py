"""The first rows of data sets in the form in which their authors distribute them, and how they are to be read.

Invented sentences in the true form. Who meets another data set adds a line to `ORIGINALS`.
"""

from tests.reading.written_files import json_lines

PAIRED_TEXTS = {"text": "A cat sat.", "text_pair": "A cat was sitting."}
SECOND_PAIR = {"text": 'He said " no " .', "text_pair": '" No , he said .'}

# data set | file name | content | columns of its rows, without ids
ORIGINALS = [
    (
        "CoLA",
        "train.tsv",
        'gj04\t1\t\tThe cat sat.\ngj04\t0\t*\tThe "cat sat.\n',
        [{"text": "The cat sat.", "label": "1"}, {"text": 'The "cat sat.', "label": "0"}],
    ),
    (
        "MRPC",
        "train.tsv",
        "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n"
        '1\t7\t8\tA cat sat.\tA cat was sitting.\n0\t9\t10\tHe said " no " .\t" No , he said .\n',
        [PAIRED_TEXTS | {"label": "1"}, SECOND_PAIR | {"label": "0"}],
    ),
    (
        "RTE, MNLI",
        "train.tsv",
        "index\tsentence1\tsentence2\tlabel\n0\tA cat sat.\tA cat was sitting.\tentailment\n",
        [PAIRED_TEXTS | {"label": "entailment"}],
    ),
    ("SST-2", "dev.tsv", "sentence\tlabel\nit 's charming . \t1\n", [{"text": "it 's charming . ", "label": "1"}]),
    (
        "QNLI",
        "dev.tsv",
        "index\tquestion\tsentence\tlabel\n0\tA cat sat.\tA cat was sitting.\tnot_entailment\n",
        [PAIRED_TEXTS | {"label": "not_entailment"}],
    ),
    (
        "QQP",
        "dev.tsv",
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n7\t1\t2\tA cat sat.\tA cat was sitting.\t1\n",
        [PAIRED_TEXTS | {"label": "1"}],
    ),
    (
        "the STS benchmark",
        "sts-train.csv",
        "main-captions\tMSRvid\t2012test\t0001\t5.000\tA cat sat.\tA cat was sitting.\n"
        'main-news\theadlines\t2013\t0001\t3.80\tHe said " no " .\t" No , he said .\t2\t3\n',
        [PAIRED_TEXTS | {"label": "5.000"}, SECOND_PAIR | {"label": "3.80"}],
    ),
    (
        "the Chinese STS benchmark",
        "train.txt",
        "2012test-0001||猫坐着。||一只猫坐着。||4\n2012test-0001||下雨了。||天晴了。||0\n",
        [
            {"text": "猫坐着。", "text_pair": "一只猫坐着。", "label": "4"},
            {"text": "下雨了。", "text_pair": "天晴了。", "label": "0"},
        ],
    ),
    (
        "BoolQ",
        "train.jsonl",
        json_lines([{"question": "A cat sat.", "passage": "A cat was sitting.", "title": "Cat", "answer": True}]),
        [PAIRED_TEXTS | {"label": "true"}],
    ),
    (
        "SNLI in JSON",
        "train.jsonl",
        json_lines([{"gold_label": "neutral", "sentence1": "A cat sat.", "sentence2": "A cat was sitting."}]),
        [PAIRED_TEXTS | {"label": "neutral"}],
    ),
    (
        "XNLI in Chinese",
        "train.tsv",
        "premise\thypo\tlabel\nA cat sat.\tA cat was sitting.\tneutral\n",
        [PAIRED_TEXTS | {"label": "neutral"}],
    ),
    ("LCQMC", "train.txt", "A cat sat.\tA cat was sitting.\t1\n", [PAIRED_TEXTS | {"label": "1"}]),
    ("ChnSentiCorp", "train.tsv", "label\ttext_a\n1\t房间很大\n", [{"text": "房间很大", "label": "1"}]),
    ("waimai_10k", "waimai.csv", 'label,review\n1,"很快，好吃"\n', [{"text": "很快，好吃", "label": "1"}]),
    ("IMDB", "IMDB Dataset.csv", 'review,sentiment\n"So ""good"", really",positive\n',
     [{"text": 'So "good", really', "label": "positive"}]),
    ("TNEWS of Toutiao", "toutiao.txt", "6_!_100_!_news_story_!_京城文化_!_京城,文化\n",
     [{"text": "京城文化", "label": "news_story"}]),
    ("a table of Kaggle", "spam.csv", "Category,Message\nham,See you\n", [{"text": "See you", "label": "ham"}]),
]  # fmt: skip
