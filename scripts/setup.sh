#!/usr/bin/env bash
# Make .venv in the repository and install what is missing; takes no time if nothing changed.
#
#   bash scripts/setup.sh                           requirements.txt
#   bash scripts/setup.sh tests/requirements.txt    that file too (paths relative to the repository)
#   PYTHON=/path/to/python3.12 bash scripts/setup.sh
#   VENV=.venv-other bash scripts/setup.sh          another folder in place of .venv
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
take_at_most 9 "$@"
cd "$(dirname "${BASH_SOURCE[0]}")/.."
for file in "$@"; do
    if [ ! -f "$file" ]; then
        echo "setup.sh: expected a requirements file $file, found none" >&2
        exit 2
    fi
done
venv=${VENV:-.venv}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if ! [ -x "$venv/bin/python" ] || ! "$venv/bin/python" -c 'import pip' >/dev/null 2>&1; then
    python=""
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 python; do
        if new_enough "$candidate"; then
            python="$candidate"
            break
        fi
    done
    if [ -z "$python" ]; then
        echo "setup.sh: Python 3.11 or newer is needed, found: $(python3 --version 2>&1 || true)." >&2
        echo "Install one, or name it: PYTHON=/path/to/python3.12 bash scripts/setup.sh" >&2
        exit 1
    fi
    echo "setup.sh: making $venv with $("$python" --version)"
    "$python" -m venv --clear "$venv"
elif ! new_enough "$venv/bin/python"; then
    echo "setup.sh: Python 3.11 or newer is needed, $venv has $("$venv/bin/python" --version): remove $venv and start again." >&2
    exit 1
fi

checksum() {
    "$venv/bin/python" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$1"
}

stamp=$venv/installed-requirements # one line for each file: its checksum when it was last installed, its path
touch "$stamp"
wanted=()
for file in requirements.txt "$@"; do
    if ! grep -qxF "$(checksum "$file")  $file" "$stamp"; then
        wanted+=("$file")
    fi
done
if [ "${#wanted[@]}" -eq 0 ]; then
    exit 0
fi

arguments=()
for file in "${wanted[@]}"; do
    arguments+=(-r "$file")
done
echo "setup.sh: installing ${wanted[*]} (takes some minutes the first time)"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check "${arguments[@]}"
for file in "${wanted[@]}"; do
    { grep -vF "  $file" "$stamp" || true; } >"$stamp.new"
    echo "$(checksum "$file")  $file" >>"$stamp.new"
    mv "$stamp.new" "$stamp"
done
