"""Columns of tokens and tags that are wrong, and the whole message for each."""

from tests.reading.written_files import lines

# what is wrong | file name | bytes | the whole message
BAD_COLUMNS = [
    (
        "no tag",
        "a.txt",
        lines("一 O", "二"),
        'a.txt:2: expected 2 columns separated by spaces, found 1: "二"; write a token and its tag',
    ),
    (
        "plain text",
        "a.txt",
        lines("一二三。", "四五六。"),
        'a.txt:1: expected 2 columns separated by tabs, found 1: "一二三。"; write a token and its tag\n'
        'a.txt:2: expected 2 columns separated by tabs, found 1: "四五六。"; write a token and its tag',
    ),
    (
        "column too many",
        "a.txt",
        lines("EU NNP B-ORG", "call NN O", "the new DT O"),
        'a.txt:3: expected 3 columns separated by spaces, found 4: "the new DT O"; write a token and its tag',
    ),
    (
        "no token",
        "a.tsv",
        lines("一\tO", "\tO"),
        'a.tsv:2: expected a token and its tag, found "\\tO"; fill the empty column',
    ),
    (
        "no tag behind the tab",
        "a.tsv",
        lines("一\tO", "二\t"),
        'a.tsv:2: expected a token and its tag, found "二\\t"; fill the empty column',
    ),
    (
        "space among tabs",
        "a.txt",
        lines("一\tO", "二\tO", "三 O"),
        "a.txt:3: expected a tab between the columns as on most lines, found a space; use one of them throughout",
    ),
    (
        "tab among spaces",
        "a.txt",
        lines("一 O", "二 O", "三\tO"),
        "a.txt:3: expected a space between the columns as on most lines, found a tab; use one of them throughout",
    ),
    (
        "open quote",
        "a.csv",
        lines("一,O", '",O'),
        'a.csv:2: expected 2 columns separated by commas, found 1: ",O"; write a token and its tag',
    ),
    (
        "broken sequence",
        "a.txt",
        lines("一 B-X", "二 I-Y", "三 I-Y"),
        "a.txt:2: expected B-Y to begin the entity, found I-Y after B-X; "
        "correct the tag, read it as conlleval does (--repair_tags), "
        "or name the scheme if it is not bio (--file_scheme)",
    ),
    (
        "entity cut by a blank line",
        "a.txt",
        lines("一 B-X", "二 M-X", "", "三 E-X", "", "四 B-X", "五 M-X", "六 E-X"),
        "a.txt:2: expected M-X or E-X after M-X, found the end of the sequence; "
        "correct the tag, read it as conlleval does (--repair_tags), "
        "or name the scheme if it is not bmes (--file_scheme)\n"
        "a.txt:4: expected B-X to begin the entity, found E-X at the start of the sequence; "
        "correct the tag, read it as conlleval does (--repair_tags), "
        "or name the scheme if it is not bmes (--file_scheme)",
    ),
    (
        "unknown prefix",
        "a.txt",
        lines("一 B-X", "二 X-PER", "三 PER", "四 B-"),
        "a.txt:2: expected O or a label after one of B-, I-, found 'X-PER'; "
        "correct the tag, or name the scheme if it is not bio (--file_scheme)\n"
        "a.txt:3: expected O or a label after one of B-, I-, found 'PER'; "
        "correct the tag, or name the scheme if it is not bio (--file_scheme)\n"
        "a.txt:4: expected O or a label after one of B-, I-, found 'B-'; "
        "correct the tag, or name the scheme if it is not bio (--file_scheme)",
    ),
    (
        "nothing but document marks",
        "a.txt",
        lines("-DOCSTART- O", ""),
        "a.txt: expected sentences, found only -DOCSTART- lines; check how it was written",
    ),
]
