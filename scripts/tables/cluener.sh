#!/usr/bin/env bash
# CLUENER2020, ten types of fine-grained entities: the heads of run_ner.py compared with a feature CRF.
#   bash scripts/tables/cluener.sh path/to/cluener               # train.json, dev.json
#   MODELS=hfl/chinese-roberta-wwm-ext-large RATE=2e-5 EPOCHS=5 bash scripts/tables/cluener.sh path/to/cluener
# Published dev F1 with RoBERTa-large and a CRF: 80.1. HEADS="crf span" chooses heads; cells.sh explains SEEDS, CONFIG, OUT, KEPT, DRY_RUN.
source "$(dirname "${BASH_SOURCE[0]}")/../help.sh"
take_at_most 1 "$@"
CALLED_FROM=$PWD
source "$(dirname "${BASH_SOURCE[0]}")/cells.sh"
data=$(absolute "${1:?the folder with train.json and dev.json}")
MODELS=${MODELS:-pretrained/bert-mini-zh}
choose_recipe "" 1e-3 "" 6 --per_device_train_batch_size 32
known=(softmax crf bilstm_crf span feature_crf)
HEADS=${HEADS:-${known[*]}}
refuse_unknown HEADS "$HEADS" "${known[@]}"

cells() {
    local files=(--train_file "$data/train.json" --validation_file "$data/dev.json") head model seed flags
    for head in $HEADS; do
        case $head in
            feature_crf)
                cell feature_crf/seed-1 benchmarks/feature_crf.py "${files[@]}"
                continue
                ;;
            bilstm_crf) flags=(--head crf --lstm_hidden 128) ;;
            *) flags=(--head "$head") ;;
        esac
        for model in $MODELS; do
            for seed in $SEEDS; do
                cell "$(name_of "$model")_$head/seed-$seed" run_ner.py "${recipe[@]}" --model_name_or_path "$model" "${flags[@]}" "${files[@]}" \
                    --seed "$seed"
            done
        done
    done
}
write_table cluener --metrics eval_f1 eval_precision eval_recall eval_macro_f1
