"""Tables of texts with classes that are wrong, with a header and without, and the whole message for each."""

from tests.reading.bad_text_json import NO_TEXTS, OPTIONS, record
from tests.reading.written_files import lines
from utils.reading.column_names import TextColumns

FAQ = {"file_format": "faq"}
GOOD = "很好,a"

# what is wrong | file name | bytes | options | the whole message
BAD_TABLES = [
    # tables
    (
        "only a header",
        "a.csv",
        b"text,label\n",
        {},
        "a.csv: expected rows below the header, found none; check how it was written",
    ),
    (
        "cell missing",
        "a.csv",
        lines("text,label", GOOD, "很差"),
        {},
        "a.csv:3: expected 2 columns as in the header, found 1; quote texts with commas, and fill or remove cells",
    ),
    (
        "cell too many",
        "a.csv",
        lines("text,label", GOOD, "好,坏,a"),
        {},
        "a.csv:3: expected 2 columns as in the header, found 3; quote texts with commas, and fill or remove cells",
    ),
    (
        "tab in a text",
        "a.tsv",
        lines("text\tlabel", "好\t坏\ta"),
        {},
        "a.tsv:2: expected 2 columns as in the header, found 3; remove tabs from texts, and fill or remove cells",
    ),
    (
        "open quote",
        "a.csv",
        lines("text,label", GOOD, '"很差,b', GOOD),
        {},
        "a.csv:3: expected a quote that closes the cell, found none up to line 4; "
        'add it, or write "" for a quote that is text',
    ),
    (
        "open quote in the header",
        "a.csv",
        lines('text,"label', GOOD),
        {},
        "a.csv:1: expected a quote that closes the cell, found none up to line 2; "
        'add it, or write "" for a quote that is text',
    ),
    (
        "quote inside quotes",
        "a.csv",
        lines("text,label", '"first', 'a "good" one",a'),
        {},
        'a.csv:2: expected a comma after the quote that closes a cell, found "good\\" one\\",a" in line 3; '
        'write "" for a quote that is text',
    ),
    (
        "column twice",
        "a.csv",
        lines("text,label,text", "a,b,c"),
        {},
        "a.csv:1: expected a different name for each column, found text twice; rename one",
    ),
    ("no known column", "a.csv", lines("a,b", "c,d"), {}, f"a.csv: {NO_TEXTS} a, b; {OPTIONS}"),
    (
        "unknown column of texts",
        "a.csv",
        lines("text,label", GOOD),
        {"columns": TextColumns(text="body")},
        "a.csv: expected the column body, found text, label; name one of these with --text_column",
    ),
    (
        "unknown column of second texts",
        "a.csv",
        lines("text,label", GOOD),
        {"columns": TextColumns(text_pair="body")},
        "a.csv: expected the column body, found text, label; name one of these with --text_pair_column",
    ),
    (
        "unknown column of labels",
        "a.json",
        record(),
        {"columns": TextColumns(label="sort")},
        "a.json: expected the column sort, found text, label; name one of these with --label_column",
    ),
    (
        "one column for two",
        "a.csv",
        lines("text,label", GOOD),
        {"columns": TextColumns(text="text", label="text")},
        "expected another column for --label_column, found text a second time; choose one",
    ),
    (
        "named column without a header",
        "a.txt",
        lines("很好\ta"),
        {"columns": TextColumns(text="body")},
        "a.txt: expected a first line with the names of columns (body), found none; "
        "name the columns there, or all of them with --columns, such as id,label,text",
    ),
    (
        "no text",
        "a.csv",
        lines("text,label", GOOD, ",b"),
        {},
        'a.csv:3: expected "text" that is not empty, found ""; delete the row',
    ),
    (
        "text of white space",
        "a.csv",
        lines("text,label", "\u3000 ,b"),
        {},
        'a.csv:2: expected "text" that is not empty, found "\u3000 "; delete the row',
    ),
    (
        "no label",
        "a.csv",
        lines("text,label", GOOD, "很差, "),
        {},
        'a.csv:3: expected "label" that is not empty, found " "; write the label, or delete the row',
    ),
    (
        "no second text",
        "a.csv",
        lines("text,text_pair,label", "一,二,a", "三,,b"),
        {},
        'a.csv:3: expected "text_pair" that is not empty, found ""; delete the row, '
        "or read the first text alone: --text_pair_column none",
    ),
    (
        "id twice",
        "a.csv",
        lines("id,text,label", "x,一,a", "x,二,a", "x,三,a"),
        {},
        'a.csv:3: expected a unique id, found "x" as in line 2; change one\n'
        'a.csv:4: expected a unique id, found "x" as in line 2; change one',
    ),
    (
        "empty part of a label",
        "a.csv",
        lines("text,label", "一,a|b", "二,a||b"),
        {"label_separator": "|"},
        'a.csv:3: expected "label" that is not empty, found "a||b"; write the label, or delete the row',
    ),
    # lines without a header
    (
        "label missing",
        "a.txt",
        lines("一\ta", "二", "三\tb"),
        {},
        'a.txt:2: expected 2 fields (text, label) as on most lines, separated by tabs, found 1: "二"; '
        "correct the line",
    ),
    (
        "four columns",
        "a.txt",
        lines("一\t二\t三\ta"),
        {},
        'a.txt:1: expected 1, 2 or 3 fields, separated by tabs, found 4: "一\\t二\\t三\\ta"; '
        "correct the line, or name the fields with --columns, such as id,label,text",
    ),
    (
        "four columns among two",
        "a.tsv",
        lines("一\ta", "一\t二\t三\ta"),
        {},
        "a.tsv:2: expected 2 fields (text, label) as on most lines, separated by tabs, found 4: "
        '"一\\t二\\t三\\ta"; correct the line',
    ),
    (
        "second text missing",
        "a.txt",
        lines("一\t二\ta", "三\tb", "一\t四\ta"),
        {},
        "a.txt:2: expected 3 fields (text, text_pair, label) as on most lines, separated by tabs, found 2: "
        '"三\\tb"; correct the line',
    ),
    (
        "no label behind the tab",
        "a.txt",
        lines("一\ta", "二\t"),
        {},
        'a.txt:2: expected "label" that is not empty, found ""; write the label, or delete the row',
    ),
    (
        "mark too many",
        "a.txt",
        lines("一_!_a", "二_!_三_!_四_!_b"),
        {},
        "a.txt:2: expected 2 fields (text, label) as on most lines, separated by _!_, found 4: "
        '"二_!_三_!_四_!_b"; correct the line',
    ),
    (
        "marks of no form",
        "a.txt",
        lines("一_!_二_!_三_!_四"),
        {},
        'a.txt:1: expected 2, 3 or 5 fields, separated by _!_, found 4: "一_!_二_!_三_!_四"; '
        "correct the line, or name the fields with --columns, such as id,label,text",
    ),
    (
        "marked line without keywords",
        "a.txt",
        lines("1_!_100_!_news_!_一_!_", "2_!_100_!_news_!_二"),
        {},
        "a.txt:2: expected 5 fields (id, code, label, text, keywords) as on most lines, separated by _!_, found 4: "
        '"2_!_100_!_news_!_二"; correct the line',
    ),
    (
        "marked id twice",
        "a.txt",
        lines("1_!_100_!_news_!_一_!_", "1_!_100_!_news_!_二_!_"),
        {},
        'a.txt:2: expected a unique id, found "1" as in line 1; change one',
    ),
    (
        "no question",
        "a.txt",
        lines("文化局 電影節", "", "交通局 "),
        FAQ,
        'a.txt:3: expected an answer, white space and a question, found "交通局 "; add what is missing',
    ),
]
