#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# All tests: the Rust workspace, the Python tests against the installed wheel, and those of both that need a kernel
# with devices (tests/guest). All run even if one fails; the last lines are the runners' own summaries.
# With LK_VERIFY=1 the long proofs run too. PYTEST_ARGS and CARGO_TEST_ARGS are passed on.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
find_rust || die "no Rust tool chain: run make setup"
cd "$ROOT"
LOGS=$ROOT/build/test-logs
mkdir -p "$LOGS" build/pytest
rm -rf "${LOGS:?}"/*

# Tests that skip for want of a device add "name: reason" to this file; the runners hide what passing tests print.
export LK_SKIP_LOG=$LOGS/skips.txt
# Python is tested through its wheel: lk-python is an extension module and links only inside an interpreter.
WHAT=(--workspace --exclude lk-python "${LOCKED[@]}")
read -r -a cargo_args <<<"${CARGO_TEST_ARGS:-}"
read -r -a pytest_args <<<"${PYTEST_ARGS:-}"
failed=()

run() { # run LOG COMMAND...: shows the output and keeps it
    local log=$LOGS/$1
    shift
    "$@" 2>&1 | tee -a "$log"
}

# ---- Rust -----------------------------------------------------------------------------------------------------

title "Rust tests"
if cargo nextest --version >/dev/null 2>&1; then
    ignored=()
    [ -z "${LK_VERIFY:-}" ] || ignored=(--profile verify --run-ignored all)
    run rust.txt cargo nextest run --cargo-profile ci --no-fail-fast "${WHAT[@]}" "${ignored[@]}" "${cargo_args[@]}" ||
        failed+=("Rust tests")
    if [ ${#cargo_args[@]} -eq 0 ]; then
        run rust-doc.txt cargo test --quiet --profile ci --doc "${WHAT[@]}" || failed+=("Rust documentation tests")
    fi
else
    ignored=()
    [ -z "${LK_VERIFY:-}" ] || ignored=(-- --include-ignored)
    run rust.txt cargo test --profile ci --no-fail-fast "${WHAT[@]}" "${cargo_args[@]}" "${ignored[@]}" ||
        failed+=("Rust tests")
fi

# ---- Python ---------------------------------------------------------------------------------------------------

title "Python tests, against the wheel"
if tools/wheel.sh install --force; then
    # From a folder where the source tree's python/ cannot be imported.
    (
        cd build/pytest || exit 1
        "$PY" -P -c 'import livekit_studio, sys
assert livekit_studio.__file__.startswith(sys.prefix), livekit_studio.__file__' || exit 1
        run python.txt "$PY" -P -m pytest "$ROOT/python/tests" --import-mode=importlib -o "pythonpath=$ROOT/python/tests" \
            -rsfER --timeout=600 -o "cache_dir=$ROOT/build/pytest/cache" "${pytest_args[@]}"
    ) || failed+=("Python tests")
else
    failed+=("the wheel")
fi

# ---- Guest kernel ---------------------------------------------------------------------------------------------

if [ $((${#cargo_args[@]} + ${#pytest_args[@]})) -eq 0 ]; then
    title "Tests in a guest kernel: sound cards and cameras"
    run guest.txt tests/guest/run.sh || failed+=("tests in a guest kernel")
fi

# ---- Portable wheel -------------------------------------------------------------------------------------------

if [ -n "${LK_VERIFY:-}" ] && [ $((${#cargo_args[@]} + ${#pytest_args[@]})) -eq 0 ]; then
    title "The portable wheel on machines with nothing but Python"
    run portable.txt tests/portable/run.sh || failed+=("the portable wheel")
fi

# ---- Summary --------------------------------------------------------------------------------------------------

# Adds up the "test result:" lines of cargo test, one for each test program.
cargo_summary() {
    awk '/^test result:/ { ok += $4; bad += $6; ign += $8; n++ }
         END { if (n) printf "test result: %s. %d passed; %d failed; %d ignored (%s, %d programs)\n",
               bad ? "FAILED" : "ok", ok, bad, ign, what, n }' what="$2" "$LOGS/$1" 2>/dev/null || true
}

title "Summary"
if [ -s "$LK_SKIP_LOG" ]; then
    say "skipped in Rust:"
    sort -u "$LK_SKIP_LOG" | sed 's/^/  /'
fi
grep -h '^SKIPPED' "$LOGS/python.txt" 2>/dev/null | sed 's/^/  /' | sed '1i skipped in Python:' || true
grep -h '^RERUN' "$LOGS/python.txt" 2>/dev/null | sed 's/^/  /' | sed '1i begun again in Python:' || true
grep -hE '^ *(FLAKY|TRY [0-9] FAIL) ' "$LOGS/rust.txt" 2>/dev/null | sort -u | sed '1i begun again in Rust:' || true
grep -hE '^(FAILED|ERROR) .*::' "$LOGS/python.txt" 2>/dev/null || true
[ ${#failed[@]} -eq 0 ] || printf 'FAILED: %s\n' "${failed[@]}"
grep -h '^ *Summary \[' "$LOGS/rust.txt" | tail -n1 || cargo_summary rust.txt "Rust tests"
cargo_summary rust-doc.txt "documentation"
grep -hE '^(ok|FAILED|SKIPPED) .*' "$LOGS/guest.txt" 2>/dev/null | sed 's/^/guest kernel: /' || true
grep -hE '^(ok|FAILED|SKIPPED) .*' "$LOGS/portable.txt" 2>/dev/null | sed 's/^/portable wheel: /' || true
grep -hE '^=+ .*(passed|failed|error|no tests ran).* in .*=+$' "$LOGS/python.txt" 2>/dev/null | tail -n1 || true
[ ${#failed[@]} -eq 0 ]
