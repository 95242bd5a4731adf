#!/usr/bin/env bash
# Lint, format check and tests, up to four files in parallel; arguments go to pytest: bash scripts/test.sh -k crf -n 0
# `bash scripts/test.sh --floor` tests with the lowest versions that requirements.txt allows, in .venv-floor.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
case ${1:-} in -h | --help) take_at_most 0 "$1" ;; esac # all else goes to pytest
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export VENV=.venv
if [ "${1:-}" = --floor ]; then
    shift
    VENV=.venv-floor
    PIP_CONSTRAINT=$(mktemp)
    export PIP_CONSTRAINT
    trap 'rm -f "$PIP_CONSTRAINT"' EXIT
    sed -nE 's/^([A-Za-z_.-]+)>=([0-9.]+).*/\1==\2/p' requirements.txt >"$PIP_CONSTRAINT"
fi
bash scripts/setup.sh tests/requirements.txt

export HF_HUB_OFFLINE=1
"$VENV/bin/python" -m ruff check .
"$VENV/bin/python" -m ruff format --check .
"$VENV/bin/python" -m pytest -n logical --maxprocesses 4 --dist loadfile "$@"
