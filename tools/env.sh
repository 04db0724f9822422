# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by the other scripts: where things are, and a Rust tool chain that is new enough on PATH.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=$ROOT/.venv
PY=$VENV/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

# In CI the lock file is law; at a desk cargo may bring it up to date.
LOCKED=()
[ -z "${CI:-}" ] || LOCKED=(--locked)

RUST_MIN=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' "$ROOT/Cargo.toml" 2>/dev/null | head -n1)
RUST_MIN=${RUST_MIN:-1.88}

say() { printf '%s\n' "$*"; }
title() { printf '\n== %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# at_least 1.95.0 1.88: is the first version the second or newer?
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n1)" = "$2" ]; }

# good_rust DIR: does DIR hold a cargo and a rustc that are new enough?
good_rust() {
    local tool version
    for tool in cargo rustc; do
        [ -x "$1/$tool" ] || return 1
        version=$("$1/$tool" --version 2>/dev/null | cut -d' ' -f2) || return 1
        [ -n "$version" ] && at_least "$version" "$RUST_MIN" || return 1
    done
}

# Puts the first tool chain that is new enough on PATH; false if there is none.
find_rust() {
    local dir
    for dir in "$(dirname "$(command -v cargo 2>/dev/null || echo /nowhere/cargo)")" \
        "${CARGO_HOME:-$HOME/.cargo}/bin" /usr/bin /usr/lib/rust-*/bin; do
        if good_rust "$dir"; then
            RUST_BIN=$dir
            case ":$PATH:" in
                "$dir:"* | ":$dir:"*) ;;
                *) PATH=$dir:$PATH ;;
            esac
            return 0
        fi
    done
    return 1
}
