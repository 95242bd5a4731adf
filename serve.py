"""Serve trained directories over HTTP: the answers of predict.py, as JSON.

    pip install -r requirements-serve.txt
    python serve.py outputs/ner
    python serve.py outputs/ner reviews=outputs/reviews_onnx --int8 --port 8000 --workers 2
    curl -s localhost:8000/predict -H 'Content-Type: application/json' -d '{"text": "张伟在北京大学教书。"}'

POST /predict takes {"text": "..."} or a list of texts, with "text_pair" or "question" where the model takes two, and
answers what predict.py writes; several models have /predict/NAME each. GET /health, /info, /metrics (Prometheus) and
/docs. Texts of requests that arrive together are answered together. SIGTERM answers what was asked, then ends.
"""

import argparse
import json
import os
import signal
import socket
import tempfile

from utils.data.errors import ArgumentError
from utils.options.arguments import run_script
from utils.options.model_options import add_model_options, check_model_options, model_loading

SETTINGS = "WEITIAO_SERVE"  # in the environment of the processes that --workers starts: the options
LOOPBACK = ("127.0.0.1", "localhost", "::1")
PACKAGES = ("torch", "transformers", "fastapi", "uvicorn")


def main(argv=None):
    args = parse(argv)
    try:
        import prometheus_client  # noqa: F401
        import uvicorn
    except ImportError as error:
        raise ArgumentError(f"{error.name} is missing: pip install -r requirements-serve.txt") from error

    require_free(args.host, args.port)
    if args.host not in LOOPBACK and not args.api_key_file:
        print(f"serve.py: anyone who reaches {args.host}:{args.port} may ask; see --api_key_file", flush=True)
    with tempfile.TemporaryDirectory(prefix="weitiao-serve-") as shared:
        settings = vars(args) | {"shared": shared}
        app = build_app(settings)  # with several workers, too: what is wrong is told once, before they start
        running = {"host": args.host, "port": args.port, "log_level": "info" if args.access_log else "warning"}
        running |= {"timeout_graceful_shutdown": args.stop_seconds, "access_log": args.access_log}
        print(f"serve.py: {', '.join(app.state.models)} at http://{args.host}:{args.port}/docs", flush=True)
        if args.workers == 1:
            for each in (signal.SIGTERM, signal.SIGINT):
                signal.signal(each, signal.SIG_IGN)  # uvicorn handles them while it runs, and raises them again after
            uvicorn.Server(uvicorn.Config(app, **running)).run()
        else:
            app.state.close()
            os.environ[SETTINGS] = json.dumps(settings)
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared
            uvicorn.run("serve:worker", factory=True, workers=args.workers, **running)


def require_free(host, port):
    """Refuse an address that cannot be served, before the models are loaded."""
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise ArgumentError(
            f"--host {host} --port {port}: expected a free address, found: {error.strerror}"
        ) from error


def worker():
    """The application of one of several processes; uvicorn starts another one for one that dies."""
    from utils.serving.model_process import end_with_parent

    end_with_parent()
    return build_app(json.loads(os.environ[SETTINGS]))


def build_app(settings):
    """Start a process with the models and make the application, which asks it.

    Args:
        settings: the options by name, and `shared`, a folder of all processes.
    """
    from importlib.metadata import version

    from utils.serving.model_process import ModelProcess
    from utils.serving.service import Limits, build_app

    args = argparse.Namespace(**settings)
    keys = read_keys(args.api_key_file) if args.api_key_file else ()
    process = ModelProcess("serve:load_models", settings)
    models = process.models()
    app = build_app(
        models,
        limits=Limits(args.max_body, args.max_texts, args.max_characters, args.max_waiting),
        keys=keys,
        versions={name: version(name) for name in PACKAGES},
        wait=args.wait_ms / 1000,
        most_rows=4 * (args.batch_size or 64),
        ready=lambda: process.ready,
        close=process.close,
    )
    app.state.models, app.state.close = list(models), process.close
    return app


def load_models(settings):
    """Load the models, in the process that answers.

    Args:
        settings: see `build_app`.
    """
    import transformers

    from utils.serving import loaded_models

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    args = argparse.Namespace(**settings)
    loaded_models.return_freed_memory()
    args.device = args.device or loaded_models.share_machine(args.workers, args.shared)
    loading = model_loading(args)
    if args.adapter:
        from utils.adapters.directories import BaseModels  # peft takes seconds

        loading["bases"] = BaseModels()
    together = args.adapter or args.ensemble
    named = {"model": together} if together else loaded_models.name_models(args.model)
    options = {"top_k": args.top_k, "threshold": args.threshold}
    return loaded_models.load_models(named, options=options, together=bool(args.ensemble), **loading)


def read_keys(path):
    """The keys in a file, one a line."""
    from utils.files.raw_files import require_file

    require_file(path)
    with open(path, encoding="utf-8") as file:
        keys = [line.strip() for line in file if line.strip()]
    if not keys or not all(key.isascii() for key in keys):
        raise ArgumentError(f"--api_key_file {path}: expected a key a line, of ASCII characters, found none or others")
    return keys


def parse(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    add_model_options(parser, several=True)
    parser.add_argument("--host", default="127.0.0.1", help="address; 0.0.0.0 serves the whole network (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="port (8000)")
    parser.add_argument(
        "--workers", type=int, default=1, help="servers, each with a process of the models; one for each GPU (1)"
    )
    parser.add_argument("--api_key_file", help="file of keys, one a line, one of which a request must bring")
    parser.add_argument("--wait_ms", type=float, default=2.0, help="how long a text waits for others (2 ms)")
    parser.add_argument("--max_body", type=int, default=1_000_000, help="bytes of a request, else 413 (1000000)")
    parser.add_argument("--max_texts", type=int, default=1000, help="texts of a request, else 413 (1000)")
    parser.add_argument("--max_characters", type=int, default=20_000, help="of a text, else 413 (20000)")
    parser.add_argument("--max_waiting", type=int, default=4096, help="texts that may wait, else 429 (4096)")
    parser.add_argument("--stop_seconds", type=int, default=30, help="for requests in work when it is stopped (30)")
    parser.add_argument("--access_log", action="store_true", help="write a line for each request")
    args = parser.parse_args(argv)
    check_model_options(parser, args)
    if not 0 < args.port < 65536:
        parser.error(f"--port {args.port}: expected 1 to 65535")
    for name in ("workers", "max_body", "max_texts", "max_characters", "max_waiting", "stop_seconds"):
        if getattr(args, name) < 1:
            parser.error(f"--{name} {getattr(args, name)}: expected 1 or more")
    if args.wait_ms < 0:
        parser.error(f"--wait_ms {args.wait_ms}: expected 0 or more")
    return args


if __name__ == "__main__":
    run_script(main)
