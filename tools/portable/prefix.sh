#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds the FFmpeg of the portable wheel into build/portable/prefix, from Debian's source packages and ffmpeg.conf.
# Nothing to do is quick: what is there stays until these files or a library's version change, or FRESH=1 asks.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
. "$ROOT/tools/apt.sh"
. "$ROOT/tools/portable/libraries.sh"
HERE=$ROOT/tools/portable
JOBS=${JOBS:-$(nproc)}

[ "$(. /etc/os-release && echo "$ID${VERSION_ID:-}")" = debian12 ] && [ "$(uname -m)" = x86_64 ] ||
    die "the portable wheel is built on Debian 12, x86-64: its C library decides where the wheel runs.
In a chroot of it, for example: mmdebstrap --include=git,make bookworm FOLDER"

mapfile -t missing < <(missing_of "${PACKAGES[@]}")
if [ ${#missing[@]} -gt 0 ]; then
    title "Portable wheel: what is missing and where it will go"
    say "  system (apt-get install): ${missing[*]}"
    apt_install "${missing[@]}"
fi

key() {
    {
        cat "$HERE/ffmpeg.conf" "$HERE/prefix.sh" "$HERE/libraries.sh" "$HERE/glibc.c"
        dpkg-query -W -f='${Package} ${Version}\n' "${PACKAGES[@]}"
    } | sha256sum | cut -d' ' -f1
}
if [ -z "${FRESH:-}" ] && [ "$(cat "$PREFIX/key" 2>/dev/null)" = "$(key)" ]; then
    say "FFmpeg for the portable wheel: $PREFIX is up to date"
    exit 0
fi

title "FFmpeg for the portable wheel: sources to $SOURCES, built into $PREFIX"
rm -rf "$PREFIX" "$BASE/work"
mkdir -p "$PREFIX/versions" "$PREFIX/licences" "$SOURCES" "$BASE/work"
cd "$SOURCES"
private_apt update || die "Debian's lists of sources could not be read (see above); LK_DEBIAN_MIRROR names another mirror"
for source in "${BUILT[@]}"; do
    private_apt source --download-only --only-source "$source" || die "Debian's source of $source could not be had (see above)"
    dsc=$(find "$SOURCES" -maxdepth 1 -name "${source}_*.dsc" | sort -V | tail -n1)
    sed -n 's/^Version: //p' "$dsc" | tail -n1 >"$PREFIX/versions/$source"
    dpkg-source --no-check -x "$dsc" "$BASE/work/$source"
    cp "$BASE/work/$source/debian/copyright" "$PREFIX/licences/$source"
done
export PKG_CONFIG_PATH=$PREFIX/lib/pkgconfig CFLAGS="-O2 -fPIC -fstack-protector-strong"

title "zlib $(cat "$PREFIX/versions/zlib")"
cd "$BASE/work/zlib"
./configure --static --prefix="$PREFIX"
make -j"$JOBS" libz.a
make install >/dev/null

# Debian's static SRT and x265, with the C++ library inside: a slim machine has none
static_pc() { # static_pc NAME LIBS...
    local version
    version=$(pkg-config --modversion "$1")
    printf 'Name: %s\nDescription: with its C++ library inside\nVersion: %s\nLibs: %s\n' "$1" "$version" "${*:2}" >"$PREFIX/lib/pkgconfig/$1.pc"
}
static_pc srt -l:libsrt.a -lssl -lcrypto -l:libstdc++.a -lpthread -lm
static_pc x265 -l:libx265.a -lnuma -l:libstdc++.a -lpthread -lm

# what newer C libraries alone have, made of what older ones have
cc -O2 -fPIC -Wall -c "$HERE/glibc.c" -o "$BASE/work/glibc.o"
ar rcs "$PREFIX/lib/libglibc.a" "$BASE/work/glibc.o"

version=$(cat "$PREFIX/versions/ffmpeg")
title "FFmpeg $version"
# one argument a line; indented lines go on with the list of the line before
mapfile -t arguments < <(sed '/^#/d' "$HERE/ffmpeg.conf" | awk '/^  / { gsub(/ /, ""); line = line $0; next } { if (line) print line; line = $0 } END { print line }')
cd "$BASE/work/ffmpeg"
./configure --prefix="$PREFIX" --extra-version="${version#*-}-livekit" "${arguments[@]}" \
    --extra-cflags="-I$PREFIX/include" --extra-ldflags="-L$PREFIX/lib $WRAP" --extra-libs="$PREFIX/lib/libglibc.a -lm" >"$BASE/work/configure.log" 2>&1 ||
    { tail -n 20 "$BASE/work/configure.log" ffbuild/config.log; die "FFmpeg's configure failed (see above)"; }
# pcm_* are Apple's as well
! grep "^WARNING" "$BASE/work/configure.log" | grep -v "_at_" || die "ffmpeg.conf names what this FFmpeg does not have (see above)"
make -j"$JOBS" >"$BASE/work/make.log" 2>&1 || { tail -n 30 "$BASE/work/make.log"; die "FFmpeg could not be built (see above)"; }
make install >/dev/null

for entry in "${TAKEN[@]}"; do
    IFS=: read -r source package <<<"$entry"
    cp "/usr/share/doc/$package/copyright" "$PREFIX/licences/$source"
done
cp /usr/share/doc/gcc-12-base/copyright "$PREFIX/licences/libstdc++"
key >"$PREFIX/key"
say "FFmpeg $version is in $PREFIX"
