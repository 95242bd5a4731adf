#!/usr/bin/env bash
# Persons, places and organisations: encoders compared with a feature CRF; also precision, recall, F1 and support of each type.
#   bash scripts/tables/people.sh path/to/peoples_daily          # train.txt (or test.txt, if there is none), dev.txt
#   MODELS="bert-base-chinese voidful/albert_chinese_base hfl/chinese-roberta-wwm-ext" RATE=3e-5 EPOCHS=3 \
#       bash scripts/tables/people.sh path/to/peoples_daily
# Without MODELS: the embedded encoder, and an ALBERT and a RoBERTa of its size with random weights. cells.sh explains SEEDS, CONFIG, OUT, DRY_RUN.
source "$(dirname "${BASH_SOURCE[0]}")/../help.sh"
take_at_most 1 "$@"
CALLED_FROM=$PWD
source "$(dirname "${BASH_SOURCE[0]}")/cells.sh"
data=$(absolute "${1:?the folder with train.txt and dev.txt}")
train=$data/train.txt
if [ ! -f "$train" ]; then train=$data/test.txt; fi
fresh=outputs/fresh
MODELS=${MODELS:-pretrained/bert-mini-zh $fresh/albert $fresh/roberta}
choose_recipe "" 1e-3 "" 6 --per_device_train_batch_size 32

cells() {
    case $MODELS in
        *$fresh*) prepare $fresh/roberta "$python" scripts/fresh_encoders.py pretrained/bert-mini-zh $fresh --seed 1 ;;
    esac
    for model in $MODELS; do
        for seed in $SEEDS; do
            cell "$(name_of "$model")/seed-$seed" run_ner.py "${recipe[@]}" --model_name_or_path "$model" --head "${HEAD:-crf}" --train_file "$train" \
                --validation_file "$data/dev.txt" --seed "$seed"
        done
    done
    cell feature_crf/seed-1 benchmarks/feature_crf.py --train_file "$train" --validation_file "$data/dev.txt"
}
write_table people --metrics eval_f1 eval_precision eval_recall eval_macro_f1 --per_class validation
