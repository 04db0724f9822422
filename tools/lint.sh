#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every check, the quick ones first. All of them run; the names of those that failed come last.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
find_rust || die "no Rust tool chain: run make setup"
cd "$ROOT"
mkdir -p build/lint
failed=()

check() { # check NAME COMMAND...
    local name=$1 start=$SECONDS
    shift
    title "$name"
    if "$@"; then
        say "ok: $name ($((SECONDS - start)) s)"
    else
        say "FAILED: $name"
        failed+=("$name")
    fi
}

need() { # need COMMAND: is this part of the tool chain here?
    cargo "$1" --version >/dev/null 2>&1 ||
        { say "cargo $1 is not installed with this Rust tool chain ($RUST_BIN): rustup component add rustfmt clippy, or apt-get install rustfmt-web rust-web-clippy (Debian 12)"; return 1; }
}

PYTHON_PATHS=()
for path in python examples/python tools benches tests; do
    [ ! -e "$path" ] || PYTHON_PATHS+=("$path")
done

rust_format() { need fmt && cargo fmt --all --check; }
python_format() { "$VENV/bin/ruff" format --config tools/ruff.toml --check --diff "${PYTHON_PATHS[@]}"; }
python_lint() { "$VENV/bin/ruff" check --config tools/ruff.toml "${PYTHON_PATHS[@]}"; }
clippy() { need clippy && cargo clippy --profile ci --workspace --all-targets "${LOCKED[@]}" -- -D warnings; }
shell_scripts() {
    local script
    for script in tools/*.sh tools/portable/*.sh tools/windows/*.sh tests/*/*.sh .ci/run; do bash -n "$script" || return 1; done
}
# From a folder where the source tree's python/ cannot be imported: the stubs are compared with the installed wheel.
stubs() { (cd build/lint && "$PY" -P -m mypy.stubtest livekit_studio LiveKit); }
package_types() { (cd build/lint && "$PY" -P -m mypy --strict --cache-dir mypy -p livekit_studio -m LiveKit); }
types() { "$PY" -m mypy --strict --cache-dir build/lint/mypy "$@"; }

# Node comes from a wheel, so nothing is fetched when it runs.
pyright() {
    PYRIGHT_PYTHON_IGNORE_WARNINGS=1 "$PY" -m pyright --project tools/pyrightconfig.json --pythonpath "$PY"
}

check "sizes and licence lines" "$PY" tools/check_files.py
check "shell scripts parse" shell_scripts
check "Rust format" rust_format
check "Python format" python_format
check "Python lint" python_lint
check "Python tools are typed" types tools/*.py tools/portable/*.py tools/windows/*.py
check "crate edges" "$PY" tools/check_edges.py
check "licences of dependencies" "$PY" tools/check_licenses.py
check "list of what is inside" "$PY" tools/licences.py
check "clippy" clippy
if (. tools/windows/env.sh && have_tool_chain); then
    check "types and lints for Windows" tools/windows/build.sh check
else
    say "skipped: types and lints for Windows (there is no tool chain for it here: make windows)"
fi
check "wheel" tools/wheel.sh install
check "Python stubs match the wheel" stubs
check "Python package is typed" package_types
check "Python examples are typed" types examples/python
check "pyright on package and examples" pyright

title "Summary"
if [ ${#failed[@]} -gt 0 ]; then
    printf 'FAILED: %s\n' "${failed[@]}"
    exit 1
fi
say "lint: all checks passed in $SECONDS s"
