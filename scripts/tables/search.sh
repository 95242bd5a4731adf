#!/usr/bin/env bash
# A search from the defaults, with the settings of configs/search, beside the hand-tuned recipe: the same encoder, data and
# seeds, scored on a file that no trial has seen.
#   bash scripts/tables/search.sh path/to/data                   # thucnews/, cluener/
#   TASKS=thucnews TRIALS=50 JOBS=4 bash scripts/tables/search.sh path/to/data
# A stopped search goes on. cells.sh explains SEEDS, OUT, KEPT, DRY_RUN; CONFIG is the hand-tuned recipe.
source "$(dirname "${BASH_SOURCE[0]}")/../help.sh"
take_at_most 1 "$@"
CALLED_FROM=$PWD
source "$(dirname "${BASH_SOURCE[0]}")/cells.sh"
data=$(absolute "${1:?the folder with thucnews and cluener}")
MODELS=${MODELS:-pretrained/bert-mini-zh}
TASKS=${TASKS:-thucnews cluener}
refuse_unknown TASKS "$TASKS" thucnews cluener

# write_base FILE MODEL: what all trials share
write_base() {
    if [ "$counting" = yes ] || [ -n "${DRY_RUN:-}" ]; then return; fi
    mkdir -p "$(dirname "$1")"
    printf '%s\n' "model_name_or_path: $2" "train_file: $train" "${shared[@]}" >"$1"
}

# are_kept ROW: whether the file of kept runs has its run of each seed
are_kept() {
    local seed
    for seed in $SEEDS; do is_kept "$1/seed-$seed" || return 1; done
}

cells() {
    local model seed name found
    for model in $MODELS; do
        name=$(name_of "$model") found=$OUT/search/$task/$(name_of "$model")
        if ! are_kept "${name}_searched"; then
            write_base "$found/base.yaml" "$model"
            prepare "$found/settings.png" "$python" search.py "$script" "$found/base.yaml" "configs/search/$space.yaml" \
                --trials "${TRIALS:-20}" --jobs "${JOBS:-1}" --final_seeds 0 --output_dir "$found"
        fi
        for seed in $SEEDS; do
            cell "${name}_searched/seed-$seed" "$script" "$found/best.yaml" --validation_file "$validation" --seed "$seed" "${epoch[@]}"
            cell "${name}_by_hand/seed-$seed" "$script" "${recipe[@]}" --model_name_or_path "$model" --train_file "$train" \
                --validation_file "$validation" --seed "$seed" "${epoch[@]}"
        done
    done
}
for task in $TASKS; do
    case $task in
        thucnews) # the last epoch counts, in trials, too: none is chosen on the scored file
            script=run_classification.py space=classification train=$data/thucnews/dev.txt validation=$data/thucnews/test.txt
            shared=("load_best_model_at_end: false") epoch=("${last_epoch[@]}") metrics=(eval_accuracy eval_macro_f1)
            ;;
        cluener) # as in its table, the best epoch on dev counts
            script=run_ner.py space=ner train=$data/cluener/train.json validation=$data/cluener/dev.json
            shared=() epoch=() metrics=(eval_f1 eval_precision eval_recall)
            ;;
    esac
    choose_recipe "configs/${task}_bert_mini.yaml" "" "" ""
    write_table "search-$task" --metrics "${metrics[@]}"
done
