#!/usr/bin/env bash
# Taipei QA, 149 offices, 90/10 splits by seed: accuracy after each epoch, ranks, the three questions of configs/taipei_questions.jsonl
# (how many of them are answered as expected), compared with TF-IDF and a linear SVM.
#   bash scripts/tables/taipei.sh path/to/Taipei_QA_new.txt
#   MODELS=hfl/chinese-roberta-wwm-ext RATE=3e-5 HEAD_RATE=3e-4 EPOCHS=10 bash scripts/tables/taipei.sh Taipei_QA_new.txt
# The last epoch is scored, nothing is chosen on the held-out tenth. cells.sh explains SEEDS, CONFIG, OUT, DRY_RUN.
source "$(dirname "${BASH_SOURCE[0]}")/../help.sh"
take_at_most 1 "$@"
CALLED_FROM=$PWD
usual_seeds="1 2 3 4 5"
source "$(dirname "${BASH_SOURCE[0]}")/cells.sh"
data=$(absolute "${1:?the file of questions}")
MODELS=${MODELS:-pretrained/bert-mini-zh}
choose_recipe configs/taipei_bert_mini.yaml "" "" ""

cells() {
    for seed in $SEEDS; do
        local split=$OUT/splits/taipei/$seed
        prepare "$split/train.jsonl" "$python" scripts/split_rows.py "$data" "$split" --file_format faq --seed "$seed" --test_share 0.1
        local files=(--train_file "$split/train.jsonl" --validation_file "$split/test.jsonl" --seed "$seed")
        for model in $MODELS; do
            cell "$(name_of "$model")/seed-$seed" run_qa_cls.py "${recipe[@]}" --model_name_or_path "$model" "${files[@]}" \
                --save_strategy no --load_best_model_at_end false
        done
        cell "tfidf_svm/seed-$seed" benchmarks/tfidf_svm.py "${files[@]}"
    done
}
write_table taipei --metrics eval_accuracy eval_macro_f1 eval_hits@3 eval_mrr --per_epoch eval_accuracy
for folder in "$OUT"/taipei/*/seed-*; do
    if [ -f "$folder/log.txt" ]; then echo "${folder#"$OUT"/taipei/}: $(grep -o '.* questions answered as expected' "$folder/log.txt" || echo 'asked nothing')"; fi
done
