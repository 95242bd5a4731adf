"""Documents of raw text, from files of every kind."""

import gzip

import pytest
from datasets import Dataset

from utils.data.errors import DataError
from utils.reading import readers_corpus
from utils.reading.readers_corpus import list_files, load_column, load_documents, read_documents


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("document_end", "expected"),
    [
        ("auto", ["一\n二", "三"]),
        ("blank_line", ["一\n二", "三"]),
        ("line", ["一", "二", "三"]),
    ],
)
def test_documents_end_at_blank_lines_or_at_every_line(tmp_path, document_end, expected):
    path = write(tmp_path / "a.txt", "\n一\n二\n\n \n三\n\n")
    assert list(read_documents([path], document_end=document_end)) == expected


def test_without_blank_lines_between_texts_each_line_is_a_document(tmp_path):
    path = write(tmp_path / "a.txt", "\n一\n二\n\n")
    assert list(read_documents([path])) == ["一", "二"]
    assert list(read_documents([path], document_end="blank_line")) == ["一\n二"]


def test_blank_text_in_json_lines_ends_nothing(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"text": "一"}\n{"text": ""}\n{"text": "二"}\n{"text": "三"}\n')
    assert list(read_documents([path])) == ["一", "二", "三"]


def test_long_documents_are_cut_behind_a_full_stop_and_lose_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(readers_corpus, "LONGEST", 10)
    text = "一二三四五六。七八九十一二三四五六七八九十甲乙丙"
    assert list(read_documents([write(tmp_path / "a.txt", text)])) == [
        "一二三四五六。",
        "七八九十一二三四五六",
        "七八九十甲乙丙",
    ]
    lines = write(tmp_path / "b.txt", "\n".join(["一二三四五六"] * 4) + "\n\n好\n")
    assert list(read_documents([lines])) == ["一二三四五六\n", "一二三四五六", "一二三四五六\n", "一二三四五六", "好"]


def test_folders_are_read_in_order_and_without_other_files(tmp_path):
    (tmp_path / "b").mkdir()
    write(tmp_path / "b" / "c.TXT", "三")
    write(tmp_path / "z.jsonl", '{"text": "四"}')
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress("一\n二".encode()))
    write(tmp_path / "x.py", "no text")
    files = list_files([tmp_path])
    assert [path.removeprefix(f"{tmp_path}/") for path in files] == ["a.txt.gz", "b/c.TXT", "z.jsonl"]
    assert list(read_documents(files)) == ["一", "二", "三", "四"]


def test_documents_are_memory_mapped_and_kept_until_a_file_changes(tmp_path, monkeypatch):
    path = write(tmp_path / "a.txt", "一\n二")
    first = load_documents([path], cache_dir=str(tmp_path / "cache"))
    assert first["text"][:] == ["一", "二"] and first.cache_files
    read = readers_corpus.read_documents
    monkeypatch.setattr(readers_corpus, "read_documents", None)
    again = load_documents([path], cache_dir=str(tmp_path / "cache"))
    assert again["text"][:] == ["一", "二"] and again._fingerprint == first._fingerprint
    monkeypatch.setattr(readers_corpus, "read_documents", read)
    write(tmp_path / "a.txt", "一\n三")
    changed = load_documents([path], cache_dir=str(tmp_path / "cache"))
    assert changed["text"][:] == ["一", "三"] and changed._fingerprint != first._fingerprint


def test_errors_of_a_file_come_through_the_cache(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"ok\n\xff\n")
    with pytest.raises(DataError, match=r"a\.txt:2: expected UTF-8, found the byte 0xff"):
        load_documents([str(tmp_path / "a.txt")], cache_dir=str(tmp_path / "cache"))


def test_column_of_a_data_set_is_found_by_name_or_option(tmp_path):
    rows = Dataset.from_dict({"id": [1], "content": ["一"], "other": ["二"]})
    rows.save_to_disk(tmp_path / "saved")
    assert load_column(str(tmp_path / "saved"), text_column=None)["train"][:] == {"text": ["一"]}
    assert load_column(str(tmp_path / "saved"), text_column="other")["train"][:] == {"text": ["二"]}
    for name in ("id", "none"):
        with pytest.raises(DataError, match=f"expected a column of texts {name}, found id, content, other"):
            load_column(str(tmp_path / "saved"), text_column=name)
