#!/usr/bin/env bash
# Four tasks in the shapes of GLUE: acceptable sentences (cola), opinions (sst2), paraphrases (mrpc), inference (rte).
#   bash scripts/tables/glue.sh                          # nyu-mll/glue from the Hub
#   bash scripts/tables/glue.sh path/to/glue             # or cola/, sst2/, mrpc/, rte/ with train.tsv and dev.tsv each
#   MODELS="bert-base-uncased roberta-base" bash scripts/tables/glue.sh
# Makes one table for each task. cells.sh explains SEEDS, OUT, DRY_RUN.
source "$(dirname "${BASH_SOURCE[0]}")/../help.sh"
take_at_most 1 "$@"
CALLED_FROM=$PWD
source "$(dirname "${BASH_SOURCE[0]}")/cells.sh"
MODELS=${MODELS:-bert-base-uncased}
data=${1:+$(absolute "$1")}

cells() {
    local files=(--dataset_name nyu-mll/glue --dataset_config_name "$task")
    if [ -n "$data" ]; then files=(--train_file "$data/$task/train.tsv" --validation_file "$data/$task/dev.tsv"); fi
    for model in $MODELS; do
        for seed in $SEEDS; do
            cell "$(name_of "$model")/seed-$seed" run_classification.py --model_name_or_path "$model" "${files[@]}" \
                --learning_rate "${RATE:-3e-5}" --num_train_epochs "${EPOCHS:-3}" --per_device_train_batch_size 32 \
                --metric_for_best_model "$metric" --seed "$seed"
        done
        if [ -n "$data" ]; then cell tfidf_svm/seed-1 benchmarks/tfidf_svm.py "${files[@]}" --analyzer word; fi
    done
}
TASKS=${TASKS:-cola sst2 mrpc rte}
refuse_unknown TASKS "$TASKS" cola sst2 mrpc rte
for task in $TASKS; do
    metric=eval_accuracy
    if [ "$task" = cola ]; then metric=eval_mcc; fi
    write_table "glue-$task" --metrics $metric eval_f1
done
