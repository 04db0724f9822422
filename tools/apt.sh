# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced after env.sh by the scripts that install system packages: as root, or as a user with sudo.

have_apt() { command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; }

# missing_of PACKAGE...: those that are not installed, one a line.
missing_of() {
    local installed name
    installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' || true)
    for name in "$@"; do
        grep -qx -- "$name" <<<"$installed" || printf '%s\n' "$name"
    done
}

ROOT_CMD=()
if [ "$(id -u)" != 0 ]; then
    ROOT_CMD=(sudo)
    [ -t 0 ] || ROOT_CMD=(sudo -n)
fi

need_root() {
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        die "this needs root, and there is no sudo here. Ask an administrator to run:
    apt-get update && apt-get install --no-install-recommends $*
and then run this again."
    fi
}

apt_updated=
apt_update() {
    [ -z "$apt_updated" ] || return 0
    title "apt-get update"
    "${ROOT_CMD[@]}" apt-get update -q || die "apt-get update failed (see above): is there a network, and may this user use sudo?"
    apt_updated=1
}

apt_install() {
    need_root "$@"
    apt_update
    title "apt-get install $*"
    "${ROOT_CMD[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" ||
        die "apt-get could not install: $* (see above)"
}
