"""Which columns are the texts, the labels and the ids, and what stands in a cell."""

import csv
import io
import json
import random

import pytest

from tests.reading.written_files import json_lines
from utils.data.errors import DataError
from utils.files.table_cells import read_cells
from utils.reading.column_names import LABEL_KEYS, PAIR_KEYS, TEXT_KEYS, TextColumns
from utils.reading.readers_text import TextReader

# Cells


def test_quoted_cells_may_have_commas_quotes_and_line_breaks(read):
    content = 'text,label\r\n"a, ""b""\r\n\r\nc",x\r\n\r\n"d",y\r\n'
    assert [(row["text"], row["label"]) for row in read(content, "a.csv")] == [('a, "b"\n\nc', "x"), ("d", "y")]


def test_line_numbers_are_right_behind_line_breaks_in_cells(read):
    with pytest.raises(DataError, match=r"a\.csv:5: expected 2 columns as in the header, found 1"):
        read('text,label\n"a\nb\nc",x\nd\n', "a.csv")


def test_quoted_cell_has_a_thousand_lines_at_most_whatever_is_in_it(read):
    content = 'text\n"open\n' + 'say ""x""\n' * 1500 + '"\n'
    with pytest.raises(
        DataError, match=r"a\.csv:2: expected a quote that closes the cell, found none up to line 1002"
    ):
        read(content, "a.csv")
    assert len(read(content, "a.csv", skip_bad_lines=True)) == 1500


def test_columns_without_names_are_ignored(read):
    assert read(",,text\n0,1,一\n", "a.csv") == [{"id": "0", "text": "一"}]


def test_quotes_inside_a_cell_without_quotes_are_text(read):
    assert read('text,label\n6" nails,x\na "b" c,y\n', "a.csv")[1]["text"] == 'a "b" c'


def test_spaces_around_quoted_cells_are_no_text(read):
    assert read('text, label\n"a, b" , "x"\n', "a.csv") == [{"id": "0", "text": "a, b", "label": "x"}]


def test_cells_read_back_what_the_csv_module_wrote():
    draw = random.Random(0)
    for _ in range(500):
        rows = [["".join(draw.choices('ab",\n 中', k=draw.randrange(6))) for _ in "12"] for _ in "123"]
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerows(rows)
        lines = file.getvalue().removesuffix("\n").split("\n")
        assert [cells for _, cells in read_cells(lines, ",")] == rows


# what the file shows | rows | their texts
QUOTES_BETWEEN_TABS = [
    ("a quote that is never closed", ['"a"\tx', '"open\tz'], ['"a"', '"open']),
    ("text behind a quote", ['"a ""b"""\tx', '"Good" he said\ty'], ['"a ""b"""', '"Good" he said']),
    ("quotes around whole texts", ['"a"\tx', "b\ty"], ['"a"', "b"]),
    ("doubled quotes in quotes", ['"a ""b"""\tx', "c\ty"], ['a "b"', "c"]),
    ("a tab in quotes", ['"a\tb"\tx', "c\ty"], ["a\tb", "c"]),
    ("a line break in quotes", ['"a\nb"\tx', "c\ty"], ["a\nb", "c"]),
    ("a quote that opens a text, as in MRPC", ['" a\tx', 'b " c\ty'], ['" a', 'b " c']),
]


@pytest.mark.parametrize(
    ("rows", "texts"), [row[1:] for row in QUOTES_BETWEEN_TABS], ids=[row[0] for row in QUOTES_BETWEEN_TABS]
)
def test_quote_between_tabs_is_a_character_unless_the_file_shows_otherwise(read, rows, texts):
    assert [row["text"] for row in read("\n".join(["text\tlabel", *rows, ""]), "a.tsv")] == texts


def test_table_whose_cells_all_are_in_quotes_is_quoted(read):
    assert read('"text"\t"label"\n"a"\t"x"\n', "a.tsv") == [{"id": "0", "text": "a", "label": "x"}]


def test_long_cell_is_read(read):
    assert len(read(f"text,label\n{'长' * 200_000},x\n", "a.csv")[0]["text"]) == 200_000


