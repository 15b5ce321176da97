#!/bin/sh
# A prompt on the database that `make run` would use.
set -eu
cd "$(dirname "$0")/.."

url=${SWITCHBOARD_DATABASE:-${DATABASE_URL:-sqlite://${SWITCHBOARD_DATA:-./data}/switchboard.db}}
case $url in
    postgres://* | postgresql://*)
        if command -v psql >/dev/null; then
            exec psql "$url"
        fi
        echo "psql is missing; on the database of compose: bin/compose.sh exec postgres psql -U messaging_user messaging_service" >&2
        ;;
    *)
        file=${url#sqlite:}
        file=${file#//}
        if command -v sqlite3 >/dev/null; then
            exec sqlite3 -readonly "${file%%\?*}"
        fi
        echo "sqlite3 is missing (Debian: apt-get install sqlite3)" >&2
        ;;
esac
exit 1
