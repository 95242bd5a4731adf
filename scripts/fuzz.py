"""Throw damaged and invented files at every reader and the configuration parser, and report what breaks them.

    python scripts/fuzz.py --seconds 60
    python scripts/fuzz.py --seconds 600 read_ner config --seed 7

Each reader is tested for --seconds. It may return, or raise an error for users (`DataError`, `ArgumentError`).
Anything else, and a file that takes more than ten seconds, is a finding: the smallest file that shows it is saved in
--findings, a line says what happened, and the exit status is 1. Needs hypothesis: tests/requirements.txt.
"""

import argparse
import contextlib
import gzip
import json
import logging
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from utils.data.errors import ArgumentError, DataError
from utils.files.prompt_files import read_label_words
from utils.options.arguments import read_config
from utils.prompting.errors import PromptError
from utils.prompting.templates import Template
from utils.reading.class_readers import read_classes
from utils.reading.column_names import PAIR_KEYS, TEXT_KEYS
from utils.reading.model_inputs import read_inputs
from utils.reading.qa_records import PASSAGE_KEYS, QUESTION_KEYS
from utils.reading.readers_corpus import read_documents
from utils.reading.readers_qa import read_qa
from utils.reading.remembered_reading import recall_reading
from utils.reading.text_cleaning import read_rules
from utils.reading.text_stream import read_rows, read_texts
from utils.tagging.readers_ner import read_ner

