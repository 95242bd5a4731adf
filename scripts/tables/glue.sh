#!/usr/bin/env bash
# Five tasks of GLUE: acceptable sentences (cola), opinions (sst2), paraphrases (mrpc), inference (rte), similarity (stsb).
#   bash scripts/tables/glue.sh                          # nyu-mll/glue from the Hub
#   bash scripts/tables/glue.sh path/to/glue             # or cola/, sst2/, ... with the original files, train*.* and dev.* (sts-train.csv) each
#   MODELS="bert-base-uncased roberta-base" TASKS="mrpc rte" bash scripts/tables/glue.sh
# Makes one table for each task; the last epoch is scored, nothing is chosen on dev. cells.sh explains SEEDS, CONFIG, OUT, DRY_RUN.
source "$(dirname "${BASH_SOURCE[0]}")/../help.sh"
take_at_most 1 "$@"
CALLED_FROM=$PWD
source "$(dirname "${BASH_SOURCE[0]}")/cells.sh"
MODELS=${MODELS:-bert-base-uncased}
choose_recipe "" 3e-5 3e-4 3 --pooling "${POOLING:-cls}" --per_device_train_batch_size 32 --max_length 256
data=${1:+$(absolute "$1")}

# file_of SPLIT: the file of a split of the task; a name that is told in the error if there is none
file_of() {
    local path
    for path in "$data/$task/$1".* "$data/$task/sts-$1".* "$data/$task/$1"*; do
        if [ -f "$path" ]; then echo "$path" && return; fi
    done
    echo "$data/$task/$1.tsv"
}

cells() {
    local files=(--dataset_name nyu-mll/glue --dataset_config_name "$task")
    if [ -n "$data" ]; then files=(--train_file "$(file_of train)" --validation_file "$(file_of dev)"); fi
    for model in $MODELS; do
        for seed in $SEEDS; do
            cell "$(name_of "$model")/seed-$seed" run_classification.py "${recipe[@]}" --model_name_or_path "$model" "${files[@]}" \
                --seed "$seed" "${last_epoch[@]}"
        done
    done
    if [ -n "$data" ] && [ "$task" != stsb ]; then cell tfidf_svm/seed-1 benchmarks/tfidf_svm.py "${files[@]}" --analyzer word; fi
}
TASKS=${TASKS:-cola sst2 mrpc rte stsb}
refuse_unknown TASKS "$TASKS" cola sst2 mrpc rte stsb
for task in $TASKS; do
    case $task in
        cola) metrics=(eval_mcc eval_accuracy) ;;
        stsb) metrics=(eval_pearson eval_spearman) ;;
        *) metrics=(eval_accuracy eval_f1) ;;
    esac
    write_table "glue-$task" --metrics "${metrics[@]}"
done
