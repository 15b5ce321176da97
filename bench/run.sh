#!/usr/bin/env bash
# Measures the server beside its peers.
#
#   bench/run.sh               all that takes less than ten minutes; writes docs/benchmarks.md and docs/bench.svg
#   bench/run.sh long          the rest, about an hour
#   bench/run.sh SCENARIO ..   one scenario, printed only; `bench/run.sh --help` lists them
#
# What follows the scenario goes to the load generator, such as `--seconds 2` or `--database sqlite`. BENCH_SERVER names
# a server that is built already. Builds what is missing, fetches the peers once from PyPI and npm, starts a private
# PostgreSQL, and ends what it started. Databases that are kept lie below target/bench, or, where PostgreSQL's user
# cannot go there, below /var/tmp.
set -euo pipefail
cd "$(dirname "$0")/.."

# What is measured is set here; a setting of .env or of a shell must not reach it.
for name in $(compgen -e); do
    case $name in SWITCHBOARD_* | DATABASE_URL | PG*) unset "$name" ;; esac
done

scenario=${1:-run}
[ $# -eq 0 ] || shift
target=${CARGO_TARGET_DIR:-target}
load=$target/release/switchboard-bench
server=${BENCH_SERVER:-$target/release/switchboard}
generator=
started=()

say() { echo "bench: $*" >&2; }

stop() {
    if [ -n "$generator" ]; then
        kill "$generator" 2>/dev/null || true
        wait "$generator" 2>/dev/null || true
    fi
    for cluster in "${started[@]}"; do bin/postgres.sh rest "$cluster" || true; done
}
trap stop EXIT
trap 'exit 130' INT TERM

build() {
    # each by itself, so that the server is the one that `make build` makes
    [ -n "${BENCH_SERVER:-}" ] || make --silent build
    cargo build --locked --release --package switchboard-bench
}

# A folder that PostgreSQL's own user can reach, too.
choose_folder() {
    mkdir -p target/bench
    if [ "$(id -u)" -ne 0 ] || runuser -u nobody -- test -x "$PWD/target/bench"; then
        echo "$PWD/target/bench"
    else
        mkdir -p -m 755 /var/tmp/switchboard-bench
        echo /var/tmp/switchboard-bench
    fi
}

fetch_peers() {
    local wanted
    wanted=$(cat bench/peers/requirements.txt bench/peers/package.json | cksum)
    mkdir -p "$folder/peers"
    cp bench/peers/* "$folder/peers/"
    if [ "$(cat "$folder/fetched" 2>/dev/null)" = "$wanted" ]; then return; fi
    say "fetching the peers from PyPI and npm"
    python3 -m venv --clear "$folder/python"
    "$folder/python/bin/pip" install --quiet --disable-pip-version-check --requirement bench/peers/requirements.txt
    (cd "$folder/peers" && npm install --no-save --no-audit --no-fund --no-progress --no-package-lock)
    echo "$wanted" >"$folder/fetched"
}

# Starts a cluster that is kept, or makes it.
start_cluster() { # NAME
    local cluster=$folder/$1
    started+=("$cluster")
    if [ -f "$cluster/url" ]; then
        # what a run left that was killed
        bin/postgres.sh rest "$cluster" 2>/dev/null || true
        if bin/postgres.sh again "$cluster" 9>&-; then return; fi
        say "$cluster does not start again, and is made anew"
    fi
    rm -rf "$cluster"
    bin/postgres.sh start "$cluster" >"$folder/$1-url" 9>&-
    mv "$folder/$1-url" "$cluster/url"
}

arguments=()
folder=$(choose_folder)
case $scenario in -h | --help | help) build && exec "$load" --help ;; esac
exec 9>"$folder/lock"
flock -n 9 || { say "another one is under way"; exit 1; }
build
case $scenario in run | peers) fetch_peers ;; esac
case $scenario in own-cost) ;; *)
    start_cluster postgres
    arguments+=(--postgres "$(cat "$folder/postgres/url")")
    ;;
esac
case $scenario in long | slow-disk)
    : >"$folder/slow_disk.count"
    chmod a+rw "$folder/slow_disk.count"
    cc -shared -fPIC -O2 -Wall -Werror -DCOUNT="\"$folder/slow_disk.count\"" -o "$folder/slow_disk.so" bench/slow_disk.c -ldl
    chmod a+r "$folder/slow_disk.so"
    LD_PRELOAD=$folder/slow_disk.so start_cluster slow
    arguments+=(--slow-postgres "$(cat "$folder/slow/url")" --slow-disk "$folder/slow_disk.so")
    ;;
esac
ulimit -n "$(ulimit -Hn)"
# It stops in any case: a scenario that hangs is ended.
case $scenario in long) limit=3h ;; soak) limit=1h ;; *) limit=30m ;; esac
say "$scenario, with $server"
timeout --kill-after=60 "$limit" "$load" "$scenario" --server "$server" --folder "$folder" "${arguments[@]}" "$@" 9>&- &
generator=$!
wait "$generator"
