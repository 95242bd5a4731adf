#!/usr/bin/env bash
# Full tuning compared with each --adapter on CLUENER (CRF) and Taipei QA: score after the last epoch, trained weights, size on disk; and,
# in a table of its own, speed and peak memory of 100 steps on CLUENER, which need a machine with no other work.
#   bash scripts/tables/adapters.sh path/to/data                 # cluener/train.json, cluener/dev.json, taipei_qa/Taipei_QA_new.txt
#   MODELS=hfl/chinese-roberta-wwm-ext FULL_RATE=3e-5 LORA_RATE=3e-4 BOTTLENECK_RATE=3e-4 ... bash scripts/tables/adapters.sh data
# TASKS="cluener" and METHODS="full lora_all" choose some of them. cells.sh explains SEEDS, OUT, KEPT, DRY_RUN.
source "$(dirname "${BASH_SOURCE[0]}")/../help.sh"
take_at_most 1 "$@"
CALLED_FROM=$PWD
source "$(dirname "${BASH_SOURCE[0]}")/cells.sh"
data=$(absolute "${1:?the folder with cluener/ and taipei_qa/}")
MODELS=${MODELS:-pretrained/bert-mini-zh}
known=(full lora lora_all bottleneck bitfit layernorm ia3 prefix prompt p_tuning)
METHODS=${METHODS:-${known[*]} lora_all_long}
TASKS=${TASKS:-cluener taipei speed}
refuse_unknown METHODS "$METHODS" "${known[@]}" "${known[@]/%/_long}"
refuse_unknown TASKS "$TASKS" cluener taipei speed

# METHOD_long trains for two and a half times the epochs, in batches of 8 instead of 32, at two thirds of the rates.
# rate METHOD RATE: the learning rate of METHOD, which is RATE without _long
rate() {
    case $1 in
        *_long) awk "BEGIN { printf \"%.0e\", 2 / 3 * $2 }" ;;
        *) echo "$2" ;;
    esac
}

# set_flags METHOD: fills `flags` with the adapter and the learning rates of METHOD for `task`
set_flags() {
    local name=${1%_long} usual
    case $name in
        full) usual=$full_rate ;;
        lora) usual=${LORA_RATE:-3e-3} ;;
        lora_all) usual=${LORA_RATE:-1.5e-3} ;;
        bottleneck) usual=${BOTTLENECK_RATE:-3e-3} ;;
        bitfit) usual=${BIAS_RATE:-5e-3} ;;
        layernorm) usual=${NORM_RATE:-1e-2} ;;
        ia3 | prefix) usual=${FACTOR_RATE:-3e-2} ;;
        prompt | p_tuning) usual=${VECTOR_RATE:-1e-2} ;;
    esac
    case $1 in
        *_long) flags=(--num_train_epochs $((epochs * 5 / 2)) --per_device_train_batch_size 8) ;;
        *) flags=(--num_train_epochs "$epochs" --per_device_train_batch_size 32) ;;
    esac
    flags+=(--learning_rate "$(rate "$1" "$usual")")
    case $name in
        full) ;;
        lora_all) flags+=(--adapter lora --lora_layers all --lora_rank 16 --lora_alpha 64) ;;
        *) flags+=(--adapter "$name") ;;
    esac
    case $task/$name in
        taipei/*) flags+=(--head_learning_rate 5e-3) ;;
        */lora_all) # the head's rate is that of full tuning, and the CRF's ten times that
            flags+=(--head_learning_rate "$(rate "$1" "$full_rate")")
            flags+=(--crf_learning_rate "$(rate "$1" "$(awk "BEGIN { print 10 * $full_rate }")")")
            ;;
    esac
}

cells() {
    for model in $MODELS; do
        for method in $METHODS; do
            local flags
            set_flags "$method"
            for seed in $SEEDS; do
                local row
                row="$(name_of "$model")_$method/seed-$seed"
                if [ "$task" = taipei ]; then
                    local split=$OUT/splits/taipei/$seed
                    prepare "$split/train.jsonl" "$python" scripts/split_rows.py "$data/taipei_qa/Taipei_QA_new.txt" "$split" \
                        --file_format faq --seed "$seed" --test_share 0.1
                    cell "$row" run_qa_cls.py configs/taipei_bert_mini.yaml --model_name_or_path "$model" --train_file "$split/train.jsonl" \
                        --validation_file "$split/test.jsonl" "${last_epoch[@]}" "${flags[@]}" --seed "$seed"
                else
                    cell "$row" run_ner.py --model_name_or_path "$model" --head crf --train_file "$data/cluener/train.json" \
                        --validation_file "$data/cluener/dev.json" "${last_epoch[@]}" "${flags[@]}" --seed "$seed" "${steps[@]}"
                fi
            done
        done
    done
}
for task in $TASKS; do
    full_rate=${FULL_RATE:-1e-3} epochs=${EPOCHS:-6} steps=() metrics=(eval_f1 trainable_share size_mb)
    case $task in
        taipei) full_rate=${FULL_RATE:-5e-4} epochs=${EPOCHS:-15} metrics[0]=eval_accuracy ;;
        speed) steps=(--max_steps 100) metrics=(train_samples_per_second peak_memory_mb) ;;
    esac
    write_table "adapters-$task" --metrics "${metrics[@]}"
done
