"""serve.py as a process: many clients at once, the end by SIGTERM, a worker that is killed."""

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path

import psutil
import pytest

import serve
from benchmarks.serve_load import ask, ask_all, free_port, same
from tests.small_heads import TEXTS, build_heads
from utils.data.errors import ArgumentError
from utils.prediction.entity_finder import EntityFinder


@pytest.fixture(scope="module")
def folder(tiny_encoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    build_heads(tiny_encoder, folder)
    return folder


@contextlib.contextmanager
def serving(*flags):
    """A server and its port, from its first answer on."""
    port = free_port()
    command = [sys.executable, "serve.py", *map(str, flags), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for _ in range(400):
            with contextlib.suppress(OSError):
                asyncio.run(ask_all(port, ["x"], clients=1, count=1))
                break
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.25)
        yield process, port
    finally:
        process.kill()
        process.wait()


def test_many_clients_get_their_own_answers_and_sigterm_ends_with_them(folder):
    texts = [f"{text}{i}" for i in range(40) for text in TEXTS]
    expected = [
        [{**one._asdict(), "text": text[one.start : one.end]} for one in found]
        for text, found in zip(texts, EntityFinder.load(str(folder / "crf")).find(texts), strict=True)
    ]
    with serving(folder / "crf", "--max_texts", "5000") as (process, port):
        answers = asyncio.run(ask_all(port, texts, clients=16, count=4 * len(texts)))
        assert sorted(answers) == list(range(4 * len(texts)))
        for number, answer in answers.items():
            assert answer["text"] == texts[number % len(texts)]
            assert same(answer["entities"], expected[number % len(texts)])

        async def stop_in_the_middle():
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            asking = asyncio.ensure_future(ask(reader, writer, TEXTS[1] * 400))
            await asyncio.sleep(0.1)
            process.send_signal(signal.SIGTERM)
            return await asking

        status, body = asyncio.run(stop_in_the_middle())
        assert status == 200 and body
        assert process.wait(30) == 0


def alive(process):
    """Whether a process runs; one that nobody has waited for yet does not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def is_spawned(process):
    with contextlib.suppress(psutil.NoSuchProcess):  # a zombie has no command either
        return "multiprocessing.spawn" in " ".join(process.cmdline())
    return False


def processes(process, *, models):
    """The processes with models, or those that serve them, in the order in which they began."""
    found = [
        each for each in psutil.Process(process.pid).children(recursive=True) if each.name() != "resource_tracker"
    ]
    spawned = [each for each in found if "multiprocessing.spawn" in " ".join(each.cmdline())]
    parents = {each.ppid() for each in spawned}
    return sorted((each for each in spawned if (each.pid in parents) != models), key=lambda each: each.create_time())


async def ask_and_count(port, *, clients, count, at, do):
    """Send texts, and do something once `at` are answered; how often each status came."""
    statuses, left = Counter(), iter(range(count))

    async def work():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in left:
            status, body = await ask(reader, writer, TEXTS[number % len(TEXTS)])
            assert status == 200 or "the process with the model ended" in body.decode()
            statuses[status] += 1
            if sum(statuses.values()) == at:
                do()
        writer.close()

    await asyncio.gather(*(work() for _ in range(clients)))
    return statuses


def test_killed_model_loses_no_request(folder):
    with serving(folder / "crf") as (process, port):
        (model,) = processes(process, models=True)
        found = asyncio.run(ask_and_count(port, clients=8, count=160, at=40, do=model.kill))
        assert sum(found.values()) == 160 and found[200] >= 150
        (other,) = processes(process, models=True)
        assert other.pid != model.pid
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert not alive(other)


@pytest.mark.slow
def test_killed_worker_is_replaced(folder):
    with serving(folder / "crf", "--workers", "2") as (process, port):
        workers, models = (processes(process, models=known) for known in (False, True))
        assert len(workers) == len(models) == 2
        workers[0].kill()
        for _ in range(100):  # connections to the dead one are refused or closed; the others are answered
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                asyncio.run(ask_all(port, TEXTS, clients=4, count=20))
                break
            time.sleep(0.2)
        for _ in range(300):
            counts = [len(processes(process, models=known)) for known in (False, True)]
            if counts == [2, 2] and sum(map(alive, models)) == 1:
                break
            time.sleep(0.2)
        (model,) = filter(alive, models)  # that of a dead worker ends
        found = asyncio.run(ask_and_count(port, clients=8, count=200, at=50, do=model.kill))
        assert sum(found.values()) == 200 and found[200] >= 190
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert not any(map(alive, (*workers, *models)))


@pytest.mark.slow
def test_workers_end_with_the_server_that_started_them(folder):
    with serving(folder / "crf", "--workers", "2") as (process, _):
        started = [each for known in (False, True) for each in processes(process, models=known)]
        assert len(started) == 4
        process.kill()
        process.wait()
        for _ in range(100):
            if not any(map(alive, started)):
                break
            time.sleep(0.1)
        assert not any(map(alive, started))


def test_model_that_is_not_there_is_told_without_a_traceback(tmp_path):
    command = [sys.executable, "serve.py", str(tmp_path / "nothing"), "--port", str(free_port())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and "nothing" in done.stderr and "Traceback" not in done.stderr


def test_address_that_cannot_be_served_is_told_before_a_model_is_loaded():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with pytest.raises(ArgumentError, match=f"--port {port}: expected a free address, found: Address already"):
            serve.main(["somewhere", "--port", port])
    with pytest.raises(ArgumentError, match=r"--host nowhere\.invalid --port 8000: expected a free address, found: "):
        serve.main(["somewhere", "--host", "nowhere.invalid"])


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--port", "0"], "--port 0: expected 1 to 65535"),
        (["--max_texts", "0"], "--max_texts 0: expected 1 or more"),
        (["--wait_ms", "-1"], "--wait_ms -1.0: expected 0 or more"),
        (["--int8", "--backend", "torch"], "--int8: expected --backend onnx, found torch"),
    ],
)
def test_wrong_options_are_refused(flags, said, capsys):
    with pytest.raises(SystemExit):
        serve.main(["somewhere", *flags])
    assert said in capsys.readouterr().err


def test_keys_are_read_line_by_line(tmp_path):
    path = tmp_path / "keys"
    path.write_text("one\n\n two \n")
    assert serve.read_keys(path) == ["one", "two"]
    path.write_text("\n")
    with pytest.raises(ArgumentError, match="expected a key a line"):
        serve.read_keys(path)


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ArgumentError, match=r"missing: pip install -r requirements-serve\.txt"):
        serve.main(["somewhere"])


def test_image_has_what_the_server_imports():
    root = Path(serve.__file__).parent
    copied = [
        word
        for line in (root / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ")
        for word in line.split()[1:-1]
    ]
    kept = {line[1:] for line in (root / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for name in copied:
        assert (root / name).exists(), name
        assert any(fnmatch(name, pattern) for pattern in kept), name
    assert {"serve.py", "utils", "requirements.txt", "requirements-serve.txt"} <= set(copied)
