#!/usr/bin/env bash
# CMRC 2018, answers in passages: trained on dev.json (3,219 questions), scored on trial.json (1,002), as the train file is not everywhere.
#   bash scripts/tables/cmrc.sh path/to/cmrc2018                 # dev.json, trial.json
#   MODELS=hfl/chinese-roberta-wwm-ext RATE=3e-5 EPOCHS=3 bash scripts/tables/cmrc.sh path/to/cmrc2018
# The last epoch is scored, nothing is chosen on the scored split. cells.sh explains SEEDS, CONFIG, OUT, DRY_RUN.
source "$(dirname "${BASH_SOURCE[0]}")/../help.sh"
take_at_most 1 "$@"
CALLED_FROM=$PWD
source "$(dirname "${BASH_SOURCE[0]}")/cells.sh"
data=$(absolute "${1:?the folder with dev.json and trial.json}")
MODELS=${MODELS:-pretrained/bert-mini-zh}
choose_recipe "" 5e-4 5e-3 4 --max_length 384 --empty_windows drop --per_device_train_batch_size 16

cells() {
    local files=(--train_file "$data/dev.json" --validation_file "$data/trial.json" --skip_bad_lines) model seed
    for model in $MODELS; do
        for seed in $SEEDS; do
            cell "$(name_of "$model")/seed-$seed" run_qa_span.py "${recipe[@]}" --model_name_or_path "$model" "${files[@]}" \
                --seed "$seed" "${last_epoch[@]}"
        done
    done
}
write_table cmrc --metrics eval_f1 eval_exact_match
