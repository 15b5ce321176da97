# Switchboard. `make` alone lists what can be done.

SHELL := /bin/sh
.DEFAULT_GOAL := help
ENV := bin/env.sh
# One set of features for everything but a release, so that it is built once.
FEATURES := --features faults
BINARY := $(or $(CARGO_TARGET_DIR),target)/release/switchboard
DEBUG_BINARY := $(or $(CARGO_TARGET_DIR),target)/debug/switchboard

.PHONY: help setup run build test check e2e screenshots faults sabotage bench bench-long gen migrate seed db-up db-down db-shell clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

setup: ## say what is missing (installs nothing), make .env when absent
	@bin/setup.sh

run: ## build, then run for one developer on http://localhost:8080
	@bin/start.sh

build: ## the release: target/release/switchboard, with the web app in it where npm is here
	@bin/web.sh build
	cargo build --locked --release

test: ## every test: the server's on SQLite and PostgreSQL, the web app's, in a browser too, a minute of schemathesis
	@bin/test-all.sh

check: ## what CI checks before the tests: format, lints, documentation, generated files
	cargo fmt --all --check
	@bin/web.sh build
	cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --all-features --document-private-items --quiet
	@cargo build --locked --quiet $(FEATURES)
	@cargo run --locked --quiet $(FEATURES) -- openapi | diff -u openapi.json - \
		|| { echo "openapi.json is not current: run \`make gen\` and commit it"; exit 1; }
	@bin/web.sh check

e2e: ## the web app in a real browser against a debug server; needs Chromium
	@bin/web.sh build
	@cargo build --locked --quiet $(FEATURES)
	SWITCHBOARD_E2E_BINARY="$(abspath $(DEBUG_BINARY))" bin/web.sh e2e

screenshots: ## write docs/pictures: every page, wide and phone-sized; needs Chromium
	@bin/web.sh build
	@cargo build --locked --quiet $(FEATURES)
	SWITCHBOARD_E2E_BINARY="$(abspath $(DEBUG_BINARY))" bin/web.sh pictures

faults: ## the fault tests in full: 100 cycles of kill -9, then sabotage
	@bin/test-all.sh faults

sabotage: ## see each fault test fail on a server that breaks its rule (on SQLite)
	@bin/sabotage.sh

bench: ## measure the server beside its peers, in ten minutes, and write docs/benchmarks.md; fetches the peers once
	@bench/run.sh run

bench-long: ## the rest, in an hour: ten million messages, a slow disk, live connections, a soak
	@bench/run.sh long

gen: ## write the generated files: openapi.json, and the web app's client from it
	@cargo build --locked --quiet $(FEATURES)
	cargo run --locked --quiet $(FEATURES) -- openapi > openapi.json.new
	@mv openapi.json.new openapi.json
	@bin/web.sh gen

migrate: build ## bring the database's schema up to date
	$(ENV) $(BINARY) migrate

seed: build ## add a few messages to look at, beside what `make run` made; once more adds nothing
	$(ENV) $(BINARY) seed

db-up: ## start compose's PostgreSQL on port 5432
	bin/compose.sh up -d --wait postgres

db-down: ## stop compose's containers; their data stays
	bin/compose.sh down

db-shell: ## a prompt on the database that `make run` uses
	@$(ENV) bin/db-shell.sh

clean: ## remove what was built; the data folder stays
	cargo clean
