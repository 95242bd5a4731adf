# Sourced by the scripts of this folder, which define the cells of a table; this file runs them and has report.py write the table.
#
#   MODELS="pretrained/bert-mini-zh bert-base-chinese"   encoders, folders or names on the Hub
#   SEEDS="1 2 3"                                        one run for each
#   DRY_RUN=1                                            prints the commands, runs nothing
#   OUT=outputs/tables                                   folder of the runs: OUT/TABLE/ROW/seed-SEED
#   CONFIG=configs/sarcasm_minilm.yaml                   a configuration file in place of the table's own recipe
#   RATE=3e-5 HEAD_RATE=3e-4 EPOCHS=3                    other learning rates, of the encoder and of the head, and epochs
#   EXTRA="--max_steps 20"                               flags for every training
#   KEPT=results/tables                                  finished runs are added to KEPT/TABLE.json; runs in this file count as
#                                                        finished, also on another machine, or when their folders are gone
#
# A finished run (with run.json) is not repeated; a stopped one continues from its last checkpoint. If a run fails, the
# end of its log is shown, the others continue, and the script ends with status 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
SEEDS=${SEEDS:-${usual_seeds:-1 2 3}}
OUT=${OUT:-outputs/tables}
python=${PYTHON:-.venv/bin/python}
last_epoch=(--eval_strategy no --save_strategy no --load_best_model_at_end false) # where nothing may be chosen on the scored split

# name_of MODEL: the name of an encoder in a row, `hfl/rbt3` -> hfl-rbt3, `pretrained/bert-mini-zh` -> bert-mini-zh
name_of() {
    case $1 in
        */*/* | pretrained/* | outputs/*) basename "$1" ;;
        *) echo "${1//\//-}" ;;
    esac
}

# absolute PATH: makes a path absolute that is relative to where the script was called
absolute() {
    case $1 in
        /*) echo "$1" ;;
        *) echo "${CALLED_FROM:-$PWD}/$1" ;;
    esac
}

# choose_recipe CONFIG RATE HEAD_RATE EPOCHS [FLAG...]: make `recipe`, the beginning of the arguments of a training, of the
# table's own recipe (a part that it does not set is empty), or of what CONFIG, RATE, HEAD_RATE and EPOCHS say
choose_recipe() {
    local config=$1 rate=$2 head_rate=$3 epochs=$4
    shift 4
    if [ -n "${CONFIG:-}" ]; then
        config=$CONFIG rate='' head_rate='' epochs=''
        set --
        if [ ! -f "$config" ]; then config=$(absolute "$config"); fi
    fi
    rate=${RATE:-$rate} head_rate=${HEAD_RATE:-$head_rate} epochs=${EPOCHS:-$epochs}
    recipe=(${config:+"$config"} ${rate:+--learning_rate "$rate"} ${head_rate:+--head_learning_rate "$head_rate"}
        ${epochs:+--num_train_epochs "$epochs"} "$@")
}

# refuse_unknown NAME GIVEN KNOWN...: end the script if a word of GIVEN, the value of NAME, is not in KNOWN
refuse_unknown() {
    local name=$1 given=$2 word
    shift 2
    for word in $given; do
        case " $* " in
            *" $word "*) ;;
            *)
                echo "$name: expected some of $*, found $word" >&2
                exit 2
                ;;
        esac
    done
}

# prepare PATH COMMAND...: run a command that makes PATH, unless it exists
prepare() {
    local made=$1
    shift
    if [ "$counting" = yes ] || { [ -e "$made" ] && [ -z "${DRY_RUN:-}" ]; }; then return; fi
    echo "$@"
    if [ -n "${DRY_RUN:-}" ]; then return; fi
    mkdir -p "$(dirname "$made")"
    "$@"
}

# cell ROW/seed-SEED SCRIPT [FLAG...]: a run in OUT/TABLE/ROW/seed-SEED
cell() {
    local folder=$OUT/$table/$1 name=$1 script=$2
    shift 2
    local finished=no
    if [ -f "$folder/run.json" ] || is_kept "$name"; then finished=yes; fi
    if [ "$counting" = yes ]; then
        total=$((total + 1))
        if [ $finished = no ]; then unfinished=$((unfinished + 1)); fi
        return
    fi
    number=$((number + 1))
    local command=("$python" "$script" "$@" --output_dir "$folder")
    case $script in
        run_*.py) command+=(--resume_from_checkpoint last ${EXTRA:-}) ;;
    esac
    if [ -n "${DRY_RUN:-}" ]; then
        printf '%q ' "${command[@]}"
        echo
        return
    fi
    if [ $finished = yes ]; then
        echo "[$number/$total] $name: finished before"
        is_kept "$name" || keep "$folder"
        return
    fi
    echo "[$number/$total] $name ..."
    local began=$SECONDS
    mkdir -p "$folder"
    if "${command[@]}" >"$folder/log.txt" 2>&1 </dev/null; then
        keep "$folder"
        spent=$((spent + SECONDS - began)) ran=$((ran + 1)) unfinished=$((unfinished - 1))
        echo "[$number/$total] $name: $(minutes $((SECONDS - began))), about $(minutes $((unfinished * spent / ran))) left"
    else
        failed=$((failed + 1)) unfinished=$((unfinished - 1))
        echo "[$number/$total] $name: FAILED, $folder/log.txt ends with:" >&2
        tail -n 5 "$folder/log.txt" >&2
    fi
}

# keep FOLDER: add its run to the table's file of kept runs, if KEPT is set
keep() {
    if [ -n "${KEPT:-}" ]; then "$python" report.py "$1" --keep "$KEPT/$table.json"; fi
}

# is_kept ROW/seed-SEED: whether the file of kept runs has it
is_kept() {
    grep -qsF "{\"cell\": \"$1\"," "${KEPT:-/nowhere}/$table.json"
}

minutes() {
    echo "$(($1 / 60)) min $(($1 % 60)) s"
}

# write_table TABLE FLAG...: run what `cells` lists, then report.py with these flags on all finished runs
write_table() {
    table=$1
    shift
    total=0 number=0 unfinished=0 ran=0 failed=0 spent=0
    counting=yes
    cells
    counting=no
    if [ -z "${DRY_RUN:-}" ]; then echo "$table: $total runs, $unfinished to do"; fi
    cells
    local runs=$OUT/$table
    if [ -n "${KEPT:-}" ]; then runs=$KEPT/$table.json; fi
    local command=("$python" report.py "$runs" --by_folder "$@" --output_dir "$OUT/$table-report")
    if [ -n "${DRY_RUN:-}" ]; then
        printf '%q ' "${command[@]}"
        echo
        return
    fi
    "${command[@]}"
    if [ $failed -gt 0 ]; then
        echo "$table: $failed of $total runs failed; run the script again to repeat them" >&2
        exit 1
    fi
}
