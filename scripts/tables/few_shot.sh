#!/usr/bin/env bash
# Few examples: prompts in many ways compared with fine-tuning and n-grams on FewCLUE's reviews (eprstmt) and news titles (tnews), five draws.
#   bash scripts/tables/few_shot.sh path/to/fewclue              # eprstmt/, tnews/ with train_0.json ... dev_4.json, test_public.json
#   MODELS=hfl/chinese-roberta-wwm-ext RATE=3e-5 bash scripts/tables/few_shot.sh path/to/fewclue
# The second command has the published encoder with which FewCLUE (Xu et al., 2021, table 3) reports, on eprstmt, 65.4 fine-tuned, 85.2 zero-shot,
# 86.7 with PET and 88.3 with P-tuning. Seed N is draw N - 1; the epoch is chosen on its dev file, the test file is scored once. TASKS="eprstmt"
# makes one table. cells.sh explains SEEDS, OUT, DRY_RUN.
source "$(dirname "${BASH_SOURCE[0]}")/../help.sh"
take_at_most 1 "$@"
CALLED_FROM=$PWD
usual_seeds="1 2 3 4 5"
source "$(dirname "${BASH_SOURCE[0]}")/cells.sh"
data=$(absolute "${1:?the folder with eprstmt/ and tnews/}")
MODELS=${MODELS:-pretrained/bert-mini-zh}

cells() {
    local config=configs/${task}_prompt.yaml
    local template
    template=$(sed -n 's/^template: "\(.*\)"$/\1/p' "$config")
    for seed in $SEEDS; do
        local draw=$OUT/splits/$task/$seed
        for part in train dev; do
            prepare "$draw/$part.json" cp "$data/$task/${part}_$((seed - 1)).json" "$draw/$part.json"
        done
        local files=(--train_file "$draw/train.json" --validation_file "$draw/dev.json" --test_file "$data/$task/test_public.json")
        files+=(--seed "$seed")
        local asked=(--test_file "$data/$task/test_public.json" --seed "$seed")
        cell "tfidf_svm/seed-$seed" benchmarks/tfidf_svm.py "${files[@]}"
        for model in $MODELS; do
            local name
            name=$(name_of "$model")
            local base=(--model_name_or_path "$model" --per_device_train_batch_size "$batch")
            local learning=("${files[@]}" --learning_rate "${RATE:-3e-4}" --num_train_epochs "${EPOCHS:-15}")
            local alone=("${files[@]}" --learning_rate "${SOFT_RATE:-1e-2}" --num_train_epochs "${SOFT_EPOCHS:-30}" --tune soft)
            cell "${name}_fine_tuned/seed-$seed" run_classification.py "${base[@]}" "${learning[@]}"
            local prompt=(run_prompt.py "$config" "${base[@]}")
            cell "${name}_zero_shot/seed-$seed" "${prompt[@]}" "${asked[@]}"
            cell "${name}_zero_shot_content_free/seed-$seed" "${prompt[@]}" "${asked[@]}" --calibrate content_free
            cell "${name}_zero_shot_batch/seed-$seed" "${prompt[@]}" "${asked[@]}" --calibrate batch
            cell "${name}_prompt/seed-$seed" "${prompt[@]}" "${learning[@]}"
            cell "${name}_prompt_mlm/seed-$seed" "${prompt[@]}" "${learning[@]}" --mlm_weight 0.5
            local soft=("${prompt[@]}" --template "{soft:4}$template")
            cell "${name}_p_tuning/seed-$seed" "${soft[@]}" "${learning[@]}" --soft_encoder lstm
            cell "${name}_vectors/seed-$seed" "${soft[@]}" "${alone[@]}"
            cell "${name}_vectors_all_layers/seed-$seed" "${soft[@]}" "${alone[@]}" --soft_layers true
            local words=$draw/words-$name.yaml
            prepare "$words" "$python" run_prompt.py --model_name_or_path "$model" --search words --template "$template" \
                --train_file "$draw/train.json" --word_tokens "$word_tokens" --output_file "$words"
            local found=("$words" "${base[@]}" --template "$template")
            cell "${name}_found_words_zero_shot/seed-$seed" run_prompt.py "${found[@]}" "${asked[@]}" --calibrate batch
            cell "${name}_found_words_prompt/seed-$seed" run_prompt.py "${found[@]}" "${learning[@]}"
        done
    done
}
TASKS=${TASKS:-eprstmt tnews}
refuse_unknown TASKS "$TASKS" eprstmt tnews
for task in $TASKS; do
    batch=8 word_tokens=1
    if [ "$task" = tnews ]; then batch=16 word_tokens=2; fi
    write_table "few-shot-$task" --metrics test_accuracy test_macro_f1
done
