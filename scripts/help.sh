# Sourced by the other scripts of this folder: the comment at the top of each is its help, and unknown options are refused.

# take_at_most COUNT ARGUMENT...: answer --help; end the script if there are more than COUNT arguments, or unknown options
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
                echo "$(basename "$script"): unknown option $word; --help lists what it takes" >&2
                exit 2
                ;;
        esac
    done
    if [ $# -gt "$most" ]; then
        echo "$(basename "$script"): expected at most $most arguments, found $#: $*; --help lists what it takes" >&2
        exit 2
    fi
}
