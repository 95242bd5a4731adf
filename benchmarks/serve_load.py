"""How many texts serve.py answers a second, and how soon, beside one pipeline call per request behind FastAPI.

    python benchmarks/serve_load.py outputs/ner cluener/dev.json --seconds 10
    python benchmarks/serve_load.py outputs/ner cluener/dev.json --serve_flags="--int8"
    python benchmarks/serve_load.py outputs/ner cluener/dev.json --requests 10000 --clients 64

Both servers run on this machine, one after the other, and are asked by clients that send their next text as soon as
they have an answer, on connections that stay open. With --requests every text is compared with what predict.py writes
(scores to 0.001, as a batch of other texts rounds differently), and memory is read after each tenth of the requests.
"""

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psutil

from utils.options.arguments import run_script
from utils.running.atomic_files import write_json
from utils.tagging.readers_ner import read_ner

PIPELINE = """
import sys
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from transformers import pipeline

ask, app = pipeline("token-classification", sys.argv[1], trust_remote_code=True), FastAPI()

class Question(BaseModel):
    text: str

@app.post("/predict")
def predict(question: Question):
    found = ask(question.text)
    return [{name: value if type(value) is str else float(value) for name, value in one.items()} for one in found]

uvicorn.run(app, port=int(sys.argv[2]), log_level="warning")
"""


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="output directory of run_ner.py")
    parser.add_argument("file", help="texts, in any form that run_ner.py reads")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement (10)")
    parser.add_argument("--requests", type=int, help="send so many to serve.py and compare all answers; no baseline")
    parser.add_argument("--serve_flags", default="", help="further flags of serve.py")
    parser.add_argument("--output_file", type=Path)
    args = parser.parse_args(argv)
    texts = read_ner(args.file)["text"][:]
    flags = args.serve_flags.split()
    result = {"model": Path(args.model).name, "texts": len(texts), "serve_flags": flags}
    ours = [sys.executable, "serve.py", args.model, "--port", "{port}", *flags]
    if args.requests:
        result |= compare(ours, args.model, texts, flags, requests=args.requests, clients=max(args.clients))
    else:
        result["serve"] = measure(ours, texts, args.clients, args.seconds)
        stock = [sys.executable, "-c", PIPELINE, args.model, "{port}"]
        result["pipeline"] = measure(stock, texts, args.clients, args.seconds)
        for clients, own in result["serve"].items():
            own["ratio"] = own["per_second"] / result["pipeline"][clients]["per_second"]
    for name, value in result.items():
        print(name, json.dumps(value))
    if args.output_file:
        write_json(args.output_file, result)


class Server:
    """A server in a process of its own, from its first answer until the end of the block."""

    def __init__(self, command):
        self.port = free_port()
        self.command = [each.format(port=self.port) if each == "{port}" else each for each in command]

    def __enter__(self):
        self.process = subprocess.Popen(self.command)
        for _ in range(600):
            try:
                asyncio.run(ask_all(self.port, ["x"], clients=1, count=1))
                return self
            except OSError:
                if self.process.poll() is not None:
                    raise RuntimeError(f"{self.command[1]} ended with {self.process.returncode}") from None
                time.sleep(0.5)
        raise RuntimeError("no answer within five minutes")

    def __exit__(self, *error):
        self.process.terminate()
        self.process.wait(60)

    def memory(self):
        """Bytes of the process and its children."""
        own = psutil.Process(self.process.pid)
        return sum(each.memory_info().rss for each in (own, *own.children(recursive=True)))


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def measure(command, texts, clients, seconds):
    """Texts per second and seconds until an answer, for each number of clients."""
    found = {}
    with Server(command) as server:
        for count in clients:
            asyncio.run(ask_all(server.port, texts, clients=count, seconds=min(2.0, seconds)))  # warms up
            times, elapsed = [], time.perf_counter()
            asyncio.run(ask_all(server.port, texts, clients=count, seconds=seconds, times=times))
            elapsed, cuts = time.perf_counter() - elapsed, statistics.quantiles(times, n=100)
            found[str(count)] = {
                "per_second": len(times) / elapsed,
                "p50_ms": cuts[49] * 1e3,
                "p99_ms": cuts[98] * 1e3,
            }
    return found


def compare(command, model, texts, flags, *, requests, clients):
    """Send many requests; how many answers differ from predict.py's, and the memory before and after each tenth."""
    asked = [texts[i % len(texts)] for i in range(requests)]
    given = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
    predict = [sys.executable, "predict.py", model, *flags]
    done = subprocess.run(predict, input=given, capture_output=True, text=True, check=True)
    expected = [json.loads(line)["entities"] for line in done.stdout.splitlines()]
    with Server(command) as server:
        answers, memory = {}, [server.memory()]
        for start in range(0, requests, max(requests // 10, 1)):
            part = asked[start : start + max(requests // 10, 1)]
            found = asyncio.run(ask_all(server.port, part, clients=clients, count=len(part)))
            answers |= {start + number: answer for number, answer in found.items()}
            memory.append(server.memory())
    wrong = sum(
        answer["text"] != asked[i] or not same(answer["entities"], expected[i % len(texts)])
        for i, answer in answers.items()
    )
    counts = {"requests": requests, "clients": clients, "answered": len(answers), "different": wrong}
    return counts | {"memory_mb": [round(size / 1e6) for size in memory]}


def same(found, expected):
    """Whether entities are equal, and their scores nearly."""
    places = [[{**one, "score": None} for one in each] for each in (found, expected)]
    scores = zip(found, expected, strict=False)
    return places[0] == places[1] and all(abs(one["score"] - other["score"]) <= 1e-3 for one, other in scores)


async def ask_all(port, texts, *, clients, count=None, seconds=None, times=None):
    """Let clients send texts until `count` are sent, or `seconds` are over.

    Returns:
        Index of each text that was sent -> its answer.
    """
    numbers, until, found = iter(range(count or sys.maxsize)), time.perf_counter() + (seconds or 1e9), {}

    async def work():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            started = time.perf_counter()
            if started > until:
                break
            status, body = await ask(reader, writer, texts[number % len(texts)])
            if status != 200:
                raise RuntimeError(f"status {status}: {body[:200]}")
            if times is not None:
                times.append(time.perf_counter() - started)
            if count:
                if number in found:
                    raise RuntimeError(f"answered twice: {number}")
                found[number] = json.loads(body)
        writer.close()

    await asyncio.gather(*(work() for _ in range(clients)))
    return found


async def ask(reader, writer, text):
    """Status and body of the answer to one text."""
    body = json.dumps({"text": text}).encode()
    head = (
        f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
    length = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length:"))
    return int(lines[0].split()[1]), await reader.readexactly(length)


if __name__ == "__main__":
    run_script(main)
