#!/usr/bin/env bash
# THUCNews titles, ten classes: trained on dev.txt (10,000), scored on test.txt, compared with TF-IDF and a linear SVM.
#   bash scripts/tables/thucnews.sh path/to/thucnews             # dev.txt, test.txt, class.txt
#   MODELS=hfl/chinese-roberta-wwm-ext RATE=3e-5 HEAD_RATE=3e-4 EPOCHS=3 bash scripts/tables/thucnews.sh path/to/thucnews
# The last epoch is scored, nothing is chosen on the scored split. cells.sh explains SEEDS, CONFIG, OUT, DRY_RUN.
source "$(dirname "${BASH_SOURCE[0]}")/../help.sh"
take_at_most 1 "$@"
CALLED_FROM=$PWD
source "$(dirname "${BASH_SOURCE[0]}")/cells.sh"
data=$(absolute "${1:?the folder with dev.txt, test.txt and class.txt}")
MODELS=${MODELS:-pretrained/bert-mini-zh}
choose_recipe configs/thucnews_bert_mini.yaml "" "" ""

cells() {
    local files=(--train_file "$data/dev.txt" --validation_file "$data/test.txt")
    for model in $MODELS; do
        for seed in $SEEDS; do
            cell "$(name_of "$model")/seed-$seed" run_classification.py "${recipe[@]}" --model_name_or_path "$model" "${files[@]}" \
                --seed "$seed" "${last_epoch[@]}"
        done
    done
    cell tfidf_svm/seed-1 benchmarks/tfidf_svm.py "${files[@]}"
}
write_table thucnews --metrics eval_accuracy eval_macro_f1
