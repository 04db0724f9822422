#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# build.sh         the wheel for Windows x64 into dist/windows/, with FFmpeg and the camera's filter in it
# build.sh test    the tests of captures in Rust, run under Wine (test.sh calls it)
# build.sh check   only the type check and the lints of the workspace for Windows, with the tool chain that is there
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"
DIST=$ROOT/dist/windows
export CARGO_TARGET_DIR=$WIN/target

build() { # build COMMAND ARGUMENTS...: cargo for Windows
    cargo "$1" --profile ci --target "$TRIPLE" "${LOCKED[@]}" "${@:2}"
}

case ${1:-wheel} in
    check)
        have_tool_chain || die "there is no tool chain for Windows: run make windows"
        cross_env
        if [ -e "$WIN/.done/clippy" ]; then
            # that lint does not see that it is one where the system has no thread-local memory of its own
            lints=(-D warnings -A clippy::missing_const_for_thread_local)
            build clippy --workspace -- "${lints[@]}"
            build clippy -p lk-vcam -- "${lints[@]}"
        else
            build check --workspace
            build check -p lk-vcam
        fi
        ;;
    test)
        have_tool_chain || die "there is no tool chain for Windows: run make windows"
        cross_env
        build test -p lk-io --lib -- window_capture --nocapture
        ;;
    wheel)
        tools/windows/toolchain.sh packages rust clippy std x264 ffmpeg
        cross_env
        title "Cross-building for $TRIPLE"
        # by itself: together with the others it would have their features, and with them FFmpeg
        build build -p lk-vcam
        filter=$WIN/livekit_vcam.dll
        $MINGW-strip -o "$filter" "$CARGO_TARGET_DIR/$TRIPLE/ci/livekit_vcam.dll"
        mkdir -p "$DIST"
        rm -rf "$DIST"/*.whl "$WIN/wheel"
        "$VENV/bin/maturin" build --profile ci --strip --target "$TRIPLE" --out "$WIN/wheel" --interpreter python3.11 \
            --compatibility linux "${LOCKED[@]}"
        mapfile -t dlls < <(windows_dlls)
        "$PY" tools/windows/bundle_dlls.py "$WIN"/wheel/*.whl "$DIST" "${dlls[@]}" "$filter"
        ;;
    *) die "usage: build.sh [check|test]" ;;
esac
