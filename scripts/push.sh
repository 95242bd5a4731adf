#!/usr/bin/env bash
# Send a finished run to the Hugging Face Hub: bash scripts/push.sh outputs/ner me/ner [--private] [--dry_run]
# PYTHON=path/to/python replaces the Python of .venv.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
python="$root/.venv/bin/python"
[ -x "$python" ] || python=python3
exec "${PYTHON:-$python}" "$root/scripts/push.py" "$@"
