#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# boot.sh FOLDER JOB...: boots the guest of kit.sh and runs the jobs, in this order, with this machine's own files
# underneath: what is built here runs there, as root, about ten times slower (nothing is asked of the processor's
# virtualisation). What they write is forgotten, but for what they write into /mnt/guest, which is FOLDER. Names of
# variables in PASS are handed on. Exit status: that of the first job that failed; 124 if the guest took longer than
# LIMIT seconds, 125 if it came to no end otherwise.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
KIT=${KIT:-$(cd "$HERE/../.." && pwd)/build/guest}
FOLDER=$1
shift
mkdir -p "$FOLDER"
FOLDER=$(cd "$FOLDER" && pwd)
rm -f "$FOLDER"/*.{job,log,rc,time}
cp "$HERE/guest.sh" "$FOLDER/"
number=10
for job in "$@"; do
    cp "$job" "$FOLDER/$number-$(basename "$job" .sh).job"
    number=$((number + 1))
done
for name in ${PASS:-}; do
    [ -z "${!name+x}" ] || printf 'export %s=%q\n' "$name" "${!name}"
done >"$FOLDER/environment"

share() { # share NAME FOLDER OPTIONS: a folder of this machine
    printf '%s\n' -fsdev "local,id=$1,path=$2,security_model=none,$3" -device "virtio-9p-pci,fsdev=$1,mount_tag=$1"
}
mapfile -t shares < <(share root / readonly=on,multidevs=remap; share shared "$FOLDER" multidevs=remap)
status=0
timeout -k 5 "${LIMIT:-240}" qemu-system-x86_64 -accel tcg,thread=multi,tb-size=512 -cpu Nehalem -machine q35 \
    -smp 2 -m 3072 -nodefaults -no-reboot -display none -serial "file:$FOLDER/console.log" \
    -kernel "$KIT/vmlinuz" -initrd "$KIT/initrd" \
    -append "console=ttyS0 quiet panic=-1 mitigations=off" "${shares[@]}" </dev/null || status=$?
for job in "$FOLDER"/*.job; do
    rc=$(cat "${job%.job}.rc" 2>/dev/null || true)
    [ "${rc:-0}" = 0 ] || exit "$rc"
    [ -n "$rc" ] || exit "$([ "$status" = 124 ] && echo 124 || echo 125)"
done
