"""Column files as they are published: the same words and tags, and what stands before, between and behind."""


def columns(*sentences, separator="\t"):
    """Sentences of rows of cells, as lines."""
    return "\n".join("".join(separator.join(row) + "\n" for row in sentence) for sentence in sentences)


CONLL_2003 = [("Peter", "NNP", "B-NP", "B-PER"), ("Blackburn", "NNP", "I-NP", "I-PER"), ("saw", "VBD", "B-VP", "O")]
CONLL_2003 += [("Rome", "NNP", "B-NP", "B-LOC")]
WORDS = [(word, tag) for word, _, _, tag in CONLL_2003]


def numbered(first=1):
    return [(str(i), *row) for i, row in enumerate(WORDS, start=first)]


# name | content
FILES = [
    ("CoNLL-2003", columns(CONLL_2003, separator=" ")),
    ("tokens counted in each sentence", columns(*[numbered()] * 2)),
    ("tokens counted from 0", columns(numbered(0))),
    ("tokens counted over the file", columns(numbered(), [("5", "Peter", "B-PER"), ("6", "left", "O")])),
    ("GermEval: two levels", columns([("#", "http://de.wikipedia.org [2009]")], [(*row, "O") for row in numbered()])),
    ("NeuroNLP2", columns([(str(i), *row) for i, row in enumerate(CONLL_2003, start=1)], separator=" ")),
    ("predictions behind", columns([(*row, "B-ORG" if row[1] == "O" else row[1]) for row in WORDS])),
    ("links behind", columns([(*row, "Q1") for row in WORDS])),
    ("a tab behind", columns([(*row, "") for row in WORDS])),
    ("MultiCoNER", "# id 1f\tdomain=en\n" + columns([(word, "_", "_", tag) for word, tag in WORDS], separator=" ")),
    ("comments", "# text = Peter Blackburn saw Rome\n#newpar\n" + columns(WORDS) + "# the end\n"),
    ("Label Studio", "-DOCSTART- -X- O\n" + columns([(word, "-X-", "_", tag) for word, tag in WORDS], separator=" ")),
    ("document marks", columns([("0", "-DOCSTART-", "O")], numbered())),
    ("names of columns", "word,pos,label\n" + columns([(word, "NN", tag) for word, tag in WORDS], separator=",")),
    ("sentences numbered", "sentence_id,words,labels\n" + "".join(f"7,{word},{tag}\n" for word, tag in WORDS)),
    ("sentences numbered, no names", "".join(f"7\t{word}\t{tag}\n" for word, tag in WORDS)),
    (
        "CoNLL-U with names",
        columns(
            [
                ("1-2", "PeterBlackburn", *"_______", "_"),
                *((str(i), word, *"_______", f"name={tag}|SpaceAfter=No") for i, (word, tag) in enumerate(WORDS, 1)),
            ]
        ),
    ),
    ("tags before words", columns([(tag, word) for word, tag in WORDS])),
    ("semicolons", columns(WORDS, separator=";")),
]
