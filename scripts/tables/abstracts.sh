#!/usr/bin/env bash
# Paper abstracts and keywords (FewCLUE's csl): mean and pooled output fused, compared with the pooled output alone, thresholds tuned for F1.
#   bash scripts/tables/abstracts.sh path/to/csl                 # train_0.json, dev_0.json, test_public.json
#   MODELS=hfl/chinese-roberta-wwm-ext RATE=3e-5 bash scripts/tables/abstracts.sh path/to/csl
#   bash scripts/tables/abstracts.sh headlines.json              # or any file of texts with two classes; each seed splits it 70/10/20
# report.json of each run also holds the scores before the threshold was tuned. cells.sh explains SEEDS, OUT, DRY_RUN.
source "$(dirname "${BASH_SOURCE[0]}")/../help.sh"
take_at_most 1 "$@"
CALLED_FROM=$PWD
source "$(dirname "${BASH_SOURCE[0]}")/cells.sh"
data=$(absolute "${1:?the folder with train_0.json, dev_0.json and test_public.json, or a file}")
MODELS=${MODELS:-pretrained/bert-mini-zh}
table=abstracts
if [ -f "$data" ]; then table=poolings-$(basename "${data%.*}"); fi

cells() {
    for seed in $SEEDS; do
        local train=$data/train_0.json validation=$data/dev_0.json test=$data/test_public.json
        if [ ! -f "$test" ]; then test=$data/test_public_1000.json; fi
        if [ -f "$data" ]; then
            local split=$OUT/splits/$table/$seed
            prepare "$split/train.jsonl" "$python" scripts/split_rows.py "$data" "$split" --seed "$seed" --test_share 0.2 --validation_share 0.1
            train=$split/train.jsonl validation=$split/validation.jsonl test=$split/test.jsonl
        fi
        local files=(--train_file "$train" --validation_file "$validation" --test_file "$test" --seed "$seed")
        for model in $MODELS; do
            for pooling in cls fusion; do
                cell "$(name_of "$model")_$pooling/seed-$seed" run_classification.py --model_name_or_path "$model" --pooling $pooling \
                    --threshold_metric f1 --max_length 256 --learning_rate "${RATE:-5e-4}" --num_train_epochs "${EPOCHS:-10}" \
                    --per_device_train_batch_size "${BATCH:-8}" "${files[@]}"
            done
        done
        cell "tfidf_svm/seed-$seed" benchmarks/tfidf_svm.py "${files[@]}"
    done
}
write_table "$table" --metrics test_f1 test_accuracy
