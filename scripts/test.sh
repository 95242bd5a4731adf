#!/usr/bin/env bash
# Lint, format check and tests; arguments go to pytest: bash scripts/test.sh -k crf
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/setup.sh tests/requirements.txt

export HF_HUB_OFFLINE=1
.venv/bin/python -m ruff check .
.venv/bin/python -m ruff format --check .
.venv/bin/python -m pytest "$@"