SECONDS = 10  # for one file; more is a finding
ROUND = 200  # files between two looks at the clock
SHRINKING = True  # look for the smallest file of a finding
FLAGS = {"head", "learning_rate", "train_file", "verbalizer", "template", "seed", "do_train"}
SHOWN = (DataError, ArgumentError, PromptError)  # errors for users
SIGNS = (
    '[ ] { } " "" \' , : - # | &a *a !! !!float ? <<: % @ ` ~ null true NaN -Infinity 1e999 -1 0x1f 2001-99-99 1:60'
)
WORDS = "_!_ B-a I-a O {text} {mask} {soft: {soft:99999999999} (?P<a> (a+)+$ text label entities answers =1+1 ../"
PIECES = [
    *(piece.encode() for piece in f"{SIGNS} {WORDS}".split()),
    *(b" ", b"\n", b"\r\n", b"\t", b"\\", b"\\1", b"\\ud800", b"\\u0000", b"\0", b"\xff", b"\xff\xfe", b"\x1f\x8b"),
    *(b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xe2\x80\xae", b"\xc2\x85", b"\x0b", b"\x0c", b"\x1c", b"9" * 30),
    *(b"9" * 5000, b"[" * 300, b"{" * 300, b'{"a":' * 300, b"- " * 300, b"a" * 200_000),
]


class Target(NamedTuple):
    """A reader, and good files for it by name."""

    read: Callable[[Path], object]
    samples: dict[str, str]


def consume(stream):
    """Read a stream to its end."""
    for _ in stream:
        pass


def read_entities(path: Path) -> None:
    """Read the input of a tagger."""
    reading = recall_reading(None, plain="plain")
    consume(read_inputs(str(path), kind="entities", columns=[None], known=(TEXT_KEYS,), reading=reading))


def read_questions(path: Path) -> None:
    """Read the input of a model for answers in passages."""
    known, reading = (QUESTION_KEYS, PASSAGE_KEYS), recall_reading(None, plain="plain")
    consume(read_inputs(str(path), kind="answers", columns=[None, None], known=known, reading=reading))


def list_targets() -> dict[str, Target]:
    """Every reader of files from users."""
    dumped = [
        {"text": "张三在北京", "label": {"name": {"张三": [[0, 1]]}}},
        {"text": "李四", "entities": [{"start": 0, "end": 2, "label": "name"}]},
        {"tokens": ["a", "b"], "ner_tags": ["B-a", "O"]},
        {"id": 7, "text": "很好", "text_pair": "二", "labels": ["a", "b"]},
        {"id": "q", "question": "谁？", "context": "张三在北京", "answers": {"text": ["张三"], "answer_start": [0]}},
    ]
    spans, flat, tokens, classes, question = (json.dumps(each, ensure_ascii=False) + "\n" for each in dumped)
    asked = {"id": "q", "question": "谁？", "answers": [{"text": "张三", "answer_start": 0}], "is_impossible": False}
    squad = json.dumps({"version": "2.0", "data": [{"paragraphs": [{"context": "张三在", "qas": [asked]}]}]})
    raw = json.dumps(
        [{"context_text": "张三在", "qas": [{"query_text": "谁？", "query_id": "q", "answers": ["张三"]}]}]
    )
    web = json.dumps({"q": {"question": "谁？", "evidences": {"q#0": {"evidence": "张三在", "answer": ["张三"]}}}})
    table = 'id,text,label\n0,"很好, 真的",a\n1,"6"" nails",b\n2,"一\n二",a\n'
    entities = {"a.json": spans * 2, "b.jsonl": flat * 2, "c.json": tokens * 2}
    entities |= {"d.txt": "张 B-a\n三 I-a\n\n在 O\n", "e.csv": "张,B-a\n三,O\n", "f.tsv": "a\tX\tB-a\nb\tX\tO\n"}
    entities |= {"g.tsv": "# a\n1\ta\tB-a\tO\n2\tb\tI-a\tO\n", "h.txt": "科0 O\n技1 a\n", "i.tsv": "word\ttag\na\tO\n"}
    region = {"value": {"start": 0, "end": 2, "labels": ["name"]}, "type": "labels"}
    exported = [{"data": {"text": "张三在"}, "annotations": [{"result": [region]}]}]
    exported += [
        {"text": "张三", "spans": [{"start": 0, "end": 2, "label": "a"}], "answer": "accept", "_task_hash": 1}
    ]
    exported += [["张三", {"entities": [[0, 2, "a"]]}], {"annotations": [["张三", {"entities": [[0, 2, "a"]]}]]}]
    exported += [{"text": "张三", "entities": [{"start_idx": 0, "end_idx": 1, "type": "a", "entity": "张三"}]}]
    exported += [{"text": ["张", "三"], "labels": ["B_a", "I_a"]}]
    entities |= {f"j{i}.json": json.dumps(each, ensure_ascii=False) + "\n" for i, each in enumerate(exported)}
    repairing = {"repair_tags": True, "skip_bad_lines": True}
    rows = {"a.csv": table, "b.tsv": "text\tlabel\n一\ta\n二\tb\n", "c.jsonl": classes, "d.json": f"[{classes}]"}
    rows |= {"e.txt": "一\ta\n二\tb\n", "f.txt": "1_!_100_!_a_!_一_!_\n2_!_100_!_b_!_二_!_\n"}
    rows |= {
        "g.csv": "sep=;\ntext;label\n一;a\n",
        "h.txt": "a1||一||二||3\nb||三||四||0\n",
        "i.csv": "text,label\r一,a\r",
    }
    rows |= {"j.tsv": 'x\t1\t\tA "b\ny\t0\t*\tC\n', "k.tsv": '"text"\t"label"\n"a ""b\tc"""\t"d"\n'}
    texts = {"a.txt": "一\n二\n", "b.jsonl": classes * 2, "c.csv": table, "d.tsv": "text\tb\n一\t2\n", "e": "一\n"}
    texts["f.txt.gz"] = "一\n二\n"
    pairs = {"a.txt": "一\t二\n三\t\n", "b.jsonl": classes, "c.tsv": "text\ttext_pair\n一\t2\n"}
    rules = {"a.yaml": "- {pattern: 'https?://\\S+', replacement: ''}\n- 'a(b)': '\\1'\n", "b.yaml": "a: b\nc: d\n"}
    words = {"a.yaml": "good: [好, 不错]\nbad: {差: 0.5}\n", "b.json": '{"good": "好"}'}
    config = {"a.yaml": "head: crf\nlearning_rate: 1e-3\nverbalizer: {a: [b]}\ntemplate: [a, b]\n"}
    config["b.json"] = '{"head": "crf", "seed": 2, "do_train": true, "verbalizer": {"a": ["b"]}}'
    templates = {"a.txt": "{text}总的来说很{mask}。", "b.txt": "{soft:4}{text_pair}{soft:好}{span}{mask}{mask}"}
    two_texts = {"columns": [None, None], "known": [TEXT_KEYS, PAIR_KEYS]}
    return {
        "read_ner": Target(read_ner, entities),
        "read_ner_repaired": Target(lambda path: read_ner(path, **repairing), entities),
        "read_classes": Target(read_classes, rows),
        "read_faq": Target(lambda path: read_classes(path, file_format="faq"), {"a.txt": "答 问题\n答 问\n"}),
        "read_qa": Target(read_qa, {"a.json": squad, "b.jsonl": question, "c.json": raw, "d.json": web}),
        "read_inputs": Target(read_entities, texts | entities),
        "read_questions": Target(read_questions, {"a.json": squad, "b.jsonl": question, "c.json": raw, "d.json": web}),
        "read_texts": Target(lambda path: consume(read_texts(str(path))), texts),
        "read_pairs": Target(lambda path: consume(read_rows(str(path), **two_texts)), pairs),
        "read_documents": Target(lambda path: consume(read_documents([str(path)])), texts),
        "read_rules": Target(read_rules, rules),
        "read_label_words": Target(read_label_words, words),
        "config": Target(lambda path: read_config(str(path), known=FLAGS), config),
        "template": Target(lambda path: Template(path.read_text(encoding="utf-8", errors="replace")), templates),
    }


EDIT = st.tuples(
    st.sampled_from(["insert", "replace", "cut", "repeat", "swap"]),
    st.integers(0, 1 << 16),
    st.integers(1, 12),
    st.one_of(
        st.sampled_from(PIECES), st.binary(max_size=4), st.text(max_size=3).map(lambda text: text.encode("utf-8"))
    ),
)


def edit(content: bytes, edits: Sequence[tuple[str, int, int, bytes]]) -> bytes:
    """The content of a file after these edits."""
    content = bytearray(content)
    for kind, place, size, piece in edits:
        start = place % (len(content) + 1)
        stop = start + size
        if kind == "insert":
            content[start:start] = piece
        elif kind == "replace":
            content[start:stop] = piece
        elif kind == "cut":
            del content[start:stop]
        elif kind == "repeat":
            content[start:start] = bytes(content[start:stop]) * size
        else:
            content[start:stop] = bytes(content[start:stop])[::-1]
    return bytes(content)


@contextlib.contextmanager
def limited(seconds: int):
    """Raise `TimeoutError` in a block that takes longer."""

    def stop(received, frame):
        raise TimeoutError(f"more than {seconds} s")

    earlier = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, earlier)


