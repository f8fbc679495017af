# Every recipe is one step of continuous integration (.ci/run); `just check` before a commit.
# CARGO_TARGET_DIR is respected. A recipe that cannot run for want of a tool says SKIPPED.

set shell := ["bash", "-euo", "pipefail", "-c"]

# List the recipes.
default:
    @just --list --unsorted

# The fast checks: everything but the tests and the outside judges.
check: fmt typos clippy doc deny

# Formatting, without changing anything (`cargo fmt` changes it).
fmt:
    cargo fmt --all --check

# Spelling.
typos:
    @if command -v typos >/dev/null; then typos; \
    else echo "SKIPPED typos: not installed (pip install typos)" >&2; fi

# Lints of every target; a warning is an error.
clippy:
    cargo clippy --locked --all-targets -- -D warnings

# Documentation builds without a warning.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

# Licences, sources and banned crates of all dependencies (deny.toml).
deny:
    @if cargo deny --version >/dev/null 2>&1; then cargo deny --locked check bans licenses sources; \
    else echo "SKIPPED deny: cargo-deny is not installed (cargo install cargo-deny --locked)" >&2; fi

# Known vulnerabilities; needs the network (the RustSec database), so not part of `check`.
advisories:
    cargo deny --locked check advisories

# nextest starts one process per test, and each would start a PostgreSQL of its own, so it is used
# only when TEST_DATABASE_URL names a server; it does not run doctests.
# All tests.
test *args:
    @if [[ -n "${TEST_DATABASE_URL:-}" ]] && cargo nextest --version >/dev/null 2>&1; then \
        cargo nextest run --locked {{ args }} && cargo test --locked --doc; \
    else cargo test --locked {{ args }}; fi

# Write openapi/openapi.json from the code; a test fails while the two differ.
openapi:
    #!/usr/bin/env bash
    set -euo pipefail
    fresh=$(mktemp openapi/.openapi.XXXXXX)
    trap 'rm -f "$fresh"' EXIT
    cargo run --locked --quiet -- openapi > "$fresh"
    chmod 644 "$fresh"
    mv "$fresh" openapi/openapi.json

# `cargo test --no-run` builds the binary with the features that the tests use: nothing is built twice.
# The outside judges: linters of the OpenAPI document, schemathesis against a server on each database.
conform:
    cargo test --locked --no-run
    openapi/conform.sh

# The linters of the OpenAPI document alone.
lint-openapi:
    openapi/conform.sh lint

# Load figures of the release build on generated data, as a Markdown table.
bench:
    cargo build --locked --release
    benches/run.sh

# What continuous integration runs.
ci:
    .ci/run
