# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by the scripts here: where the cross tool chain for Windows is, and what builds with it.
. "$(dirname "${BASH_SOURCE[0]}")/../env.sh"

# Everything is kept here, so it is fetched and built once. LIVEKIT_WINDOWS names another folder, to share one.
WIN=${LIVEKIT_WINDOWS:-$ROOT/build/windows}
TRIPLE=x86_64-pc-windows-gnu
MINGW=x86_64-w64-mingw32
WINDOWS_PYTHON=$WIN/python/python.exe
FFMPEG_WINDOWS=$WIN/ffmpeg

# The compiler of the cross tool chain, and only it: Debian's, in a folder of its own.
cross_rust() {
    PATH=$WIN/bin:$PATH
    export RUSTC=$WIN/bin/rustc
    hash -r
}

# What the crates need to build for Windows.
cross_env() {
    cross_rust
    export FFMPEG_DIR=$FFMPEG_WINDOWS
    export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=$MINGW-gcc
    export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=$ROOT/tools/windows/wine.sh
    export CC_x86_64_pc_windows_gnu=$MINGW-gcc CXX_x86_64_pc_windows_gnu=$MINGW-g++ AR_x86_64_pc_windows_gnu=$MINGW-ar
    # for bindgen, which reads FFmpeg's headers and must not see types of the processor that Rust cannot say
    export BINDGEN_EXTRA_CLANG_ARGS_x86_64_pc_windows_gnu="--target=$MINGW -I/usr/$MINGW/include -D__AMXINTRIN_H"
}

# Wine in a folder of its own, silent, and without a window for a crash.
wine_env() {
    export WINEPREFIX=$WIN/prefix WINEDEBUG=${WINEDEBUG:--all} WINEDLLOVERRIDES='mscoree,mshtml=;winemenubuilder.exe='
    # /usr/bin/wine looks for a 32-bit Wine first
    WINE=/usr/lib/wine/wine64
    WINESERVER=/usr/lib/wine/wineserver64
    export WINE
}

# What a program of ours needs beside it: FFmpeg, but for what only its own programs use, and what mingw adds.
windows_dlls() { find "$FFMPEG_WINDOWS/bin" -name '*.dll' ! -name 'avdevice*' ! -name 'postproc*'; }

have_tool_chain() { [ -e "$WIN/.done/rust" ] && [ -e "$WIN/.done/std" ] && [ -e "$WIN/.done/ffmpeg" ]; }