def fuzz(name: str, target: Target, *, seconds: float, start: int, findings: Path) -> tuple[int, str | None]:
    """Throw files at a reader.

    Returns:
        The number of files, and the first finding, None if there was none.
    """
    count, last = 0, ("", b"")
    ends = time.monotonic() + seconds

    def throw(sample, edits, packed):
        nonlocal count, last
        content = edit(target.samples[sample].encode("utf-8"), edits)
        if sample.endswith(".gz"):
            content = edit(gzip.compress(content, mtime=0), edits if packed else [])
        count, last = count + 1, (sample, content)
        path = Path(folder) / sample
        path.write_bytes(content)
        with limited(SECONDS), contextlib.suppress(*SHOWN):
            target.read(path)

    strategy = given(st.sampled_from(sorted(target.samples)), st.lists(EDIT, max_size=6), st.booleans())
    quiet = settings(
        max_examples=ROUND,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink] if SHRINKING else [Phase.generate],
    )
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < ends:
            try:
                seed(start)(quiet(strategy(throw)))()
            except Exception as error:  # any other error of a reader is a finding
                findings.mkdir(parents=True, exist_ok=True)
                kept = findings / f"{name}-{start}-{last[0]}"
                kept.write_bytes(last[1])
                place = traceback.extract_tb(error.__traceback__)[-1]
                return count, f"{type(error).__name__}: {error} ({place.filename}:{place.lineno}); see {kept}"
            start += 1
    return count, None


def main(argv: Sequence[str] | None = None) -> int:
    """Fuzz the given readers, or all; returns the exit status."""
    targets = list_targets()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readers", nargs="*", help=f"some of {', '.join(targets)}; all if none is given")
    parser.add_argument("--seconds", type=float, default=60.0, help="seconds for each reader (60)")
    parser.add_argument("--seed", type=int, default=0, help="another seed draws other files (0)")
    parser.add_argument("--findings", type=Path, default=Path("outputs/fuzz"), help="their folder (outputs/fuzz)")
    given_args = parser.parse_args(argv)
    if unknown := set(given_args.readers) - set(targets):
        parser.error(f"expected {', '.join(targets)}, found {', '.join(sorted(unknown))}")
    logging.disable(logging.CRITICAL)
    broken = 0
    for name in given_args.readers or targets:
        options = {"seconds": given_args.seconds, "start": given_args.seed * 1_000_000}
        count, found = fuzz(name, targets[name], **options, findings=given_args.findings)
        broken += found is not None
        print(f"{name:<17}{count:>9,} files  {found or 'nothing found'}", flush=True)
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
