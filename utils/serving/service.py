"""Trained models behind HTTP: a FastAPI application that answers what predict.py writes.

POST /predict            one model; POST /predict/NAME of several
GET  /health /info /metrics /docs
"""

import asyncio
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from fastapi import Depends, FastAPI, Header, Request, Response
from fastapi.exceptions import RequestValidationError, StarletteHTTPException
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from .batcher import Batcher, Busy, Row
from .body_limit import BodyLimit
from .measures import Measures
from .questions import Refused, question_model, rows_of, what_is_wrong

GONE = 499  # the client hung up; nobody reads it


class ModelDied(Exception):
    """The process with the models ended before it had answered."""

    def __init__(self):
        super().__init__("the process with the model ended; another one is being started, try again")


class Served(NamedTuple):
    """A model to serve.

    Attributes:
        task: see `prediction.prediction_tasks.Task`; its lines are the answers.
        about: what `/info` tells of it.
    """

    task: Any
    about: Mapping[str, Any]


class Limits(NamedTuple):
    """Of requests.

    Attributes:
        body: bytes.
        texts: of one request.
        characters: of one text.
        waiting: texts that may wait, those in work included.
    """

    body: int = 1_000_000
    texts: int = 1000
    characters: int = 20_000
    waiting: int = 4096


USUAL = Limits()


def build_app(
    models: Mapping[str, Served],
    *,
    limits: Limits = USUAL,
    keys: Sequence[str] = (),
    versions: Mapping[str, str] | None = None,
    wait: float = 0.002,
    most_rows: int = 256,
    ready: Callable[[], bool] = lambda: True,
    close: Callable[[], None] = lambda: None,
) -> FastAPI:
    """The application.

    Args:
        models: by name.
        limits: of requests.
        keys: one of which a request must bring, as `Authorization: Bearer KEY` or `X-API-Key: KEY`; none: open to all.
        versions: of packages, for `/info`.
        wait: seconds for which the first request of a batch waits for others.
        most_rows: texts that are answered together.
        ready: whether the models can be asked, for `/health`.
        close: called when the server ends, after the last answer.
    """
    measures = Measures()
    batchers = {name: _batcher(one, measures, limits, wait, most_rows) for name, one in models.items()}

    @asynccontextmanager
    async def living(app):
        for batcher in batchers.values():
            batcher.start()
        yield
        for batcher in batchers.values():
            await asyncio.to_thread(batcher.close)
        await asyncio.to_thread(close)

    paths = {"/predict" if len(models) == 1 else f"/predict/{name}": name for name in models}
    app = FastAPI(title="Weitiao", description="Answers are what predict.py writes.", lifespan=living)
    app.add_middleware(BodyLimit, most=limits.body)
    known = Depends(_key_check(keys))

    @app.exception_handler(RequestValidationError)
    async def refuse_form(request: Request, error: RequestValidationError):
        measures.count_request(paths.get(request.url.path, ""), 422, 0.0)
        return _refusal(422, what_is_wrong(error.errors()))

    @app.exception_handler(StarletteHTTPException)
    async def refuse_path(request: Request, error: StarletteHTTPException):
        asked = f"{request.method} {request.url.path}"
        one = "/predict" if len(models) == 1 else "/predict/NAME, with a name that /info has"
        found = {
            404: f"expected POST {one}, or GET /health, /info, /metrics or /docs, found {asked}",
            405: f"expected {(error.headers or {}).get('Allow')} {request.url.path}, found {asked}",
        }.get(error.status_code, str(error.detail))
        refusal = _refusal(error.status_code, [{"field": "path", "message": found}])
        refusal.headers.update(error.headers or {})
        return refusal

    @app.exception_handler(Refused)
    async def refuse(request: Request, error: Refused):
        return _refusal(error.status, [{"field": error.field, "message": str(error)}])

    @app.exception_handler(Busy)
    async def refuse_more(request: Request, error: Busy):
        found = _refusal(429, [{"field": "", "message": str(error)}])
        found.headers["Retry-After"] = str(error.seconds)
        return found

    @app.exception_handler(ModelDied)
    async def tell_death(request: Request, error: ModelDied):
        return _refusal(503, [{"field": "", "message": str(error)}])

    @app.get("/health", summary="Whether requests are answered")
    async def health():
        alive = ready() and all(each.alive for each in batchers.values())
        return JSONResponse({"status": "ok" if alive else "not ready"}, status_code=200 if alive else 503)

    @app.get("/info", summary="Models, limits and versions", dependencies=[known])
    async def info():
        return {
            "models": {name: dict(one.about) for name, one in models.items()},
            "limits": limits._asdict(),
            "versions": dict(versions or {}),
        }

    @app.get("/metrics", summary="For Prometheus", dependencies=[known], response_class=PlainTextResponse)
    async def metrics():
        return Response(generate_latest(measures.shown()), media_type=CONTENT_TYPE_LATEST)

    for path, name in paths.items():
        handler = _handler(name, models[name], batchers[name], measures, limits)
        app.post(path, summary=f"Answers of {name}", dependencies=[known], response_class=JSONResponse)(handler)
    return app


def _batcher(one: Served, measures: Measures, limits: Limits, wait: float, most_rows: int) -> Batcher:
    def answer(rows: list[Row]) -> list[str]:
        return list(one.task.lines(None, *map(list, zip(*rows, strict=True))))

    options = {"most_rows": most_rows, "most_waiting": limits.waiting, "wait": wait}
    return Batcher(answer, seen=measures.count_batch, **options)


def _handler(name: str, one: Served, batcher: Batcher, measures: Measures, limits: Limits):
    question = question_model(kind=one.task.kind, pair=one.task.pair)

    async def predict(asked: question, request: Request):
        started, status = time.perf_counter(), 500
        try:
            rows, several = rows_of(asked, most_texts=limits.texts, longest=limits.characters)
            lines = await _answer_unless_gone(batcher, rows, request)
            status = GONE if lines is None else 200
            body = "" if lines is None else f"[{', '.join(lines)}]" if several else lines[0]
            return Response(body, media_type="application/json", status_code=status)
        except Busy:
            status = 429
            raise
        except ModelDied:
            status = 503
            raise
        except Refused as error:
            status = error.status
            raise
        finally:
            measures.count_request(name, status, time.perf_counter() - started)

    return predict


async def _answer_unless_gone(batcher: Batcher, rows: list[Row], request: Request) -> list[str] | None:
    """The lines of the rows; None as soon as the client has hung up."""
    answered = asyncio.ensure_future(batcher.ask(rows))
    gone = asyncio.ensure_future(_wait_until_gone(request))
    await asyncio.wait({answered, gone}, return_when=asyncio.FIRST_COMPLETED)
    for each in (answered, gone):
        if not each.done():
            each.cancel()
    return None if not answered.done() or answered.cancelled() else answered.result()


async def _wait_until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _key_check(keys: Sequence[str]):
    known = [key.encode() for key in keys]

    def check(authorization: str | None = Header(None), x_api_key: str | None = Header(None)):
        if not known:
            return
        given = (x_api_key or (authorization or "").removeprefix("Bearer ")).encode()
        # All are compared, each in constant time, so that the time tells nothing.
        if sum(hmac.compare_digest(given, key) for key in known) == 0:
            raise Refused(401, "Authorization", "expected Bearer and one of the server's keys, or X-API-Key with it")

    return check


def _refusal(status: int, detail: list[dict]) -> JSONResponse:
    return JSONResponse({"detail": detail}, status_code=status)
