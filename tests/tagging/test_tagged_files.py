"""Files of tokens and tags as the field has them: broken sequences, other spellings, columns before and behind."""

import json
import logging
import random
import re

import pytest

from tests.reading.written_files import json_lines, write, write_and_read
from tests.tagging.entity_columns import CONLL_2003, FILES, WORDS, columns
from tests.tagging.entity_rows import covered, spans_of
from utils.data.errors import DataError
from utils.prediction.prediction_tasks import EntityTask
from utils.reading.model_inputs import read_inputs
from utils.reading.remembered_reading import ANYTHING
from utils.tagging.readers_ner import read_ner

FOUND = [("张三", "PER"), ("北京", "LOC")]
ENGLISH = [("Peter Blackburn", "PER"), ("Rome", "LOC")]


@pytest.fixture
def read(tmp_path):
    """Write a file and read it."""
    return write_and_read(tmp_path, read_ner)


def rows(text, tags, *more):
    """A row of cells for each character."""
    return list(zip(text, tags.split(), *more, strict=True))


def warnings_of(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


# Tags that break their scheme


def conlleval(tags):
    """Entities by the rules of the CoNLL shared tasks' scorer: where a chunk begins and where it ends."""
    spans, start = [], None
    previous, previous_type = "O", ""
    for i, tag in enumerate([*tags, "O"]):
        prefix, _, kind = tag.partition("-")
        other = kind != previous_type
        ends = previous in "ES" or (previous in "BI" and prefix in "BOS") or (previous != "O" and other)
        begins = prefix in "BS" or (prefix in "IE" and previous in "OES") or (prefix != "O" and other)
        if start is not None and ends:
            spans.append((start, i, previous_type))
            start = None
        if begins:
            start = i
        previous, previous_type = prefix, kind
    return spans


@pytest.mark.parametrize("prefixes", ["BI", "BIS", "BIES"])
@pytest.mark.parametrize("as_columns", [True, False])
def test_repaired_tags_are_read_as_conlleval_reads_them(read, prefixes, as_columns):
    draw = random.Random(0)
    tags = ["O", *(f"{prefix}-{kind}" for prefix in prefixes for kind in ("PER", "LOC.NAM"))]
    sequences = [[draw.choice(tags) for _ in range(9)] for _ in range(200)]
    if as_columns:
        content = columns(*(zip("一二三四五六七八九", each, strict=True) for each in sequences))
    else:
        content = json_lines({"tokens": list("一二三四五六七八九"), "ner_tags": each} for each in sequences)
    scheme = {"BI": "bio", "BIS": "bios", "BIES": "bioes"}[prefixes]
    dataset = read(content, scheme=scheme, repair_tags=True)
    assert spans_of(dataset) == [sorted(conlleval(each)) for each in sequences]


def test_repaired_tags_are_counted_with_their_first_place(read, caplog):
    content = columns(rows("张三在北京", "B-PER I-PER O I-LOC I-LOC"), rows("去北京", "O I-PER I-LOC"))
    dataset = read(content, "a.txt", repair_tags=True)
    assert covered(dataset) == [FOUND, [("北", "PER"), ("京", "LOC")]]
    assert [line.partition("a.txt: ")[2] for line in warnings_of(caplog)] == [
        "3 broken tags, the first in line 4: read as conlleval does, where an I- that continues nothing opens an "
        "entity"
    ]


def test_broken_tags_are_refused_with_the_option_that_reads_them_and_told_by_kind(read):
    content = columns(*[rows("去北京", "O I-LOC I-LOC")] * 300, rows("张三", "B-PER I-PER"))
    with pytest.raises(DataError) as raised:
        read(content)
    lines = str(raised.value).split("\n")
    assert lines[0].endswith(
        "file.txt:2: expected B-LOC to begin the entity, found I-LOC after O; correct the tag, read it as "
        "conlleval does (--repair_tags), or name the scheme if it is not bio (--file_scheme)"
    )
    assert lines[-1] == "... 300 errors like this, the last in line 1,198"


def test_what_is_no_tag_stays_an_error_when_tags_are_repaired(read):
    with pytest.raises(DataError, match=r"a.txt:2: expected O or a label after one of B-, I-, found 'X-PER'; correct"):
        read(columns(rows("张三在", "B-PER X-PER I-PER")), "a.txt", repair_tags=True)


def test_comment_inside_a_sentence_moves_no_place_of_an_error(read):
    with pytest.raises(DataError, match=r"a\.txt:4: expected B-PER"):
        read("张\tB-PER\n# a comment\n三\tO\n去\tI-PER\n", "a.txt")


# Spellings of tags


@pytest.mark.parametrize(
    "tags",
    [
        "B-PER I-PER O B-LOC I-LOC",
        "B_PER I_PER O B_LOC I_LOC",
        "PER-B PER-I O LOC-B LOC-I",
        "b-PER i-PER O b-LOC i-LOC",
        "B:PER I:PER O B:LOC I:LOC",
        "PER PER O LOC LOC",
        "B-PER E-PER O B-LOC E-LOC",
        "I-PER I-PER O I-LOC I-LOC",
    ],
)
@pytest.mark.parametrize("as_columns", [True, False])
def test_tags_are_read_in_each_spelling(read, tags, as_columns):
    record = {"tokens": list("张三在北京"), "tags": tags.split()}
    content = columns(rows("张三在北京", tags)) if as_columns else json_lines([record])
    assert covered(read(content)) == [FOUND]


def test_types_without_prefixes_are_read_as_io_and_neighbours_of_a_type_are_one(read, caplog):
    caplog.set_level(logging.INFO)
    tags = "art-film art-film O person-actor person-actor"
    assert covered(read(columns(rows("张三在北京", tags)))) == [[("张三", "art-film"), ("北京", "person-actor")]]
    assert "the tags are read as io" in caplog.text
    assert covered(read("张\tPER\n三\tPER\n", scheme="io")) == [[("张三", "PER")]]


def test_types_without_prefixes_and_without_o_are_no_tags(read):
    with pytest.raises(DataError, match="expected O or a label after one of B-, I-, found 'NN'"):
        read("张\tNN\n三\tVB\n")


@pytest.mark.parametrize("as_columns", [True, False])
def test_trailing_space_makes_no_second_type(read, caplog, as_columns):
    if as_columns:
        content = "张\tB-PER \n三\tI-PER\n在\tO\n北\tB-LOC\n京\tI-LOC \n"
    else:
        content = json_lines([{"text": "张三在北京", "entities": [[0, 2, "PER "], [3, 5, "LOC"]]}])
    assert covered(read(content)) == [FOUND]
    assert re.search(r"\d (tags?|labels?), .*in line 1: surrounding white space removed", caplog.text)


NUMBERS = {"tokens": list("张三在北京"), "ner_tags": [1, 2, 0, 3, 4]}
NAMES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


@pytest.mark.parametrize(
    "content", [json_lines([NUMBERS]), columns(rows("张三在北京", "1 2 0 3 4"))], ids=["json lines", "columns"]
)
def test_tags_that_are_numbers_are_named(read, content):
    assert covered(read(content, label_names=NAMES)) == [FOUND]
    with pytest.raises(DataError, match=r"found the number 1; name them in the order .*: --label_names O,B-PER,I-PER"):
        read(content)
    with pytest.raises(DataError, match="expected a number from 0 to 3, since --label_names has 4 names, found 4"):
        read(content, label_names=NAMES[:4])


def test_names_are_refused_where_tags_have_names(read):
    with pytest.raises(DataError, match="expected tags that are numbers, found B-PER; leave --label_names out"):
        read(columns(rows("张三", "B-PER I-PER")), label_names=NAMES)


# Columns: what stands before, between and behind


@pytest.mark.parametrize(("name", "content"), FILES, ids=[name for name, _ in FILES])
def test_words_and_tags_are_found_among_other_columns(read, name, content):
    dataset = read(content, "a.csv" if "," in content or ";" in content else "a.tsv")
    assert dataset["text"][0] == "Peter Blackburn saw Rome"
    assert covered(dataset)[0] == ENGLISH


@pytest.mark.parametrize(("name", "content"), FILES, ids=[name for name, _ in FILES])
def test_prediction_reads_the_words_of_columns(tmp_path, name, content):
    path = write(tmp_path / ("a.csv" if "," in content or ";" in content else "a.conll"), content)
    known = {"kind": "entities", "columns": (None,), "known": EntityTask.columns, "reading": ANYTHING}
    assert next(iter(read_inputs(str(path), **known)))[1] == "Peter Blackburn saw Rome"


def test_csv_of_texts_and_classes_is_no_file_of_columns(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\n张三 在,good\n北京,bad\n")
    known = {"kind": "entities", "columns": (None,), "known": EntityTask.columns, "reading": ANYTHING}
    assert [row[1] for row in read_inputs(str(path), **known)] == ["张三 在", "北京"]


def test_sentences_that_are_numbered_are_cut_where_the_number_changes(read):
    content = "Sentence #,Word,POS,Tag\nSentence: 1,Peter,NNP,B-PER\n,left,VBD,O\nSentence: 2,Rome,NNP,B-LOC\n"
    dataset = read(content, "ner_dataset.csv")
    assert dataset["text"][:] == ["Peter left", "Rome"]
    assert covered(dataset) == [[("Peter", "PER")], [("Rome", "LOC")]]


def test_further_columns_of_tags_are_named_and_can_be_chosen(read, caplog):
    content = columns([(*row, "B-ORG" if row[0] == "saw" else "O") for row in WORDS])
    assert covered(read(content)) == [ENGLISH]
    assert "tags are in column 2, which is read, and in 3; --tag_column 3 reads another one" in caplog.text
    assert covered(read(content, tag_column=3)) == [[("saw", "ORG")]]
    with pytest.raises(DataError, match="expected tags in one of the columns 2 to 3, found --tag_column 4"):
        read(content, tag_column=4)
    with pytest.raises(DataError, match="expected a column file for --tag_column, found another format"):
        read(json_lines([{"text": "a", "entities": []}]), "a.json", tag_column=2)


def test_file_without_entities_is_read_by_its_column_of_o(read):
    content = columns([(word, "NNP", phrase, "O") for word, _, phrase, _ in CONLL_2003], separator=" ")
    assert covered(read(content)) == [[]]


def test_words_of_phrases_are_read_where_nothing_else_is_tagged(read):
    content = columns([row[:3] for row in CONLL_2003], separator=" ")
    assert covered(read(content)) == [[("Peter Blackburn", "NP"), ("saw", "VP"), ("Rome", "NP")]]


def test_weibos_second_release_is_read_without_the_places_in_words(read, caplog):
    content = columns(
        [("科0", "O"), ("技1", "O"), ("全0", "B-GPE.NAM"), ("2", "O")][:3], [("10", "B-X"), ("11", "I-X")]
    )
    dataset = read(content)
    assert dataset["text"][:] == ["科技全", "11"]
    assert covered(dataset) == [[("全", "GPE.NAM")], [("11", "X")]]
    assert "5 tokens, the first in line 1: read without the number of its place in the word" in caplog.text


@pytest.mark.parametrize("tokens", [["A0", "B"], ["2010", "2020"], ["a0", "b0"], ["0", "1"]])
def test_tokens_that_end_in_digits_stay_whole(read, tokens):
    assert read(columns([(token, "O") for token in tokens]))["text"][0].replace(" ", "") == "".join(tokens)


@pytest.mark.parametrize("token", ["#", "#NLP", "##"])
def test_hash_with_a_tag_is_a_token(read, token):
    assert covered(read(f"a\tO\n{token}\tB-X\n\n# no token\nb\tO\n")) == [[(token, "X")], []]


def test_webanno_is_refused_with_what_to_export(read):
    with pytest.raises(DataError, match="found WebAnno TSV; export it as CoNLL 2002"):
        read("#FORMAT=WebAnno TSV 3.3\n\n1-1\t0-5\tPeter\tPER\n", "a.tsv")


@pytest.mark.parametrize(
    "content",
    [
        columns(rows("张三在北京", "I-PER B-X O LOC I-LOC")),
        json_lines([{"tokens": list("张三在北京"), "ner_tags": [1, 2, 0, 3, 4]}]),
        json_lines([{"text": "张三在北京", "labels": ["I-PER", "B-X", "O", "O", "I-LOC"]}]),
        json_lines([{"data": {"text": "张三在北京"}, "annotations": [{"result": []}]}]),
    ],
    ids=["columns", "numbers", "characters", "an export"],
)
def test_texts_alone_are_read_whatever_the_labels_are(read, content):
    dataset = read(content, with_labels=False)
    assert (dataset["text"][:], dataset["entities"][:]) == (["张三在北京"], [[]])


# White space at borders, and words put together


@pytest.mark.parametrize(
    ("start", "end", "wanted"), [(3, 6, [(3, 5, "LOC")]), (2, 5, [(3, 5, "LOC")]), (5, 6, []), (3, 5, [(3, 5, "LOC")])]
)
def test_span_is_trimmed_of_white_space_and_counted(read, caplog, start, end, wanted):
    record = {"text": "张三 北京\u3000。", "entities": [{"start": start, "end": end, "label": "LOC"}]}
    assert spans_of(read(json_lines([record]), "a.json")) == [wanted]
    assert ("1 span, in line 1: trimmed" in caplog.text) == (wanted != [] and (start, end) != (3, 5))
    assert ("1 span, in line 1: left out" in caplog.text) == (wanted == [])


def test_word_beside_a_span_may_have_its_white_space(read):
    label = {"LOC": {"北京 ": [[3, 5]]}}
    assert spans_of(read(json_lines([{"text": "张三 北京 ", "label": label}]), "a.json")) == [[(3, 5, "LOC")]]


# words | text
JOINED = [
    ("我 买 了 iPhone Pro 手机", "我买了iPhone Pro手机"),
    ("苹果 发布 iPhone Pro", "苹果发布iPhone Pro"),
    ("i P h o n e 手 机", "iPhone手机"),
    ("2018 年 AI 大会", "2018年AI大会"),
    ("I love 北京 大学 very much", "I love 北京大学 very much"),
    ("ฉัน รัก iPhone Pro มาก", "ฉันรักiPhone Proมาก"),
    ("나는 서울 에 산다", "나는 서울 에 산다"),
    ("買 iPhone Pro ， 好 用 。", "買iPhone Pro，好用。"),
]


@pytest.mark.parametrize(("words", "text"), JOINED, ids=[text for _, text in JOINED])
def test_words_are_joined_as_their_script_needs(read, words, text):
    words = words.split()
    tags = ["B-X" if i == len(words) - 1 else "O" for i in range(len(words))]
    for content in (columns(zip(words, tags, strict=True)), json.dumps({"tokens": words, "tags": tags}) + "\n"):
        dataset = read(content)
        assert dataset["text"][:] == [text]
        assert covered(dataset) == [[(words[-1], "X")]]
