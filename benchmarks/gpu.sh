#!/usr/bin/env bash
# Training speed of an encoder of RoBERTa-large's shape with a CRF, on sentences as long as CLUENER's: padded, of similar
# length, without padding, compiled; and the CRF beside pytorch-crf, if that is installed. Under four minutes on one GPU.
#   bash benchmarks/gpu.sh                                          # prints a table
#   bash benchmarks/gpu.sh --output_file results/speed/gpu.json     # and writes a record
#   bash benchmarks/gpu.sh --layers 12 --hidden 768                 # BERT-base's shape
# Needs torch, transformers and this repository: no data, no weights, no network. PYTHON=python3 chooses an interpreter.
# All flags are those of gpu_speed.py, in the same folder.
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/help.sh"
case ${1:-} in -h | --help) take_at_most 1 "$1" ;; esac
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${PYTHON:-.venv/bin/python}
if [ ! -x "$python" ]; then python=$(command -v "$python" || command -v python3); fi
HF_HUB_OFFLINE=1 "$python" benchmarks/gpu_speed.py "$@"
