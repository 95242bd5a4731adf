#!/usr/bin/env bash
# Train a tagger and apply it: a CRF on the embedded encoder and data/ner_sample, without a download of models.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
take_at_most 0 "$@"
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/setup.sh

export HF_HUB_OFFLINE=1
.venv/bin/python run_ner.py configs/quickstart.yaml
.venv/bin/python predict.py outputs/quickstart \
    --text "昨天，苏州市教育局副局长梁雨桐到东湖区调研，要求长虹路的三所学校改善食堂。" \
    --text "导演欧阳思远的新片《遥远的灯塔》在白石古镇开机，影片由云帆影业出品。" \
    --text "圣马蒂客场2比1战胜布鲁根，主教练莫雷蒂赛后说，他晚上只想玩一会儿《星痕传说》。"
