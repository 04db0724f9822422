#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# wheel.sh build             builds the wheel for this machine's FFmpeg into dist/, if a source changed since
# wheel.sh install           the same, and installs it into .venv, if it is not there yet
# wheel.sh install --force   installs it again in any case
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
find_rust || die "no Rust tool chain: run make setup"
cd "$ROOT"

BUILT=$ROOT/dist/.sources
INSTALLED=$VENV/.wheel-installed

# One hash over what the wheel is made of: contents, tool chain, FFmpeg and Python.
sources() {
    {
        find crates python Cargo.toml Cargo.lock pyproject.toml README.md LICENSE LICENSES NOTICE -type f \
            ! -path '*/__pycache__/*' ! -path 'python/tests/*' ! -name '*.so' -print0 2>/dev/null |
            sort -z | xargs -0 sha256sum
        rustc --version
        pkg-config --modversion libavcodec libavformat libavfilter
        "$PY" --version
    } | sha256sum | cut -d' ' -f1
}

wheel() { find "$ROOT/dist" -maxdepth 1 -name '*.whl' 2>/dev/null | head -n1; }

build() {
    local key
    key=$(sources)
    if [ -n "$(wheel)" ] && [ "$(cat "$BUILT" 2>/dev/null)" = "$key" ]; then
        say "wheel: $(wheel) is up to date"
        return
    fi
    title "Building the wheel (the first time takes minutes)"
    mkdir -p dist
    rm -f dist/*.whl "$BUILT"
    # "linux", not "manylinux": it is linked to this machine's FFmpeg.
    "$VENV/bin/maturin" build --profile ci --compatibility linux --out dist --interpreter "$PY" "${LOCKED[@]}"
    echo "$key" >"$BUILT"
    say "wheel: $(wheel)"
}

case ${1:-build} in
    build) build ;;
    install)
        build
        key=$(cat "$BUILT")
        if [ "${2:-}" = --force ] || [ "$(cat "$INSTALLED" 2>/dev/null)" != "$key" ]; then
            rm -f "$INSTALLED"
            "$PY" -m pip install --quiet --force-reinstall --no-deps "$(wheel)"
            echo "$key" >"$INSTALLED"
            say "installed into $VENV"
        fi
        ;;
    *) die "usage: wheel.sh build | install [--force]" ;;
esac
