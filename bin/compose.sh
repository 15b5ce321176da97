#!/bin/sh
# Docker's compose, whichever way it is installed.
set -eu
cd "$(dirname "$0")/.."

if docker compose version >/dev/null 2>&1; then
    exec docker compose "$@"
elif command -v docker-compose >/dev/null; then
    # The first docker-compose knows no --wait.
    for word; do
        shift
        [ "$word" = --wait ] || set -- "$@" "$word"
    done
    exec docker-compose "$@"
fi
echo "neither \`docker compose\` nor \`docker-compose\` is here. Switchboard needs neither: \`make run\` uses SQLite." >&2
exit 1
