#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# deb.sh: a Debian package of the wheel for this machine's FFmpeg and Python packages, into dist/. What it depends on is read
# off the libraries that the extension is linked to, so it is for the release of Debian or Ubuntu that it is built on.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"
for tool in dpkg-deb dpkg-shlibdeps; do
    command -v $tool >/dev/null || die "there is no $tool: apt-get install dpkg-dev"
done
tools/wheel.sh build
WHEEL=$(find dist -maxdepth 1 -name '*.whl' | head -n1)
NAME=python3-livekit-studio
TREE=$ROOT/build/deb/$NAME
PACKAGES=usr/lib/python3/dist-packages
DOC=usr/share/doc/$NAME
VERSION=$(basename "$WHEEL" | cut -d- -f2)
WHO="LiveKit authors <livekit@localhost>" # whoever distributes it puts in a name of theirs

rm -rf "$ROOT/build/deb"
mkdir -p "$TREE/DEBIAN" "$TREE/$PACKAGES" "$TREE/$DOC" "$TREE/usr/bin" "$ROOT/build/deb/debian"
"$PY" -m zipfile -e "$WHEEL" "$TREE/$PACKAGES"
strip --strip-unneeded "$TREE/$PACKAGES"/livekit_studio/_native.abi3.so
rm "$TREE/$PACKAGES"/livekit_studio-*.dist-info/RECORD
echo dpkg >"$(echo "$TREE/$PACKAGES"/livekit_studio-*.dist-info)/INSTALLER"
printf '#!/usr/bin/python3\nimport sys\n\nfrom livekit_studio._cli import main\n\nsys.exit(main())\n' >"$TREE/usr/bin/livekit-studio"

{ cat NOTICE && printf '\n\n' && cat LICENSE; } >"$TREE/$DOC/copyright"
printf '%s (%s-1) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- %s  %s\n' livekit-studio "$VERSION" "$WHO" \
    "$(date -R -d "@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}")" | gzip -9n >"$TREE/$DOC/changelog.Debian.gz"
gzip -9n <CHANGELOG.md >"$TREE/$DOC/changelog.gz"

# the shell parts that Debian's Python packages have
printf '#!/bin/sh\nset -e\n[ "$1" != configure ] || py3compile -p %s\n' $NAME >"$TREE/DEBIAN/postinst"
printf '#!/bin/sh\nset -e\npy3clean -p %s\n' $NAME >"$TREE/DEBIAN/prerm"
# dpkg-shlibdeps wants a source package around it
printf 'Source: livekit-studio\n\nPackage: %s\nArchitecture: any\n' $NAME >"$ROOT/build/deb/debian/control"
LIBRARIES=$(cd "$ROOT/build/deb" && dpkg-shlibdeps -O "$TREE/$PACKAGES"/livekit_studio/_native.abi3.so | sed -n 's/^shlibs:Depends=//p')
[ -n "$LIBRARIES" ] || die "dpkg-shlibdeps names no library"
cat >"$TREE/DEBIAN/control" <<CONTROL
Package: $NAME
Source: livekit-studio
Version: $VERSION-1
Architecture: $(dpkg --print-architecture)
Maintainer: $WHO
Section: python
Priority: optional
Installed-Size: $(du -sk --exclude=DEBIAN "$TREE" | cut -f1)
Depends: $LIBRARIES, python3 (>= 3.11), python3-numpy
Recommends: fontconfig
Suggests: pipewire, pipewire-pulse, wireplumber, v4l2loopback-dkms, xvfb
Description: compose live video from Python
 Pictures, clips, cameras, windows, text, NumPy arrays and their sound on a
 canvas, live or as fast as it goes, recorded, shown or shared; a Rust engine
 that needs no display, no GPU and no sound card. "import LiveKit".
CONTROL
chmod -R u=rwX,go=rX "$TREE"
chmod 755 "$TREE/usr/bin/livekit-studio" "$TREE/DEBIAN/postinst" "$TREE/DEBIAN/prerm"
dpkg-deb --root-owner-group --build "$TREE" dist >/dev/null
say "package: $(find dist -maxdepth 1 -name "${NAME}_*.deb")"
