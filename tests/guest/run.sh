#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh [JOB...]: the jobs of jobs/ (all unless some are named) in a guest kernel that has cameras and sound cards.
# A job is a script; its comments say how many seconds it may take and which programs of the workspace it runs:
#     # limit: 60
#     # test: sound_devices          a test program: $TEST_sound_devices
#     # example: camera_check        an example: $EXAMPLE_camera_check
#     # wheel                        Python with the wheel: $PYTHON; and the source tree: $SOURCE
# It is told as skipped, with the reason, where the guest cannot be made. Logs go to build/guest/logs.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../tools/env.sh"
HERE=$ROOT/tests/guest
export KIT=$ROOT/build/guest
LOGS=$KIT/logs
LIMIT=${LIMIT:-600}
export LIMIT
mkdir -p "$LOGS"

skip() { # skip WHAT REASON
    say "SKIPPED $1: $2"
    [ -z "${LK_SKIP_LOG:-}" ] || printf '%s: %s\n' "$1" "$2" >>"$LK_SKIP_LOG"
}

status=0
made=$(timeout 240 "$HERE/kit.sh" 2>"$KIT/kit.txt") || status=$?
[ -z "$made" ] || say "$made"
if [ "$status" = 3 ]; then
    skip "tests in a guest kernel" "$(tail -n1 <<<"$made")"
    exit 0
elif [ "$status" != 0 ]; then
    cat "$KIT/kit.txt"
    die "the guest kernel could not be made (status $status)"
fi

names=("$@")
[ $# -gt 0 ] || mapfile -t names < <(cd "$HERE/jobs" && printf '%s\n' *.sh | sed 's/\.sh$//')
jobs=()
for name in "${names[@]}"; do
    [ -f "$HERE/jobs/$name.sh" ] || die "there is no job $name in tests/guest/jobs"
    if grep -qx '# wheel' "$HERE/jobs/$name.sh" && ! (cd / && "$PY" -P -c 'import livekit_studio' 2>/dev/null); then
        skip "$name in the guest kernel" "the wheel is not installed"
        continue
    fi
    jobs+=("$HERE/jobs/$name.sh")
done
[ ${#jobs[@]} -gt 0 ] || exit 0

# The programs, built as the other stages build them: of the whole workspace, so that nothing is built twice.
find_rust || die "no Rust tool chain: run make setup"
cd "$ROOT"
export PYTHON=$PY SOURCE=$ROOT
PASS="PYTHON SOURCE"
workspace=(--profile ci --workspace --exclude lk-python "${LOCKED[@]}")

programs() { # programs KIND COMMAND...: has cargo make those that the jobs want, and tells the jobs where they are
    local kind=$1 built name path
    shift
    mapfile -t wanted < <(sed -n "s/^# $kind: //p" "${jobs[@]}" | sort -u)
    [ ${#wanted[@]} -gt 0 ] || return 0
    built=$("$@" "${workspace[@]}" "${wanted[@]/#/--$kind=}" 2>&1) ||
        { say "$built"; die "the programs for the guest do not build"; }
    for name in "${wanted[@]}"; do
        path=$(sed -n "s#^ *Executable.*(\(.*/$name-[0-9a-f]*\))\$#\1#p" <<<"$built")
        path=$(realpath "${path:-target/ci/examples/$name}")
        [ -x "$path" ] || die "there is no program $name ($path)"
        declare -gx "${kind^^}_$name=$path"
        PASS+=" ${kind^^}_$name"
    done
}
programs test cargo test --no-run
programs example cargo build

say "kernel $(cat "$KIT/version"), emulated; at most $LIMIT s"
status=0
PASS=$PASS "$HERE/boot.sh" "$LOGS" "${jobs[@]}" || status=$?
for job in "$LOGS"/*.job; do
    name=$(basename "$job" .job)
    name=${name#*-}
    rc=$(cat "${job%.job}.rc" 2>/dev/null || echo "not reached")
    took=$(awk '{ printf "%.0f s", $2 - $1 }' "${job%.job}.time" 2>/dev/null || true)
    if [ "$rc" = 0 ]; then
        say "ok      $name ($took)"
    else
        say "FAILED  $name (status $rc) $took"
        tail -n 60 "${job%.job}.log" 2>/dev/null || tail -n 20 "$LOGS/console.log"
    fi
    grep -h '^FLAKY' "${job%.job}.log" 2>/dev/null || true
    sed -n 's/^.*SKIPPED: //p' "${job%.job}.log" 2>/dev/null | while read -r reason; do
        skip "$name in the guest kernel" "$reason"
    done
done
exit "$status"
