# Read by the scripts of this folder, which say what a table's cells are; this file runs them and has report.py write it.
#
#   MODELS="pretrained/bert-mini-zh bert-base-chinese"   encoders, folders or names on the Hub
#   SEEDS="1 2 3"                                        a run each
#   DRY_RUN=1                                            prints the commands, runs nothing
#   OUT=outputs/tables                                   where the runs lie: OUT/TABLE/ROW/seed-SEED
#   EXTRA="--max_steps 20"                               flags for every training
#   KEPT=results/tables                                  finished runs are kept in KEPT/TABLE.json, and count as finished where that
#                                                        stands: on another machine, or when their folders are gone
#
# A run that is finished (it left run.json) is not run again; one that was stopped goes on from its last checkpoint. A run
# that fails is told with the end of its log, the others go on, and the script ends with status 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
SEEDS=${SEEDS:-${usual_seeds:-1 2 3}}
OUT=${OUT:-outputs/tables}
python=${PYTHON:-.venv/bin/python}
last_epoch=(--eval_strategy no --save_strategy no --load_best_model_at_end false) # where nothing may be chosen on the scored part

# name_of MODEL: what a row calls an encoder, `hfl/rbt3` -> hfl-rbt3, `pretrained/bert-mini-zh` -> bert-mini-zh
name_of() {
    case $1 in
        */*/* | pretrained/* | outputs/*) basename "$1" ;;
        *) echo "${1//\//-}" ;;
    esac
}

# absolute PATH: for paths that are given relative to where the script was called
absolute() {
    case $1 in
        /*) echo "$1" ;;
        *) echo "${CALLED_FROM:-$PWD}/$1" ;;
    esac
}

# refuse_unknown NAME GIVEN KNOWN...: end the script where a word of GIVEN, the value of NAME, is none of those known
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

# prepare PATH COMMAND...: run a command unless what it makes is there
prepare() {
    local made=$1
    shift
    if [ "$counting" = yes ] || { [ -e "$made" ] && [ -z "${DRY_RUN:-}" ]; }; then return; fi
    echo "$@"
    if [ -n "${DRY_RUN:-}" ]; then return; fi
    mkdir -p "$(dirname "$made")"
    PYTHONPATH=. "$@"
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
    if PYTHONPATH=. "${command[@]}" >"$folder/log.txt" 2>&1 </dev/null; then
        keep "$folder"
        spent=$((spent + SECONDS - began)) ran=$((ran + 1)) unfinished=$((unfinished - 1))
        echo "[$number/$total] $name: $(minutes $((SECONDS - began))), about $(minutes $((unfinished * spent / ran))) left"
    else
        failed=$((failed + 1)) unfinished=$((unfinished - 1))
        echo "[$number/$total] $name: FAILED, $folder/log.txt ends with:" >&2
        tail -n 5 "$folder/log.txt" >&2
    fi
}

# keep FOLDER: add its run to the table's file of kept ones, where there shall be one
keep() {
    if [ -n "${KEPT:-}" ]; then "$python" report.py "$1" --keep "$KEPT/$table.json"; fi
}

# is_kept ROW/seed-SEED
is_kept() {
    grep -qsF "{\"cell\": \"$1\"," "${KEPT:-/nowhere}/$table.json"
}

minutes() {
    echo "$(($1 / 60)) min $(($1 % 60)) s"
}

# write_table TABLE FLAG...: run what `cells` lists, then report.py with these flags over what there is
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
        echo "$table: $failed of $total runs failed; start the script again to repeat them" >&2
        exit 1
    fi
}
