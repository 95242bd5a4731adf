# Read by the other scripts of this folder: the comment on top of each is its help, and what it does not know is refused.

# take_at_most COUNT ARGUMENT...: answer --help; end the script where there are more words than COUNT, or unknown options
take_at_most() {
    local most=$1 script=${BASH_SOURCE[-1]} word
    shift
    for word in "$@"; do
        case $word in
            -h | --help)
                sed -n '2,${/^#/!q; s/^# \{0,1\}//p}' "$script"
                exit 0
                ;;
        esac
    done
    for word in "$@"; do
        case $word in
            -*)
                echo "$(basename "$script"): unknown option $word; --help says what there is" >&2
                exit 2
                ;;
        esac
    done
    if [ $# -gt "$most" ]; then
        echo "$(basename "$script"): expected $most arguments at most, found $#: $*; --help says what there is" >&2
        exit 2
    fi
}
