#!/usr/bin/env bash
# Sarcastic headlines, 90/10 splits by seed: accuracy, recall, precision, F1, compared with TF-IDF and a linear SVM.
#   bash scripts/tables/sarcasm.sh path/to/headlines.json
#   MODELS="bert-base-uncased roberta-base" RATE=3e-5 HEAD_RATE=3e-4 EPOCHS=3 bash scripts/tables/sarcasm.sh headlines.json
# A public run to compare with: accuracy 92.5. The last epoch is scored, nothing is chosen on the held-out tenth. cells.sh explains SEEDS, CONFIG, OUT, DRY_RUN.
source "$(dirname "${BASH_SOURCE[0]}")/../help.sh"
take_at_most 1 "$@"
CALLED_FROM=$PWD
usual_seeds="1 2 3 4 5"
source "$(dirname "${BASH_SOURCE[0]}")/cells.sh"
data=$(absolute "${1:?the file of headlines}")
MODELS=${MODELS:-pretrained/bert-mini-zh}
choose_recipe configs/sarcasm_bert_mini.yaml "" "" ""

cells() {
    for seed in $SEEDS; do
        local split=$OUT/splits/sarcasm/$seed
        prepare "$split/train.jsonl" "$python" scripts/split_rows.py "$data" "$split" --seed "$seed" --test_share 0.1
        local files=(--train_file "$split/train.jsonl" --validation_file "$split/test.jsonl" --seed "$seed")
        for model in $MODELS; do
            cell "$(name_of "$model")/seed-$seed" run_classification.py "${recipe[@]}" --model_name_or_path "$model" "${files[@]}" \
                "${last_epoch[@]}"
        done
        cell "tfidf_svm/seed-$seed" benchmarks/tfidf_svm.py "${files[@]}" --analyzer word
    done
}
write_table sarcasm --metrics eval_accuracy eval_recall eval_precision eval_f1 eval_macro_f1
