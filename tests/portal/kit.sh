#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes a desktop portal for tests, in the folder KIT (build/portal unless it is set): `portal`, Debian's
# xdg-desktop-portal as it is, and `backend`, its xdg-desktop-portal-wlr patched (shm.patch says why), with what they
# need beside them; and `weston`, a compositor that lets nobody copy its screen. Nothing is installed. Some 6 MB are
# downloaded once. Exit status 3: this machine cannot (the last line says why).
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
KIT=${KIT:-$(cd "$HERE/../.." && pwd)/build/portal}
PACKAGES=(xdg-desktop-portal libjson-glib-1.0-0 libfuse3-3 libgdk-pixbuf-2.0-0 libinih-dev libinih1 libgbm-dev libgbm1
    libdrm-dev libdrm2 libwayland-dev libwayland-bin libwayland-client0 wayland-protocols libsystemd-dev
    libpipewire-0.3-dev libspa-0.2-dev)

cannot() {
    printf 'no portal: %s\n' "$*"
    exit 3
}

for tool in apt-get:apt dpkg-deb:dpkg dpkg-source:dpkg-dev gcc:gcc patch:patch; do
    command -v "${tool%%:*}" >/dev/null || cannot "there is no ${tool%%:*} (apt install ${tool#*:})"
done

mkdir -p "$KIT"
KIT=$(cd "$KIT" && pwd)
exec 9>"$KIT/lock"
flock 9 # two who want it make it once
key=$(cat "$HERE/kit.sh" "$HERE/shm.patch" | sha256sum | cut -d' ' -f1)
[ "$(cat "$KIT/key" 2>/dev/null)" != "$key" ] || exit 0

# ---- Fetch ----------------------------------------------------------------------------------------------------

WORK=$(mktemp -d "$KIT/work.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
mkdir -p "$WORK"/{state/lists/partial,cache/archives/partial,debs,root}
# This machine's archives, and the sources of the same: in lists of our own, so that nobody need be root.
for ring in /usr/share/keyrings/{debian,ubuntu}-archive-keyring.{gpg,pgp}; do
    [ ! -e "$ring" ] || SIGNED=" [signed-by=$ring]"
done
apt-get indextargets --format "deb${SIGNED:-} \$(REPO_URI) \$(CODENAME) \$(COMPONENT)" 'Created-By: Packages' |
    grep -E '/(debian|debian-security|ubuntu)/? ' | sort -u >"$WORK/binary.list" || true
[ -s "$WORK/binary.list" ] || cannot "this is neither Debian nor Ubuntu"
sed 's/^deb /deb-src /' "$WORK/binary.list" | cat "$WORK/binary.list" - >"$WORK/sources.list"
APT=(-qq -o "Dir::Etc::sourcelist=$WORK/sources.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State=$WORK/state"
    -o "Dir::Cache=$WORK/cache" -o Dir::State::status=/var/lib/dpkg/status -o APT::Sandbox::User=)
apt-get "${APT[@]}" update >&2 || cannot "apt-get update failed"
# its library is called by its version
PACKAGES+=(weston "$(apt-cache "${APT[@]}" depends weston | sed -n 's/^ *Depends: \(libweston-[0-9]*-0\)/\1/p' | head -n1)")
(cd "$WORK/debs" && apt-get "${APT[@]}" download "${PACKAGES[@]}" >&2) || cannot "its packages cannot be downloaded"
(cd "$WORK" && apt-get "${APT[@]}" source xdg-desktop-portal-wlr >&2) ||
    cannot "the source of xdg-desktop-portal-wlr cannot be downloaded"
for deb in "$WORK"/debs/*.deb; do
    dpkg-deb -x "$deb" "$WORK/root"
done
SOURCE=$(echo "$WORK"/xdg-desktop-portal-wlr-*/)
version=$(basename "$SOURCE" | sed 's/.*-//')

# ---- Build ----------------------------------------------------------------------------------------------------

patch -s -d "$SOURCE" -p1 <"$HERE/shm.patch" || cannot "the patch does not fit xdg-desktop-portal-wlr $version"
ROOT=$WORK/root/usr
LIB=$ROOT/lib/$(gcc -print-multiarch)
files=("$SOURCE"src/{core,screencast,screenshot}/*.c)
for protocol in "$ROOT"/share/wayland-protocols/unstable/{linux-dmabuf/linux-dmabuf,xdg-output/xdg-output}-unstable-v1.xml \
    "$SOURCE"protocols/wlr-screencopy-unstable-v1.xml; do
    name=$SOURCE$(basename "$protocol" .xml)
    LD_LIBRARY_PATH=$LIB "$ROOT/bin/wayland-scanner" client-header "$protocol" "$name-client-protocol.h"
    LD_LIBRARY_PATH=$LIB "$ROOT/bin/wayland-scanner" private-code "$protocol" "$name-protocol.c"
    files+=("$name-protocol.c")
done
# what it is linked with, by the names in its own build file
gcc -O1 -w -std=c11 -D_POSIX_C_SOURCE=200809L -DSYSCONFDIR='"/etc"' -DHAVE_LIBSYSTEMD=1 \
    -I"$SOURCE" -I"${SOURCE}include" -I"$ROOT/include" -I"$ROOT/include/libdrm" \
    -I"$ROOT/include/pipewire-0.3" -I"$ROOT/include/spa-0.2" "${files[@]}" -o "$WORK/backend" \
    -L"$LIB" -L"/usr/lib/$(gcc -print-multiarch)" -Wl,--allow-shlib-undefined \
    -l:libpipewire-0.3.so.0 -l:libwayland-client.so.0 -l:libinih.so.1 -l:libgbm.so.1 -l:libdrm.so.2 -l:libsystemd.so.0 -lrt \
    >"$KIT/build.log" 2>&1 ||
    { tail -n 20 "$KIT/build.log"; cannot "xdg-desktop-portal-wlr $version does not build (see $KIT/build.log)"; }

rm -rf "${KIT:?}"/{portal,permissions,backend,weston,lib,portals}
mkdir "$KIT/lib" "$KIT/portals"
# only what this machine lacks
for library in "$LIB"/lib*.so.* "$LIB"/weston/libexec_weston.so.* "$LIB"/libweston-*/headless-backend.so \
    "$LIB"/weston/kiosk-shell.so; do
    name=$(basename "$library")
    [ -e "/usr/lib/$(gcc -print-multiarch)/$name" ] || [ -e "/lib/$(gcc -print-multiarch)/$name" ] || cp -P "$library" "$KIT/lib/"
done
cp "$ROOT/libexec/xdg-desktop-portal" "$KIT/portal"
cp "$ROOT/libexec/xdg-permission-store" "$KIT/permissions"
cp "$ROOT/bin/weston" "$KIT/weston"
cp "$SOURCE/wlr.portal" "$KIT/portals/"
cp "$WORK/backend" "$KIT/backend"
chmod -R a+rX "$KIT"
echo "a portal for tests: $(cd "$WORK/debs" && echo xdg-desktop-portal_*.deb | cut -d_ -f2), backend wlr $version, patched"
echo "$key" >"$KIT/key"
