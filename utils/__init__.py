"""What the scripts share."""

from importlib.util import find_spec

for _package in ("yaml", "torch", "transformers", "datasets"):
    if find_spec(_package) is None:  # in place of a traceback, as the usual reason is another Python
        raise SystemExit(
            f"error: {_package} is missing in this Python; `source .venv/bin/activate` takes the one that "
            "`bash scripts/setup.sh` fills, `pip install -r requirements.txt` fills this one"
        )
