#!/bin/sh
# The web app's own tools, for the Makefile and the scripts.
#
#   bin/web.sh node       say what is wrong with this machine's Node, if anything is
#   bin/web.sh build      make web/dist, unless it is newer than what it is made of
#   bin/web.sh check      lints, types, and whether the generated client is current
#   bin/web.sh test       the tests
#   bin/web.sh e2e        the tests in a browser, against SWITCHBOARD_E2E_BINARY or the debug build; installs Chromium (root, Debian)
#   bin/web.sh pictures   write docs/pictures, with the same
#   bin/web.sh gen        write the generated client
#
# Without Node there is nothing to do and that is said; with CI set it is a failure.
set -eu
cd "$(dirname "$0")/../web"

oldest=20.19
# What npm and its tools say is read in logs.
export NO_COLOR=1 npm_config_update_notifier=false
unset FORCE_COLOR

wrong_with_node() {
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        echo "Node and npm are missing (Debian: apt-get install nodejs npm; $oldest or newer)"
    elif ! node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)'; then
        echo "Node $(node --version) is too old: $oldest or newer is needed"
    fi
}

install() {
    if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
        # not `npm ci`: it wants every platform's optional packages, which a mirror may not have
        npm install --no-save --no-audit --no-fund --no-progress
        touch node_modules/.package-lock.json
    fi
}

is_built() {
    [ -f dist/index.html ] && [ -z "$(find src public index.html package.json package-lock.json ./*.ts ./*.mjs -newer dist/index.html -print -quit)" ]
}

has_browser() {
    [ -n "${CHROMIUM:-}" ] || command -v chromium || command -v chromium-browser || command -v google-chrome
}

bring_browser() {
    if has_browser >/dev/null; then return; fi
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        echo "web: installing Debian's chromium"
        apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends chromium && return
    fi
    echo "web: Chromium is missing (Debian: apt-get install chromium), or name one in CHROMIUM" >&2
    return 1
}

# The browser's tests and pictures are of the app that the server holds.
drive() { # SCRIPT
    bring_browser
    install
    npm run --silent "$1"
}

wrong=$(wrong_with_node)
if [ -n "$wrong" ]; then
    echo "web: $wrong" >&2
    if [ "$1" = node ] || [ -n "${CI:-}" ]; then exit 1; fi
    echo "web: left out ($1)" >&2
    exit 0
fi

case $1 in
node) ;;
build)
    if ! is_built; then
        install
        npm run --silent build
    fi
    ;;
check)
    install
    npm run --silent lint
    npm run --silent types
    current=$(mktemp)
    trap 'rm -f "$current"' EXIT
    node_modules/.bin/openapi-typescript ../openapi.json -o "$current" >/dev/null
    diff -u src/api/schema.d.ts "$current" || {
        echo "web/src/api/schema.d.ts is not current: run \`make gen\` and commit it"
        exit 1
    }
    ;;
test)
    install
    npm run --silent test
    ;;
e2e) drive e2e ;;
pictures) drive screenshots ;;
gen)
    install
    npm run --silent gen
    ;;
*)
    echo "bin/web.sh: there is no \`$1\`" >&2
    exit 2
    ;;
esac
