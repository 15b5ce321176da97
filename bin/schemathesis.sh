#!/usr/bin/env bash
# A minute of schemathesis against the OpenAPI document of a server of its own: no 5xx, no answer that breaks it.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p "${CARGO_TARGET_DIR:-target}"
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
venv=$target/schemathesis
seconds=${SCHEMATHESIS_SECONDS:-60}

if ! "$venv/bin/schemathesis" --version >/dev/null 2>&1; then
    echo "schemathesis: installing it below $venv"
    python3 -m venv "$venv" || { echo "schemathesis: needs python3 with venv (Debian: apt-get install python3-venv)"; exit 1; }
    "$venv/bin/pip" install --quiet --disable-pip-version-check 'schemathesis>=4.32,<5'
fi

cargo build --locked --features faults
work=$(mktemp -d)
server=
# The server is ended by its id, and its folder goes with it.
trap '[ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" || true; }; rm -rf "$work"' EXIT

for name in $(compgen -e); do
    case $name in SWITCHBOARD_* | DATABASE_URL) unset "$name" ;; esac
done
"$target/debug/switchboard" dev --listen 127.0.0.1:0 --data "$work/data" >"$work/out" 2>"$work/log" &
server=$!
url=
for _ in $(seq 100); do
    url=$(sed -n 's/^listening on //p' "$work/out")
    [ -z "$url" ] || break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
done
[ -n "$url" ] || { echo "schemathesis: the server did not start"; cat "$work/log"; exit 1; }

# It leaves its notes where it runs; the seed that it prints finds a failure again.
export PYTHONPATH="$PWD/bin" PYTHONDONTWRITEBYTECODE=1 SCHEMATHESIS_HOOKS=schemathesis_hooks
mkdir -p "$target/schemathesis-notes"
cd "$target/schemathesis-notes"
status=0
timeout $((seconds * 3)) "$venv/bin/schemathesis" run "$url/openapi.json" \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance \
    --max-time "$seconds" --request-timeout 20 --generation-database none --workers 2 --no-color "$@" || status=$?
if ! kill -0 "$server" 2>/dev/null; then
    echo "schemathesis: the server died"
    tail -n 50 "$work/log"
    status=1
elif [ "$status" -ne 0 ]; then
    grep -iE 'error|panic' "$work/log" | tail -n 50 || true
fi
exit "$status"
