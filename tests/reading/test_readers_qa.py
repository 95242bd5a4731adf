"""Questions about passages from every form of file."""

import gzip
import json
import logging

import pytest
from datasets import Dataset, DatasetDict

from tests.reading.written_files import json_lines
from utils.data.errors import DataError
from utils.reading.qa_records import FEATURES
from utils.reading.readers_qa import drop_unlearnable, has_unanswerable, is_labelled, load_qa, read_qa, read_qa_dataset

PASSAGE = "李白字太白，生于701年，是唐代诗人。李白好酒。"
FLAT = [
    {"id": "a", "question": "李白生于何年？", "context": PASSAGE, "answers": {"text": ["701年"], "answer_start": [8]}},
    {"id": "b", "question": "李白字什么？", "context": PASSAGE, "answers": [{"text": "太白", "answer_start": 3}]},
]


def nested(*questions, context=PASSAGE, **keys):
    """A file in the form of SQuAD, with one paragraph."""
    paragraph = {"id": "P", "context": context, "qas": list(questions)}
    return {"version": "v1.0", "data": [{"title": "T", "paragraphs": [paragraph]}]} | keys


def question(**keys):
    return {"id": "a", "question": "李白字什么？", "answers": [{"text": "太白", "answer_start": 3}]} | keys


@pytest.fixture
def read(tmp_path):
    """Write a file, as JSON if it is no text, and read it."""

    def write_and_read(content, name="file.json", **options):
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1)
        (tmp_path / name).write_text(text, encoding="utf-8")
        return read_qa(tmp_path / name, **options)

    return write_and_read


def test_nested_files_give_a_row_for_each_question_with_its_passage(read):
    dataset = read(nested(question(), question(id="b", question="何年？")))
    assert dataset.features == FEATURES
    assert dataset["id"][:] == ["a", "b"]
    assert dataset["question"][:] == ["李白字什么？", "何年？"]
    assert dataset["context"][:] == [PASSAGE] * 2
    assert dataset["answers"][0] == {"text": ["太白"], "answer_start": [3]}


@pytest.mark.parametrize("indent", [None, 1, 4])
def test_a_nested_file_is_recognised_on_one_line_and_on_many(read, indent):
    content = json.dumps(nested(question()), ensure_ascii=False, indent=indent)
    assert read(content)["id"][:] == ["a"]
    assert read("\n\n" + content + "\n")["id"][:] == ["a"]


def test_flat_lines_and_an_array_are_read_with_answers_in_either_form(read):
    wanted = [{"text": ["701年"], "answer_start": [8]}, {"text": ["太白"], "answer_start": [3]}]
    for content in (json_lines(FLAT), FLAT):
        dataset = read(content)
        assert dataset["id"][:] == ["a", "b"]
        assert dataset["answers"][:] == wanted


def test_several_gold_answers_are_kept_in_order(read):
    answers = [{"text": "唐代诗人", "answer_start": 14}, {"text": "诗人", "answer_start": 16}]
    dataset = read(nested(question(answers=answers)))
    assert dataset["answers"][0] == {"text": ["唐代诗人", "诗人"], "answer_start": [14, 16]}


def test_gzipped_files_and_parquet_hold_the_same(read, tmp_path):
    wanted = read(json_lines(FLAT))[:]
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(json_lines(FLAT).encode()))
    assert read_qa(tmp_path / "a.json.gz")[:] == wanted
    read(json_lines(FLAT)).to_parquet(tmp_path / "a.parquet")
    assert read_qa(tmp_path / "a.parquet")[:] == wanted


def test_offsets_count_characters_whatever_they_are(read):
    passage = "😀 李白\u3000字\u200b太白"
    start = passage.index("太白")
    dataset = read(nested(question(answers=[{"text": "太白", "answer_start": start}]), context=passage))
    assert dataset["answers"][0]["answer_start"] == [start] == [7]


def test_an_impossible_question_has_empty_answers_and_plausible_ones_are_passed_over(read):
    plausible = [{"text": "太白", "answer_start": 3}]
    dataset = read(
        nested(
            question(is_impossible=False),
            question(id="b", answers=[], is_impossible=True, plausible_answers=plausible),
            question(id="c", answers=[]),
        )
    )
    assert dataset["answers"][1:] == [{"text": [], "answer_start": []}] * 2
    assert is_labelled(dataset) and has_unanswerable(dataset)


