#!/usr/bin/env bash
# Every test: the web app's and the unit tests once, the whole test binary on SQLite and on PostgreSQL, the web app in a
# browser, then schemathesis.
#
#   bin/test-all.sh            all, with 10 cycles of kill -9
#   bin/test-all.sh faults     only the fault tests, with 100; then each against a server that breaks its rule
#
# PostgreSQL is the one of TEST_POSTGRES_URL (a superuser's), else the one on 127.0.0.1:5432 when it lets `postgres`
# in, else a private one that ends with the tests.
set -uo pipefail
cd "$(dirname "$0")/.."

# Tests set what they need; a setting of .env or of a shell must not reach them.
for name in $(compgen -e); do
    case $name in SWITCHBOARD_FAULT_*) ;; SWITCHBOARD_* | DATABASE_URL) unset "$name" ;; esac
done

logs=${CARGO_TARGET_DIR:-target}/test-logs
mkdir -p "$logs"
results=()
failed=0
private=

# The caller's own script stops it, whichever way this one ends.
trap '[ -z "$private" ] || bin/postgres.sh stop "$private"' EXIT
trap 'exit 130' INT TERM

record() { # NAME STATUS
    local summary
    summary=$(grep -E '^ *Summary \[|^test result:|^=+ .* =+$|^ *Tests  |^web: left out' "$logs/$1.log" | tail -n 1 | sed 's/^ *//')
    if [ "$2" -eq 0 ]; then
        results+=("ok      $1: $summary")
    else
        results+=("FAILED  $1: ${summary:-see $logs/$1.log}")
        failed=1
    fi
}

step() { # NAME COMMAND..
    local name=$1
    shift
    echo "== $name: $*"
    "$@" 2>&1 | tee "$logs/$name.log"
    record "$name" "${PIPESTATUS[0]}"
}

# Tests wait for the disk more than for a processor.
export NEXTEST_TEST_THREADS=${NEXTEST_TEST_THREADS:-$((($(nproc) * 3 + 1) / 2))}

run_tests() { # NAME FILTER TARGET..
    local name=$1 filter=$2
    shift 2
    if cargo nextest --version >/dev/null 2>&1; then
        step "$name" cargo nextest run --locked --features faults --no-fail-fast "$@" ${filter:+-E "test(/^$filter/)" --run-ignored all}
    else
        step "$name" cargo test --locked --features faults --no-fail-fast "$@" -- ${filter:+"$filter" --include-ignored}
    fi
}

find_postgres() {
    if url=$(bin/postgres.sh find); then
        echo "PostgreSQL: using the one that runs at ${url##*@}"
        return
    fi
    private=$(mktemp -du "${TMPDIR:-/tmp}/switchboard-postgres.XXXXXX")
    if url=$(bin/postgres.sh start "$private"); then
        echo "PostgreSQL: brought a private one, as an ordinary user, at ${url##*@}; it ends with the tests"
    else
        url=
    fi
}

filter=
[ "${1:-}" != faults ] || filter=faults::
if [ -n "$filter" ]; then
    export SWITCHBOARD_FAULT_CYCLES=${SWITCHBOARD_FAULT_CYCLES:-100}
else
    # before the server, which carries it
    bin/web.sh build
    step web bin/web.sh test
    run_tests unit "" --lib
    step bench cargo test --locked --package switchboard-bench
fi
SWITCHBOARD_TEST_DATABASE=sqlite run_tests sqlite "$filter" --test it
if [ -z "$filter" ]; then
    target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
    SWITCHBOARD_E2E_BINARY=$target/debug/switchboard step browser bin/web.sh e2e
fi

url=
find_postgres
if [ -n "$url" ]; then
    SWITCHBOARD_TEST_DATABASE=$url run_tests postgres "$filter" --test it
else
    : >"$logs/postgres.log"
    results+=("FAILED  postgres: no PostgreSQL could be had")
    failed=1
fi
if [ -n "$filter" ]; then step sabotage bin/sabotage.sh "$url"; else step schemathesis bin/schemathesis.sh; fi

echo
printf '%s\n' "${results[@]}"
exit "$failed"
