#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sets up everything the other targets need, on Debian 12/13 and Ubuntu 24.04 with nothing but git and make:
# says what it will install and where, installs it, and does nothing (in well under a second) when it is there.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
. "$ROOT/tools/apt.sh"

BUILD_PACKAGES=(build-essential clang libclang-dev pkg-config nasm cmake git ca-certificates
    libavcodec-dev libavformat-dev libavutil-dev libavfilter-dev libswscale-dev libswresample-dev
    ffmpeg fonts-dejavu-core
    dbus-daemon pipewire pipewire-bin pipewire-pulse wireplumber pulseaudio-utils
    gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-pipewire pipewire-v4l2
    xvfb openbox x11-utils xdotool
    qemu-system-x86 busybox-static cpio kmod alsa-utils v4l-utils
    sway swaybg foot grim wtype xwayland)
PYTHON_PACKAGES=(python3 python3-venv python3-dev)
STAMP=$VENV/.setup-stamp
REQUIREMENTS=$ROOT/tools/requirements-dev.txt

good_python() {
    "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    local name
    for name in python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11; do
        if good_python "$name"; then
            PYTHON=$name
            return 0
        fi
    done
    return 1
}

stamp_key() {
    {
        cat "${BASH_SOURCE[0]}" "$REQUIREMENTS"
        echo "$VENV"
    } | sha256sum | cut -d' ' -f1
}

# ---- What is missing? ----------------------------------------------------------------------------------------

packages=()
if have_apt; then
    mapfile -t packages < <(missing_of "${BUILD_PACKAGES[@]}")
    find_python || packages+=($(missing_of "${PYTHON_PACKAGES[@]}"))
fi
need_rust=1
! find_rust || need_rust=
need_venv=1
if [ "$(cat "$STAMP" 2>/dev/null)" = "$(stamp_key)" ] && "$PY" -c '' 2>/dev/null; then
    need_venv=
fi

if [ ${#packages[@]} -eq 0 ] && [ -z "$need_rust" ] && [ -z "$need_venv" ]; then
    exit 0
fi

# ---- Say so ---------------------------------------------------------------------------------------------------

title "LiveKit set-up: what is missing and where it will go"
if [ ${#packages[@]} -gt 0 ]; then
    say "  system (apt-get install): ${packages[*]}" | fold -s -w 110
fi
if [ -n "$need_rust" ]; then
    say "  Rust $RUST_MIN or newer (none found): from the distribution if it has one (system), else from rustup (~/.rustup, ~/.cargo)"
fi
if [ -n "$need_venv" ]; then
    say "  Python packages, only into $VENV:"
    say "    $(grep -v '^#' "$REQUIREMENTS" | tr '\n' ' ')"
fi
say "  Builds go to $ROOT/target, $ROOT/build and $ROOT/dist; crates that are downloaded to ${CARGO_HOME:-$HOME/.cargo}/registry."

# ---- Do it ----------------------------------------------------------------------------------------------------

# candidate PACKAGE: the version apt would install, without epoch and revision.
candidate() {
    apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: *//p' | sed 's/^[0-9]*://; s/[+~-].*//' | grep -v none || true
}

# apt_rust VERSION PACKAGE...: installs those of the packages that exist, if VERSION is new enough; true if that helped.
apt_rust() {
    local version=$1 name found=()
    shift
    [ -n "$version" ] && at_least "$version" "$RUST_MIN" || return 1
    for name in "$@"; do
        [ -z "$(candidate "$name")" ] || found+=("$name")
    done
    apt_install "${found[@]}"
    hash -r
    find_rust
}

install_rust() {
    local name version
    if ! command -v rustup >/dev/null && have_apt; then
        need_root "rustc-web cargo-web rustfmt-web rust-web-clippy (Debian) or rustup (Ubuntu)"
        apt_update
        apt_rust "$(candidate rustc)" rustc cargo rustfmt rust-clippy && return
        # Debian keeps a current compiler for its browsers in the security archive.
        apt_rust "$(candidate rustc-web)" rustc-web cargo-web rustfmt-web rust-web-clippy && return
        # Ubuntu has versioned packages: rustc-1.89 and the like.
        for name in $(apt-cache pkgnames rustc-1. | grep -xE 'rustc-1\.[0-9]+' | sort -rV); do
            version=${name#rustc-}
            apt_rust "$version" "rustc-$version" "cargo-$version" "rustfmt-$version" "rust-$version-clippy" && return
        done
        [ -z "$(candidate rustup)" ] || apt_install rustup
    fi
    PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
    hash -r
    if command -v rustup >/dev/null; then
        title "rustup toolchain install stable (into ${RUSTUP_HOME:-$HOME/.rustup})"
        rustup toolchain install stable --profile minimal -c clippy -c rustfmt || return 0
        rustup default >/dev/null 2>&1 || rustup default stable
    fi
}

if [ ${#packages[@]} -gt 0 ]; then
    apt_install "${packages[@]}"
fi

find_python || die "Python 3.11 or newer with the venv module is needed, and none was found (python3 is $(python3 --version 2>&1 || echo missing)).
Debian 12 and Ubuntu 24.04 have it as python3 and python3-venv."

if ! have_apt; then
    for tool in cc clang pkg-config nasm cmake ffmpeg; do
        command -v "$tool" >/dev/null || die "$tool is needed, and this system has no apt-get to install it with. Install: C compiler, clang with libclang, pkg-config, nasm, cmake, ffmpeg 5.1+ with its development files."
    done
fi
pkg-config --atleast-version=59.37 libavcodec ||
    die "FFmpeg 5.1 or newer with its development files is needed; libavcodec here is '$(pkg-config --modversion libavcodec 2>/dev/null || echo missing)' (5.1 has 59.37).
Debian 12 and Ubuntu 24.04 have it as libavcodec-dev."

if [ -n "$need_rust" ]; then
    install_rust
    find_rust || die "Rust $RUST_MIN or newer is needed, and neither the distribution nor rustup could give one.
Install it from https://rustup.rs (then: rustup toolchain install stable) and run this again."
    title "Rust: $(cargo --version), $(rustc --version) from $RUST_BIN"
fi

if [ -n "$need_venv" ]; then
    title "Python packages into $VENV ($("$PYTHON" --version))"
    # A virtual environment remembers where it was made: start again if this one was copied, moved or is broken.
    if ! "$PY" -c "import os, sys; sys.exit(not os.path.samefile(sys.prefix, '$VENV'))" 2>/dev/null ||
        ! grep -qsF "$VENV" "$VENV/bin/pip" 2>/dev/null || ! good_python "$PY"; then
        rm -rf "$VENV"
        "$PYTHON" -m venv "$VENV" || die "could not make a virtual environment in $VENV"
    fi
    "$PY" -m pip install --quiet -r "$REQUIREMENTS" || die "pip could not install the packages above (is there a network?)"
    stamp_key >"$STAMP"
fi
title "Set-up done"
