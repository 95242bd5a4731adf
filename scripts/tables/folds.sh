#!/usr/bin/env bash
# Five folds: the ensemble and the mean of the weights beside the single models, on data that none of them has seen.
#   bash scripts/tables/folds.sh path/to/data                    # thucnews/, cluener/, sarcasm/headlines_part.json
#   TASKS=cluener CONFIG=configs/cluener_me5.yaml MODELS=pretrained/published/me5-small-zh bash scripts/tables/folds.sh path/to/data
# A row of single models has one model for each fold in place of seeds. FOLDS=3; cells.sh explains SEEDS (one run of all
# folds for each; 1), CONFIG, OUT, KEPT, DRY_RUN.
source "$(dirname "${BASH_SOURCE[0]}")/../help.sh"
take_at_most 1 "$@"
CALLED_FROM=$PWD
usual_seeds=1
source "$(dirname "${BASH_SOURCE[0]}")/cells.sh"
data=$(absolute "${1:?the folder with thucnews, cluener and sarcasm}")
MODELS=${MODELS:-pretrained/bert-mini-zh}
FOLDS=${FOLDS:-5}
TASKS=${TASKS:-thucnews cluener sarcasm}
refuse_unknown TASKS "$TASKS" thucnews cluener sarcasm

cells() {
    local model seed fold name folder train validation script=run_classification.py
    for seed in $SEEDS; do
        case $task in
            thucnews) train=$data/thucnews/dev.txt validation=$data/thucnews/test.txt ;;
            cluener) train=$data/cluener/train.json validation=$data/cluener/dev.json script=run_ner.py ;;
            sarcasm)
                local split=$OUT/splits/sarcasm/$seed
                prepare "$split/train.jsonl" "$python" scripts/split_rows.py "$data/sarcasm/headlines_part.json" "$split" --seed "$seed" --test_share 0.1
                train=$split/train.jsonl validation=$split/test.jsonl
                ;;
        esac
        for model in $MODELS; do
            name=$(name_of "$model") folder=$OUT/$table/$(name_of "$model")_ensemble/seed-$seed soup=$OUT/soups/$table/$(name_of "$model")-$seed
            cell "${name}_ensemble/seed-$seed" "$script" "${recipe[@]}" --model_name_or_path "$model" --train_file "$train" \
                --validation_file "$validation" --folds "$FOLDS" --seed "$seed"
            for fold in $(seq "$FOLDS"); do
                cell "${name}_single/seed-$seed$fold" benchmarks/ensemble_scores.py "$folder/fold-$fold" --validation_file "$validation" --seed "$seed$fold"
            done
            prepare "$soup" "$python" scripts/average_weights.py $(seq -f "$folder/fold-%g" "$FOLDS") --output_dir "$soup"
            cell "${name}_soup/seed-$seed" benchmarks/ensemble_scores.py "$soup" --validation_file "$validation" --seed "$seed"
        done
    done
}
for task in $TASKS; do
    metrics=(eval_accuracy eval_macro_f1)
    if [ "$task" = cluener ]; then metrics=(eval_f1 eval_precision eval_recall); fi
    choose_recipe "configs/${task}_bert_mini.yaml" "" "" ""
    write_table "folds-$task" --metrics "${metrics[@]}"
done
