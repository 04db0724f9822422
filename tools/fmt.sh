#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Formats Rust and Python in place.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
find_rust || die "no Rust tool chain: run make setup"
cd "$ROOT"
cargo fmt --all
paths=()
for path in python examples/python tools benches tests; do
    [ ! -e "$path" ] || paths+=("$path")
done
"$VENV/bin/ruff" check --config tools/ruff.toml --select I --fix --quiet "${paths[@]}"
"$VENV/bin/ruff" format --config tools/ruff.toml "${paths[@]}"
