"""predict.py --ray_address: the files of a corpus on two machines, of which one is lost."""

import importlib.util
import sys
import threading
import time

import pytest

import predict
from tests.small_heads import TEXTS, build_heads
from utils.data.errors import ArgumentError, DataError

HAS_RAY = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not HAS_RAY, reason="ray is missing: pip install -r requirements-ray.txt")


@pytest.fixture(scope="module")
def corpus(tiny_encoder, tmp_path_factory):
    """A model, and files of texts; one of them cannot be read."""
    folder = tmp_path_factory.mktemp("corpus")
    build_heads(tiny_encoder, folder)
    (folder / "shards").mkdir()
    for number in range(12):
        rows = [f"{text}{number}" for text in TEXTS for _ in range(2000)]
        (folder / "shards" / f"{number:02d}.txt").write_text("\n".join(rows), encoding="utf-8")
    return folder


def words(corpus, output, *more):
    pattern = str(corpus / "shards" / "*.txt")
    return [str(corpus / "crf"), "--input_file", pattern, "--output_dir", str(output), *more]


@needs_ray
@pytest.mark.slow
def test_files_of_a_lost_machine_are_done_again_and_all_are_those_of_one_process(cluster, corpus, tmp_path, capsys):
    predict.main(words(corpus, tmp_path / "alone"))
    expected = {path.name: path.read_bytes() for path in (tmp_path / "alone").glob("*.jsonl")}
    assert len(expected) == 12
    found, lost = tmp_path / "found", []

    def lose():
        while len(list(found.glob("*.jsonl"))) < 2:
            time.sleep(0.05)
        lost.append(len(list(found.glob("*.jsonl"))))
        cluster.remove_node(cluster.machines[0], allow_graceful=False)

    thread = threading.Thread(target=lose, daemon=True)
    thread.start()
    predict.main(words(corpus, found, "--ray_address", cluster.address))
    thread.join()
    assert lost and lost[0] < 12
    assert {path.name: path.read_bytes() for path in found.glob("*.jsonl")} == expected
    assert sorted(path.name for path in found.iterdir()) == [*sorted(expected), "predict.json"]
    told = capsys.readouterr().err
    assert all(f"{number:02d}.txt: 6,000 texts" in told for number in range(12))
    predict.main(words(corpus, found, "--ray_address", "127.0.0.1:9"))  # nothing is left, so no cluster is needed


@needs_ray
@pytest.mark.slow
def test_files_that_cannot_be_read_are_told_and_the_others_done(cluster, corpus, tmp_path):
    shards = tmp_path / "shards"
    shards.mkdir()
    (shards / "good.txt").write_text("张伟在北京。\n", encoding="utf-8")
    (shards / "bad.jsonl").write_text('{"text": "x"}\n{"text": \n', encoding="utf-8")
    given = [str(corpus / "crf"), "--input_file", str(shards), "--output_dir", str(tmp_path / "found")]
    with pytest.raises(DataError, match="1 of 2 files were skipped, 1 are done"):
        predict.main([*given, "--ray_address", cluster.address])
    assert (tmp_path / "found" / "good.jsonl").is_file()


@needs_ray
def test_address_without_a_cluster_is_one_line(corpus, tmp_path):
    with pytest.raises(ArgumentError, match=r"--ray_address 127.0.0.1:9: expected the address of a Ray cluster"):
        predict.main(words(corpus, tmp_path / "found", "--ray_address", "127.0.0.1:9"))


def test_one_output_is_not_for_a_cluster():
    with pytest.raises(ArgumentError, match="--ray_address does nothing without --output_dir"):
        predict.main(["somewhere", "--text", "x", "--ray_address", "auto"])


def test_missing_ray_is_said_with_the_command(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "utils.tasks.cluster_prediction", raising=False)
    given = ["somewhere", "--input_file", "x", "--output_dir", str(tmp_path / "found"), "--ray_address", "auto"]
    with pytest.raises(ArgumentError, match=r"ray is missing: pip install -r requirements-ray\.txt"):
        predict.main(given)
    assert not (tmp_path / "found").exists()
