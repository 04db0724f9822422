#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes what boot.sh boots, in the folder KIT (build/guest unless it is set): `vmlinuz`, a Debian kernel, and `initrd`,
# a first file system with busybox and a few modules: virtual cameras (vivid), v4l2loopback, an ALSA loop. Nothing is
# installed. About 80 MB are downloaded once; 20 stay. Exit status 3: this machine cannot (the last line says why).
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
KIT=${KIT:-$(cd "$HERE/../.." && pwd)/build/guest}

# Modules of the kernel: those the first file system needs to find this machine's files, and those that jobs load.
BOOT=(virtio_pci 9pnet_virtio 9p overlay)
DEVICES=(vivid snd-aloop videodev snd-pcm)

cannot() {
    printf 'no guest kernel: %s\n' "$*"
    exit 3
}

for tool in apt-get:apt dpkg-deb:dpkg qemu-system-x86_64:qemu-system-x86 busybox:busybox-static cpio:cpio \
    modprobe:kmod depmod:kmod make:make gcc:gcc; do
    command -v "${tool%%:*}" >/dev/null || cannot "there is no ${tool%%:*} (apt install ${tool#*:})"
done
[ "$(dpkg --print-architecture)" = amd64 ] || cannot "it was only tried on x86-64"
! ldd "$(command -v busybox)" >/dev/null 2>&1 || cannot "busybox is not static (apt install busybox-static)"

mkdir -p "$KIT"
KIT=$(cd "$KIT" && pwd)
exec 9>"$KIT/lock"
flock 9 # two who want it make it once

# ---- Which packages? ------------------------------------------------------------------------------------------

APT=()
depends() { apt-cache "${APT[@]}" depends "$1" 2>/dev/null | sed -n "s/^ *Depends: \($2\)/\1/p" | head -n1; }
choose() {
    local image headers
    image=$(depends linux-image-amd64 'linux-image-.*-amd64')
    VERSION=${image#linux-image-}
    headers=linux-headers-$VERSION
    PACKAGES=("$image" "$headers" "$(depends "$headers" 'linux-headers-.*-common')"
        "$(depends "$headers" 'linux-kbuild-.*')" v4l2loopback-dkms)
    [ -n "$image" ] && ! printf '%s\n' "${PACKAGES[@]}" | grep -qx ''
}
# With lists of its own if this machine's are empty or too old: no need to be root.
own_lists() {
    echo "no guest kernel in this machine's package lists: reading them anew"
    mkdir -p "$KIT/apt/state/lists/partial" "$KIT/apt/cache/archives/partial"
    APT=(-o "Dir::State=$KIT/apt/state" -o "Dir::Cache=$KIT/apt/cache" -o "Dir::State::status=/var/lib/dpkg/status"
        -o APT::Sandbox::User=)
    apt-get "${APT[@]}" -qq update >&2 || cannot "apt-get update failed"
    choose || cannot "apt knows no linux-image-amd64 with its headers and v4l2loopback-dkms (it is Debian's)"
}
download() { (cd "$1" && apt-get "${APT[@]}" -qq -o APT::Sandbox::User= download "${PACKAGES[@]}" >&2); }

# What is there is good as long as nothing that made it has changed; a newer kernel is no reason to fetch one.
key=$(cat "$HERE/kit.sh" "$HERE/initrd.sh" "$(command -v busybox)" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$KIT/key" 2>/dev/null)" = "$key" ]; then
    exit 0
fi
choose || own_lists

# ---- Fetch and build ------------------------------------------------------------------------------------------

WORK=$(mktemp -d "$KIT/work.XXXXXX")
trap 'rm -rf "$WORK" "$KIT/apt"' EXIT
echo "guest kernel $VERSION: fetching ${PACKAGES[*]}"
mkdir "$WORK/debs" "$WORK/root"
if ! download "$WORK/debs"; then
    own_lists
    download "$WORK/debs" || cannot "its packages cannot be downloaded"
fi
for deb in "$WORK"/debs/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$WORK/root" --exclude=./usr/share --exclude=./boot/System.map-*
done
[ -d "$WORK/root/lib/modules" ] || ln -s usr/lib "$WORK/root/lib"
MODULES=$WORK/root/lib/modules/$VERSION

# The headers' makefiles name each other by absolute paths.
HEADERS=$WORK/root/usr/src/linux-headers-$VERSION
grep -rlE '/usr/(src|lib)/linux-' "$WORK"/root/usr/src/linux-headers-*/Makefile |
    xargs -r sed -i -E "s#(^|[^A-Za-z0-9_./])/usr/(src|lib)/linux-#\\1$WORK/root/usr/\\2/linux-#g"
find "$WORK/root/usr/src" -type l | while read -r link; do
    to=$(readlink "$link")
    case $to in
        /usr/*) ln -sfn "$WORK/root$to" "$link" ;;
        ../../lib/*) ln -sfn "$WORK/root/usr/lib/${to#../../lib/}" "$link" ;;
    esac
done
LOOPBACK=$(echo "$WORK"/root/usr/src/v4l2loopback-*)
make -s -C "$HEADERS" M="$LOOPBACK" modules >"$KIT/build.log" 2>&1 ||
    { tail -n 20 "$KIT/build.log"; cannot "v4l2loopback does not build for kernel $VERSION (see $KIT/build.log)"; }
mkdir "$MODULES/extra"
cp "$LOOPBACK/v4l2loopback.ko" "$MODULES/extra/"
depmod -b "$WORK/root" "$VERSION"

# ---- The first file system ------------------------------------------------------------------------------------

FIRST=$WORK/first
mkdir -p "$FIRST"/{bin,proc,sys,dev,lower,rw,newroot,boot,"lib/modules/$VERSION"}
cp "$(command -v busybox)" "$FIRST/bin/busybox"
files_of() { modprobe -d "$WORK/root" -S "$VERSION" --show-depends "$1" | sed -n 's/^insmod \([^ ]*\).*/\1/p'; }
for module in "${BOOT[@]}"; do
    for file in $(files_of "$module"); do
        name=$(basename "$file")
        [ -e "$FIRST/boot/$name" ] || { cp "$file" "$FIRST/boot/"; echo "$name" >>"$FIRST/boot/list"; }
    done
done
for module in "${DEVICES[@]}" v4l2loopback; do
    files_of "$module" | xargs cp -t "$FIRST/lib/modules/$VERSION/"
done
cp "$MODULES"/modules.{builtin,builtin.modinfo,order} "$FIRST/lib/modules/$VERSION/"
depmod -b "$FIRST" "$VERSION"
install -m 755 "$HERE/initrd.sh" "$FIRST/init"
(cd "$FIRST" && find . | cpio -o -H newc --quiet -R 0:0 | gzip -1) >"$WORK/initrd"
mv "$WORK/initrd" "$KIT/initrd"
cp "$WORK/root/boot/vmlinuz-$VERSION" "$KIT/vmlinuz"
echo "$VERSION" >"$KIT/version"
echo "$key" >"$KIT/key"
