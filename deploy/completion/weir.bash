# bash completion for weir. Everything is asked of the program itself (weir help, weir COMMAND --help),
# so that it offers what this version has, and nothing else.

_weir_commands() {
    "$1" help 2>/dev/null | sed -n 's/^\(usage:\|      \) weir \([a-z-]*\).*/\2/p'
    echo version help
}

# The words behind "weir COMMAND" in its usage: list, show, …
_weir_verbs() {
    "$1" "$2" --help 2>/dev/null | sed -n "s/^\(usage:\|      \) weir $2 \([a-z][a-z-]*\).*/\2/p"
}

_weir_options() {
    "$1" "$2" --help 2>/dev/null | grep -oE -- '(^|[[:space:][|(,])--?[a-z][a-z-]*' | grep -oE -- '--?[a-z][a-z-]*' | sort -u
}

# The values that the help names behind an option: en|ja, benign|malicious|unknown.
_weir_values() {
    "$1" "$2" --help 2>/dev/null | sed -n "s/.*$3 \([a-z]*\(|[a-z]*\)\{1,\}\).*/\1/p" | head -n 1 | tr '|' '\n'
}

_weir() {
    local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]} values
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_weir_commands "$program")" -- "$word")
        return
    fi
    # Only what can be a name is put into a pattern.
    [[ $command != *[!a-z-]* ]] || return
    [[ $before != --*[!a-z-]* ]] || return
    case $before in
    -i | --interface)
        mapfile -t COMPREPLY < <(compgen -W "$(command ls /sys/class/net 2>/dev/null)" -- "$word")
        return
        ;;
    --*)
        values=$(_weir_values "$program" "$command" "$before")
        if [ -n "$values" ]; then
            mapfile -t COMPREPLY < <(compgen -W "$values" -- "$word")
            return
        fi
        ;;
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_weir_options "$program" "$command")" -- "$word")
    elif [ "$COMP_CWORD" -eq 2 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_weir_verbs "$program" "$command")" -- "$word")
    fi
    # Else, and where nothing fits, files: -o default.
}
complete -o default -F _weir weir
