#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs the wheel of build.sh in a Windows Python under Wine and tests it there, a file of tests at a time.
# test.sh [FILE[::TEST]...]   those of tests/windows/suite.txt, or these; PYTEST_ADDOPTS has more for pytest
# LIMIT seconds a file at the most, LIMIT_TEST a test; what hangs is ended, reported and counted as failed.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"
LIMIT=${LIMIT:-600} LIMIT_TEST=${LIMIT_TEST:-180}
LOG=$ROOT/build/test-logs/windows
tools/windows/toolchain.sh
wheel=$(find dist/windows -name '*.whl' | head -n1)
[ -n "$wheel" ] || die "there is no wheel for Windows: run make windows"
mkdir -p "$LOG" build/pytest-windows
wine_env

# ---- A display, and Wine --------------------------------------------------------------------------------------

scratch=$(mktemp -d)
Xvfb -displayfd 3 -screen 0 1280x720x24 -noreset 3>"$scratch/display" 2>/dev/null &
started=($!)
finish() {
    "$WINESERVER" -k 2>/dev/null || true
    kill "${started[@]}" 2>/dev/null || true
    rm -rf "$scratch"
}
trap finish EXIT
for _ in $(seq 100); do [ -s "$scratch/display" ] && break || sleep 0.1; done
DISPLAY=:$(cat "$scratch/display")
export DISPLAY

# ---- A speaker that is recorded, and a microphone that hears 700 Hz -------------------------------------------

export XDG_RUNTIME_DIR=$scratch PULSE_RUNTIME_PATH=$scratch/pulse PULSE_SERVER=unix:$scratch/sound
pulseaudio -n --daemonize=no --exit-idle-time=-1 --disable-shm=yes --log-level=error \
    -L "module-native-protocol-unix socket=$scratch/sound auth-anonymous=1" \
    -L "module-null-sink sink_name=speaker rate=48000" -L "module-null-sink sink_name=air rate=48000" \
    -L "module-remap-source master=air.monitor source_name=microphone" 2>"$LOG/pulseaudio.txt" &
started+=($!)
for _ in $(seq 100); do pactl info >/dev/null 2>&1 && break || sleep 0.1; done
pactl set-default-sink speaker && pactl set-default-source microphone
"$PY" tests/windows/tone.py make "$scratch/700.wav" 700 -26
(while paplay --device=air "$scratch/700.wav"; do :; done) 2>/dev/null &
started+=($!)
# listens to the speaker until it is killed
listen() { exec parec --device=speaker.monitor --format=s16le --rate=48000 --channels=2 --latency-msec=50 >"$scratch/heard.raw"; }
export LIVEKIT_TEST_MICROPHONE=-26

# ---- The wheel ------------------------------------------------------------------------------------------------

title "Installing $wheel under $("$WINE" --version)"
# what the tests find on their path, and nothing else of this machine's
export WINEPATH="Z:${WIN//\//\\}\\tools;Z:${FFMPEG_WINDOWS//\//\\}\\bin"
export LIVEKIT_THREADS=2 PYTHONUTF8=1 PYTHONDONTWRITEBYTECODE=1
# pipes on both sides: Wine's Python does not start where standard output or error is a file, or without standard input
python() { # python ARGUMENTS...
    : | {
        local status=0
        timeout --kill-after=10 "$LIMIT" "$WINE" "$WINDOWS_PYTHON" -P "$@" 2>&1 || status=$?
        # what a test that failed has left running, which would keep the pipe open
        [ $status = 0 ] || "$WINESERVER" -k 2>/dev/null || true
        exit $status
    } | timeout $((LIMIT + 30)) cat
}

# The desktop, there before anybody needs it: else Wine 8 starts it with the pipes of the first program that opens a
# window or asks COM for something, and whoever waits for the end of what that program says waits for ever.
desktop() {
    (: | "$WINE" explorer.exe /desktop 2>&1 | cat >/dev/null) &
    sleep 3
}

desktop
python -m pip install --quiet --no-index --no-deps --force-reinstall --disable-pip-version-check \
    --no-warn-script-location "$wheel"
# of a run that was cut off
python -m livekit_studio vcam unregister >/dev/null || true
failed=()
title "A render on Windows is the one on Linux"
python tests/windows/render.py "$scratch/windows.npz" && "$PY" -P tests/windows/render.py "$scratch/linux.npz" &&
    "$PY" tests/windows/compare.py "$scratch/windows.npz" "$scratch/linux.npz" || failed+=("the render")

if [ $# = 0 ]; then
    title "Captures, in Rust"
    tools/windows/build.sh test >"$LOG/captures.txt" 2>&1 || failed+=("captures in Rust, see $LOG/captures.txt")
    grep -E '^(SKIP:|test )' "$LOG/captures.txt" || true
fi

title "Python tests that make sense under Wine"
tests=("$@")
[ $# -gt 0 ] || mapfile -t tests < <(sed 's/#.*//; /^ *$/d; s|^|python/tests/|' tests/windows/suite.txt)
count() { grep -oE "[0-9]+ $1" <<<"$2" | cut -d' ' -f1 || echo 0; }
passed=0 broken=0 skipped=0
for test in "${tests[@]}"; do
    name=$(basename "${test%%::*}" .py) start=$SECONDS status=0 ear=
    if [ "$name" = test_windows ]; then
        listen &
        ear=$!
        started+=("$ear")
    fi
    (cd build/pytest-windows && python -m pytest "$ROOT/$test" --import-mode=importlib \
        -o "pythonpath=$ROOT/python/tests" -o "cache_dir=$ROOT/build/pytest-windows/cache" -rsfE -p no:faulthandler \
        --timeout="$LIMIT_TEST") >"$LOG/$name.txt" || status=$?
    [ -z "$ear" ] || kill "$ear"
    # the last line that counts; none if it was ended
    last=$(grep -E '^=+ .*(passed|failed|error|skipped).* in .*=+\s*$' "$LOG/$name.txt" | tail -n1 | tr -d '=\r' || true)
    [ -n "$last" ] || last=" 1 failed: it was ended after $((SECONDS - start)) s, see $LOG/$name.txt"
    passed=$((passed + $(count passed "$last"))) skipped=$((skipped + $(count skipped "$last")))
    broken=$((broken + $(count failed "$last") + $(count error "$last")))
    say "$name:$last"
    grep -E '^(FAILED|ERROR|SKIPPED) ' "$LOG/$name.txt" | cut -c1-200 | sed 's/^/    /' || true
    [ $status = 0 ] || failed+=("$name")
    [ $status = 0 ] || desktop
done

if [[ " ${tests[*]} " == *test_windows.py* ]]; then
    title "The speaker played 1 kHz at -20 dBFS"
    "$PY" tests/windows/tone.py heard "$scratch/heard.raw" 1000 -20 || failed+=("the speaker")
fi

title "Summary: tested under $("$WINE" --version)"
say "Python tests: $passed passed, $broken failed, $skipped skipped"
if [ ${#failed[@]} -gt 0 ]; then
    printf 'FAILED: %s\n' "${failed[@]}"
    exit 1
fi
