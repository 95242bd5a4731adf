"""scripts/mix_corpus.py: documents as often as their weight says, none both held out and learnt from."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = "news_*.txt: 2.5\nlaw.txt: 0.5\n"


@pytest.fixture
def mix(tmp_path):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for name in ("news_a", "law"):
        text = "\n\n".join(f"{name} {i}\nsecond line" for i in range(1000))
        (corpus / f"{name}.txt").write_text(text + "\n", encoding="utf-8")

    def call(output="out", weights=WEIGHTS):
        (tmp_path / "weights.yaml").write_text(weights, encoding="utf-8")
        paths = [tmp_path / "weights.yaml", corpus, tmp_path / output]
        command = [sys.executable, str(ROOT / "scripts/mix_corpus.py"), *map(str, paths)]
        done = subprocess.run(command, capture_output=True, text=True)
        return done, tmp_path / output

    return call


def documents(path):
    return path.read_text(encoding="utf-8").strip().split("\n\n")


def test_documents_come_as_often_as_their_weight_says(mix):
    done, out = mix()
    assert done.returncode == 0, done.stderr
    held = set(documents(out / "dev.txt"))
    assert 5 <= len(held) <= 40
    for name, weight in (("news_a", 2.5), ("law", 0.5)):
        taken = documents(out / "train" / f"{name}.txt")
        assert len(taken) == pytest.approx(1000 * weight, rel=0.1)
        assert not held & set(taken)
        assert all(document.endswith("\nsecond line") for document in taken)
    times = [documents(out / "train" / "news_a.txt").count(f"news_a {i}\nsecond line") for i in range(1000)]
    assert set(times) - {0} == {2, 3}


def test_same_seed_same_bytes(mix):
    one, other = mix("one")[1], mix("other")[1]
    for path in ("dev.txt", "train/law.txt", "train/news_a.txt"):
        assert (one / path).read_bytes() == (other / path).read_bytes()


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("news_*.txt: 1\n", "expected a pattern for law.txt, found none"),
        ("- law.txt\n", "expected a number for each pattern"),
        ("'*': much\n", "expected a number for each pattern"),
    ],
)
def test_weights_that_say_nothing_are_refused(mix, weights, message):
    done, out = mix(weights=weights)
    assert done.returncode == 1 and message in done.stderr
    assert not (out / "dev.txt").exists()
