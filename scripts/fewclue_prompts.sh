#!/usr/bin/env bash
# Few-shot tables of FewCLUE's eprstmt and tnews: prompts beside fine-tuning, five draws of each.
#   bash scripts/fewclue_prompts.sh path/to/fewclue
#   MODEL=hfl/chinese-roberta-wwm-ext LR=2e-5 SOFT_LR=1e-2 bash scripts/fewclue_prompts.sh path/to/fewclue
# The second is the published encoder with which FewCLUE (Xu et al., 2021, table 3) reports, on eprstmt, 65.4 fine-tuned, 85.2 zero-shot,
# 86.7 with PET and 88.3 with P-tuning; it needs the network, once. DRY_RUN=1 prints the commands. Runs that are done are not run again.
set -euo pipefail
data=$(cd "${1:?the folder with eprstmt/ and tnews/}" && pwd)
cd "$(dirname "$0")/.."
model=${MODEL:-pretrained/bert-mini-zh}
run() {
    echo "$@"
    if [ -z "${DRY_RUN:-}" ]; then PYTHONPATH=. "$@"; fi
}
for task in eprstmt tnews; do
    run .venv/bin/python benchmarks/prompt_scores.py "configs/${task}_prompt.yaml" --data_dir "$data/$task" \
        --model_name_or_path "$model" --learning_rate "${LR:-3e-4}" --soft_learning_rate "${SOFT_LR:-1e-2}" \
        --output_dir "outputs/fewclue/$(basename "$model")/$task"
done
