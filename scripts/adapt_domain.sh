#!/usr/bin/env bash
# Domain adaptation: the encoder is trained further on a task's unlabelled training texts, then both versions are fine-tuned, five seeds.
#   bash scripts/adapt_domain.sh path/to/data          # cluener/, thucnews/ and the others of benchmarks/encoder_scores.py
# MODEL=... starts from another encoder, SEEDS="1 2 3" runs fewer. DRY_RUN=1 prints the commands. Finished runs are not repeated.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
take_at_most 1 "$@"
data=$(cd "${1:?the folder with cluener/ and thucnews/}" && pwd)
cd "$(dirname "$0")/.."
model=${MODEL:-pretrained/bert-mini-zh}
out=outputs/adaptation
run() {
    echo "$@"
    if [ -z "${DRY_RUN:-}" ]; then "$@"; fi
}
if [ -z "${DRY_RUN:-}" ]; then
    mkdir -p "$out"
    cut -f1 "$data/thucnews/dev.txt" >"$out/thucnews.txt" # titles without their classes
fi
for task in cluener thucnews; do
    texts=$out/thucnews.txt tasks=thucnews
    if [ "$task" = cluener ]; then texts=$data/cluener/train.json tasks="cluener cluener_1000"; fi
    if [ ! -f "$out/$task/run.json" ]; then
        run .venv/bin/python run_mlm.py --model_name_or_path "$model" --train_file "$texts" --document_end line \
            --masking whole_word --max_length 64 --per_device_train_batch_size 32 --optimizer muon \
            --muon_learning_rate 5e-4 --learning_rate 5e-4 --num_train_epochs "${EPOCHS:-10}" --dropout 0 \
            --resume_from_checkpoint last --output_dir "$out/$task"
    fi
    run .venv/bin/python benchmarks/encoder_scores.py --encoders shipped="$model" adapted="$out/$task" \
        --tasks $tasks --seeds ${SEEDS:-1 2 3 4 5} --data_dir "$data" --output_dir "$out/scores"
done
