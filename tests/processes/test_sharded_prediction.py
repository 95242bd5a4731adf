"""predict.py on many files: divided among processes, each output whole, a killed run goes on."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

import predict
from tests.processes.launching import ACCELERATE, ROOT, TORCHRUN, environment
from utils.data.errors import ArgumentError, DataError
from utils.prediction.sharded_files import ShardedFiles, find_shards
from utils.reading.text_stream import read_texts

pytestmark = pytest.mark.long

SHARDS, ROWS = 24, 60


def read_lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def spans_of(path):
    return [[(one["start"], one["end"], one["label"]) for one in row["entities"]] for row in read_lines(path)]


@pytest.fixture(scope="module")
def corpus(samples, tmp_path_factory):
    """Folder of files of ids and texts, parquet and json lines in turn."""
    folder = tmp_path_factory.mktemp("corpus")
    texts = [json.loads(line)["text"] for line in (samples / "ner-all.json").open(encoding="utf-8")]
    for k in range(SHARDS):
        rows = [{"id": f"{k}-{i}", "text": texts[(k * ROWS + i) % len(texts)]} for i in range(ROWS)]
        if k % 2:
            (folder / f"part-{k:02}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        else:
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / f"part-{k:02}.parquet")
    return folder


@pytest.fixture(scope="module")
def tagger(alone):
    """Folder of a CRF tagger that has learnt for 20 steps."""
    return str(alone / "crf")


@pytest.mark.slow
def test_killed_run_goes_on_and_has_every_row_exactly_once(corpus, tagger, tmp_path):
    out = tmp_path / "out"
    words = ["predict.py", tagger, "--input_file", f"{corpus}/*", "--output_dir", str(out), "--precision", "fp32"]
    slow = [*words, "--batch_size", "1"]
    launched = [*TORCHRUN, "--standalone", "--nproc_per_node", "2", *slow]
    log = (tmp_path / "log").open("w")
    run = subprocess.Popen(launched, cwd=ROOT, env=environment(), stdout=log, stderr=log)
    while run.poll() is None and len(list(out.glob("part-*"))) < 4:
        time.sleep(0.02)
    workers = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
    for pid in (run.pid, *map(int, workers)):
        os.kill(pid, signal.SIGKILL)
    run.wait()
    assert len(workers) >= 2
    stopped = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*")}
    assert 4 <= len(stopped) < SHARDS, (tmp_path / "log").read_text()
    for name in stopped:
        assert len(read_lines(out / name)) == ROWS

    launch = [*ACCELERATE, "--config_file", "configs/accelerate/cpus.yaml", *words]
    done = subprocess.run(launch, cwd=ROOT, env=environment(), capture_output=True, encoding="utf-8", timeout=300)
    assert done.returncode == 0, done.stderr
    assert {name: (out / name).stat().st_mtime_ns for name in stopped} == stopped
    assert sorted(path.name for path in out.iterdir()) == [
        *(f"part-{k:02}.jsonl" for k in range(SHARDS)),
        "predict.json",
    ]
    ids = [row["id"] for path in out.glob("part-*") for row in read_lines(path)]
    assert len(ids) == len(set(ids)) == SHARDS * ROWS
    single = ["--output_file", str(tmp_path / "04.jsonl"), "--precision", "fp32"]
    predict.main([tagger, "--input_file", str(corpus / "part-04.parquet"), *single])
    assert spans_of(tmp_path / "04.jsonl") == spans_of(out / "part-04.jsonl")


def test_bad_file_is_left_out_named_and_tried_again(corpus, tagger, tmp_path):
    for name in ("part-00.parquet", "part-01.jsonl"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes((corpus / name).read_bytes())
    bad = tmp_path / "in" / "part-02.parquet"
    bad.write_bytes((corpus / "part-02.parquet").read_bytes()[:-20])
    words = [tagger, "--input_file", str(tmp_path / "in"), "--output_dir", str(tmp_path / "out")]
    with pytest.raises(
        DataError, match=r"^1 of 3 files were skipped, 2 are done.*\n.*part-02.parquet: expected a parq"
    ):
        predict.main(words)
    assert sorted(path.name for path in (tmp_path / "out").glob("part-*")) == ["part-00.jsonl", "part-01.jsonl"]
    bad.write_bytes((corpus / "part-02.parquet").read_bytes())
    predict.main(words)
    assert len(read_lines(tmp_path / "out" / "part-02.jsonl")) == ROWS


def test_outputs_of_other_options_are_not_mixed(corpus, tagger, tmp_path):
    words = [tagger, "--input_file", str(corpus / "part-00*"), "--output_dir", str(tmp_path)]
    predict.main(words)
    with pytest.raises(DataError, match=r"predict.json: the folder holds predictions with model_revision 'main', not"):
        predict.main([*words, "--model_revision", "other"])
    (tmp_path / "predict.json").unlink()
    with pytest.raises(DataError, match="expected the record of 1 outputs"):
        predict.main(words)


def test_folder_of_outputs_needs_a_pattern(tagger, tmp_path, capsys):
    for words in (["--text", "a"], [], ["--input_file", "a.txt", "--output_file", "b"]):
        with pytest.raises(SystemExit):
            predict.main([tagger, "--output_dir", str(tmp_path), *words])
        assert "--output_dir: expected --input_file" in capsys.readouterr().err
    with pytest.raises(DataError, match="expected files, found none"):
        find_shards(f"{tmp_path}/nothing*")


@pytest.mark.parametrize("count, processes", [(1, 2), (2, 3), (7, 2), (13, 5)])
def test_every_file_belongs_to_one_process(count, processes, tmp_path):
    shards = [f"in/{k:02}.jsonl" for k in range(count)]
    files = ShardedFiles(shards, tmp_path, suffix=".jsonl")
    parts = [files.left(index=index, processes=processes) for index in range(processes)]
    assert sorted(shard for part in parts for shard in part) == shards
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    (tmp_path / "00.jsonl").write_text("")
    again = [files.left(index=index, processes=processes) for index in range(processes)]
    assert again == [[shard for shard in part if shard != shards[0]] for part in parts]


def test_files_that_would_write_one_output_are_refused(tmp_path):
    for name in ("a.parquet", "a.jsonl.gz", "b.txt"):
        (tmp_path / name).write_text("")
    with pytest.raises(DataError, match="expected names that differ before the suffix"):
        find_shards(str(tmp_path))


def test_annotations_of_brat_are_no_texts(tmp_path):
    for name in ("a.ann", "a.txt", "b.ann", "c.txt"):
        (tmp_path / name).write_text("")
    assert find_shards(str(tmp_path)) == [f"{tmp_path}/{name}" for name in ("a.txt", "b.ann", "c.txt")]


def test_several_processes_do_not_write_one_output(tagger, monkeypatch):
    monkeypatch.setattr("utils.running.processes.meet_others", lambda: (0, 0, 2))
    with pytest.raises(ArgumentError, match="2 processes would write one output; give --input_file"):
        predict.main([tagger, "--text", "张伟"])


def test_parquet_rows_that_hold_no_text_are_named(tmp_path):
    path = str(tmp_path / "a.parquet")
    pyarrow.parquet.write_table(pyarrow.table({"sentence": ["a", None, "b"], "n": [1, 2, 3]}), path)
    with pytest.raises(DataError, match=r"a.parquet, row 2: expected a text, found null"):
        list(read_texts(path))
    assert list(read_texts(path, skip_bad_lines=True)) == [("0", "a"), ("2", "b")]
    assert list(read_texts(path, column="n", skip_bad_lines=True)) == []
    with pytest.raises(DataError, match="expected a column other, found sentence, n; name it with --text_column"):
        list(read_texts(path, column="other"))
