#!/bin/sh
# Builds the server and runs it in the foreground, for one developer: http://localhost:8080 unless .env says otherwise.
# What is given after it goes to `switchboard dev`.
set -eu
cd "$(dirname "$0")/.."

if ! command -v cargo >/dev/null; then
    echo "cargo is missing: \`make setup\` says what to install" >&2
    exit 1
fi
# Before the server, which carries it.
bin/web.sh build || echo "start: the web app could not be built; its pages are as they were, or missing" >&2
cargo build --locked --release
exec bin/env.sh "${CARGO_TARGET_DIR:-target}/release/switchboard" dev "$@"
