#!/bin/sh
# Runs a command with the settings of .env: `bin/env.sh COMMAND..`.
#
# A line is NAME=VALUE, taken as it stands but for one pair of quotes around the value: nothing is expanded. What the
# environment already holds wins, as it does with compose.
set -eu

file="$(dirname "$0")/../.env"
if [ -f "$file" ]; then
    while IFS= read -r line || [ -n "$line" ]; do
        line=${line#"${line%%[![:space:]]*}"}
        line=${line%"${line##*[![:space:]]}"}
        case $line in '' | '#'*) continue ;; esac
        line=${line#export }
        name=${line%%=*}
        case $name in
            '' | [0-9]* | *[!A-Za-z0-9_]* | "$line")
                echo ".env: no NAME=VALUE line: $name" >&2
                exit 2
                ;;
        esac
        value=${line#*=}
        case $value in
            \"*\") value=${value#\"} value=${value%\"} ;;
            \'*\') value=${value#\'} value=${value%\'} ;;
        esac
        if ! printenv "$name" >/dev/null; then
            export "$name=$value"
        fi
    done <"$file"
fi
[ $# -gt 0 ] || exit 0
exec "$@"