@pytest.mark.parametrize("mark", ["\u2028", "\u0085", "\x0b", "a\rb"])
@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.json"])
def test_only_newlines_end_a_line(read, mark, name):
    content = {
        "a.csv": f"text,label\n一{mark}二,x\n",
        "a.txt": f"一{mark}二\tx\n",
        "a.json": json.dumps({"text": f"一{mark}二", "label": "x"}, ensure_ascii=False),
    }[name]
    assert read(content, name) == [{"id": "0", "text": f"一{mark}二", "label": "x"}]


def test_texts_are_not_stripped_but_labels_are(read, info):
    assert read("text,label\n 一\u3000, x \n二,x\n", "a.csv")[0] == {"id": "0", "text": " 一\u3000", "label": "x"}
    assert "removed white space around the labels of 1 line" in info.text


# Columns


@pytest.mark.parametrize(
    ("text", "label"), [*((text, "label") for text in TEXT_KEYS), *(("text", label) for label in LABEL_KEYS)]
)
def test_known_names_of_texts_and_labels_are_found(read, text, label):
    assert read(f"{text},{label}\n一,x\n", "a.csv") == [{"id": "0", "text": "一", "label": "x"}]


@pytest.mark.parametrize("pair", PAIR_KEYS)
def test_known_names_of_second_texts_are_found(read, pair):
    assert read(f"text,{pair}\n一,二\n", "a.csv") == [{"id": "0", "text": "一", "text_pair": "二"}]


@pytest.mark.parametrize("key", ["id", "guid", "idx"])
def test_known_names_of_ids_are_found_and_ids_are_strings(read, key):
    assert read(json_lines([{key: 7, "text": "一"}, {key: "x", "text": "二"}]), "a.json")[0]["id"] == "7"


def test_row_with_an_empty_id_has_its_number(read):
    assert [row["id"] for row in read("id,text\nx,一\n,二\n", "a.csv")] == ["x", "1"]


def test_known_names_are_taken_in_their_order(read, info):
    content = json_lines([{"title": "t", "content": "c", "category": "k", "label": "l", "idx": 1, "id": 2}])
    assert read(content, "a.json") == [{"id": "2", "text": "c", "label": "l"}]
    assert "columns content as text, label as label, id as id" in info.text


def test_columns_can_be_named(read):
    columns = TextColumns(text="b", text_pair="a", label="d", id="c")
    assert read("a,b,c,d,text\n1,2,3,4,5\n", "a.csv", columns=columns) == [
        {"id": "3", "text": "2", "text_pair": "1", "label": "4"}
    ]


def test_named_column_is_no_other_one_too(read):
    content = json_lines([{"question": "q", "answer": "a", "category": "c"}])
    assert read(content, "a.json", columns=TextColumns(text="answer")) == [{"id": "0", "text": "a", "label": "c"}]


def test_known_column_without_values_is_not_taken(read):
    content = json_lines(
        [{"text": None, "sentence": "s", "text_pair": None, "label": "", "category": "c", "id": None}]
    )
    assert read(content, "a.json") == [{"id": "0", "text": "s", "label": "c"}]


@pytest.mark.parametrize(
    ("words", "joined"), [(["层次", "API"], "层次、API"), (["layer", "API"], "layer, API"), (["一"], "一")]
)
def test_keywords_of_csl_are_joined(read, words, joined):
    content = json_lines([{"id": 1, "abst": "文", "keyword": words, "label": "0"}])
    assert read(content, "a.json") == [{"id": "1", "text": "文", "text_pair": joined, "label": "0"}]


def test_keywords_of_tnews_are_no_second_text(read):
    content = json_lines([{"label": 108, "label_desc": "news_edu", "sentence": "文", "keywords": "一,二", "id": 8290}])
    assert read(content, "a.json") == [{"id": "8290", "text": "文", "label": "108"}]


def test_row_without_a_group_is_an_error(tmp_path):
    """Rows with empty cells are not one group."""
    path = tmp_path / "a.csv"
    path.write_text("text,label,doc\n一,x,1\n二,y,\n三,x,1\n", encoding="utf-8")
    with pytest.raises(DataError, match=r'a\.csv:3: expected "doc", the group of the row, found ""; add it'):
        TextReader(group_column="doc").read(path)
