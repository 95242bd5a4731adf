#!/usr/bin/env bash
# Similarity of sentences, 0 to 5, in Chinese: trained on train.txt, the epoch chosen on dev.txt, scored on test.txt.
#   bash scripts/tables/sts.sh path/to/stsb_zh                   # train.txt, dev.txt, test.txt: id||sentence||sentence||score
#   CONFIG=configs/sts_me5.yaml MODELS=pretrained/published/me5-small-zh bash scripts/tables/sts.sh path/to/stsb_zh
#   MODELS=hfl/chinese-roberta-wwm-ext RATE=3e-5 HEAD_RATE=3e-4 EPOCHS=4 bash scripts/tables/sts.sh path/to/stsb_zh
# cells.sh explains SEEDS, CONFIG, OUT, DRY_RUN.
source "$(dirname "${BASH_SOURCE[0]}")/../help.sh"
take_at_most 1 "$@"
CALLED_FROM=$PWD
source "$(dirname "${BASH_SOURCE[0]}")/cells.sh"
data=$(absolute "${1:?the folder with train.txt, dev.txt and test.txt}")
MODELS=${MODELS:-pretrained/bert-mini-zh}
choose_recipe "" 5e-4 5e-3 4 --pooling mean --per_device_train_batch_size 32

cells() {
    local files=(--train_file "$data/train.txt" --validation_file "$data/dev.txt" --test_file "$data/test.txt") model seed
    for model in $MODELS; do
        for seed in $SEEDS; do
            cell "$(name_of "$model")/seed-$seed" run_classification.py "${recipe[@]}" --model_name_or_path "$model" "${files[@]}" --task regression \
                --max_length 128 --seed "$seed"
        done
    done
}
write_table sts --metrics test_spearman test_pearson eval_spearman