@pytest.mark.parametrize("keys", [{}, {"answers": []}, {"answers": None}], ids=["no key", "empty", "null"])
def test_a_file_without_any_answer_is_unlabelled_which_is_not_the_same_as_no_answer(read, keys):
    bare = {"id": "a", "question": "李白字什么？"}
    dataset = read(nested(bare | keys))
    assert dataset["answers"][:] == [None]
    assert not is_labelled(dataset) and not has_unanswerable(dataset)
    impossible = read(nested(bare | keys | {"is_impossible": True}))
    assert impossible["answers"][:] == [{"text": [], "answer_start": []}]
    assert is_labelled(impossible) and has_unanswerable(impossible)


def test_an_answer_at_a_wrong_place_is_moved_if_it_stands_at_one_other(read, caplog):
    answers = [
        {"text": "太白", "answer_start": 5},
        {"text": "唐代", "answer_start": -1},
        {"text": "李白", "answer_start": -1},
    ]
    dataset = read(nested(question(answers=answers)))
    assert dataset["answers"][0]["answer_start"] == [3, 14, 0]  # the second 李白 is passed over
    assert caplog.messages == [
        f"{caplog.records[0].args[0]}: moved 1 answer from answer_start to where the text is; "
        "2 answers without a place: the first in the passage is taken"
    ]


@pytest.mark.parametrize(
    ("keys", "answers"),
    [
        ({"answer": "李白"}, {"text": ["李白"], "answer_start": [0]}),
        ({"answer": "太白", "answer_start": 3}, {"text": ["太白"], "answer_start": [3]}),
        ({"answer": ["唐代", "太白"]}, {"text": ["唐代", "太白"], "answer_start": [14, 3]}),
        ({"answer": {"text": ["太白"], "answer_start": [3]}}, {"text": ["太白"], "answer_start": [3]}),
        ({"answer": ""}, {"text": [], "answer_start": []}),
        ({"answer": "太白", "answers": None}, {"text": ["太白"], "answer_start": [3]}),
        ({"answer": "x", "answers": ["太白"]}, {"text": ["太白"], "answer_start": [3]}),
    ],
)
def test_a_single_answer_is_read(read, tmp_path, keys, answers):
    asked = {"question": "李白字什么？", "context": PASSAGE} | keys
    other = {"question": "何年？", "context": PASSAGE, "answer": "701年"}
    assert read([other, asked])["answers"][1] == answers
    Dataset.from_list([asked]).to_parquet(tmp_path / "a.parquet")
    found = read_qa(tmp_path / "a.parquet")["answers"][0]
    assert found == (answers if answers["text"] or "answer" not in keys else found)


def test_answers_of_another_name_are_not_passed_over(read):
    asked = {"question": "李白字什么？", "context": PASSAGE, "gold_answer": "太白"}
    with pytest.raises(DataError, match="expected the key answers, found gold_answer; call the answers so"):
        read([asked])
    assert read([asked | {"answers": ["太白"]}])["answers"][0]["text"] == ["太白"]


@pytest.mark.parametrize(
    "answers",
    [
        {"text": "", "answer_start": -1},
        [{"text": "", "answer_start": -1}],
        {"text": [""], "answer_start": [-1]},
        [{"text": "", "answer_start": 0}],
        {"text": [], "answer_start": []},
    ],
)
def test_an_empty_answer_says_that_there_is_none(read, answers):
    flat = {"question": "何年？", "context": PASSAGE}
    dataset = read(json_lines([FLAT[0], flat | {"answers": answers}]))
    assert dataset["answers"][1] == {"text": [], "answer_start": []}
    if answers != {"text": [], "answer_start": []}:
        alone = read(json_lines([flat | {"answers": answers}]))
        assert is_labelled(alone) and has_unanswerable(alone)


@pytest.mark.parametrize(("start", "found"), [(1, 0), (0, 0), (15, 16), (17, 16), (18, 16)])
def test_an_answer_that_stands_twice_is_the_one_nearest_to_its_start(read, start, found):
    passage = "李白字太白，生于701年，是唐代李白，诗人。"
    assert [place for place in range(len(passage)) if passage.startswith("李白", place)] == [0, 16]
    dataset = read(json_lines([FLAT[0] | {"context": passage, "answers": {"text": "李白", "answer_start": start}}]))
    assert dataset["answers"][0] == {"text": ["李白"], "answer_start": [found]}


def test_cmrc_before_its_conversion_is_read(read):
    asked = [{"query_text": "李白字什么？", "query_id": "T_0", "answers": ["太白", "字太白"]}]
    content = [{"context_id": "T", "context_text": PASSAGE, "title": "李白", "qas": asked}]
    dataset = read(content)
    assert dataset["id"][:] == ["T_0"] and dataset["context"][:] == [PASSAGE]
    assert dataset["answers"][0] == {"text": ["太白", "字太白"], "answer_start": [3, 2]}
    assert read(json_lines(content))[:] == dataset[:]
    with pytest.raises(DataError, match='question "T_0": expected "query_text" that is not empty'):
        read([content[0] | {"qas": [asked[0] | {"query_text": ""}]}])


