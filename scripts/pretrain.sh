#!/usr/bin/env bash
# Train the embedded encoder further: from pretrained/bert-mini-zh, or from START, to outputs/mlm_bert_mini_on_long.
#   bash scripts/pretrain.sh path/to/corpus                       # .txt files, documents separated by blank lines
#   START=path/to/encoder PROCESSES=4 bash scripts/pretrain.sh path/to/corpus
# Takes two hours on two CPU cores. A stopped run continues where it stopped. DRY_RUN=1 prints the commands.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
take_at_most 1 "$@"
corpus=$(cd "${1:?the folder with the corpus}" && pwd)
cd "$(dirname "$0")/.."
start=${START:-pretrained/bert-mini-zh}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
run() {
    echo "$@"
    if [ -z "${DRY_RUN:-}" ]; then "$@"; fi
}
learn() {
    run .venv/bin/torchrun --standalone --nproc_per_node "${PROCESSES:-2}" run_mlm.py configs/mlm_bert_mini_on.yaml \
        --train_file outputs/corpus/train --validation_file outputs/corpus/dev.txt --num_proc 2 \
        --resume_from_checkpoint last "$@"
}
run .venv/bin/python scripts/mix_corpus.py scripts/bert_mini_corpus.yaml "$corpus" outputs/corpus
learn --model_name_or_path "$start"
# A short training on long sequences at the end, so that far positions fit the changed layers.
learn --model_name_or_path outputs/mlm_bert_mini_on --output_dir outputs/mlm_bert_mini_on_long --max_length 512 \
    --per_device_train_batch_size 8 --max_steps 120 --warmup_steps 10 --eval_steps 120 --save_steps 120 \
    --muon_learning_rate 1e-4 --learning_rate 7e-5
