#!/usr/bin/env bash
# Distillation: a small student with a teacher, and by itself with the same recipe.
#   TASKS=thucnews TEACHER=outputs/tables/thucnews/me5-small-zh/seed-1 bash scripts/tables/distill.sh path/to/data
#   TASKS=cluener TEACHER="outputs/tables/cluener/me5-small-zh_crf/seed-1" bash scripts/tables/distill.sh path/to/data
#   TASKS=few TEACHER=outputs/few bash scripts/tables/distill.sh path/to/data   # 1,000 labelled and 9,748 other sentences of CLUENER
# The folder of data has cluener/ (train.json, dev.json), thucnews/ (dev.txt, test.txt, class.txt) and taipei_qa/Taipei_QA_new.txt.
# TEACHER is one trained directory or several, whose mean teaches; for taipei, the folder of taipei.sh that has one for each
# split: seed-1, seed-2, ... cells.sh explains MODELS, SEEDS, EPOCHS, OUT, KEPT, DRY_RUN.
source "$(dirname "${BASH_SOURCE[0]}")/../help.sh"
take_at_most 1 "$@"
CALLED_FROM=$PWD
source "$(dirname "${BASH_SOURCE[0]}")/cells.sh"
data=$(absolute "${1:?the folder of data}")
MODELS=${MODELS:-pretrained/bert-mini-zh}
TASKS=${TASKS:-thucnews}
refuse_unknown TASKS "$TASKS" thucnews cluener few taipei
read -ra teachers <<<"${TEACHER:?one trained directory or several}"

# Probabilities of texts that the teacher has learnt by heart are made even, so that they say more than the label.
classes=(--teacher_weight 0.9 --teacher_temperature 4)
tags=(--teacher_weight 0.5)

# both NAME SCRIPT TEACHER_FLAG... -- FLAG...: a row with the teacher, a row without it
both() {
    local name=$1 script=$2 taught=()
    shift 2
    while [ "$1" != -- ]; do taught+=("$1") && shift; done
    shift
    cell "${name}_alone/seed-$seed" "$script" "$@" --seed "$seed"
    cell "${name}_taught/seed-$seed" "$script" "$@" --seed "$seed" "${taught[@]}"
}

cells() {
    local model seed name split
    for model in $MODELS; do
        name=$(name_of "$model")
        for seed in $SEEDS; do
            case $task in
                thucnews)
                    choose_recipe configs/thucnews_bert_mini.yaml "" "" 8
                    both "$name" run_classification.py --teacher "${teachers[@]}" "${classes[@]}" -- "${recipe[@]}" --model_name_or_path "$model" \
                        --train_file "$data/thucnews/dev.txt" --validation_file "$data/thucnews/test.txt" "${last_epoch[@]}"
                    ;;
                cluener)
                    choose_recipe configs/cluener_bert_mini.yaml "" "" 10
                    both "$name" run_ner.py --teacher "${teachers[@]}" "${tags[@]}" -- "${recipe[@]}" --model_name_or_path "$model" \
                        --train_file "$data/cluener/train.json" --validation_file "$data/cluener/dev.json"
                    ;;
                few)
                    choose_recipe configs/cluener_bert_mini.yaml "" "" 10
                    both "$name" run_ner.py --teacher "${teachers[@]}" "${tags[@]}" --unlabeled_file "$data/cluener/train.json" -- "${recipe[@]}" \
                        --model_name_or_path "$model" --train_file "$data/cluener/train.json" --max_train_samples 1000 \
                        --validation_file "$data/cluener/dev.json"
                    ;;
                taipei)
                    choose_recipe configs/taipei_bert_mini.yaml "" "" ""
                    split=$OUT/splits/taipei/$seed # as taipei.sh makes them
                    prepare "$split/train.jsonl" "$python" scripts/split_rows.py "$data/taipei_qa/Taipei_QA_new.txt" "$split" \
                        --file_format faq --seed "$seed" --test_share 0.1
                    both "$name" run_qa_cls.py --teacher "${teachers[0]}/seed-$seed" "${classes[@]}" -- "${recipe[@]}" --model_name_or_path "$model" \
                        --train_file "$split/train.jsonl" --validation_file "$split/test.jsonl" --save_strategy no --load_best_model_at_end false
                    ;;
            esac
        done
    done
}
for task in $TASKS; do
    case $task in
        thucnews | taipei) metrics=(eval_accuracy eval_macro_f1) ;;
        *) metrics=(eval_f1 eval_precision eval_recall) ;;
    esac
    write_table "distill-$task" --metrics "${metrics[@]}"
done