@pytest.mark.parametrize("indent", [None, 1])
def test_webqa_is_read_with_each_of_its_texts(read, indent):
    evidences = {
        "Q1#00": {"answer": ["701年"], "evidence": PASSAGE},
        "Q1#01": {"answer": ["no_answer"], "evidence": "李白好酒。"},
        "Q1#02": {"answer": "701", "evidence": "李白生于701年。"},
    }
    content = {"Q1": {"question": "李白生于何年？", "evidences": evidences}}
    dataset = read(json.dumps(content, ensure_ascii=False, indent=indent))
    assert dataset["id"][:] == list(evidences)
    assert dataset["question"][:] == ["李白生于何年？"] * 3
    wanted = [{"text": ["701年"], "answer_start": [8]}, {"text": [], "answer_start": []}]
    assert dataset["answers"][:] == [*wanted, {"text": ["701"], "answer_start": [4]}]


def test_answers_are_passed_over_if_asked(read):
    bad = question(answers=[{"text": "杜甫", "answer_start": 0}], is_impossible=3)
    dataset = read(nested(bad, question(id="b")), with_answers=False)
    assert dataset["id"][:] == ["a", "b"] and dataset["answers"][:] == [None, None]


def test_an_answer_that_the_passage_lacks_is_kept_for_scoring_but_is_not_learnt(read, caplog):
    missing = {"text": "杜甫", "answer_start": -1}
    dataset = read(nested(question(answers=[missing]), question(id="b"), question(id="c", answers=[])))
    assert dataset["answers"][0] == {"text": ["杜甫"], "answer_start": [-1]}
    assert "1 answer with answer_start -1 does not occur in the passage: scored, but not learnt" in caplog.text
    caplog.clear()
    assert drop_unlearnable(dataset)["id"][:] == ["b", "c"]
    assert caplog.messages == ["left out of training: 1 question whose answer does not occur in the passage"]


def test_nothing_is_logged_about_a_file_without_faults(read, caplog):
    with caplog.at_level(logging.INFO):
        read(nested(question()))
    assert caplog.messages == []


def test_numbers_stand_in_for_missing_ids_and_number_ids_become_strings(read):
    rows = [{key: value for key, value in FLAT[0].items() if key != "id"}, FLAT[1] | {"id": 7}]
    assert read(json_lines(rows))["id"][:] == ["0", "7"]


def test_skipping_leaves_out_the_questions_with_errors(read, caplog):
    bad = question(id="b", answers=[{"text": "杜甫", "answer_start": 0}])
    dataset = read(nested(question(), bad, question(id="c")), skip_bad_lines=True)
    assert dataset["id"][:] == ["a", "c"]
    assert "left out 1 bad row" in caplog.text


def test_a_broken_passage_leaves_out_all_of_its_questions(read, caplog):
    whole = nested(question())
    whole["data"][0]["paragraphs"].append({"context": "", "qas": [question(id="b"), question(id="c")]})
    assert read(whole, skip_bad_lines=True)["id"][:] == ["a"]
    assert "left out 2 bad rows" in caplog.text


def test_a_data_set_with_the_columns_of_squad_is_read(tmp_path):
    dataset = Dataset.from_list(
        [{"id": "a", "title": "T", "question": "何年？", "context": PASSAGE, "answers": FLAT[0]["answers"]}]
    )
    assert read_qa_dataset(dataset).column_names == ["id", "question", "context", "answers"]
    DatasetDict({"train": dataset, "validation": dataset}).save_to_disk(tmp_path / "saved")
    splits = load_qa(str(tmp_path / "saved"))
    assert splits.keys() == {"train", "validation"}
    assert splits["train"][0]["answers"] == {"text": ["701年"], "answer_start": [8]}


def test_faults_of_a_data_set_are_told_with_split_and_row(tmp_path):
    rows = [FLAT[0], FLAT[0] | {"id": "b", "answers": {"text": ["太白"], "answer_start": []}}]
    DatasetDict({"test": Dataset.from_list(rows)}).save_to_disk(tmp_path / "saved")
    message = (
        "test, row 2: expected an answer_start for each text, found 1 text and 0 starts; give each text one start"
    )
    with pytest.raises(DataError, match=message):
        load_qa(str(tmp_path / "saved"))


def test_columns_that_are_missing_are_named():
    message = "dataset: expected the columns question, context and answers, found text; rename them"
    with pytest.raises(DataError, match=message):
        read_qa_dataset(Dataset.from_dict({"text": ["a"]}))
