"""Runs kept in one file are the runs of the folders, for report.py."""

import json

import pytest

import report
from tests.test_report import write_run
from utils.data.errors import DataError
from utils.tables.kept_runs import read_kept


@pytest.fixture
def runs(tmp_path):
    """Two rows of two seeds, with a history and a table of classes, in folders below `runs`."""
    for seed in (1, 2):
        for row, share in (("crf", 0.9), ("softmax", 0.6)):
            folder = tmp_path / "runs" / row / f"seed-{seed}"
            write_run(folder, seed, share=share, head=row, validation_file="/home/me/dev.json")
            history = [{"epoch": 1.0, "eval_f1": share}, {"epoch": 1.0, "loss": 2.0}]
            (folder / "trainer_state.json").write_text(json.dumps({"log_history": history}))
            table = {"X": {"precision": 0.25, "recall": 1.0, "f1": share, "support": 4}}
            (folder / "error_report.json").write_text(json.dumps({"splits": {"validation": {"table": table}}}))
    return tmp_path / "runs"


TABLE = ["--by_folder", "--per_epoch", "eval_f1", "--per_class", "validation"]


def test_table_of_kept_runs_is_that_of_their_folders(runs, tmp_path, capsys):
    report.main([str(runs), *TABLE, "--output_dir", str(tmp_path / "one")])
    expected = capsys.readouterr().out
    report.main([str(runs), "--keep", str(tmp_path / "kept" / "table.json")])
    assert capsys.readouterr().err == f"{tmp_path}/kept/table.json holds 4 runs\n"
    report.main([str(tmp_path / "kept" / "table.json"), *TABLE, "--output_dir", str(tmp_path / "two")])
    assert capsys.readouterr().out == expected
    assert "| crf | **" in expected and "p < 0.001" in expected


def test_kept_runs_and_folders_stand_in_one_table(runs, tmp_path, capsys):
    report.main([str(runs / "crf"), "--keep", str(tmp_path / "crf.json")])
    report.main(
        [str(tmp_path / "crf.json"), str(runs / "softmax"), "--by_folder", "--output_dir", str(tmp_path / "one")]
    )
    out = capsys.readouterr().out
    assert "| crf | **" in out and "- softmax: +" in out and "p < 0.001" in out


def test_files_of_several_machines_become_one(runs, tmp_path):
    for row in ("crf", "softmax"):
        report.main([str(runs / row), "--keep", str(tmp_path / f"{row}.json")])
    report.main([str(tmp_path / "crf.json"), str(tmp_path / "softmax.json"), "--keep", str(tmp_path / "all.json")])
    report.main([str(runs), "--keep", str(tmp_path / "at_once.json")])
    assert (tmp_path / "all.json").read_bytes() == (tmp_path / "at_once.json").read_bytes()


def test_run_that_is_kept_again_takes_the_place_of_the_former(runs, tmp_path):
    file = tmp_path / "kept.json"
    report.main([str(runs), "--keep", str(file)])
    write_run(tmp_path / "again" / "crf" / "seed-1", 1, share=0.1, examples=20)
    report.main([str(tmp_path / "again"), "--keep", str(file)])
    sizes = [len(run.counts["validation"]["ids"]) for run in read_kept(file)]
    assert sorted(sizes) == [20, 300, 300, 300]
    assert len(json.loads(file.read_text(encoding="utf-8"))["examples"]) == 2


def test_no_folder_of_the_machine_is_kept(runs, tmp_path):
    report.main([str(runs), "--keep", str(tmp_path / "kept.json")])
    text = (tmp_path / "kept.json").read_text(encoding="utf-8")
    assert "dev.json" in text and "/home/me" not in text and str(tmp_path) not in text and "/some/where" not in text


def test_each_run_is_a_line(runs, tmp_path):
    report.main([str(runs), "--keep", str(tmp_path / "kept.json")])
    lines = (tmp_path / "kept.json").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line.rstrip(","))["cell"] for line in lines if line.startswith('{"cell": ')]
    assert found == ["crf/seed-1", "crf/seed-2", "softmax/seed-1", "softmax/seed-2"]


@pytest.mark.parametrize("content", ["", "[]", '{"runs": []}', '{"examples": {}, "runs": [{"cell": "a/b"}]}', "\x00"])
def test_other_files_are_refused(content, tmp_path):
    path = tmp_path / "kept.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"kept\.json: expected a file written by report\.py --keep"):
        report.main([str(path), "--output_dir", str(tmp_path / "report")])


def test_file_of_another_kind_is_not_overwritten(runs, tmp_path):
    (tmp_path / "mine.json").write_text('{"a": 1}')
    with pytest.raises(DataError, match=r"mine\.json"):
        report.main([str(runs), "--keep", str(tmp_path / "mine.json")])
    assert (tmp_path / "mine.json").read_text() == '{"a": 1}'


def test_pair_of_kept_runs_is_compared_without_texts(runs, tmp_path, capsys):
    for row in ("crf", "softmax"):
        report.main([str(runs / row / "seed-1"), "--keep", str(tmp_path / f"{row}.json")])
    report.main(["--compare", str(tmp_path / "crf.json"), str(tmp_path / "softmax.json")])
    out = capsys.readouterr().out
    assert "difference: +" in out and "better with crf: " in out
