#!/usr/bin/env bash
# Makes the Python environment of the tests when it is missing, and prints where its interpreter is.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p "${CARGO_TARGET_DIR:-target}"
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
venv=$target/python-tools
wanted='aiosmtpd==1.4.6 dkimpy==1.1.8 trustme==1.2.1 twilio==9.8.3'

exec 9>"$venv.lock"
flock 9
if [ "$(cat "$venv/made" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv" >&2 || { echo "needs python3 with venv (Debian: apt-get install python3-venv)" >&2; exit 1; }
    # shellcheck disable=SC2086
    "$venv/bin/pip" install --quiet --disable-pip-version-check $wanted >&2
    echo "$wanted" >"$venv/made"
fi
echo "$venv/bin/python"
